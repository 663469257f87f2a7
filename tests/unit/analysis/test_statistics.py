from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from remixup.analysis.statistics import (
    agree,
    mean_interval,
    one_sided,
    partial_conjunction,
    prediction_interval,
    sign_flips,
    summarize,
)

T_975 = {1: 12.7062, 2: 4.30265, 4: 2.77645}  # from a printed table


def test_summary_of_three_runs_by_hand() -> None:
    found = summarize([4.0, 5.0, 6.0], [7, 8, 9])
    half = T_975[2] / math.sqrt(3)
    assert (found.mean, found.std, found.n) == (5.0, 1.0, 3)
    assert found.ci95 == pytest.approx((5 - half, 5 + half), abs=1e-4)
    assert (found.values, found.seeds) == ([4.0, 5.0, 6.0], [7, 8, 9])


def test_one_run_has_no_spread() -> None:
    found = summarize([4.2], [0])
    assert (found.mean, found.std, found.ci95, found.n) == (4.2, None, None, 1)
    assert prediction_interval([4.2]) is None


@pytest.mark.parametrize("value", [0.1, 4.2, 1e-5, 1 / 3])
def test_equal_runs_have_the_point_as_interval(value: float) -> None:
    """Summing 0.1 three times and dividing by 3 is not 0.1 in floating point."""
    found = summarize([value] * 3, range(3))
    assert (found.mean, found.std, found.ci95) == (value, 0.0, (value, value))
    assert prediction_interval([value] * 3) == (value, value)


def test_prediction_interval_by_hand() -> None:
    half = T_975[2] * math.sqrt(4 / 3)
    assert prediction_interval([4.0, 5.0, 6.0]) == pytest.approx((5 - half, 5 + half), abs=1e-4)


def test_prediction_interval_at_another_level() -> None:
    half = 1.88562 * math.sqrt(4 / 3)  # t table, 2 degrees of freedom, 80 % two-sided
    assert prediction_interval([4.0, 5.0, 6.0], level=0.8) == pytest.approx((5 - half, 5 + half), abs=1e-4)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_summary_agrees_with_scipy(values: list[float]) -> None:
    found = summarize(values, range(len(values)))
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert found.std == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    scale = np.std(values, ddof=1) / math.sqrt(len(values))
    half = stats.t.ppf(0.975, len(values) - 1) * scale
    assert found.ci95 == pytest.approx((found.mean - half, found.mean + half), abs=1e-9)


def test_intervals_hold_what_they_promise() -> None:
    """Of 2,000 samples of five runs: how often the interval holds the mean, and the other one the next run."""
    draws = np.random.default_rng(0).normal(4.2, 0.3, (2000, 6))
    held = predicted = 0
    for *runs, following in draws.tolist():
        low, high = summarize(runs, range(5)).ci95 or (math.inf, -math.inf)
        held += low <= 4.2 <= high
        low, high = prediction_interval(runs) or (math.inf, -math.inf)
        predicted += low <= following <= high
    assert 0.935 <= held / 2000 <= 0.965  # three standard errors
    assert 0.935 <= predicted / 2000 <= 0.965


@pytest.mark.parametrize(
    "use",
    [
        lambda values: summarize(values, range(len(values))),
        prediction_interval,
        lambda values: one_sided(values, 0.3),
    ],
)
@pytest.mark.parametrize("values", [[], [math.nan], [4.2, math.nan, 4.1], [math.inf, 1.0]])
def test_what_is_no_sample_is_refused(use: Callable[[list[float]], object], values: list[float]) -> None:
    with pytest.raises(ValueError, match="empty sample" if not values else "not all finite"):
        use(values)


@pytest.mark.parametrize("seeds", [[0, 1], [0, 1, 1], [0, 1, 2, 3]])
def test_each_run_has_a_seed_of_its_own(seeds: list[int]) -> None:
    with pytest.raises(ValueError, match="different seeds"):
        summarize([4.0, 5.0, 6.0], seeds)


