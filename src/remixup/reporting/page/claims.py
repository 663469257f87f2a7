"""The rows of the results page that are claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from remixup.analysis.best_evidence import best_test, finding
from remixup.analysis.freezes import path as freeze_path
from remixup.analysis.result_schema import ClaimResult, ClaimTest, Entry, RecordedClaim
from remixup.config.claims import Claim
from remixup.reporting import latex
from remixup.reporting.page.numbers import NumberRows, SampleView, is_listed, row_id, series
from remixup.reporting.page.records import Link
from remixup.reporting.page.text import CLAIM_OUTCOMES, Paper, interval, number, plain, probability


def claim_id(claim: ClaimResult) -> str:
    """Return the id of a claim's row in the page, to which other documents link."""
    return f"claim-{claim.experiment}.{claim.id}"


@dataclass(frozen=True)
class TestView:
    """A test of a claim, as the page prints it."""

    source: str
    scale: str
    outcome: str
    standing: str
    why: str
    surrogate: str
    effect: str
    interval: str
    p: str
    n: int
    freeze: Link | None


@dataclass(frozen=True)
class Side:
    """A row that a claim compares or bounds."""

    role: str
    label: str
    anchor: str
    sample: SampleView | None


@dataclass(frozen=True)
class ClaimRow:
    """A claim, as the page prints it; empty texts where there is nothing to print."""

    id: str
    name: str
    experiment: str
    file: Link
    statement: str
    paper: Paper
    where: str
    kind: str
    metric: str
    quantity: str
    unit: str
    threshold: str
    """The smallest effect of interest, or the limit."""
    outcome: str
    why: str
    best: TestView | None
    tests: list[TestView]
    sides: list[Side]
    order: dict[str, float]
    """Column -> the value to sort by."""

    @property
    def samples(self) -> list[tuple[str, SampleView]]:
        """Return label and sample of each row that it compares."""
        return [(side.label, side.sample) for side in self.sides if side.sample]

    @property
    def series(self) -> list[dict[str, str]]:
        """Return the curves of these samples."""
        return series(self.samples)

    @property
    def specified(self) -> list[str]:
        """Return the runs of these samples."""
        return list(dict.fromkeys(sample.origin.run for _, sample in self.samples))

    @property
    def scale(self) -> str:
        """Return the scale of its best test."""
        return self.best.scale if self.best else "none"

    @property
    def standing(self) -> str:
        """Return the standing of its best test."""
        return self.best.standing if self.best else "none"


@dataclass(frozen=True)
class ClaimRows:
    """Makes the rows of an experiment's claims."""

    numbers: NumberRows

    def __iter__(self) -> Iterator[ClaimRow]:
        """Give the rows in the order of the results."""
        stated = {claim.id: claim for claim in self.numbers.experiment.claims}
        return (self.row(claim, stated[claim.id]) for claim in self.numbers.result.claims)

    def row(self, claim: ClaimResult, stated: Claim) -> ClaimRow:
        """Make the row of a claim."""
        info = self.numbers.experiment.metrics[stated.metric] if stated.metric else None
        best = best_test(claim)
        tests: list[ClaimTest] = sorted([claim, *claim.recorded], key=lambda test: test is not best)
        views = {id(test): self.test(test, stated, info.decimals if info else 0) for test in tests if test.n}
        order = {
            "effect": best.effect if best else None,
            "threshold": claim.limit if claim.limit is not None else claim.smallest_effect,
            "n": best.n if best else 0,
        }
        return ClaimRow(
            id=claim_id(claim),
            name=claim.id,
            experiment=claim.experiment,
            file=self.numbers.links.file(self.numbers.plan.path),
            statement=plain(claim.statement),
            paper=self.numbers.paper,
            where=plain(claim.where),
            kind="ours" if claim.source == "ours" else "primary" if claim.primary else "secondary",
            metric=plain(info.label) if info else "",
            quantity=(stated.metric or "").partition(".")[0],
            unit=claim.unit,
            threshold=_threshold(claim, stated),
            outcome=_outcome(claim, best),
            why=_sentence(best.why if best else claim.why),
            best=views.get(id(best)),
            tests=list(views.values()),
            sides=list(self.sides(stated, best)) if info else [],
            order={key: value for key, value in order.items() if value is not None},
        )

    def test(self, test: ClaimTest, stated: Claim, decimals: int) -> TestView:
        """Return how a test is printed."""
        places = latex.places((test.ci95[1] - test.ci95[0]) / 2 if test.ci95 else 0.0, decimals)
        recorded = isinstance(test, RecordedClaim)
        freeze = test.freeze if isinstance(test, RecordedClaim) else None
        return TestView(
            source="on record" if recorded else "this report",
            scale=test.scale,
            outcome=finding(test),
            standing=test.standing if isinstance(test, RecordedClaim) else "exploratory",
            why=_sentence(test.why),
            surrogate=plain(test.surrogate or ""),
            effect="" if test.effect is None else number(test.effect, places, sign=stated.bound is None),
            interval=interval(test.ci95, places),
            p=probability(test.p),
            n=test.n,
            freeze=self.numbers.links.file(freeze_path(freeze)) if freeze else None,
        )

    def sides(self, stated: Claim, test: ClaimTest | None) -> Iterator[Side]:
        """Give the rows that a claim uses, each with the sample that the test used."""
        roles = [(name, "baseline") for pair in stated.compare for name in pair.baseline]
        roles += [(name, "treatment") for pair in stated.compare for name in pair.treatment]
        roles += [(name, "limited") for name in (stated.bound.row if stated.bound else [])]
        entries = {entry.row: entry for entry in self.numbers.result.entries if entry.metric == stated.metric}
        for row, role in dict.fromkeys(roles):
            entry = entries.get(row)
            sample = self.sample(entry, test) if entry and test else None
            yield Side(role, self.numbers.label(row), row_id(entry) if entry and is_listed(entry) else "", sample)

    def sample(self, entry: Entry, test: ClaimTest) -> SampleView | None:
        """Return the sample of a row that a test used."""
        info = self.numbers.info(entry)
        if not isinstance(test, RecordedClaim):
            return self.numbers.sample(entry, entry, info)
        used = [each for each in entry.recorded if (each.scale, each.freeze) == (test.scale, test.freeze)]
        return self.numbers.sample(used[0], entry, info) if used else None


def _threshold(claim: ClaimResult, stated: Claim) -> str:
    unit = f" {claim.unit}" if claim.unit else ""
    if stated.bound:
        return f"limit {stated.bound.at_most:g}{unit}"
    if not stated.compare:
        return ""
    return f"{'≤ ' if stated.expect == 'no more' else ''}{claim.smallest_effect:g}{unit}"


def _sentence(text: str) -> str:
    return plain(f"{text[:1].upper()}{text[1:]}.") if text else ""


def _outcome(claim: ClaimResult, best: ClaimTest | None) -> str:
    if claim.kind != "measured":
        return claim.kind
    found = finding(best) if best else "not run"
    assert found in CLAIM_OUTCOMES
    return found
