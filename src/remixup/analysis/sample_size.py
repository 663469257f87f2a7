"""How many seeds a verdict needs, judged by how much seeds have differed so far."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.special import stdtrit

from remixup.analysis.records import REAL, OnRecord, add_to_claims
from remixup.analysis.result_schema import ClaimResult, RecordedClaim, Result
from remixup.analysis.run_results import Harvest
from remixup.analysis.statistics import ROUND_OFF
from remixup.analysis.verdicts import Evidence, decide_claims, default_tolerance
from remixup.config.settings import SCALES, Config, Scale
from remixup.planning.plan import Plan, PlannedRow, plan_experiment, with_all_rows

MOST = 1000
FEWEST_FOR_NUMBER = 3
"""Runs without which no number counts as replicated (`verdicts.verdict`)."""
FEWEST_FOR_CLAIM = 2


class Needed(Result):
    """How many seeds it would take to decide a published number, or a claim."""

    what: Literal["number", "claim"]
    id: str = Field(description="of a number `row metric`, of a claim its id")
    margin: float | None = Field(
        description="the half-width that the 95 % interval may have: of a number its tolerance, of a claim the "
        "distance of the effect from the smallest of interest; null where no effect is known"
    )
    std: float | None = Field(description="standard deviation over seeds; of a claim that of the effect")
    evidence: str | None = Field(
        description="where the standard deviation is from: `records` or `store`, and the scale"
    )
    seeds: int | Literal["> 1000"] | None = Field(description="null: unknown, as there is no evidence")


def seeds_needed(std: float, margin: float, fewest: int) -> int | Literal["> 1000"]:
    """The smallest n with t(n - 1; 0.975) std / sqrt(n) <= margin: so that a 95 % interval is narrow enough.

    The standard deviation is taken for the true one, so that half of all samples of that size give a wider interval.

    Args:
        std: standard deviation over seeds, at least 0.
        margin: half-width that is wanted, at least 0.
        fewest: n is not below it; at least 2.
    """
    n = np.arange(fewest, MOST + 1)
    narrow = stdtrit(n - 1, 0.975) * std / np.sqrt(n) <= margin + ROUND_OFF
    return int(n[narrow.argmax()]) if narrow.any() else "> 1000"


def needed(config: Config, plan: Plan) -> list[Needed]:
    """What each published number that is to get a verdict at the plan's scale needs, and each claim that is measured.

    The spread over seeds is the best there is: on record (at this scale, else another real one), else in the store at
    this scale, else at another one. For a claim it is that of the paired differences; that Holm's correction asks for
    more where several claims are tested is left aside.
    """
    evidence = _AllEvidence(config, plan)
    numbers = [
        _number(evidence, row, metric)
        for row in plan.rows
        for metric in row.row.published
        # What stands in for something is not compared with the number.
        if row.stand_in is None and row.row.transcribed(metric)
    ]
    return numbers + evidence.claims()


def _number(evidence: _AllEvidence, row: PlannedRow, metric: str) -> Needed:
    printed = row.row.printed(metric)
    assert printed is not None
    assert printed.value is not None
    margin = evidence.plan.experiment.tolerance(row.row, metric) or default_tolerance(printed.value)
    name = f"{row.row.id} {metric}"
    for source, values in evidence.samples(row.row.id, metric):
        if len(values) > 1:
            std = statistics.stdev(values)
            enough = seeds_needed(std, margin, FEWEST_FOR_NUMBER)
            return Needed(what="number", id=name, margin=margin, std=std, evidence=source, seeds=enough)
    return Needed(what="number", id=name, margin=margin, std=None, evidence=None, seeds=None)


def _claim(claim: ClaimResult, source: str, found: ClaimResult | RecordedClaim) -> Needed | None:
    """What a claim needs by an effect that was measured; None where fewer than two seeds have it."""
    if found.effect is None or found.ci95 is None:
        return None
    half = (found.ci95[1] - found.ci95[0]) / 2
    std = half * found.n**0.5 / float(stdtrit(found.n - 1, 0.975))
    margin = abs(found.effect - claim.smallest_effect)
    # An effect that is the smallest of interest to the last digit is never told from it.
    enough = seeds_needed(std, margin, FEWEST_FOR_CLAIM) if margin > ROUND_OFF else "> 1000"
    return Needed(what="claim", id=claim.id, margin=margin, std=std, evidence=source, seeds=enough)


class _AllEvidence:
    """What was measured of an experiment, the best first: on record, in the store at this scale, at others."""

    def __init__(self, config: Config, plan: Plan) -> None:
        self.plan = plan
        others = [scale for scale in reversed(SCALES) if scale != plan.scale]
        self.scales: list[Scale] = [plan.scale, *others]
        self.recorded = OnRecord(plan.path, plan.experiment, config)
        self.stored: dict[Scale, Harvest] = {}
        for scale in self.scales:
            settings = config.model_copy(update={"scale": scale})
            # What is stored counts here, whether or not its data is at hand.
            at_scale = plan if scale == plan.scale else plan_experiment(plan.path, plan.experiment, settings, scale)
            self.stored[scale] = Harvest(settings, with_all_rows(at_scale))

    def samples(self, row: str, metric: str) -> Iterator[tuple[str, list[float]]]:
        """Where a metric of a row was measured, and its values."""
        found = self.recorded.found[row]
        for scale in (each for each in self.scales if each in found):
            yield f"records, {scale} scale", list(found[scale].values(metric).values())
        for scale, harvest in self.stored.items():
            for planned in harvest.plan.rows:
                if planned.row.id == row:
                    yield f"store, {scale} scale", list(harvest.samples(planned, metric)[0].values())

    def claims(self) -> list[Needed]:
        """What each measured claim needs, by the best evidence of it."""
        experiment = self.plan.experiment
        tested = [claim for claim in experiment.claims if claim.metric is not None]
        if not tested:
            return []
        results: dict[str, list[tuple[str, ClaimResult | RecordedClaim]]] = {claim.id: [] for claim in tested}
        blank = decide_claims(experiment, {row.id: Evidence(self.plan.scale) for row in experiment.rows})
        add_to_claims(blank, self.recorded)
        for scale in (each for each in self.scales if each in REAL):
            for claim in blank:
                found = [each for each in claim.recorded if each.scale == scale]
                results.setdefault(claim.id, []).extend((f"records, {scale} scale", each) for each in found)
        for scale, harvest in self.stored.items():
            for decided in self._decided(harvest):
                results.setdefault(decided.id, []).append((f"store, {scale} scale", decided))
        smallest = {claim.id: claim for claim in blank}
        return [self._best(smallest[claim.id], results[claim.id]) for claim in tested]

    def _decided(self, harvest: Harvest) -> list[ClaimResult]:
        """The claims by what the store has at a scale."""
        plan, claims = harvest.plan, [claim for claim in harvest.plan.experiment.claims if claim.metric is not None]
        evidence = {row.id: Evidence(plan.scale) for row in plan.experiment.rows}
        for row in plan.rows:
            concerned = [claim for claim in claims if row.row.id in claim.rows]
            metrics = {name for claim in concerned for name in (claim.metric, claim.select_by) if name}
            values = {metric: harvest.samples(row, metric)[0] for metric in metrics}
            evidence[row.row.id] = Evidence(row.scale, row.stand_in, None, values)
        return decide_claims(plan.experiment, evidence)

    def _best(self, claim: ClaimResult, results: list[tuple[str, ClaimResult | RecordedClaim]]) -> Needed:
        found = (each for source, result in results if (each := _claim(claim, source, result)))
        unknown = Needed(what="claim", id=claim.id, margin=None, std=None, evidence=None, seeds=None)
        return next(found, unknown)
