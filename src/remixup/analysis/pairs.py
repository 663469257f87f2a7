"""Find all pairs of ERM and plain mixup that are trained in one setting, and relate mixup's effect to ERM's fit."""

from __future__ import annotations

import math
import statistics
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from remixup.analysis.best_evidence import is_smoke_test
from remixup.analysis.result_schema import Condition, Domain, ExperimentResult, Fit, Standing
from remixup.analysis.statistics import summarize
from remixup.analysis.thresholds import FIT
from remixup.config.experiment import Experiment
from remixup.config.settings import Scale

PUBLISHED_METRICS = ("test_error.last", "test_error.median10", "test_error.best")
"""In this order the published effect is looked for."""
TREND = "fit"
"""The experiment whose settings differ in schedule and width alone. A claim is about all of them together."""
SEEN_LIMITS = (12.0, 19.0)
"""Training losses of ERM in percent of ln(classes) that part the effects best. Found after looking."""


@dataclass(frozen=True)
class Pair:
    """ERM and mixup in one setting. Errors are of the last epoch, in percent, means over the seeds of both."""

    names: tuple[str, ...]
    """`experiment/treatment` of each sample that counts: several if several freezes have this setting."""
    experiment: str
    baseline: str
    treatment: str
    scale: Scale
    domain: Domain
    dataset: str
    training_examples: int
    setting: str
    """In words."""
    setting_digest: str
    alpha: float
    loss: float | None
    """ERM's final training loss in percent of ln(classes), as its errors a mean over the seeds of both."""
    erm_error: float
    mixup_error: float
    effects: dict[int, float]
    """ERM's error minus mixup's by seed, so that above 0 mixup is better."""
    effect: float
    """Their mean."""
    ci95: tuple[float, float] | None
    n: int
    standing: Standing
    published_protocol: bool
    published_effect: float | None
    """None: the paper prints none for these rows."""
    unmet: tuple[Condition, ...]
    """Conditions for which the setting decides nothing about half a point."""

    @property
    def informative(self) -> bool:
        """Whether the setting may decide about half a point of test error."""
        return not self.unmet


def find_pairs(experiments: Sequence[Experiment], results: Iterable[ExperimentResult]) -> list[Pair]:
    """Return all pairs of classifiers on data from the world, of this report's runs and of records.

    Surrogates at embedded scale are left out: they test the code. Of several samples of the same two runs, the
    confirmatory one counts, then the larger, then the one whose rows have a published effect, then the first. If
    several freezes have these runs, on seeds of their own, all their seeds count.

    Args:
        experiments: the experiment files.
        results: their results, in the order of the report.
    """
    files = {experiment.id: experiment for experiment in experiments}
    found: dict[tuple[str, str], list[_Sample]] = {}
    for result in results:
        fits = [(row, fit) for row, several in result.fits.items() for fit in several]
        baselines = [each for each in fits if each[1].erm]
        treatments = [each for each in fits if each[1].alpha is not None]
        for baseline, treatment in product(baselines, treatments):
            pair = _pair(files[result.experiment], baseline, treatment)
            if pair and treatment[1].setting:
                sample = _Sample(pair, files[result.experiment], baseline, treatment)
                found.setdefault((pair.setting_digest, treatment[1].setting.protocol), []).append(sample)
    return [_joined(samples) for samples in found.values()]


class _Sample(NamedTuple):
    pair: Pair
    experiment: Experiment
    baseline: tuple[str, Fit]
    treatment: tuple[str, Fit]


def _joined(samples: Sequence[_Sample]) -> Pair:
    """Return the pair that counts of samples of the same two runs, with the seeds of all freezes."""
    best = max(samples, key=lambda each: _rank(each.pair))
    frozen = [each for each in samples if each.pair.standing == "confirmatory"]
    if not frozen:
        return best.pair
    erm = best.baseline[0], _on_all_seeds([each.baseline[1] for each in frozen])
    mixup = best.treatment[0], _on_all_seeds([each.treatment[1] for each in frozen])
    pair = _pair(best.experiment, erm, mixup)
    assert pair is not None
    return replace(pair, names=tuple(dict.fromkeys(name for each in frozen for name in each.pair.names)))


def _on_all_seeds(fits: Sequence[Fit]) -> Fit:
    joined = {
        "test_errors": {seed: error for fit in fits for seed, error in fit.test_errors.items()},
        "training_losses": {seed: loss for fit in fits for seed, loss in fit.training_losses.items()},
        "unmet": list(dict.fromkeys(condition for fit in fits for condition in fit.unmet)),
    }
    return fits[0].model_copy(update=joined)


def _rank(pair: Pair) -> tuple[bool, int, bool]:
    return pair.standing == "confirmatory", pair.n, pair.published_effect is not None


