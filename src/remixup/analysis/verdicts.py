"""What the runs say about a published number, and about a claim.

A claim is held against the smallest effect of interest d that its experiment file states. Both answers, "the effect is
more than d" (true) and "it is less" (false), reject the same hypothesis, that the effect is d; so each claim has one
two-sided paired t test of that hypothesis (for a sentence that says "no more than", the answers swap), and a rejection
is read off the side on which the mean effect lies. A bound is the same with d = 0 and, for the effect, what is left to
the limit; but where every value is the limit itself the interval is that point, and the limit, being included, is kept.
A claim about a number of its pairs ("on four out of six data sets") tests each pair by itself and counts them
(`statistics.at_least`).
The p-values are Holm-adjusted over the claims of the experiment that have a test: the chance that any effect that is d
is called more or less stays at 5 %, whatever the claims share (they often share a baseline). That the side is wrong is
at most half as likely for a single claim; for all of them together Shaffer (1980, Annals of Statistics 8) has the proof
for independent tests, under conditions on their distribution, and this module's tests simulate it for a shared
baseline.

In terms of intervals: a claim is decided when d lies outside its t interval at level 1 - 0.05 / (m - k), where m claims
have a test and the k with smaller p-values have all been decided. The printed interval is the plain 95 % one and the
printed p the adjusted one; where the two differ about d, `why` says so.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from remixup.analysis.result_schema import ClaimResult, Verdict
from remixup.analysis.statistics import ROUND_OFF, PairedTest, at_least, holm, paired, prediction_interval, summarise
from remixup.config.experiment import Claim, Experiment, Pair
from remixup.config.settings import SCALES, Scale

LEVEL = 0.05


def default_tolerance(published: float) -> float:
    """How far off still counts as the same where the row says nothing: the larger of 0.3 and 5 % of the number."""
    return max(0.3, 0.05 * abs(published))


def _at_most(distance: float, bound: float) -> bool:
    """Whether a distance is within a bound, when both carry round-off: 4.2 - 3.85 is 0.35."""
    return distance <= bound + ROUND_OFF


def verdict(
    published: float | None,
    values: list[float],
    *,
    tolerance: float | None,
    decimals: int,
    stand_in: str | None,
    transcribed: bool = True,
) -> Verdict:
    """Whether runs replicate a published number; "inconclusive" where they neither do nor exclude it.

    Args:
        published: the number as printed, or None.
        values: what the runs measured, in the same unit; finite, at least one.
        tolerance: how far off still counts as the same, rounding not included; None for the default.
        decimals: places printed; half of the last one is rounding.
        stand_in: what stands in for what; such a number is not held against the published one.
        transcribed: whether `None` says that the paper prints no number, and not that its table could not be read.

    Returns:
        "replicated": at least three runs, the half-width of the 95 % interval within the tolerance, the mean within
        tolerance and rounding. "not replicated": the mean further off than that, and the published number (less its
        rounding) outside the interval in which one more run would lie. Else "inconclusive". Before all others, in
        this order: "no published number", "not transcribed", "stand-in". That something was not run, or failed, is for
        the caller to know.

    Raises:
        ValueError: empty or non-finite values, or a published number that is not finite.
    """
    sample = summarise(values, range(len(values)))
    if published is None:
        return "no published number" if transcribed else "not transcribed"
    if not math.isfinite(published):
        raise ValueError(f"a published number of {published}")
    if stand_in is not None:
        return "stand-in"
    allowed = default_tolerance(published) if tolerance is None else tolerance
    rounding = 0.5 * 10.0**-decimals
    distance = abs(sample.mean - published)
    if _at_most(distance, allowed + rounding):
        narrow = sample.ci95 is not None and _at_most((sample.ci95[1] - sample.ci95[0]) / 2, allowed)
        return "replicated" if narrow and sample.n >= 3 else "inconclusive"
    next_run = prediction_interval(values)
    if next_run is None or _at_most(distance - rounding, (next_run[1] - next_run[0]) / 2):
        return "inconclusive"
    return "not replicated"


@dataclass(frozen=True)
class Evidence:
    """What the runs of a row measured, all at one scale."""

    scale: Scale
    stand_in: str | None = None
    sound: bool | None = None
    """For a stand-in: whether ERM beats logistic regression on the same tensors; None where it is not known."""
    values: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Metric -> seed -> value; empty where there are no runs."""


