"""Test the claims of an experiment; `analysis.decisions` has the rules by which a test decides.

A claim's effect is the mean of baseline - treatment over its pairs of rows, for each seed that all its rows have; pairs
of the same two runs count once. A claim that the effect falls with another quantity has the slope over the pairs
instead. A claim that states a limit has the greatest value of its rows. A claim about a number of its pairs ("on four
out of six data sets") tests each pair by itself.

Some claims are not decided, whatever their test would say: those with fewer than five seeds, those with a baseline (or
a bounded row) whose surrogate is not informative, and, of the published protocol, those with a baseline whose published
number is not replicated.

Secondary claims are decided here. The primary claims of a paper are in several experiment files, and are decided when
the results of all are joined: until then a result has what its test could say.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from remixup.analysis.decisions import (
    STRONGEST_FIRST,
    OneSided,
    PValues,
    count_p_values,
    decide_alone,
    decide_together,
    effect_p_values,
    limit_p_values,
)
from remixup.analysis.result_schema import ClaimResult, ClaimTest, Outcome, Statement, Verdict
from remixup.analysis.statistics import agree, mean_interval, one_sided, sign_flips
from remixup.analysis.thresholds import FEWEST
from remixup.analysis.wording import basis, nothing_shown, sides, words
from remixup.config.claims import Claim, Pair
from remixup.config.experiment import Experiment
from remixup.config.settings import SCALES, Scale

FEWEST_FLIPS = 6
"""With fewer seeds no two-sided p of a sign-flip test is below 5 %."""
PENDING = "the primary claims of a paper are decided together"
NOTHING_SHOWN = "nothing is shown at the 5 % level for all primary claims of the paper"


@dataclass(frozen=True)
class Evidence:
    """What the runs of a row measured, all at one scale."""

    scale: Scale
    surrogate: str | None = None
    uninformative: Callable[[Claim], str | None] = lambda _: None
    """Why a surrogate decides nothing about a claim; None for one that is informative, and where there is none."""
    values: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Metric -> seed -> value; empty where there are no runs."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Metric -> the run, or the evaluation of a run, that its values are from; default: the row has runs of its own."""
    diverged: Sequence[int] = ()
    """Seeds whose training diverged: they have no values."""
    without_value: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Metric -> the other seeds that were measured and have no value."""
    published: Mapping[str, Verdict] = field(default_factory=dict)
    """Metric -> the verdict on the published number of the row; of runs of the published protocol only."""


def decide_claims(experiment: Experiment, evidence: Mapping[str, Evidence]) -> list[ClaimResult]:
    """Test the claims of an experiment on its runs, and decide the secondary ones.

    Args:
        experiment: its claims, and the units of their metrics.
        evidence: by row; a row that a claim names and that has no runs has no values.

    Returns:
        One result for each claim, in the order of the file, with the weakest scale of its rows and their surrogates
        joined. The caller adds the tests on records, and decides the primary claims by `decide_primary`.

    Raises:
        ValueError: a value that is not finite.
        KeyError: a claim's row that `evidence` lacks.
    """
    return [_decide(experiment, claim, evidence) for claim in experiment.claims]


def decide_primary(results: Iterable[ClaimResult], papers: Mapping[str, str], families: Mapping[str, int]) -> None:
    """Decide the primary claims: those of a paper together, at each scale.

    Results of freezes are decided apart: the first of each claim together, the second ones, and so on. So are those of
    former settings of a scale, which follow the results of the present ones.

    Args:
        results: of all experiments; they, and their tests on records, are changed.
        papers: experiment -> its paper.
        families: paper -> the number of its primary claims.
    """
    groups: dict[tuple[str, tuple[Scale, bool, int] | None], list[ClaimTest]] = {}
    for result in results:
        if result.primary:
            paper = papers[result.experiment]
            groups.setdefault((paper, None), []).append(result)
            count = Counter[tuple[Scale, bool]]()
            for recorded in result.recorded:
                sample = (recorded.scale, recorded.freeze is not None)
                count[sample] += 1
                groups.setdefault((paper, (*sample, count[sample])), []).append(recorded)
    for (paper, _), tests in groups.items():
        p_values = [{each.outcome: each.p for each in test.statements} for test in tests]
        for test, (outcome, p) in zip(tests, decide_together(p_values, families[paper]), strict=True):
            if test.statements:
                _say(test, outcome, p)


def joined(*surrogates: str | None) -> str | None:
    """Join descriptions of surrogates, each component once; None where there are none."""
    parts = [part for text in surrogates if text for part in text.split("; ")]
    return "; ".join(dict.fromkeys(parts)) or None


def _decide(experiment: Experiment, stated: Claim, evidence: Mapping[str, Evidence]) -> ClaimResult:
    """Test a claim, and decide it if it is secondary."""
    chosen = _with_chosen_rows(stated, evidence)
    claim = _with_distinct_pairs(chosen, evidence)
    rows = [evidence[name] for name in claim.rows]
    samples = _samples(claim, evidence) if claim.metric and not _of_one_run(claim, evidence) else []
    shown = _shown(claim, samples) if all(samples) else []
    reason = _undecided(claim, evidence, samples)
    notes = _notes(chosen, claim, evidence) if claim.metric else ""
    if claim.at_least is not None and reason is None:
        notes = f"; {sides(claim, samples)}{notes}"
    result = ClaimResult(
        id=claim.id,
        experiment=experiment.id,
        statement=claim.statement,
        where=claim.where,
        source=claim.source,
        primary=claim.primary,
        kind="measured" if claim.metric else "definition" if claim.definition else "untested",
        outcome=reason[0] if reason else "open",
        why=(reason[1] if reason else PENDING if claim.primary else nothing_shown(claim)) + notes,
        unit=experiment.metrics[claim.metric].unit if claim.metric else "",
        smallest_effect=claim.smallest_effect or 0.0,
        limit=claim.bound.at_most if claim.bound else None,
        effect=statistics.mean(shown) if shown else None,
        ci95=mean_interval(shown) if shown else None,
        n=min(map(len, samples), default=0),
        scale=min((row.scale for row in rows), key=SCALES.index, default="paper"),
        surrogate=joined(*(row.surrogate for row in rows)),
        untried=[name for name, seeds in _seeds(stated, evidence).items() if not seeds] if shown else [],
    )
    if reason is None:
        result.statements = _statements(claim, samples, notes)
        if not claim.primary:
            outcome = decide_alone({each.outcome: each.p for each in result.statements})
            _say(result, outcome, min(each.p for each in result.statements if outcome in ("open", each.outcome)))
    return result


def _say(test: ClaimTest, outcome: Outcome, p: float | None) -> None:
    """Note an outcome, its reason and its p-value; seeds that all agree have none."""
    said = {each.outcome: each for each in test.statements}
    nearest = said.get(outcome) or min(test.statements, key=lambda each: each.p)
    test.outcome = outcome
    test.p = None if all(each.p in (0.0, 1.0) for each in test.statements) else p
    test.sign_flip_p = nearest.sign_flip_p
    test.why = nearest.why if outcome in said else test.why.replace(PENDING, NOTHING_SHOWN)


def _with_chosen_rows(claim: Claim, evidence: Mapping[str, Evidence]) -> Claim:
    """Return the claim with one row on each side of its pairs: of several the one with the least mean of `select_by`.

    Only rows with the most seeds are compared: one that diverged is not chosen.
    """

    def least(names: list[str]) -> str:
        found = {name: list(evidence[name].values.get(claim.select_by or "", {}).values()) for name in names}
        most = max(map(len, found.values()))
        fit = [name for name in names if len(found[name]) == most]
        return min(fit, key=lambda name: statistics.fmean(found[name])) if most else names[0]

    pairs = [Pair(baseline=[least(pair.baseline)], treatment=[least(pair.treatment)]) for pair in claim.compare]
    return claim.model_copy(update={"compare": pairs})


def _values(claim: Claim, evidence: Mapping[str, Evidence]) -> dict[str, Mapping[int, float]]:
    """Return row -> seed -> value of the claim's metric."""
    return {name: evidence[name].values.get(claim.metric or "", {}) for name in claim.rows}


