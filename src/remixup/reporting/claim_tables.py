"""Section S1: the claims of each paper as sentences, each with the best evidence of it."""

from __future__ import annotations

import re

from remixup.analysis.best_evidence import finding, is_smoke_test
from remixup.analysis.result_schema import ClaimTest, RecordedClaim
from remixup.reporting import latex
from remixup.reporting.evidence import Judged, kind_of
from remixup.reporting.settings import Settings
from remixup.reporting.table_builder import NOTHING, TableBuilder, interval_cell

GROUPS = (
    "Primary",
    "With an outcome",
    "Open, or protocol not recovered",
    "Not informative",
    "Not run",
    "Ours: questions, extensions and conjectures",
)
"""The parts of a table, in their order."""
COLUMNS = r"@{}R{5mm}L{61mm}L{15mm}R{5mm}L{33mm}R{13mm}R{10mm}L{23mm}@{}"
HEAD = r" & Claim & Evidence & $n$ & Effect, 95\,\% interval & $\delta$ & $p$ & Outcome"


def sort_claims(judged: list[Judged]) -> list[Judged]:
    """Sort the claims as they are printed and numbered: by paper, group and reason, else in the order given."""
    papers = list(dict.fromkeys(each.experiment.paper for each in judged))
    reasons = list(dict.fromkeys(map(reason, judged)))

    def place(each: Judged) -> tuple[int, int, int]:
        found = group(each)
        by_reason = reasons.index(reason(each)) if found == "Not informative" else 0
        return papers.index(each.experiment.paper), GROUPS.index(found), by_reason

    return sorted(judged, key=place)


def group(each: Judged) -> str:
    """Return the part of its paper's table that a claim is in."""
    if each.claim.source == "ours":
        return GROUPS[-1]
    if each.claim.primary:
        return "Primary"
    if each.test is None:
        return "Not run"
    if each.finding == "not informative":
        return "Not informative"
    return GROUPS[2 if each.finding in ("open", "protocol not recovered") else 1]


def reason(each: Judged) -> str:
    """Return the first reason for which the setting of a claim is not informative; empty for others."""
    if each.test is None or each.finding != "not informative":
        return ""
    return re.sub(r"^the surrogate of \S+ is not informative: ", "", each.test.why).partition("; ")[0]


def claim_tables(claims: list[Judged], settings: Settings) -> list[str]:
    """Print a table for each paper."""
    tables: dict[str, TableBuilder] = {}
    for number, each in enumerate(claims, 1):
        table = tables.setdefault(each.experiment.paper, TableBuilder())
        found = group(each)
        table.heading(found, strong=True)
        if found == "Not informative":
            table.heading(latex.prose(reason(each)))
        table.line(rf"\claimnumber{{{number}}}{{{each.experiment.id}.{each.claim.id}}}", *_cells(each, settings, found))
    return [
        table.render(COLUMNS, HEAD, rf"Claims of \citet{{{paper}}}.", f"tab:claims-{paper}", rf"\citet{{{paper}}}")
        for paper, table in tables.items()
    ]


def _cells(each: Judged, settings: Settings, found: str) -> list[str]:
    """Return cells: sentence, evidence, seeds, effect and interval, smallest effect, p, outcome."""
    sentence = rf"{latex.prose(each.claim.statement)} \aside{{({latex.prose(each.claim.where)})}}"
    why = reason(each)
    if why and found != "Not informative":
        sentence += rf" \aside{{Not informative: {latex.prose(why)}.}}"
    test, least = each.test, limit(each)
    if test is None:
        return [sentence, NOTHING, "", "", least, "", latex.verdict("not run")]
    outcome = latex.verdict(each.finding)
    if test.untried:
        rows = len(each.stated.rows)
        outcome += rf"{{}} \aside{{{rows - len(test.untried)} of {rows} rows}}"
    if (other := each.dissent) and not is_smoke_test(other):
        outcome += rf"{{}} \aside{{{evidence(each, other, settings)}: {finding(other)}}}"
    p = NOTHING if test.p is None else r"\mbox{$<$\,0.001}" if test.p < 0.001 else f"{test.p:.3f}"
    return [sentence, evidence(each, test, settings), str(test.n), effect(each, test), least, p, outcome]


def evidence(each: Judged, test: ClaimTest, settings: Settings) -> str:
    """Return the names of a test's settings, or its scale; with a mark where the claim was frozen."""
    name = settings.compared(each.stated, each.experiment.id, test) or kind_of(test)
    return name + (r"\frozenmark{}" if isinstance(test, RecordedClaim) and test.freeze else "")


def effect(each: Judged, test: ClaimTest) -> str:
    """Print effect and interval, with digits according to the width of the interval."""
    if test.effect is None:
        return NOTHING
    decimals = each.experiment.metrics[each.stated.metric].decimals if each.stated.metric else 0
    digits = latex.places((test.ci95[1] - test.ci95[0]) / 2 if test.ci95 else 0.0, decimals)
    shown = latex.number(latex.fixed(test.effect, digits, sign=each.claim.limit is None))
    shown += f" {interval_cell(test.ci95, digits)}" if test.ci95 else ""
    return rf"\weak{{{shown}}}" if each.finding == "not informative" else shown


def limit(each: Judged) -> str:
    """Return a cell: the smallest effect of interest, or the limit of a value."""
    unit = rf"\,{latex.escape(each.claim.unit)}" if each.claim.unit else ""
    if each.stated.bound:
        return rf"max {latex.number(f'{each.stated.bound.at_most:g}')}{unit}"
    at_most = r"$\leq$\," if each.stated.expect == "no more" else ""
    return f"{at_most}{latex.number(f'{each.claim.smallest_effect:g}')}{unit}"
