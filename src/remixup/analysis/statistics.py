"""Means over seeds, t intervals, paired differences, and Holm's correction for several claims."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit  # scipy.stats says the same, a second later

from remixup.analysis.result_schema import Replicated

ROUND_OFF = 1e-9
"""Differences up to this are the arithmetic's: below the last place of any metric, above the round-off of percents."""


def _checked(values: Sequence[float]) -> list[float]:
    sample = [float(value) for value in values]
    if not sample:
        raise ValueError("an empty sample")
    if not all(math.isfinite(value) for value in sample):
        raise ValueError(f"not all finite: {sample}")
    return sample


def _t_interval(sample: list[float], level: float, variances: float) -> tuple[float, float] | None:
    """Return mean +- t s sqrt(variances); None for one value. The mean and s are exact: equal values have s = 0."""
    if len(sample) < 2:
        return None
    mean = statistics.mean(sample)
    half = float(stdtrit(len(sample) - 1, 0.5 + level / 2)) * statistics.stdev(sample) * math.sqrt(variances)
    return mean - half, mean + half


def summarise(values: Sequence[float], seeds: Sequence[int]) -> Replicated:
    """Summarize a sample of runs that differ in the seed alone.

    Args:
        values: one finite number for each run, at least one.
        seeds: the runs' seeds, all different.

    Returns:
        Mean, sample standard deviation (n - 1) and two-sided 95 % t interval for the mean; the latter two are None for
        one run.

    Raises:
        ValueError: empty or non-finite values, or seeds that do not fit them.
    """
    sample = _checked(values)
    if len(seeds) != len(sample) or len(set(seeds)) != len(seeds):
        raise ValueError(f"{len(sample)} values need as many different seeds, not {list(seeds)}")
    return Replicated(
        mean=statistics.mean(sample),
        std=statistics.stdev(sample) if len(sample) > 1 else None,
        n=len(sample),
        ci95=_t_interval(sample, 0.95, 1 / len(sample)),
        values=sample,
        seeds=list(seeds),
    )


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return the two-sided t interval for the mean; None for one value.

    Args:
        values: finite numbers, at least one.
        level: the chance that the interval covers the mean of normal values, between 0 and 1.

    Raises:
        ValueError: empty or non-finite values.
    """
    sample = _checked(values)
    return _t_interval(sample, level, 1 / len(sample))


def prediction_interval(
    values: Sequence[float], level: float = 0.95, runs: int = 1, standard_deviation: float | None = None
) -> tuple[float, float] | None:
    """Return the interval in which the mean of further runs of the same method is expected, for normal values.

    Without a standard deviation of the further runs it is mean +- t s sqrt(1/n + 1/runs); with one, over at least two
    runs, it is Welch's interval for the difference of two means. A standard deviation of 0 is a rounded one and is
    not used.

    Args:
        values: finite numbers, at least one.
        level: the chance that the further mean is inside, between 0 and 1.
        runs: how many further runs are averaged.
        standard_deviation: theirs, if it is known.

    Returns:
        Lower and upper end; None for one value.

    Raises:
        ValueError: empty or non-finite values.
    """
    sample = _checked(values)
    n = len(sample)
    if not standard_deviation or runs < 2 or n < 2:
        return _t_interval(sample, level, 1 / n + 1 / runs)
    own, other = statistics.variance(sample) / n, standard_deviation**2 / runs
    freedom = (own + other) ** 2 / (own**2 / (n - 1) + other**2 / (runs - 1))
    half = float(stdtrit(freedom, 0.5 + level / 2)) * math.sqrt(own + other)
    mean = statistics.mean(sample)
    return mean - half, mean + half


@dataclass(frozen=True)
class PairedTest:
    """A paired difference, compared with the smallest effect of interest."""

    effect: float
    """Mean of the differences."""
    ci95: tuple[float, float] | None
    """Two-sided t interval for the effect; None for one pair."""
    p: float | None
    """Two-sided, of "the effect is the smallest of interest"; None for one pair."""
    n: int
    pairs: tuple[PairedTest, ...] = ()
    """Of a count of pairs of rows: the test of each."""


def paired(effects: Sequence[float], smallest_effect: float) -> PairedTest:
    """Test, paired over seeds, whether the effect differs from the smallest effect of interest.

    The p-value is below 5 % exactly where `ci95` leaves out `smallest_effect`. With 0 for the smallest effect this is
    the usual paired t test.

    Args:
        effects: baseline - treatment for each seed, finite, at least one.
        smallest_effect: the value under the null hypothesis, in the unit of the effects.

    Returns:
        The test. Differences that are all the same (up to round-off) have p = 1 if they are `smallest_effect`, else 0.

    Raises:
        ValueError: empty or non-finite effects.
    """
    sample = _checked(effects)
    n, effect = len(sample), statistics.mean(sample)
    if n == 1:
        return PairedTest(effect, None, None, n)
    distance = abs(effect - smallest_effect)
    spread = statistics.stdev(sample)
    if spread <= ROUND_OFF:
        p = 1.0 if distance <= ROUND_OFF else 0.0
    else:
        p = 2 * float(stdtr(n - 1, -distance / (spread / math.sqrt(n))))
    return PairedTest(effect, _t_interval(sample, 0.95, 1 / n), p, n)


def at_least(count: int, pairs: Sequence[Sequence[float]], smallest_effect: float, *, more: bool = True) -> PairedTest:
    """Test whether a statement is true of at least `count` of its pairs of rows, each pair by itself.

    The partial conjunction test of Benjamini and Heller (2008, Biometrics 64, 1215-1222), in Bonferroni's form: with
    the one-sided p-values of m pairs in order, "at least k hold" has (m - k + 1) p_(k), however the pairs depend on
    each other. The opposite answer, "at least m - k + 1 do not", has k q_(m - k + 1), with the p-values of the other
    side.

    Args:
        count: k, from 1 to m.
        pairs: for each pair its effects by seed, finite, at least one.
        smallest_effect: what each effect is compared with.
        more: whether the statement is that an effect is more than that; else that it is less.

    Returns:
        Twice the smaller of both p-values, and effect and interval of the k-th pair in order: it is on the side of
        the statement exactly where at least k pairs are. `n` is the fewest seeds of a pair; there is no p-value where a
        pair has one seed.

    Raises:
        ValueError: empty or non-finite effects, or a count that is not one of the pairs.
    """
    if not 1 <= count <= len(pairs):
        raise ValueError(f"{count} of {len(pairs)} pairs")
    tests = tuple(paired(effects, smallest_effect) for effects in pairs)
    shown = sorted(tests, key=lambda test: test.effect, reverse=more)[count - 1]
    one_sided = sorted(
        test.p / 2 if (test.effect > smallest_effect) == more else 1 - test.p / 2
        for test in tests
        if test.p is not None
    )
    p = None
    if len(one_sided) == len(tests):
        others = len(tests) - count + 1
        opposite = sorted(1 - p for p in one_sided)
        p = min(1.0, 2 * min(others * one_sided[count - 1], count * opposite[others - 1]))
    return PairedTest(shown.effect, shown.ci95, p, min(test.n for test in tests), tests)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment of p-values (Holm 1979, Scandinavian Journal of Statistics 6).

    With m p-values, the k-th smallest is multiplied by m - k + 1; none comes out below that of a smaller p-value, nor
    above 1. Rejecting where the result is below 5 % keeps the chance of any wrong rejection at 5 % or less, however the
    tests depend on each other.

    Args:
        p_values: in [0, 1]; None is a test that could not be made; it is passed through and does not count.

    Returns:
        The adjusted p-values, in the order given.

    Raises:
        ValueError: a p-value outside [0, 1].
    """
    made = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(made):
        if not 0 <= p <= 1:
            raise ValueError(f"not a p-value: {p}")
        largest = max(largest, min(1.0, (len(made) - rank) * p))
        adjusted[index] = largest
    return adjusted