def _seeds(claim: Claim, evidence: Mapping[str, Evidence]) -> dict[str, set[int]]:
    return {name: set(values) for name, values in _values(claim, evidence).items()}


def _with_distinct_pairs(claim: Claim, evidence: Mapping[str, Evidence]) -> Claim:
    """Return the claim with one pair of each two runs, if it is about a mean over pairs."""
    if claim.at_least is not None:
        return claim
    found: dict[tuple[str, str], Pair] = {}
    for pair in claim.compare:
        found.setdefault(_origins(claim, pair, evidence), pair)
    return claim.model_copy(update={"compare": list(found.values())})


def _origins(claim: Claim, pair: Pair, evidence: Mapping[str, Evidence]) -> tuple[str, str]:
    """Return the runs, or their evaluations, of both rows of a pair."""
    (baseline,), (treatment,), metric = pair.baseline, pair.treatment, claim.metric or ""
    return evidence[baseline].origins.get(metric, baseline), evidence[treatment].origins.get(metric, treatment)


def _of_one_run(claim: Claim, evidence: Mapping[str, Evidence]) -> Pair | None:
    """Return a pair whose rows are the same run, which is no pair."""
    return next((pair for pair in claim.compare if len(set(_origins(claim, pair, evidence))) == 1), None)


def _samples(claim: Claim, evidence: Mapping[str, Evidence]) -> list[list[float]]:
    """Return the effects by seed: one sample, or one for each pair where the claim is about a number of pairs."""
    if claim.at_least is None:
        return [_sample(claim, evidence)]
    return [_sample(claim.model_copy(update={"compare": [pair]}), evidence) for pair in claim.compare]


def _sample(claim: Claim, evidence: Mapping[str, Evidence]) -> list[float]:
    """Return the mean effect, or the greatest value of the bounded rows, for each seed that all rows have."""
    values = _values(claim, evidence)
    shared = sorted(set.intersection(*_seeds(claim, evidence).values()))
    if claim.bound:
        return [max(values[name][seed] for name in claim.bound.row) for seed in shared]

    effects = [
        [values[pair.baseline[0]][seed] - values[pair.treatment[0]][seed] for pair in claim.compare] for seed in shared
    ]
    if not claim.falls_with:
        return [statistics.fmean(each) for each in effects]
    regressors = [evidence[pair.baseline[0]].values.get(claim.falls_with, {}) for pair in claim.compare]
    falls = [
        _fall([each.get(seed, 0.0) for each in regressors], own) for seed, own in zip(shared, effects, strict=True)
    ]
    return [fall for fall in falls if fall is not None]


def _fall(regressor: list[float], effects: list[float]) -> float | None:
    """Return by how much the effect falls for ten times the regressor; None where this has no slope."""
    if min(regressor) <= 0 or max(regressor) == min(regressor):
        return None
    return -statistics.linear_regression(list(map(math.log10, regressor)), effects).slope


def _shown(claim: Claim, samples: list[list[float]]) -> list[float]:
    """Return the sample that is printed: of a number k of pairs, that of the k-th in order, which decides."""
    if claim.at_least is None or not samples:
        return samples[0] if samples else []
    return sorted(samples, key=statistics.fmean, reverse=claim.expect == "more")[claim.at_least - 1]


