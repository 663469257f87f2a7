"""Decide whether runs replicate a published number, or a published difference of two rows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from remixup.analysis.result_schema import Verdict
from remixup.analysis.statistics import ROUND_OFF, at_most, mean_interval, prediction_interval, summarize
from remixup.analysis.thresholds import FEWEST, LEAST_TOLERANCE, LEVEL, RELATIVE_TOLERANCE, SHARE_OF_GAIN
from remixup.config.experiment import Derived, Experiment, Row


def default_tolerance(published: float) -> float:
    """Return the tolerance of a number that states none: the larger of 0.3 and 5 % of the number."""
    return max(LEAST_TOLERANCE, RELATIVE_TOLERANCE * abs(published))


@dataclass(frozen=True)
class Target:
    """A published number, and how near a mean must be to replicate it."""

    value: float
    tolerance: float
    rounding: float
    """Half of the last printed place."""
    runs: int = 1
    """How many runs the paper averages."""
    standard_deviation: float | None = None
    """Over the paper's runs; None where it is not stated."""

    @property
    def margin(self) -> float:
        """The largest distance that counts as the same."""
        return self.tolerance + self.rounding

    def stated(self) -> dict[str, float]:
        """Return what is known of it, by name, up to round-off."""
        return {name: round(value, 9) for name, value in asdict(self).items() if value is not None}


def derived_target(stated: Derived) -> Target:
    """Return a number that a paper derives from two rows."""
    return Target(stated.published, stated.tolerance, 0.5 * 10.0**-stated.decimals)


def target(experiment: Experiment, row: Row, metric: str) -> Target | None:
    """Return a row's published number with its tolerance; None where the paper prints none that could be read.

    Its last printed place is that of the metric; a number with more decimals was printed with more. The tolerance is
    the stated one, else the default. Where the row has a counterpart (ERM and mixup of the same setting), it is at most
    a quarter of the published gain, so that two numbers cannot both be replicated while the gain is lost. A published
    gain of zero has no quarter: it leaves the tolerance as it is.
    """
    printed = experiment.published(row, metric)
    if printed is None or printed.value is None:
        return None
    stated = experiment.tolerance(row, metric)
    quarters = [SHARE_OF_GAIN * abs(gain) for gain in experiment.gains(row, metric) if abs(gain) > ROUND_OFF]
    return Target(
        value=printed.value,
        tolerance=min([default_tolerance(printed.value) if stated is None else stated, *quarters]),
        rounding=0.5 * 10.0 ** -max(experiment.metrics[metric].decimals, _decimals(printed.value)),
        runs=printed.runs or 1,
        standard_deviation=printed.standard_deviation,
    )


def _decimals(number: float) -> int:
    """Return how many decimals a number has."""
    return max(0, -int(Decimal(repr(number)).normalize().as_tuple().exponent))


def difference_target(baseline: Target, treatment: Target) -> Target:
    """Return the published difference baseline - treatment, with a quarter of it as the tolerance.

    Both numbers are rounded. Standard deviations that the paper states are those of independent errors. Where it states
    none, its difference is taken to vary as ours does by seed, as if its two rows shared the split of the data, too. A
    published difference of zero has the smaller of the two numbers' tolerances.
    """
    value = baseline.value - treatment.value
    share = SHARE_OF_GAIN * abs(value)
    spreads = (baseline.standard_deviation, treatment.standard_deviation)
    return Target(
        value=value,
        tolerance=share if abs(value) > ROUND_OFF else min(baseline.tolerance, treatment.tolerance),
        rounding=baseline.rounding + treatment.rounding,
        runs=min(baseline.runs, treatment.runs),
        standard_deviation=None if spreads[0] is None or spreads[1] is None else math.hypot(spreads[0], spreads[1]),
    )


def compare(values: Sequence[float], published: Target) -> Verdict:
    """Return whether runs replicate a published number; "inconclusive" where they neither do nor exclude it.

    Args:
        values: what the runs measured, in the unit of the number; finite, at least one.
        published: the number.

    Returns:
        "replicated": at least five runs, and their mean is equivalent to the published number by two one-sided t tests
        at 5 % each (the 90 % interval of the mean is within tolerance plus rounding). "not replicated": the mean is
        farther off than that, and the published number (less its rounding) is outside the 95 % interval that allows
        for the errors of both sides. Fewer than five runs that all agree exclude nothing, since test errors are
        discrete. Else "inconclusive".

    Raises:
        ValueError: empty or non-finite values.
    """
    sample = summarize(values, range(len(values)))
    distance = abs(sample.mean - published.value)
    interval = mean_interval(values, 1 - 2 * LEVEL)
    if at_most(distance, published.margin):
        equivalent = interval is not None and all(
            at_most(abs(end - published.value), published.margin) for end in interval
        )
        return "replicated" if equivalent and sample.n >= FEWEST else "inconclusive"
    expected = prediction_interval(values, 1 - LEVEL, published.runs, published.standard_deviation)
    if expected is None or (sample.n < FEWEST and statistics.stdev(values) <= ROUND_OFF):
        return "inconclusive"
    half_width = (expected[1] - expected[0]) / 2
    return "inconclusive" if at_most(distance - published.rounding, half_width) else "not replicated"


def verdict(
    values: Sequence[float], published: Target | None, *, surrogate: str | None, transcribed: bool = True
) -> Verdict:
    """Return the verdict on a number that was measured.

    Args:
        values: what the runs measured; finite, at least one.
        published: the number to compare them with, or None.
        surrogate: how a surrogate differs from the published setting; its number is not compared with the published.
        transcribed: whether `None` says that the paper prints no number, and not that its table could not be read.

    Returns:
        In this order "no published number", "not transcribed", "surrogate"; else that of `compare`.

    Raises:
        ValueError: empty or non-finite values.
    """
    summarize(values, range(len(values)))
    if published is None:
        return "no published number" if transcribed else "not transcribed"
    return "surrogate" if surrogate is not None else compare(values, published)
