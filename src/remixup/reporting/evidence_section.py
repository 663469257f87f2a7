"""The section on the claims of all papers: the best evidence of each, and what it decides."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from remixup.analysis.best_evidence import count_claims, finding
from remixup.analysis.result_schema import RecordedClaim
from remixup.reporting import latex
from remixup.reporting.claims import cells_of_test, limit
from remixup.reporting.evidence import (
    OURS,
    PUBLISHED,
    SURROGATE,
    Judged,
    by_finding,
    cells_of_count,
    kind_of,
    of,
    printed_kinds,
)
from remixup.reporting.missing_runs import Outstanding
from remixup.reporting.table_builder import TableBuilder
from remixup.reporting.templates import render

CLEAREST = 3
"""This many supported claims of a paper are named, those with the clearest intervals."""


def evidence_section(judged: list[Judged], papers: list[str], missing: Outstanding) -> str:
    """Print counts and lists of claims, those of the papers apart from ours, and the table of all.

    Args:
        judged: the claims that runs can decide, in the order of the report.
        papers: keys of references.bib.
        missing: what has no evidence of the published protocol.
    """
    claims, ours = of("paper", judged), of("ours", judged)
    found, on_surrogates = by_finding(claims)
    drawn = [each for each in found["supported"] if each.ratios]
    by_paper = groupby(drawn, key=lambda each: each.experiment.paper)
    return render(
        "evidence.tex",
        claims=claims,
        ours=ours,
        found=found,
        on_surrogates=on_surrogates,
        not_run=[each for each in claims if each.test is None],
        of_ours=by_finding(ours),
        outcomes=(PUBLISHED, SURROGATE),
        counted=lambda own: cells_of_count(count_claims(each.claim for each in own)),
        papers={paper: [each for each in claims if each.experiment.paper == paper] for paper in papers},
        kinds=printed_kinds(each.kind for each in judged),
        clearest=[e for _, own in by_paper for e in sorted(own, key=lambda each: -each.clearance)[:CLEAREST]],
        names=names,
        table=claims_table(judged),
        missing=missing,
    )


def names(claims: list[Judged]) -> Markup:
    """Print the ids of claims, each a link to its experiment, paper by paper."""
    printed = []
    for paper, own in groupby(claims, key=lambda each: each.experiment.paper):
        printed.append(rf"{latex.listed(_link(each, latex.code(each.claim.id)) for each in own)} \citep{{{paper}}}")
    return Markup("; ".join(printed))


def _link(each: Judged, text: str) -> str:
    """Link text to the table that has the claim's sentence."""
    return rf"\hyperref[claims:{each.experiment.id}]{{{text}}}"


def claims_table(judged: list[Judged]) -> str:
    """Print a line for each claim with evidence, under a heading for each paper and one for our own claims."""
    table = TableBuilder([])
    last = ""
    for each in sorted(judged, key=lambda each: each.claim.source == "ours"):
        if each.test is None:
            continue
        table.heading(OURS if each.claim.source == "ours" else rf"\citet{{{each.experiment.paper}}}")
        section = "~" if each.experiment.id == last else rf"\ref{{exp:{each.experiment.id}}}"
        last = each.experiment.id
        table.line(section, *_cells(each))
    if not table.lines:
        table.heading("Nothing was run")
    caption = r"Each claim by the best evidence of it. \evidencecaption"
    return table.render("evidence-claims.tex", caption, "tab:evidence")


def _cells(each: Judged) -> list[str]:
    """Return cells: name, kind of evidence, seeds, effect, interval, smallest effect, outcome."""
    test, metric = each.test, each.stated.metric
    assert test is not None
    assert metric is not None
    marks = {test.stand_in: r"\surrogatemark{}" if test.stand_in else ""}
    _, effect, interval, _, n, _ = cells_of_test(
        test, each.experiment.metrics[metric].decimals, marks, sign=each.claim.limit is None
    )
    mark = r"\recordmark{}" if isinstance(test, RecordedClaim) else ""
    name = _link(each, latex.escape(each.claim.id)) + (r"\primarymark{}" if each.claim.primary else "")
    decision = [latex.verdict(each.finding)]
    if test.untried:
        rows = len(each.stated.rows)
        decision.append(f"{rows - len(test.untried)} of {rows} rows")
    if each.dissent:
        decision.append(f"{kind_of(each.dissent)}: {finding(each.dissent)}")
    return [name, each.kind + mark, n, effect, interval, limit(each.stated, each.claim), "; ".join(decision)]
