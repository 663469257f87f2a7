"""The section on the claims of all papers: the best evidence of each, and what it decides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from remixup.analysis.best_evidence import dissenting_test, kind
from remixup.analysis.result_schema import RecordedClaim
from remixup.reporting import latex
from remixup.reporting.claims import cells_of_test, limit
from remixup.reporting.evidence import DECIDED, DECISIONS, OURS, Judged, among, decision, of
from remixup.reporting.table_builder import TableBuilder
from remixup.reporting.templates import render

CLEAREST = 3
"""This many confirmed claims of a paper are named, those with the clearest intervals."""


@dataclass(frozen=True)
class Counted:
    """Claims, and how many of them have each kind of best evidence."""

    claims: list[Judged]

    @property
    def total(self) -> int:
        """Count the claims."""
        return len(self.claims)

    @property
    def kinds(self) -> Counter[str]:
        """Count the claims by the kind of their best evidence."""
        return Counter(each.kind for each in self.claims)

    def of(self, outcome: str) -> list[Judged]:
        """List the claims with an outcome, one of `DECIDED`."""
        return [each for each in self.claims if each.decision == DECISIONS[DECIDED.index(outcome)]]


def evidence_section(judged: list[Judged], papers: list[str]) -> str:
    """Print counts and lists of claims, those of the papers apart from ours, and the table of all.

    Args:
        judged: the claims that runs can decide, in the order of the report.
        papers: keys of references.bib.
    """
    ours, claims = Counted(of("ours", judged)), Counted(of("paper", judged))
    drawn = [each for each in claims.claims if each.ratios is not None]
    by_paper = groupby(
        (each for each in claims.of("confirmed") if each in drawn), key=lambda each: each.experiment.paper
    )
    return render(
        "evidence.tex",
        claims=claims,
        ours=ours,
        papers={paper: Counted([e for e in claims.claims if e.experiment.paper == paper]) for paper in papers},
        kinds=among(Counter(each.kind for each in judged)),
        outcomes=list(DECIDED),
        drawn=drawn,
        limits=[each for each in claims.claims if each.test and each not in drawn],
        clearest=[e for _, own in by_paper for e in sorted(own, key=lambda each: -each.clearance)[:CLEAREST]],
        dissenting=[each for each in claims.claims if dissenting_test(each.claim)],
        shown_on_real_data=[each for each in claims.of("shown") if each.kind.startswith("reduced")],
        without_runs=[each for each in claims.claims if each.kind == "none"],
        names=names,
        table=claims_table(judged),
    )


def names(claims: list[Judged]) -> Markup:
    """Print the ids of claims, each a link to its experiment, paper by paper."""
    parts = []
    for paper, own in groupby(claims, key=lambda each: each.experiment.paper):
        parts.append(rf"{latex.listed(_link(each, latex.code(each.claim.id)) for each in own)} \citep{{{paper}}}")
    return Markup("; ".join(parts))


def _link(each: Judged, text: str) -> str:
    """Link text to the table that has the claim's sentence."""
    return rf"\hyperref[claims:{each.experiment.id}]{{{text}}}"


def claims_table(judged: list[Judged]) -> str:
    """Print a line for each claim with evidence, under a heading for each paper and one for our own claims."""
    table = TableBuilder([])
    last = ""
    for each in (each for each in [*of("paper", judged), *of("ours", judged)] if each.test):
        table.heading(OURS if each.claim.source == "ours" else rf"\citet{{{each.experiment.paper}}}")
        section = "~" if each.experiment.id == last else rf"\ref{{exp:{each.experiment.id}}}"
        last = each.experiment.id
        table.line(section, *_cells(each))
    if not table.lines:
        table.heading("Nothing was run")
    caption = r"Each claim by the best evidence of it. \evidencecaption"
    return table.render("evidence-claims.tex", caption, "tab:evidence")


def _cells(each: Judged) -> list[str]:
    """Return cells: name, kind of evidence, seeds, effect, interval, smallest effect, decision."""
    test, metric = each.test, each.stated.metric
    assert test is not None
    assert metric is not None
    decimals = each.experiment.metrics[metric].decimals
    marks = {test.stand_in: r"\standinmark{}" if test.stand_in else ""}
    _, effect, interval, _, n, _ = cells_of_test(test, decimals, marks)
    mark = r"\recordmark{}" if isinstance(test, RecordedClaim) else ""
    name = _link(each, latex.escape(each.claim.id))
    return [name, each.kind + mark, n, effect, interval, limit(each.stated, each.claim), _decision(each)]


def _decision(each: Judged) -> str:
    """Print the decision, how many rows a choice could try, and evidence that says something else."""
    parts = [each.decision]
    if each.test and each.test.untried:
        rows = len(each.stated.rows)
        parts.append(f"{rows - len(each.test.untried)} of {rows} rows")
    if other := dissenting_test(each.claim):
        parts.append(f"{kind(other.scale, other.stand_in)}: {DECIDED[DECISIONS.index(decision(other))]}")
    return "; ".join(parts)
