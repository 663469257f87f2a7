"""How many numbers and claims there are of each kind of evidence, and what is decided about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from remixup.analysis.best_evidence import KINDS, Kind, best_evidence, best_test, kind, outcome
from remixup.analysis.result_schema import ClaimResult, Entry, ExperimentResult, RecordedClaim
from remixup.config.experiment import Claim, ClaimSource, Experiment

DECISIONS = (r"\Confirmed", r"\Refuted", r"\DirectionShown", r"\DirectionNotShown", r"\Undecided")
"""The commands, defined in paper/report.tex with their symbols, that print what is decided about a claim."""
DECIDED = ("confirmed", "refuted", "shown", "not shown", "undecided")
"""The same in words, as `outcome` returns them."""
DECISION_NAMES = ("Confirmed", "Refuted", "Shown", "NotShown", "Undecided")
"""The same as parts of the names of macros."""
OURS = "Questions and extensions of ours"
"""The heading of what the papers do not claim."""
RARE: tuple[Kind, ...] = ("reduced-cpu", "embedded")
"""The kinds that tables leave out where there are none of them."""


def among(counts: Counter[Kind]) -> list[Kind]:
    """The kinds that a table of these counts has a line or a column for."""
    return [name for name in KINDS if name not in RARE or counts[name]]


def decision(test: ClaimResult | RecordedClaim | None) -> str:
    """Return the command that prints what a test decides."""
    return DECISIONS[DECIDED.index(outcome(test))]


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


def by_source(claims: Iterable[ClaimResult]) -> dict[ClaimSource, list[ClaimResult]]:
    """Return the papers' claims and those of ours, each in their order."""
    listed = list(claims)
    return {source: [claim for claim in listed if claim.source == source] for source in ("paper", "ours")}


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


def of(source: ClaimSource, claims: Iterable[Judged]) -> list[Judged]:
    """Return the claims of one source, in their order."""
    return [each for each in claims if each.claim.source == source]


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
