"""Decide on claims.

A claim is compared with the smallest effect of interest d that its experiment file states. Both answers, "the effect is
more than d" (true) and "it is less" (false), reject the same hypothesis, that the effect is d. So each claim has one
two-sided paired t test of that hypothesis, and the side of the mean effect gives the answer (for a sentence that says
"no more than", the answers swap). For a bound, d is 0 and the effect is the distance to the limit; where every value is
the limit itself, the bound is met. A claim about a number of its pairs ("on four out of six data sets") tests each pair
by itself and counts them (`statistics.at_least`).
The p-values are Holm-adjusted over the claims of the experiment that have a test: the chance that any effect that is d
is called more or less stays at 5 %, however the claims depend on each other (they often share a baseline). The chance
of the wrong side is at most half of that for a single claim; for all of them together Shaffer (1980, Annals of
Statistics 8) has the proof for independent tests, and the tests of this module simulate it for a shared baseline.

In terms of intervals: a claim is decided when d is outside its t interval at level 1 - 0.05 / (m - k), where m claims
have a test and the k with smaller p-values have all been decided. The printed interval is the plain 95 % one and the
printed p the adjusted one; where the two differ about d, `why` says so.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.statistics import ROUND_OFF, PairedTest, at_least, holm, paired
from remixup.analysis.thresholds import LEVEL
from remixup.config.experiment import Claim, Experiment, Pair
from remixup.config.settings import SCALES, Scale


def _informative(_: Claim) -> None:
    return None


@dataclass(frozen=True)
class Evidence:
    """What the runs of a row measured, all at one scale."""

    scale: Scale
    stand_in: str | None = None
    uninformative: Callable[[Claim], str | None] = _informative
    """Why a surrogate decides nothing about a claim; None for one that is informative, and where there is none."""
    values: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Metric -> seed -> value; empty where there are no runs."""


def decide_claims(experiment: Experiment, evidence: Mapping[str, Evidence]) -> list[ClaimResult]:
    """Decide the claims of an experiment on its runs (the module's docstring says how).

    A claim that chooses among rows does so first, by means over all seeds. The effect for a seed is the mean, over the
    claim's pairs of rows, of baseline - treatment; the seeds are those that all rows of the claim have. A claim is
    undecided without two such seeds, and where a baseline, or the row that is bounded, is a surrogate that is not
    informative (`analysis.informative`); its test then still counts for Holm's correction (leaving it out could only
    make the other claims easier to decide).

    Args:
        experiment: its claims, and the units of their metrics.
        evidence: by row; a row that a claim names and that has no runs has no values.

    Returns:
        One result for each claim, in the order of the file, with the weakest scale of its rows and their surrogates
        joined. The caller adds the tests on records.

    Raises:
        ValueError: a value that is not finite.
        KeyError: a claim's row that `evidence` lacks.
    """
    claims = [_with_chosen_rows(claim, evidence) for claim in experiment.claims]
    tests = [_test(claim, evidence) for claim in claims]
    adjusted = holm([test.p if test else None for test in tests])
    family = sum(p is not None for p in adjusted)
    results = []
    for stated, claim, test, p in zip(experiment.claims, claims, tests, adjusted, strict=True):
        rows = [evidence[name] for name in claim.rows]
        holds, why = _decide(claim, evidence, test, p, family)
        results.append(
            ClaimResult(
                id=claim.id,
                experiment=experiment.id,
                statement=claim.statement,
                where=claim.where,
                source=claim.source,
                kind="measured" if claim.metric else "definition" if claim.definition else "untested",
                holds=holds,
                why=why,
                unit=experiment.metrics[claim.metric].unit if claim.metric else "",
                smallest_effect=claim.smallest_effect or 0.0,
                effect=test.effect if test else None,
                ci95=test.ci95 if test else None,
                p=p,
                n=test.n if test else 0,
                scale=min((row.scale for row in rows), key=SCALES.index, default="paper"),
                stand_in=joined(*(row.stand_in for row in rows)),
                untried=[name for name, seeds in _seeds(stated, evidence).items() if not seeds] if test else [],
            )
        )
    return results


def joined(*stand_ins: str | None) -> str | None:
    """Join descriptions of surrogates, each component once; None where there are none."""
    parts = [part for text in stand_ins if text for part in text.split("; ")]
    return "; ".join(dict.fromkeys(parts)) or None


def _with_chosen_rows(claim: Claim, evidence: Mapping[str, Evidence]) -> Claim:
    """Return the claim with one row on each side of its pairs: of several the one with the least mean of `select_by`.

    Only rows with the most seeds are compared: one that diverged is not chosen.
    """

    def least(names: list[str]) -> str:
        found = {name: list(evidence[name].values.get(claim.select_by or "", {}).values()) for name in names}
        most = max(map(len, found.values()))
        fit = [name for name in names if len(found[name]) == most]
        return min(fit, key=lambda name: statistics.fmean(found[name])) if most else names[0]

    pairs = [Pair(baseline=least(pair.baseline), treatment=least(pair.treatment)) for pair in claim.compare]
    return claim.model_copy(update={"compare": pairs})


def _values(claim: Claim, evidence: Mapping[str, Evidence]) -> dict[str, Mapping[int, float]]:
    """Return row -> seed -> value of the claim's metric."""
    return {name: evidence[name].values.get(claim.metric or "", {}) for name in claim.rows}


def _seeds(claim: Claim, evidence: Mapping[str, Evidence]) -> dict[str, set[int]]:
    return {name: set(values) for name, values in _values(claim, evidence).items()}


def _effects(claim: Claim, evidence: Mapping[str, Evidence]) -> list[float]:
    """Return mean baseline - treatment over the pairs, or limit - greatest value, for each seed that all rows have."""
    if claim.metric is None:
        return []
    values = _values(claim, evidence)
    shared = set.intersection(*_seeds(claim, evidence).values())
    if claim.bound:
        greatest = {seed: max(values[name][seed] for name in claim.bound.row) for seed in shared}
        return [claim.bound.at_most - greatest[seed] for seed in sorted(shared)]
    return [
        statistics.fmean(values[pair.baseline[0]][seed] - values[pair.treatment[0]][seed] for pair in claim.compare)
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
    """Say where some seeds did not count: a run that is missing may have diverged."""
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
    """Return whether a claim is true, by its test and the adjusted p, and why in words."""
    if claim.metric is None:
        defined = f"a definition: {claim.definition} holds the code to it"
        return None, defined if claim.definition else f"{claim.untested}"
    holds, why = _decide_measured(claim, evidence, test, p, family)
    chosen = f"; by {claim.select_by}: {', '.join(claim.rows)}" if claim.select_by else ""
    return holds, why + _left_out(claim, evidence) + chosen


def _decide_measured(
    claim: Claim, evidence: Mapping[str, Evidence], test: PairedTest | None, p: float | None, family: int
) -> tuple[bool | None, str]:
    seeds = _seeds(claim, evidence)
    if missing := [name for name in seeds if not seeds[name]]:
        none_of_many = len(missing) == len(seeds) > 2
        return None, f"no {claim.metric} of {'any of its rows' if none_of_many else ', '.join(missing)}"
    if test is None or p is None or test.p is None:
        counts = ", ".join(f"{name} has {len(found)}" for name, found in seeds.items())
        return None, f"two seeds common to its rows are needed ({counts})"
    for name in claim.baselines:
        if reason := evidence[name].uninformative(claim):
            return None, f"the surrogate of {name} is not informative: {reason}"
    if claim.bound and all(abs(left) <= ROUND_OFF for left in _effects(claim, evidence)):
        return True, f"every value is {claim.bound.at_most:g} itself, which the limit includes"
    corrected = f" after Holm's correction for {family} claims" if family > 1 else ""
    if claim.at_least is not None:
        return _decide_count(claim, test, p, corrected)
    if p < LEVEL:
        side = "above" if test.effect > (claim.smallest_effect or 0.0) else "below"
        if claim.bound:
            side_of_limit = "within" if side == "above" else "beyond"
            return side == "above", f"the values lie {side_of_limit} {claim.bound.at_most:g} (5 % level{corrected})"
        holds = (side == "above") == (claim.expect == "more")
        return holds, f"the effect lies {side} the smallest of interest (5 % level{corrected})"
    limit = "limit" if claim.bound else "smallest effect of interest"
    if test.p < LEVEL:
        return None, f"the 95 % interval leaves out the {limit}, but nothing is decided{corrected}"
    return None, f"the 95 % interval spans the {limit}"


def _decide_count(claim: Claim, test: PairedTest, p: float, corrected: str) -> tuple[bool | None, str]:
    """Decide a claim about a number of its pairs, and say how many intervals are on either side."""
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
