from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from remixup.analysis.statistics import holm, paired, prediction_interval, summarise

T_975 = {1: 12.7062, 2: 4.30265, 4: 2.77645}  # from a printed table
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_summary_of_three_runs_by_hand() -> None:
    found = summarise([4.0, 5.0, 6.0], [7, 8, 9])
    half = T_975[2] / math.sqrt(3)
    assert (found.mean, found.std, found.n) == (5.0, 1.0, 3)
    assert found.ci95 == pytest.approx((5 - half, 5 + half), abs=1e-4)
    assert (found.values, found.seeds) == ([4.0, 5.0, 6.0], [7, 8, 9])


def test_one_run_has_no_spread() -> None:
    found = summarise([4.2], [0])
    assert (found.mean, found.std, found.ci95, found.n) == (4.2, None, None, 1)
    assert prediction_interval([4.2]) is None


@pytest.mark.parametrize("value", [0.1, 4.2, 1e-5, 1 / 3])
def test_equal_runs_have_the_point_as_interval(value: float) -> None:
    """Summing 0.1 three times and dividing by 3 is not 0.1 in floating point."""
    found = summarise([value] * 3, range(3))
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
    found = summarise(values, range(len(values)))
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
        low, high = summarise(runs, range(5)).ci95 or (math.inf, -math.inf)
        held += low <= 4.2 <= high
        low, high = prediction_interval(runs) or (math.inf, -math.inf)
        predicted += low <= following <= high
    assert 0.935 <= held / 2000 <= 0.965  # three standard errors
    assert 0.935 <= predicted / 2000 <= 0.965


@pytest.mark.parametrize(
    "use",
    [
        lambda values: summarise(values, range(len(values))),
        prediction_interval,
        lambda values: paired(values, 0.3),
    ],
)
@pytest.mark.parametrize("values", [[], [math.nan], [4.2, math.nan, 4.1], [math.inf, 1.0]])
def test_what_is_no_sample_is_refused(use: Callable[[list[float]], object], values: list[float]) -> None:
    with pytest.raises(ValueError, match="empty sample" if not values else "not all finite"):
        use(values)


@pytest.mark.parametrize("seeds", [[0, 1], [0, 1, 1], [0, 1, 2, 3]])
def test_each_run_has_a_seed_of_its_own(seeds: list[int]) -> None:
    with pytest.raises(ValueError, match="different seeds"):
        summarise([4.0, 5.0, 6.0], seeds)


def test_paired_by_hand() -> None:
    """Effects 1, 2, 3 against 0: t = 2 / (1 / sqrt 3) = 3.4641, of which p = 0.0742 with 2 degrees of freedom."""
    found = paired([1.0, 2.0, 3.0], 0.0)
    half = T_975[2] / math.sqrt(3)
    assert (found.effect, found.n) == (2.0, 3)
    assert found.ci95 == pytest.approx((2 - half, 2 + half), abs=1e-4)
    assert found.p == pytest.approx(0.0742, abs=5e-5)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=10), st.floats(0, 5))
def test_paired_agrees_with_scipy(pairs: list[tuple[float, float]], smallest: float) -> None:
    baseline, treatment = np.array(pairs).T
    effects = baseline - treatment
    assume(np.std(effects, ddof=1) > 1e-6)  # equal differences have a test of their own below
    found = paired(effects.tolist(), smallest)
    oracle = stats.ttest_rel(baseline, treatment + smallest)
    assert found.p == pytest.approx(oracle.pvalue, rel=1e-5, abs=1e-9)
    interval = stats.ttest_rel(baseline, treatment).confidence_interval(0.95)
    assert found.ci95 == pytest.approx((interval.low, interval.high), abs=1e-7)


@given(st.lists(st.integers(-300, 300), min_size=2, max_size=6), st.floats(0.01, 3))
def test_p_and_interval_tell_the_same(hundredths: list[int], smallest: float) -> None:
    found = paired([value / 100 for value in hundredths], smallest)
    assert found.ci95 is not None
    assert found.p is not None
    low, high = found.ci95
    assume(min(abs(low - smallest), abs(high - smallest)) > 1e-6)
    assert (found.p < 0.05) == (not low < smallest < high)


@pytest.mark.parametrize(
    ("effects", "smallest", "p"),
    [
        ([0.0, 0.0, 0.0], 0.0, 1.0),
        ([0.5, 0.5], 0.0, 0.0),
        ([0.0, 0.0], 0.3, 0.0),
        ([5.2 - 4.9, 4.2 - 3.9, 0.3], 0.3, 1.0),  # all 0.3, but not in floating point
        ([5.2 - 4.9, 4.2 - 3.9, 0.3], 0.2, 0.0),
    ],
)
def test_equal_differences(effects: list[float], smallest: float, p: float) -> None:
    found = paired(effects, smallest)
    assert found.p == p
    assert found.effect == pytest.approx(effects[0])
    assert found.ci95 == pytest.approx((effects[0], effects[0]))


def test_one_pair_tests_nothing() -> None:
    found = paired([0.7], 0.3)
    assert (found.effect, found.ci95, found.p, found.n) == (0.7, None, None, 1)


def test_holm_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06 and 0.04, which may not fall below 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_without_a_test() -> None:
    assert holm([None, 0.03, None, 0.02]) == [None, 0.04, None, 0.04]
    assert holm([]) == []
    assert holm([None]) == [None]
    assert holm([0.03]) == [0.03]
    assert holm([0.9, 0.8, 0.7]) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("p", [math.nan, -0.01, 1.01])
def test_holm_refuses_what_is_no_p_value(p: float) -> None:
    with pytest.raises(ValueError, match="not a p-value"):
        holm([0.5, p])


@given(P_VALUES)
def test_holm_is_between_the_raw_values_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, found in zip(p_values, adjusted, strict=True):
        assert found is not None
        assert p <= found <= min(1.0, len(p_values) * p)


@given(P_VALUES)
def test_holm_keeps_the_order(p_values: list[float]) -> None:
    by_p = [found for _, found in sorted(zip(p_values, holm(p_values), strict=True), key=lambda both: both[0])]
    assert by_p == sorted(by_p, key=lambda found: math.nan if found is None else found)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8), st.randoms(use_true_random=False))
def test_holm_does_not_mind_the_order(p_values: list[float | None], random: Random) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)
    adjusted = holm(p_values)
    assert holm([p_values[index] for index in order]) == [adjusted[index] for index in order]


@given(P_VALUES, st.floats(0.01, 0.2))
def test_holm_rejects_as_its_step_down_procedure(p_values: list[float], level: float) -> None:
    """The procedure as Holm states it: go up from the smallest, stop at the first that fails level / (m - k)."""
    rejected = set()
    for steps, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        bound = level / (len(p_values) - steps)
        assume(abs(p_values[index] - bound) > 1e-12)  # else round-off alone decides
        if p_values[index] > bound:
            break
        rejected.add(index)
    assert {index for index, p in enumerate(holm(p_values)) if p is not None and p < level} == rejected