def decide_claims(experiment: Experiment, evidence: Mapping[str, Evidence]) -> list[ClaimResult]:
    """Holds the claims of an experiment against its runs (the module's page says how).

    Where a claim chooses among rows that is done first, by means over all seeds, and the chosen ones are compared like
    any. The effect for a seed is the mean, over the claim's pairs of rows, of baseline - treatment; the seeds are those
    that all rows of the claim have. A claim is undecided without two such seeds, and where a baseline, or the row that
    is bounded, is a stand-in that is not known to be sound; it then keeps its test, which counts for Holm's correction
    (leaving it out could only make the other claims easier to decide).

    Args:
        experiment: its claims, and the units of their metrics.
        evidence: by row; a row that a claim names and that has no runs has no values.

    Returns:
        One result for each claim, in the order of the file: the weakest scale of its rows, their stand-ins joined, and
        the runs on record left for the caller to add.

    Raises:
        ValueError: a value that is not finite.
        KeyError: a claim's row that `evidence` lacks.
    """
    claims = [_settled(claim, evidence) for claim in experiment.claims]
    tests = [_test(claim, evidence) for claim in claims]
    adjusted = holm([test.p if test else None for test in tests])
    family = sum(p is not None for p in adjusted)
    results = []
    for stated, claim, test, p in zip(experiment.claims, claims, tests, adjusted, strict=True):
        if claim.metric is None:
            results.append(_not_for_runs(claim, experiment))
            continue
        rows = [evidence[name] for name in claim.rows]
        holds, why = _decide(claim, evidence, test, p, family)
        results.append(
            ClaimResult(
                id=claim.id,
                experiment=experiment.id,
                statement=claim.statement,
                where=claim.where,
                source=claim.source,
                holds=holds,
                why=why + _left_out(claim, evidence) + _chosen(claim),
                unit=experiment.metrics[claim.metric].unit,
                smallest_effect=claim.smallest_effect or 0.0,
                effect=test.effect if test else None,
                ci95=test.ci95 if test else None,
                p=p,
                n=test.n if test else 0,
                scale=min((row.scale for row in rows), key=SCALES.index),
                stand_in=joined(*(row.stand_in for row in rows)),
                untried=_untried(stated, evidence) if test else [],
            )
        )
    return results


def joined(*stand_ins: str | None) -> str | None:
    """Return what stands in for what in any of several rows, each part once; None where nothing does."""
    parts = [part for text in stand_ins if text for part in text.split("; ")]
    return "; ".join(dict.fromkeys(parts)) or None


def _settled(claim: Claim, evidence: Mapping[str, Evidence]) -> Claim:
    """The claim with one row on each side of its pairs: of several the one with the least mean of `select_by`.

    Rows are held against each other where they have as many seeds as any of them: one that diverged is not chosen.
    """

    def least(names: list[str]) -> str:
        found = {name: list(evidence[name].values.get(claim.select_by or "", {}).values()) for name in names}
        most = max(map(len, found.values()))
        fit = [name for name in names if len(found[name]) == most]
        return min(fit, key=lambda name: statistics.fmean(found[name])) if most else names[0]

    pairs = [Pair(baseline=least(pair.baselines), treatment=least(pair.treatments)) for pair in claim.compare]
    return claim.model_copy(update={"compare": pairs})


def _untried(claim: Claim, evidence: Mapping[str, Evidence]) -> list[str]:
    """The rows that a claim names and that have no runs: of a claim that was tested, those that it could not choose."""
    return [name for name, seeds in _seeds(claim, evidence).items() if not seeds]


def _chosen(claim: Claim) -> str:
    """Says which rows a settled claim compares, where they were chosen from several."""
    return f"; by {claim.select_by}: {', '.join(claim.rows)}" if claim.select_by else ""


def _not_for_runs(claim: Claim, experiment: Experiment) -> ClaimResult:
    """A definition, or a sentence that no run here decides."""
    why = f"a definition: {claim.definition} holds the code to it" if claim.definition else f"{claim.untested}"
    return ClaimResult(
        id=claim.id,
        experiment=experiment.id,
        statement=claim.statement,
        where=claim.where,
        source=claim.source,
        kind="definition" if claim.definition else "untested",
        holds=None,
        why=why,
        unit="",
        smallest_effect=0.0,
        effect=None,
        ci95=None,
        p=None,
        n=0,
        scale="paper",
        stand_in=None,
    )


def _values(claim: Claim, evidence: Mapping[str, Evidence]) -> dict[str, Mapping[int, float]]:
    """Row -> seed -> value of the claim's metric."""
    return {name: evidence[name].values.get(claim.metric or "", {}) for name in claim.rows}


def _seeds(claim: Claim, evidence: Mapping[str, Evidence]) -> dict[str, set[int]]:
    return {name: set(values) for name, values in _values(claim, evidence).items()}


