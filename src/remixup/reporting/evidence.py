"""The claims of all papers, each with the best evidence of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from remixup.analysis.best_evidence import KINDS, Kind, best_test, dissenting_test, finding, kind
from remixup.analysis.result_schema import ClaimCount, ClaimResult, ClaimTest, ExperimentResult, OnSurrogate, Outcome
from remixup.config.claims import Claim, ClaimSource
from remixup.config.experiment import Experiment

PUBLISHED: tuple[Outcome, ...] = get_args(Outcome)[:-1]
"""The outcomes that tests of the published protocol can have, in the order of the tables."""
SURROGATE: tuple[OnSurrogate, ...] = get_args(OnSurrogate)
"""What tests on surrogates can say."""
OURS = "Questions and extensions of ours"
"""The heading of what the papers do not claim."""
RARE: tuple[Kind, ...] = ("reduced-cpu", "embedded")
"""The kinds that tables leave out where there are none of them."""


def printed_kinds(found: Iterable[Kind]) -> list[Kind]:
    """List the kinds of evidence that a table has a line or a column for."""
    present = set(found)
    return [name for name in KINDS if name not in RARE or name in present]


def kind_of(test: ClaimTest | None) -> Kind:
    """Return the kind of evidence that a test rests on."""
    return kind(test.scale, test.stand_in) if test else "none"


@dataclass(frozen=True)
class Judged:
    """A claim that runs can decide, and the best test of it."""

    experiment: Experiment
    stated: Claim
    claim: ClaimResult
    test: ClaimTest | None

    @property
    def kind(self) -> Kind:
        """Return the kind of evidence that the test rests on."""
        return kind_of(self.test)

    @property
    def finding(self) -> Outcome | OnSurrogate:
        """Return what the test says."""
        return finding(self.test)

    @property
    def dissent(self) -> ClaimTest | None:
        """Return the best test that found something else, if any."""
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

    @property
    def clearance(self) -> float:
        """Return by how many smallest effects of interest the interval is beyond that effect, on the claim's side."""
        if self.ratios is None:
            return float("-inf")
        _, low, high = self.ratios
        return low - 1 if self.stated.expect == "more" else 1 - high


def by_finding(claims: Iterable[Judged]) -> tuple[dict[str, list[Judged]], dict[str, list[Judged]]]:
    """List the claims with each outcome of the published protocol, and those with each finding on surrogates."""
    tested = [(each, each.test.stand_in) for each in claims if each.test]
    return (
        {name: [each for each, surrogate in tested if not surrogate and each.finding == name] for name in PUBLISHED},
        {name: [each for each, surrogate in tested if surrogate and each.finding == name] for name in SURROGATE},
    )


def cells_of_count(count: ClaimCount) -> str:
    """Print the numbers of claims with each outcome, on surrogates, and without runs."""
    found = [count.published_protocol.get(name, 0) for name in PUBLISHED]
    return " & ".join(map(str, [*found, *(count.surrogate.get(name, 0) for name in SURROGATE), count.not_run]))


def in_order(experiments: list[Experiment]) -> list[Experiment]:
    """Sort experiments as in the report: paper by paper, in the order of their first ones."""
    papers = list(dict.fromkeys(experiment.paper for experiment in experiments))
    return sorted(experiments, key=lambda experiment: papers.index(experiment.paper))


def of(source: ClaimSource, claims: Iterable[Judged]) -> list[Judged]:
    """Return the claims of one source, in their order."""
    return [each for each in claims if each.claim.source == source]


def judge(experiments: list[Experiment], results: Iterable[ExperimentResult]) -> list[Judged]:
    """Find the best test of each claim that runs can decide, in the order of the report."""
    found = {result.experiment: result.claims for result in results}
    return [
        Judged(experiment, stated, claim, best_test(claim))
        for experiment in in_order(experiments)
        for claim in found.get(experiment.id, [])
        for stated in experiment.claims
        if stated.id == claim.id and claim.kind == "measured"
    ]