def _pair(experiment: Experiment, baseline: tuple[str, Fit], treatment: tuple[str, Fit]) -> Pair | None:
    """Return the pair of two rows' classifiers; None where they differ in more than mixing, or test the code."""
    (erm_row, erm), (mixup_row, mixup) = baseline, treatment
    setting = erm.setting
    if setting is None or setting.domain is None or mixup.setting is None or mixup.alpha is None:
        return None
    one_sample = (erm.recorded, erm.scale, erm.freeze) == (mixup.recorded, mixup.scale, mixup.freeze)
    if setting.digest != mixup.setting.digest or not one_sample or is_smoke_test(erm):
        return None
    seeds = sorted(erm.test_errors.keys() & mixup.test_errors.keys())
    if not seeds:
        return None
    losses = [erm.training_losses[seed] for seed in seeds if seed in erm.training_losses]
    effects = {seed: erm.test_errors[seed] - mixup.test_errors[seed] for seed in seeds}
    sample = summarize(list(effects.values()), seeds)
    return Pair(
        names=(f"{experiment.id}/{mixup_row}",),
        experiment=experiment.id,
        baseline=erm_row,
        treatment=mixup_row,
        scale=erm.scale,
        domain=setting.domain,
        dataset=setting.dataset,
        training_examples=setting.training_examples,
        setting=setting.words,
        setting_digest=setting.digest,
        alpha=mixup.alpha,
        loss=statistics.fmean(losses) if losses else None,
        erm_error=statistics.fmean(erm.test_errors[seed] for seed in seeds),
        mixup_error=statistics.fmean(mixup.test_errors[seed] for seed in seeds),
        effects=effects,
        effect=sample.mean,
        ci95=sample.ci95,
        n=sample.n,
        standing=erm.standing,
        published_protocol=erm.surrogate is None and mixup.surrogate is None,
        published_effect=published_effect(experiment, erm_row, mixup_row),
        unmet=tuple(erm.unmet),
    )


def published_effect(experiment: Experiment, baseline: str, treatment: str) -> float | None:
    """Return the published difference of two rows' test errors, baseline minus treatment; None without one."""
    rows = {row.id: row for row in experiment.rows}
    for metric in PUBLISHED_METRICS:
        printed = rows[baseline].printed(metric), rows[treatment].printed(metric)
        values = [each.value for each in printed if each is not None and each.value is not None]
        if len(values) == 2:
            return values[0] - values[1]
    return None


def one_per_setting(pairs: Iterable[Pair]) -> list[Pair]:
    """Return one pair for each setting: of the greatest strength up to 1, where the weight is uniform, else the least.

    Of several with that strength, which differ in how partners are drawn, the one with most seeds, then the first by
    name. No error is looked at.
    """
    found: dict[str, Pair] = {}
    for pair in pairs:
        found[pair.setting_digest] = min(found.get(pair.setting_digest, pair), pair, key=_strength)
    return list(found.values())


def _strength(pair: Pair) -> tuple[bool, float, int, str, str]:
    return pair.alpha > 1, abs(1 - pair.alpha), -pair.n, pair.experiment, pair.treatment


@dataclass(frozen=True)
class Group:
    """Pairs in settings that ERM fits alike."""

    settings: int
    mixup_better: int
    mixup_worse: int
    shown_better: int
    """Settings in which the interval of the effect is above 0."""
    shown_worse: int
    """Settings in which it is below 0."""
    median_effect: float | None
    """None without settings."""
    least_effect: float | None
    greatest_effect: float | None


@dataclass(frozen=True)
class Moderator:
    """How mixup's effect depends on ERM's fit, over settings."""

    settings: int
    correlation: float
    """Spearman's, of ERM's training loss and the effect."""
    p: float
    fits: Group
    """ERM's loss is at most `FIT`."""
    rest: Group
    """It is more than that."""
    split_p: float
    """Fisher's exact test of whether mixup is better equally often in both groups, two-sided."""


def moderator(pairs: Sequence[Pair]) -> Moderator:
    """Relate the effects of pairs, one for each setting, to ERM's training loss; pairs without a loss do not count.

    Raises:
        ValueError: fewer than three pairs, of which a correlation says nothing.
    """
    from scipy.stats import fisher_exact, spearmanr  # this import takes a second

    known = [(pair.loss, pair.effect) for pair in pairs if pair.loss is not None]
    if len(known) < 3:
        raise ValueError(f"{len(known)} pairs with a known training loss")
    test = spearmanr(*zip(*known, strict=True))
    fits, rest = group(pairs, at_most=FIT), group(pairs, above=FIT)
    split = fisher_exact([[each.mixup_better, each.settings - each.mixup_better] for each in (fits, rest)])
    return Moderator(
        settings=len(known),
        correlation=float(test.statistic),
        p=float(test.pvalue),
        fits=fits,
        rest=rest,
        split_p=float(split.pvalue),
    )


def group(pairs: Iterable[Pair], above: float = -math.inf, at_most: float = math.inf) -> Group:
    """Count the pairs with a training loss of ERM in a range; those without a loss do not count."""
    found = [pair for pair in pairs if pair.loss is not None and above < pair.loss <= at_most]
    effects = [pair.effect for pair in found]
    return Group(
        settings=len(found),
        mixup_better=sum(effect > 0 for effect in effects),
        mixup_worse=sum(effect < 0 for effect in effects),
        shown_better=sum(pair.ci95 is not None and pair.ci95[0] > 0 for pair in found),
        shown_worse=sum(pair.ci95 is not None and pair.ci95[1] < 0 for pair in found),
        median_effect=statistics.median(effects) if effects else None,
        least_effect=min(effects, default=None),
        greatest_effect=max(effects, default=None),
    )


def lettered(pairs: Iterable[Pair]) -> list[tuple[str, Pair]]:
    """Return one pair for each setting but of tables and `TREND`, sorted by ERM's training loss, with a letter."""
    known = [pair for pair in one_per_setting(pairs) if pair.loss is not None]
    found = [pair for pair in known if pair.domain != "table" and pair.experiment != TREND]
    return list(zip(letters(len(found)), sorted(found, key=lambda pair: pair.loss or 0.0), strict=True))


def letters(count: int) -> list[str]:
    """Return A to Z, then AA, AB and so on."""
    single = list(string.ascii_uppercase)
    return (single + [first + second for first in single for second in single])[:count]