def test_one_sided_by_hand() -> None:
    """Effects 1, 2, 3 against 0: t = 2 / (1 / sqrt 3) = 3.4641, of which p = 0.0371 with 2 degrees of freedom."""
    more, less = one_sided([1.0, 2.0, 3.0], 0.0)
    assert (more, less) == pytest.approx((0.0371, 0.9629), abs=5e-5)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=10), st.floats(-5, 5))
def test_one_sided_agrees_with_scipy(values: list[float], boundary: float) -> None:
    assume(np.std(values, ddof=1) > 1e-6)  # equal values have a test of their own below
    oracle = [stats.ttest_1samp(values, boundary, alternative=side).pvalue for side in ("greater", "less")]
    assert one_sided(values, boundary) == pytest.approx(oracle, rel=1e-5, abs=1e-9)


@given(st.lists(st.integers(-300, 300), min_size=2, max_size=6), st.floats(0.01, 3))
def test_p_and_interval_tell_the_same(hundredths: list[int], boundary: float) -> None:
    values = [value / 100 for value in hundredths]
    interval = mean_interval(values)
    assert interval is not None
    assume(min(abs(end - boundary) for end in interval) > 1e-6)
    assert (2 * min(one_sided(values, boundary)) < 0.05) == (not interval[0] < boundary < interval[1])


@pytest.mark.parametrize(
    ("values", "boundary", "expected"),
    [
        ([0.0, 0.0, 0.0], 0.0, (1.0, 1.0)),
        ([0.5, 0.5], 0.0, (0.0, 1.0)),
        ([0.0, 0.0], 0.3, (1.0, 0.0)),
        ([5.2 - 4.9, 4.2 - 3.9, 0.3], 0.3, (1.0, 1.0)),  # all 0.3, but not in floating point
        ([5.2 - 4.9, 4.2 - 3.9, 0.3], 0.2, (0.0, 1.0)),
    ],
)
def test_equal_values_decide_by_their_value(
    values: list[float], boundary: float, expected: tuple[float, float]
) -> None:
    assert agree(values)
    assert one_sided(values, boundary) == expected


def test_values_agree_up_to_round_off_only() -> None:
    assert not agree([1.0, 1.001])
    assert not agree([1.0]), "one seed agrees with nobody"
    with pytest.raises(ValueError, match="no spread"):
        one_sided([1.0], 0.0)


def test_sign_flips_by_hand() -> None:
    """Of 2^6 signs, one gives a mean as large as six effects above the boundary; all give one as small."""
    assert sign_flips([1.1, 1.2, 1.3, 1.4, 1.5, 1.6], 1.0) == pytest.approx((1 / 64, 1.0))
    # 3 - 1 = 2: two sums of (3, 1) with signs are at least 2, and two are at most that but for 4.
    assert sign_flips([3.0, -1.0], 0.0) == pytest.approx((2 / 4, 3 / 4))


def test_sign_flips_of_many_seeds_are_drawn_and_the_same_each_time() -> None:
    values = np.random.default_rng(1).normal(0.2, 0.5, 40).tolist()
    found = sign_flips(values, 0.0)
    assert found == sign_flips(values, 0.0)
    assert found == pytest.approx(one_sided(values, 0.0), abs=0.01), "for normal values nearly those of the t test"


def test_partial_conjunction_by_hand() -> None:
    """Of 0.01, 0.02, 0.5: at least one 3 x 0.01, two 2 x 0.02, all three 0.5."""
    p = [0.5, 0.01, 0.02]
    assert [partial_conjunction(p, count) for count in (1, 2, 3)] == pytest.approx([0.03, 0.04, 0.5])
    assert partial_conjunction([0.6, 0.7], 1) == 1.0
    with pytest.raises(ValueError, match="4 of 3 pairs"):
        partial_conjunction(p, 4)
