"""The claims of all papers, each with the best evidence of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from remixup.analysis.best_evidence import Kind, best_test, claim_without_smoke_test, dissenting_test, finding, kind
from remixup.analysis.result_schema import ClaimResult, ClaimTest, ExperimentResult, OnSurrogate, Outcome
from remixup.config.claims import Claim, ClaimSource
from remixup.config.experiment import Experiment


def kind_of(test: ClaimTest | None) -> Kind:
    """Return the kind of evidence of a test."""
    return kind(test.scale, test.surrogate) if test else "none"


@dataclass(frozen=True)
class Judged:
    """A claim that runs can decide, and the best test of it."""

    experiment: Experiment
    stated: Claim
    claim: ClaimResult
    test: ClaimTest | None

    @property
    def kind(self) -> Kind:
        """Return the kind of evidence of the best test."""
        return kind_of(self.test)

    @property
    def finding(self) -> Outcome | OnSurrogate:
        """Return the finding of the best test."""
        return finding(self.test)

    @property
    def dissent(self) -> ClaimTest | None:
        """Return the best test with another finding, if any."""
        return dissenting_test(self.claim)

    @property
    def ratios(self) -> tuple[float, float, float] | None:
        """Return the effect and both ends of its interval, in smallest effects of interest.

        None without a test, and for a limit, which has no smallest effect; a single seed has no interval but itself.
        """
        if self.test is None or self.test.effect is None or self.stated.smallest_effect is None:
            return None
        low, high = self.test.ci95 or (self.test.effect, self.test.effect)
        least = self.stated.smallest_effect
        return self.test.effect / least, low / least, high / least

    @property
    def drawn(self) -> bool:
        """Return whether a figure shows the claim: it has `ratios`, and its evidence is informative."""
        return self.ratios is not None and self.finding != "not informative"


def in_order(experiments: list[Experiment]) -> list[Experiment]:
    """Sort experiments as in the report: paper by paper, in the order of their first ones."""
    papers = list(dict.fromkeys(experiment.paper for experiment in experiments))
    return sorted(experiments, key=lambda experiment: papers.index(experiment.paper))


def of(source: ClaimSource, claims: Iterable[Judged]) -> list[Judged]:
    """Return the claims of one source, in their order."""
    return [each for each in claims if each.claim.source == source]


def judge(experiments: list[Experiment], results: Iterable[ExperimentResult]) -> list[Judged]:
    """Find the best test of each claim that runs can decide, in the order of the report; a smoke test is none."""
    found = {result.experiment: result.claims for result in results}
    return [
        Judged(experiment, stated, claim, best_test(claim_without_smoke_test(claim)))
        for experiment in in_order(experiments)
        for claim in found.get(experiment.id, [])
        for stated in experiment.claims
        if stated.id == claim.id and claim.kind == "measured"
    ]
