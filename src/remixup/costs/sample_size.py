"""Estimate how many seeds a verdict needs, from the standard deviation over seeds so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field
from scipy.special import stdtrit

from remixup.analysis.result_schema import (
    ClaimResult,
    ClaimTest,
    Entry,
    ExperimentResult,
    Recorded,
    RecordedClaim,
    Result,
)
from remixup.analysis.statistics import ROUND_OFF
from remixup.analysis.thresholds import FEWEST
from remixup.config.settings import SCALES, Scale
from remixup.planning.plan import Plan

MOST = 1000
OnRecord = TypeVar("OnRecord", Recorded, RecordedClaim)


class Needed(Result):
    """How many seeds a published number or a claim needs for its verdict."""

    what: Literal["number", "claim"]
    id: str = Field(description="of a number `row metric`, of a claim its id")
    margin: float | None = Field(
        None,
        description="the half-width that the interval may have: of a number (90 %) its tolerance, of a claim (95 %) "
        "the distance of the effect from the smallest of interest, or from the limit; null where no effect is known",
    )
    std: float | None = Field(None, description="standard deviation over seeds; of a claim that of the effect")
    evidence: str | None = Field(None, description="where the standard deviation is from, with the scale")
    seeds: int | Literal["> 1000"] | None = Field(None, description="null: unknown, as nothing was measured")


def seeds_needed(std: float, margin: float, fewest: int, level: float = 0.95) -> int | Literal["> 1000"]:
    """Return the smallest n whose t interval has at most this half-width.

    The standard deviation is taken for the true one: half of all samples of n seeds give a wider interval.

    Args:
        std: standard deviation over seeds, at least 0.
        margin: the half-width that the interval may have, at least 0.
        fewest: a lower limit of n, at least 2.
        level: of the interval; a claim needs the 95 % one, the equivalence of a number the 90 % one.
    """
    n = np.arange(fewest, MOST + 1)
    narrow = stdtrit(n - 1, 0.5 + level / 2) * std / np.sqrt(n) <= margin + ROUND_OFF
    return int(n[narrow.argmax()]) if narrow.any() else "> 1000"


def needed(plan: Plan, result: ExperimentResult) -> list[Needed]:
    """Estimate the seeds for each number that gets a verdict at the plan's scale, and for each claim that runs test.

    The standard deviation comes from the records (at the plan's scale, else at the one nearest to the published
    protocol), else from the run store at the plan's scale. The correction for all primary claims of a paper, which
    asks for more seeds, is not considered.
    """
    rows = {row.row.id for row in plan.rows if row.surrogate is None}
    numbers = [each for each in result.entries if each.row in rows and each.published is not None and each.transcribed]
    claims = [each for each in result.claims if each.kind == "measured"]
    return [*(_number(each, plan.scale) for each in numbers), *(_claim(each, plan.scale) for each in claims)]


def _number(entry: Entry, scale: Scale) -> Needed:
    name, margin = f"{entry.row} {entry.metric}", entry.tolerance
    assert margin is not None
    measured: list[Recorded | Entry] = [*_by_scale(entry.recorded, scale), entry]
    for each in measured:
        if each.replicated is not None and each.replicated.std is not None:
            std = each.replicated.std
            seeds = seeds_needed(std, margin, FEWEST, level=0.90)
            return Needed(what="number", id=name, margin=margin, std=std, evidence=_source(each), seeds=seeds)
    return Needed(what="number", id=name, margin=margin)


def _claim(claim: ClaimResult, scale: Scale) -> Needed:
    tests: list[ClaimTest] = [*_by_scale(claim.recorded, scale), claim]
    boundary = claim.smallest_effect if claim.limit is None else claim.limit
    for each in tests:
        if each.effect is not None and each.ci95 is not None:
            std = (each.ci95[1] - each.ci95[0]) / 2 * each.n**0.5 / float(stdtrit(each.n - 1, 0.975))
            margin = abs(each.effect - boundary)
            # An effect equal to the smallest of interest can never be told from it.
            seeds = seeds_needed(std, margin, FEWEST) if margin > ROUND_OFF else "> 1000"
            return Needed(what="claim", id=claim.id, margin=margin, std=std, evidence=_source(each), seeds=seeds)
    return Needed(what="claim", id=claim.id)


def _by_scale(recorded: Iterable[OnRecord], scale: Scale) -> list[OnRecord]:
    return sorted(recorded, key=lambda each: (each.scale != scale, -SCALES.index(each.scale)))


def _source(each: Entry | ClaimTest | Recorded) -> str:
    return f"{'records' if isinstance(each, Recorded | RecordedClaim) else 'store'}, {each.scale} scale"