def _effects(claim: Claim, evidence: Mapping[str, Evidence]) -> list[float]:
    """For each seed that all rows have: the mean of baseline - treatment over the pairs, or limit - greatest value."""
    if claim.metric is None:
        return []
    values = _values(claim, evidence)
    shared = set.intersection(*_seeds(claim, evidence).values())
    if claim.bound:
        greatest = {seed: max(values[name][seed] for name in claim.bound.rows) for seed in shared}
        return [claim.bound.at_most - greatest[seed] for seed in sorted(shared)]
    return [
        statistics.fmean(values[pair.baselines[0]][seed] - values[pair.treatments[0]][seed] for pair in claim.compare)
        for seed in sorted(shared)
    ]


def _test(claim: Claim, evidence: Mapping[str, Evidence]) -> PairedTest | None:
    """Test a claim; None where it has nothing to be tested on."""
    smallest = claim.smallest_effect or 0.0
    if claim.at_least is None:
        effects = _effects(claim, evidence)
        return paired(effects, smallest) if effects else None
    pairs = [_effects(claim.model_copy(update={"compare": [pair]}), evidence) for pair in claim.compare]
    return at_least(claim.at_least, pairs, smallest, more=claim.expect == "more") if all(pairs) else None


def _left_out(claim: Claim, evidence: Mapping[str, Evidence]) -> str:
    """Says so where some seeds did not count: that a run is missing (it may have diverged) is no accident."""
    if claim.at_least is not None:
        apart = [claim.model_copy(update={"compare": [pair], "at_least": None}) for pair in claim.compare]
        said = [text + f" {' and '.join(each.rows)}" for each in apart if (text := _left_out(each, evidence))]
        return "".join(text.replace("its rows ", "") for text in said)
    seeds = list(_seeds(claim, evidence).values())
    shared, all_seeds = set.intersection(*seeds), set.union(*seeds)
    return (
        f"; {len(shared)} of {len(all_seeds)} seeds are common to its rows" if 1 < len(shared) < len(all_seeds) else ""
    )


def _decide(
    claim: Claim, evidence: Mapping[str, Evidence], test: PairedTest | None, p: float | None, family: int
) -> tuple[bool | None, str]:
    """Whether a claim holds, by its test and the adjusted p, and why in words."""
    seeds = _seeds(claim, evidence)
    if missing := [name for name in seeds if not seeds[name]]:
        none_of_many = len(missing) == len(seeds) > 2
        return None, f"no {claim.metric} of {'any of its rows' if none_of_many else ', '.join(missing)}"
    if test is None or p is None or test.p is None:
        counts = ", ".join(f"{name} has {len(found)}" for name, found in seeds.items())
        return None, f"two seeds common to its rows are needed ({counts})"
    for name in claim.baselines:
        baseline = evidence[name]
        if baseline.stand_in and not baseline.sound:
            known = "does not beat" if baseline.sound is False else "is not known to beat"
            return None, f"the stand-in of {name}, trained by ERM, {known} logistic regression on the same tensors"
    if claim.bound and all(abs(left) <= ROUND_OFF for left in _effects(claim, evidence)):
        return True, f"every value is {claim.bound.at_most:g} itself, which the limit includes"
    corrected = f" after Holm's correction for {family} claims" if family > 1 else ""
    if claim.at_least is not None:
        return _decide_count(claim, test, p, corrected)
    if p < LEVEL:
        side = "above" if test.effect > (claim.smallest_effect or 0.0) else "below"
        if claim.bound:
            kept = "within" if side == "above" else "beyond"
            return side == "above", f"the values lie {kept} {claim.bound.at_most:g} (5 % level{corrected})"
        holds = (side == "above") == (claim.expect == "more")
        return holds, f"the effect lies {side} the smallest of interest (5 % level{corrected})"
    limit = "limit" if claim.bound else "smallest effect of interest"
    if test.p < LEVEL:
        return None, f"the 95 % interval leaves out the {limit}, but nothing is decided{corrected}"
    return None, f"the 95 % interval spans the {limit}"


def _decide_count(claim: Claim, test: PairedTest, p: float, corrected: str) -> tuple[bool | None, str]:
    """Decide a claim about a number of its pairs, and say of how many the interval lies on either side."""
    smallest, more = claim.smallest_effect or 0.0, claim.expect == "more"
    intervals = [each.ci95 for each in test.pairs if each.ci95]
    above = sum(low > smallest for low, _ in intervals)
    below = sum(high < smallest for _, high in intervals)
    count = f"{claim.at_least} of {len(test.pairs)} pairs"
    sides = f"95 % intervals above the smallest effect of interest: {above}, below: {below}"
    if p >= LEVEL:
        return None, f"neither at least {count} nor fewer are shown{corrected}; {sides}"
    holds = (test.effect > smallest) == more
    shown = f"at least {count} are shown" if holds else f"fewer than {count} hold"
    return holds, f"{shown} (5 % level{corrected}); {sides}"
