"""Means over seeds, t intervals, one-sided tests of a mean, and tests of several statements."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit  # scipy.stats says the same, a second later

from remixup.analysis.result_schema import Replicated

ROUND_OFF = 1e-9
"""Differences up to this are the arithmetic's: below the last place of any metric, above the round-off of percents."""


def at_most(value: float, limit: float) -> bool:
    """Return whether a value is within a limit up to round-off: 4.2 - 3.85 is 0.35."""
    return value <= limit + ROUND_OFF


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


def summarize(values: Sequence[float], seeds: Sequence[int]) -> Replicated:
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


def one_sided(values: Sequence[float], boundary: float) -> tuple[float, float]:
    """Test by one-sided t tests whether a mean is more, and whether it is less, than a boundary.

    Args:
        values: finite numbers, at least two.
        boundary: the value under the null hypothesis.

    Returns:
        p of "more than the boundary" and p of "less". Where all values are equal (up to round-off), it is 0 for what is
        true of them, else 1.

    Raises:
        ValueError: fewer than two values, or non-finite ones.
    """
    sample = np.array(_checked(values))
    if len(sample) < 2:
        raise ValueError("one value has no spread")
    distance, spread = float(sample.mean()) - boundary, float(sample.std(ddof=1))
    if spread <= ROUND_OFF:
        return float(distance <= ROUND_OFF), float(distance >= -ROUND_OFF)
    t = distance / spread * math.sqrt(len(sample))
    return float(stdtr(len(sample) - 1, -t)), float(stdtr(len(sample) - 1, t))


def agree(values: Sequence[float]) -> bool:
    """Return whether all values are equal up to round-off, so that there is no test."""
    return len(values) > 1 and float(np.std(values, ddof=1)) <= ROUND_OFF


def sign_flips(values: Sequence[float], boundary: float) -> tuple[float, float]:
    """Test as `one_sided` does, by flipping signs: valid for any distribution that is symmetric about its mean.

    Args:
        values: finite numbers, at least two.
        boundary: the value under the null hypothesis.

    Returns:
        p of "more than the boundary" and p of "less": exact for up to 13 values, else from 9,999 random flips, the same
        at each call.
    """
    from scipy.stats import permutation_test  # this import takes a second

    distances = np.array(_checked(values)) - boundary
    more, less = (
        permutation_test(
            (distances,),
            np.mean,
            permutation_type="samples",
            vectorized=True,
            n_resamples=9_999,
            alternative=alternative,
            rng=np.random.default_rng(0),
        ).pvalue
        for alternative in ("greater", "less")
    )
    return float(more), float(less)


def partial_conjunction(p_values: Sequence[float] | np.ndarray, count: int) -> float:
    """Test whether at least `count` of several statements are true, by a p-value of each.

    This is the test of Benjamini and Heller (2008, Biometrics 64, 1215-1222) in Bonferroni's form: with m p-values in
    order, "at least k are true" has (m - k + 1) p_(k), however the statements depend on each other.

    Raises:
        ValueError: a count that is not one of the statements.
    """
    if not 1 <= count <= len(p_values):
        raise ValueError(f"{count} of {len(p_values)} pairs")
    return min(1.0, (len(p_values) - count + 1) * float(np.sort(p_values)[count - 1]))


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return Holm's step-down adjustment of p-values (Holm 1979, Scandinavian Journal of Statistics 6).

    With m p-values, the k-th smallest is multiplied by m - k + 1; none comes out below that of a smaller p-value, nor
    above 1. Rejecting where the result is at most 5 % keeps the chance of any wrong rejection at 5 % or less, however
    the tests depend on each other. `statsmodels.stats.multitest.multipletests` says the same, 100 ms later.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted
