"""What counts as the best evidence for a number or a claim, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from remixup.replication.results import ClaimResult, Entry, ExperimentResult, Recorded, RecordedClaim
from remixup.spec.config import Scale
from remixup.spec.experiment import Claim, Experiment

DECISIONS = (r"\Confirmed", r"\Refuted", r"\DirectionShown", r"\DirectionNotShown", r"\Undecided")
"""The commands, defined in paper/report.tex with their symbols, that print what is decided about a claim."""
DECIDED = ("confirmed", "refuted", "shown", "not shown", "undecided")
"""The same in words."""
BROKEN = ("failed", "diverged", "no value")
"""The verdicts on numbers that not all of their runs gave."""
Kind = Literal["paper", "reduced", "reduced-cpu", "embedded", "stand-in", "none"]
KINDS: tuple[Kind, ...] = ("paper", "reduced", "reduced-cpu", "embedded", "stand-in", "none")
"""Kinds of evidence, best first; "embedded" is a number measured there that stands in for nothing."""
RARE: tuple[Kind, ...] = ("reduced-cpu", "embedded")
"""The kinds that tables leave out where there are none of them."""


def kind(scale: Scale, stand_in: str | None) -> Kind:
    """What a number that was measured counts as.

    At the reduced scales, on a GPU and on a CPU, the data is real and the schedule short, so that nearly all of their
    numbers stand in for others; "stand-in" is what stands in at any other scale.
    """
    if scale == "reduced" or scale == "reduced-cpu":
        return scale
    return "stand-in" if stand_in else scale


def among(counts: Counter[Kind]) -> list[Kind]:
    """The kinds that a table of these counts has a line or a column for."""
    return [name for name in KINDS if name not in RARE or counts[name]]


def best_record(entry: Entry) -> Recorded | None:
    """The recorded result that says most (best kind, no stand-in, most runs, newest), if not this report's own."""
    return min(
        (
            record
            for record in sorted(entry.recorded, key=lambda record: record.date, reverse=True)
            if record.replicated != entry.replicated
        ),
        key=lambda r: (KINDS.index(kind(r.scale, r.stand_in)), r.stand_in is not None, -r.replicated.n),
        default=None,
    )


def best_evidence(entry: Entry) -> tuple[Kind, str]:
    """Kind and verdict of the best evidence for a number: the best kind, then whole samples, then the larger."""
    samples: list[Entry | Recorded] = [entry, *filter(None, [best_record(entry)])]
    found: list[tuple[Kind, bool, int, str]] = [
        (kind(each.scale, each.stand_in), each.verdict in BROKEN, -each.replicated.n, each.verdict)
        for each in samples
        if each.replicated
    ]
    best = min(found, key=lambda each: (KINDS.index(each[0]), *each[1:3]), default=("none", False, 0, entry.verdict))
    return best[0], best[3]


def _rank(test: ClaimResult | RecordedClaim) -> tuple[int, int, int]:
    return KINDS.index(kind(test.scale, test.stand_in)), len(test.untried), -test.n


def best_test(claim: ClaimResult) -> ClaimResult | RecordedClaim | None:
    """The test of a claim on the best evidence, then on most of its rows, then on most seeds; None without any."""
    tests: list[ClaimResult | RecordedClaim] = [*([claim] if claim.n else []), *claim.recorded]
    return min(tests, key=_rank, default=None)


def dissenting_test(claim: ClaimResult) -> ClaimResult | RecordedClaim | None:
    """The best of the tests that found something else than the best one, which may have left it open; None if none."""
    best = best_test(claim)
    tests: list[ClaimResult | RecordedClaim] = [claim, *claim.recorded]
    other = [test for test in tests if best and test.holds not in (None, best.holds)]
    return min(other, key=_rank, default=None)


def decision(test: ClaimResult | RecordedClaim | None) -> str:
    """The command that prints what a test decides; a stand-in neither confirms nor refutes."""
    if test is None or test.holds is None:
        return r"\Undecided"
    if test.stand_in:
        return r"\DirectionShown" if test.holds else r"\DirectionNotShown"
    return r"\Confirmed" if test.holds else r"\Refuted"


def count_numbers(entries: Iterable[Entry]) -> tuple[Counter[Kind], Counter[str]]:
    """Published numbers by kind of their best evidence, and by its verdict."""
    best = [best_evidence(entry) for entry in entries if entry.published is not None]
    return Counter(kind for kind, _ in best), Counter(verdict for _, verdict in best)


def count_claims(claims: Iterable[ClaimResult]) -> dict[Kind, Counter[str]]:
    """For each kind of best evidence: how many of the claims that runs can decide have each of the `DECISIONS`."""
    counts: dict[Kind, Counter[str]] = {name: Counter() for name in KINDS}
    for claim in measured(claims):
        test = best_test(claim)
        counts[kind(test.scale, test.stand_in) if test else "none"][decision(test)] += 1
    return counts


def measured(claims: Iterable[ClaimResult]) -> list[ClaimResult]:
    """The claims that runs can decide: neither definitions nor sentences that are left untested."""
    return [claim for claim in claims if claim.kind == "measured"]


@dataclass(frozen=True)
class Judged:
    """A claim that runs can decide, and the best test of it."""

    experiment: Experiment
    stated: Claim
    claim: ClaimResult
    test: ClaimResult | RecordedClaim | None

    @property
    def kind(self) -> Kind:
        """Of the evidence that the test rests on."""
        return kind(self.test.scale, self.test.stand_in) if self.test else "none"

    @property
    def decision(self) -> str:
        """The command that prints what the test decides."""
        return decision(self.test)

    @property
    def ratios(self) -> tuple[float, float, float] | None:
        """Effect and both ends of its interval, in smallest effects of interest.

        None without a test, and for a limit, which has no smallest effect; a single seed has no interval but itself.
        """
        if self.test is None or self.test.effect is None or self.stated.smallest_effect is None:
            return None
        low, high = self.test.ci95 or (self.test.effect, self.test.effect)
        least = self.stated.smallest_effect
        return self.test.effect / least, low / least, high / least

    @property
    def clearance(self) -> float:
        """By how many smallest effects of interest the interval lies beyond that effect, on the side of the claim."""
        if self.ratios is None:
            return float("-inf")
        _, low, high = self.ratios
        return low - 1 if self.stated.expect == "more" else 1 - high


def in_order(experiments: list[Experiment]) -> list[Experiment]:
    """The experiments as the report has them: paper by paper, in the order of their first ones."""
    papers = list(dict.fromkeys(experiment.paper for experiment in experiments))
    return sorted(experiments, key=lambda experiment: papers.index(experiment.paper))


def judge(experiments: list[Experiment], results: Iterable[ExperimentResult]) -> list[Judged]:
    """All claims that runs can decide, in the order of the report."""
    found = {result.experiment: measured(result.claims) for result in results}
    return [
        Judged(experiment, stated, claim, best_test(claim))
        for experiment in in_order(experiments)
        for claim in found.get(experiment.id, [])
        for stated in experiment.claims
        if stated.id == claim.id
    ]