def _undecided(
    claim: Claim, evidence: Mapping[str, Evidence], samples: list[list[float]]
) -> tuple[Outcome, str] | None:
    """Return why a claim is not decided, whatever its test would say; None where the test decides."""
    if claim.metric is None:
        defined = f"a definition: {claim.definition} holds the code to it"
        return "open", defined if claim.definition else f"{claim.untested}"
    seeds = _seeds(claim, evidence)
    if missing := [name for name in seeds if not seeds[name]]:
        none_of_many = len(missing) == len(seeds) > 2
        return "open", f"no {claim.metric} of {'any of its rows' if none_of_many else ', '.join(missing)}"
    if pair := _of_one_run(claim, evidence):
        return "open", f"{pair.baseline[0]} and {pair.treatment[0]} are the same run"
    for name in claim.rows:
        if diverged := evidence[name].diverged:
            return "open", f"training of {name} diverged with seed {', '.join(map(str, diverged))}"
        if lacking := evidence[name].without_value.get(claim.metric):
            return "open", f"{name} has no {claim.metric} with seed {', '.join(map(str, lacking))}"
    for pair in claim.compare:
        sides = [evidence[name].surrogate is None for name in (pair.baseline[0], pair.treatment[0])]
        if len(set(sides)) > 1:
            return "open", f"of {pair.baseline[0]} and {pair.treatment[0]}, only one is a surrogate"
    for name in claim.baselines:
        if reason := evidence[name].uninformative(claim):
            return "not informative", f"the surrogate of {name} is not informative: {reason}"
    if claim.falls_with and (lost := len(set.intersection(*seeds.values())) - len(samples[0])):
        return "open", f"{claim.falls_with} of the baselines is not above 0, or the same for all, with {lost} seeds"
    if min(map(len, samples)) < FEWEST:
        counts = ", ".join(f"{name} has {len(found)}" for name, found in seeds.items())
        return "open", f"at least {FEWEST} seeds common to its rows are needed ({counts})"
    rows = [evidence[name] for name in claim.rows]
    if all(row.scale == "paper" and row.surrogate is None for row in rows):
        for name in claim.baselines:
            if (verdict := evidence[name].published.get(claim.metric, "replicated")) != "replicated":
                return "protocol not recovered", f"the published {claim.metric} of {name} is {verdict}"
    return None


def _statements(claim: Claim, samples: list[list[float]], notes: str) -> list[Statement]:
    """Return what the test of a claim could say, strongest first."""
    p_values, shown_by, said = _p_values(claim, samples, one_sided), basis(claim, samples), words(claim, samples)
    by_flips = claim.at_least is None and len(samples[0]) >= FEWEST_FLIPS and not agree(samples[0])
    flips = _p_values(claim, samples, sign_flips) if by_flips else {}
    return [
        Statement(
            outcome=outcome,
            p=p_values[outcome],
            sign_flip_p=flips.get(outcome),
            why=f"{said[outcome]} ({shown_by[outcome]}){notes}",
        )
        for outcome in STRONGEST_FIRST
        if outcome in p_values
    ]


def _p_values(claim: Claim, samples: list[list[float]], test: OneSided) -> PValues:
    """Return the p-value of each outcome that the test of a claim could have."""
    if claim.bound:
        return limit_p_values(samples[0], claim.bound.at_most, test=test)
    smallest = claim.smallest_effect or 0.0
    if claim.at_least is not None:
        return count_p_values(samples, claim.at_least, smallest, claim.expect, test=test)
    return effect_p_values(samples[0], smallest, claim.expect, primary=claim.primary, test=test)


def _notes(chosen: Claim, claim: Claim, evidence: Mapping[str, Evidence]) -> str:
    """Say which pairs, seeds and rows did not count."""
    notes = ""
    if shared := len(chosen.compare) - len({_origins(claim, pair, evidence) for pair in chosen.compare}):
        notes += f"; {shared} of {len(chosen.compare)} pairs have the same runs as another"
        notes += "" if claim.at_least else " and do not count"
    notes += _left_out(claim, evidence)
    return notes + (f"; by {claim.select_by}: {', '.join(claim.rows)}" if claim.select_by else "")


def _left_out(claim: Claim, evidence: Mapping[str, Evidence]) -> str:
    """Say where some seeds did not count: a run that is missing may have diverged."""
    if claim.at_least is not None:
        apart = [claim.model_copy(update={"compare": [pair], "at_least": None}) for pair in claim.compare]
        said = [text + f" {' and '.join(each.rows)}" for each in apart if (text := _left_out(each, evidence))]
        return "".join(text.replace("its rows ", "") for text in said)
    seeds = list(_seeds(claim, evidence).values())
    shared, all_seeds = set.intersection(*seeds), set.union(*seeds)
    some = 1 < len(shared) < len(all_seeds)
    return f"; {len(shared)} of {len(all_seeds)} seeds are common to its rows" if some else ""
