"""The rows of the results page that are claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from remixup.analysis.best_evidence import best_test, finding
from remixup.analysis.freezes import path as freeze_path
from remixup.analysis.result_schema import ClaimResult, ClaimTest, RecordedClaim
from remixup.config.claims import Claim
from remixup.reporting import latex
from remixup.reporting.page.numbers import NumberRows, Row, SampleView, is_listed, row_id, series
from remixup.reporting.page.records import Link, Links
from remixup.reporting.page.text import interval, number, plain, probability
from remixup.reporting.table_builder import Sample, metric_info


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
class ClaimRow(Row):
    """A claim, as the page prints it."""

    statement: str
    threshold: str
    """The smallest effect of interest, or the limit."""
    best: TestView | None
    tests: list[TestView]
    sides: list[Side]


def claim_rows(numbers: NumberRows) -> Iterator[ClaimRow]:
    """Give the rows of an experiment's claims in the order of the results."""
    stated = {claim.id: claim for claim in numbers.experiment.claims}
    return (_row(numbers, claim, stated[claim.id]) for claim in numbers.result.claims)


def _row(numbers: NumberRows, claim: ClaimResult, stated: Claim) -> ClaimRow:
    """Make the row of a claim."""
    info = numbers.experiment.metrics[stated.metric] if stated.metric else None
    best = best_test(claim)
    tests: list[ClaimTest] = sorted([claim, *claim.recorded], key=lambda test: test is not best)
    views = {id(test): _test(numbers.links, test, stated, info.decimals if info else 0) for test in tests if test.n}
    view = views.get(id(best))
    sides = list(_sides(numbers, stated, best)) if info else []
    samples = [(side.label, side.sample) for side in sides if side.sample]
    outcome = finding(best) if best else "not run"
    order = {
        "effect": best.effect if best else None,
        "threshold": claim.limit if claim.limit is not None else claim.smallest_effect,
    }
    return ClaimRow(
        id=claim_id(claim),
        name=claim.id,
        experiment=claim.experiment,
        file=numbers.links.file(numbers.plan.path),
        statement=plain(claim.statement),
        paper=numbers.paper,
        where=plain(claim.where),
        kind="ours" if claim.source == "ours" else "primary" if claim.primary else "secondary",
        metric=plain(info.label) if info else "",
        quantity=(stated.metric or "").partition(".")[0],
        unit=claim.unit,
        threshold=_threshold(claim, stated),
        outcome=outcome if claim.kind == "measured" else claim.kind,
        why=_sentence((best or claim).why),
        scale=view.scale if view else "none",
        standing=view.standing if view else "none",
        best=view,
        tests=list(views.values()),
        sides=sides,
        series=series(samples),
        specified=list(dict.fromkeys(sample.origin.run for _, sample in samples)),
        order={key: value for key, value in order.items() if value is not None},
    )


def _test(links: Links, test: ClaimTest, stated: Claim, decimals: int) -> TestView:
    """Return how a test is printed."""
    places = latex.places((test.ci95[1] - test.ci95[0]) / 2 if test.ci95 else 0.0, decimals)
    recorded = test if isinstance(test, RecordedClaim) else None
    return TestView(
        source="on record" if recorded else "this report",
        scale=test.scale,
        outcome=finding(test),
        standing=recorded.standing if recorded else "exploratory",
        why=_sentence(test.why),
        surrogate=plain(test.surrogate or ""),
        effect="" if test.effect is None else number(test.effect, places, sign=stated.bound is None),
        interval=interval(test.ci95, places),
        p=probability(test.p),
        n=test.n,
        freeze=links.file(freeze_path(recorded.freeze)) if recorded and recorded.freeze else None,
    )


def _sides(numbers: NumberRows, stated: Claim, test: ClaimTest | None) -> Iterator[Side]:
    """Give the rows that a claim uses, each with the sample that the test used."""
    roles = [(name, "baseline") for pair in stated.compare for name in pair.baseline]
    roles += [(name, "treatment") for pair in stated.compare for name in pair.treatment]
    roles += [(name, "limited") for name in (stated.bound.row if stated.bound else [])]
    entries = {entry.row: entry for entry in numbers.result.entries if entry.metric == stated.metric}
    for row, role in dict.fromkeys(roles):
        entry = entries.get(row)
        used: Sample | None = None
        if entry and isinstance(test, RecordedClaim):
            sample = (test.scale, test.freeze)
            used = next((each for each in entry.recorded if (each.scale, each.freeze) == sample), None)
        elif entry and test:
            used = entry
        view = numbers.sample(used, entry, metric_info(numbers.experiment, entry)) if entry and used else None
        yield Side(role, numbers.label(row), row_id(entry) if entry and is_listed(entry) else "", view)


def _threshold(claim: ClaimResult, stated: Claim) -> str:
    unit = f" {claim.unit}" if claim.unit else ""
    if stated.bound:
        return f"limit {stated.bound.at_most:g}{unit}"
    if not stated.compare:
        return ""
    return f"{'≤ ' if stated.expect == 'no more' else ''}{claim.smallest_effect:g}{unit}"


def _sentence(text: str) -> str:
    return plain(f"{text[:1].upper()}{text[1:]}.") if text else ""
