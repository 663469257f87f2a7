from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from remixup.analysis.numbers import Target, compare, default_tolerance, difference_target, target, verdict
from remixup.analysis.statistics import prediction_interval
from remixup.config.experiment import Experiment, MetricInfo, Published, Row

ERROR = "test_error.last"


def of(value: float, tolerance: float | None = None, rounding: float = 0.05, **stated: float | int) -> Target:
    return Target(value, default_tolerance(value) if tolerance is None else tolerance, rounding, **stated)


@pytest.mark.parametrize(("published", "tolerance"), [(4.2, 0.3), (6.0, 0.3), (20.0, 1.0), (-20.0, 1.0), (0.0, 0.3)])
def test_default_tolerance(published: float, tolerance: float) -> None:
    assert default_tolerance(published) == pytest.approx(tolerance)


def spread(mean: float, standard_deviation: float) -> list[float]:
    """Five values: -1, -1, 0, 1, 1 have the standard deviation 1."""
    return [mean + standard_deviation * step for step in (-1, -1, 0, 1, 1)]


# Of five runs, the half-width of the 90 % interval is 2.13185 s / sqrt 5 = 0.95339 s; that of the 95 % interval for one
# more run 2.77645 s sqrt(1 + 1/5) = 3.04145 s.
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (spread(4.2, 0.1), "replicated"),
        (spread(4.2, 0.36), "replicated"),  # half-width 0.343 of 0.35
        (spread(4.2, 0.37), "inconclusive"),  # 0.353
        (spread(4.4, 0.15), "replicated"),  # 0.2 off, to 0.343
        (spread(4.4, 0.16), "inconclusive"),  # to 0.353
        (spread(4.0, 0.15), "replicated"),  # from the other side
        (spread(4.0, 0.16), "inconclusive"),
        ([4.1, 4.2, 4.2, 4.3], "inconclusive"),  # four runs
        ([4.2], "inconclusive"),
        (spread(5.2, 0.31), "not replicated"),  # 1.0 off; one more run within 0.943, and 0.05 of rounding
        (spread(5.2, 0.32), "inconclusive"),  # within 0.973
        (spread(3.2, 0.31), "not replicated"),
        (spread(4.599, 0.01), "not replicated"),  # barely beyond 0.35
        (spread(4.5, 0.01), "replicated"),  # the published number would not be the next run, but is near enough
        ([5.1, 5.2, 5.3], "not replicated"),  # three runs may exclude: within 0.497
        ([5.0, 7.0], "inconclusive"),  # within 22
        ([6.0, 6.0], "inconclusive"),  # runs of a discrete test error agree by chance
        ([6.0] * 4, "inconclusive"),
        ([6.0] * 5, "not replicated"),
        ([4.2] * 5, "replicated"),
        ([9.0], "inconclusive"),
    ],
)
def test_one_published_run(values: list[float], expected: str) -> None:
    assert compare(values, of(4.2)) == expected


def test_a_published_mean_of_several_runs_excludes_more() -> None:
    """Half-width with s = 0.4: 3.04145 s = 1.217 for one run, 2.77645 s sqrt(2/5) = 0.702 for a mean of five."""
    values = spread(5.2, 0.4)
    assert compare(values, of(4.2)) == "inconclusive"
    assert compare(values, of(4.2, runs=5)) == "not replicated"


def test_a_published_standard_deviation_counts() -> None:
    """Welch: s = 0.1 and 1 over five runs each have sqrt(0.202) = 0.4494 with 4.08 degrees of freedom, +- 1.239."""
    values, single = spread(5.2, 0.1), of(4.2, runs=1, standard_deviation=1.0)
    assert compare(values, of(4.2, runs=5)) == "not replicated"  # without it +- 0.176
    assert compare(values, of(4.2, runs=5, standard_deviation=1.0)) == "inconclusive"
    assert compare(values, single) == "not replicated", "of an unknown number of runs it is not used"


@pytest.mark.parametrize("published", [4.2, 3.1, 0.3, 5.7])
@pytest.mark.parametrize("side", [1, -1])
def test_the_tolerance_includes_its_edge(published: float, side: int) -> None:
    """4.2 + 0.35 is 4.55 and 4.2 - 0.35 is 3.85, whatever binary fractions make of them."""
    assert compare([round(published + side * 0.35, 2)] * 5, of(published)) == "replicated"
    assert compare([round(published + side * 0.351, 3)] * 5, of(published)) == "not replicated"


@pytest.mark.parametrize("seed", range(40))
def test_equivalence_is_that_of_statsmodels(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(4.2 + draw.uniform(-0.4, 0.4), draw.uniform(0.05, 0.5), 5 + seed % 4).tolist()
    p = DescrStatsW(values).ttost_mean(4.2 - 0.35, 4.2 + 0.35)[0]
    assert (compare(values, of(4.2)) == "replicated") == (p < 0.05)


@pytest.mark.parametrize("seed", range(20))
def test_the_interval_of_both_errors_is_that_of_scipy(seed: int) -> None:
    """The published mean is at the end of the 95 % interval exactly where Welch's p-value is 0.05."""
    draw = np.random.default_rng(seed)
    values = draw.normal(4.2, draw.uniform(0.1, 2), 5)
    low, high = prediction_interval(values.tolist(), runs=6, standard_deviation=0.7) or (0.0, 0.0)
    for end in (low, high):
        test = stats.ttest_ind_from_stats(values.mean(), values.std(ddof=1), 5, end, 0.7, 6, equal_var=False)
        assert test.pvalue == pytest.approx(0.05)


def wrongly_replicated(draw: np.random.Generator, runs: int, spread: float) -> float:
    """How often a method at the edge of the tolerance is called replicated."""
    samples = draw.normal(4.2 + 0.35, spread, (1000, runs))
    return float(np.mean([compare(values.tolist(), of(4.2)) == "replicated" for values in samples]))


@pytest.mark.parametrize("runs", [5, 10])
@pytest.mark.parametrize("spread", [0.05, 0.15, 0.4])
def test_at_the_edge_of_the_tolerance_one_in_twenty_is_replicated(runs: int, spread: float) -> None:
    assert wrongly_replicated(np.random.default_rng(runs), runs, spread) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


def frequencies(true_error: float, spread: float, runs: int, published_error: float, averaged: int) -> dict[str, float]:
    """How often each verdict falls, where the paper averages several runs."""
    draw = np.random.default_rng(1)
    found = []
    for _ in range(500):
        printed = round(float(draw.normal(published_error, spread, averaged).mean()), 1)
        found.append(compare(draw.normal(true_error, spread, runs).tolist(), of(printed, runs=averaged)))
    return {name: found.count(name) / 500 for name in set(found)}


@pytest.mark.parametrize("averaged", [1, 5])
def test_the_same_method_is_seldom_called_not_replicated(averaged: int) -> None:
    excluded = frequencies(20.0, 3.0, 5, 20.0, averaged).get("not replicated", 0)
    assert excluded <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def test_the_same_method_is_replicated_where_the_spread_is_small() -> None:
    assert frequencies(4.2, 0.1, 5, 4.2, 1)["replicated"] > 0.9


def test_another_method_is_not_replicated() -> None:
    assert frequencies(5.2, 0.1, 5, 4.2, 1)["not replicated"] > 0.9
    assert frequencies(5.2, 0.3, 5, 4.2, 10)["not replicated"] > 0.9


def test_a_wide_spread_is_inconclusive() -> None:
    assert frequencies(5.2, 1.0, 3, 4.2, 1)["inconclusive"] > 0.9


def test_numbers_that_are_not_compared() -> None:
    digits = "digits for CIFAR-10"
    for surrogate in (None, digits):
        assert verdict([4.2] * 5, None, surrogate=surrogate) == "no published number"
        assert verdict([4.2] * 5, None, surrogate=surrogate, transcribed=False) == "not transcribed"
    assert verdict([4.2] * 5, of(4.2), surrogate=digits) == "surrogate"
    assert verdict([9.0] * 5, of(4.2), surrogate=digits) == "surrogate"
    assert verdict([4.2] * 5, of(4.2), surrogate=None) == "replicated"


@pytest.mark.parametrize("published", [of(4.2), None])
@pytest.mark.parametrize("values", [[], [4.2, math.nan, 4.2], [math.inf]])
def test_a_verdict_needs_numbers(published: Target | None, values: list[float]) -> None:
    with pytest.raises(ValueError, match="empty sample" if not values else "not all finite"):
        verdict(values, published, surrogate=None)


def experiment(erm: float | Published | None, *mixed: float | None, tolerance: float | None = None) -> Experiment:
    """ERM and its counterparts, mixup0 and so on; the metric's numbers are means of five runs."""

    def row(name: str, value: float | Published | None) -> Row:
        return Row(id=name, label=name, published={} if value is None else {ERROR: value})

    return Experiment(
        id="cifar",
        paper="zhang2018mixup",
        title="",
        where="Table 2",
        summary="",
        metrics={ERROR: MetricInfo(label="test error", tolerance=tolerance, decimals=1, runs=5)},
        rows=[row("erm", erm), *(row(f"mixup{i}", value) for i, value in enumerate(mixed))],
        counterparts={"erm": [f"mixup{i}" for i in range(len(mixed))]} if mixed else {},
    )


def targets(stated: Experiment) -> list[Target | None]:
    return [target(stated, row, ERROR) for row in stated.rows]


@pytest.mark.parametrize(
    ("stated", "tolerances"),
    [
        (experiment(5.6), [0.3]),
        (experiment(5.6, 4.2), [0.3, 0.3]),  # a quarter of the gain is 0.35
        (experiment(3.8, 2.7), [0.275, 0.275]),
        (experiment(23.5, 23.3), [0.05, 0.05]),
        (experiment(10.3, 11.3), [0.25, 0.25]),  # a loss counts as a gain does
        (experiment(10.3, 10.8, 11.3), [0.125, 0.125, 0.25]),  # ERM's is that of its smallest gain
        (experiment(2.0, 2.0), [0.3, 0.3]),  # no gain
        (experiment(5.6, None), [0.3, None]),
        (experiment(33.0, 7.0, tolerance=5), [5, 5]),  # the stated one is smaller than 6.5
        (experiment(33.0, 23.0, tolerance=5), [2.5, 2.5]),
    ],
)
def test_the_tolerance_is_at_most_a_quarter_of_the_published_gain(
    stated: Experiment, tolerances: list[float | None]
) -> None:
    found = [each and each.tolerance for each in targets(stated)]
    assert found == [each if each is None else pytest.approx(each) for each in tolerances]


@pytest.mark.parametrize(
    ("published", "tolerance", "just_equivalent", "just_off"),
    [
        (0.996, 0.0004, 0.9951, 0.9950),  # with 0.0005 of rounding from 0.9951 to 0.9969
        (0.174, 0.0174, 0.1561, 0.1560),  # from 0.1561 to 0.1919
        (0.654, 0.0346, 0.6891, 0.6892),
        (1.0, 0.0, 0.9995, 0.9994),  # only the rounding
    ],
)
def test_a_probability_has_a_tenth_of_what_is_left_to_0_or_1(
    published: float, tolerance: float, just_equivalent: float, just_off: float
) -> None:
    stated = experiment(published)
    info = MetricInfo(label="p", unit="", decimals=3, relative_tolerance=0.1)
    (found,) = targets(stated.model_copy(update={"metrics": {ERROR: info}}))
    assert found is not None
    assert found.tolerance == pytest.approx(tolerance)
    assert compare([just_equivalent] * 5, found) == "replicated"
    assert compare([just_off] * 5, found) == "not replicated"


@pytest.mark.parametrize(
    ("published", "rounding"), [(5.6, 0.05), (6, 0.05), (5.61, 0.005), (0.99960965, 5e-9), (1e-7, 5e-8)]
)
def test_a_number_with_more_decimals_than_the_metric_is_rounded_less(published: float, rounding: float) -> None:
    (found,) = targets(experiment(published))
    assert found is not None
    assert found.rounding == pytest.approx(rounding)


def test_a_stated_tolerance_of_a_probability_comes_first() -> None:
    info = MetricInfo(label="p", unit="", relative_tolerance=0.1)
    stated = experiment(Published(value=0.5, tolerance=0.01)).model_copy(update={"metrics": {ERROR: info}})
    assert stated.tolerance(stated.rows[0], ERROR) == 0.01
    with pytest.raises(ValidationError, match="a tolerance or a relative_tolerance"):
        MetricInfo(label="p", tolerance=0.03, relative_tolerance=0.1)


def test_a_target_has_what_the_number_or_else_the_metric_states() -> None:
    stated = experiment(Published(value=5.6, runs=3, standard_deviation=0.2), 4.2)
    assert targets(stated) == [of(5.6, 0.3, runs=3, standard_deviation=0.2), of(4.2, 0.3, runs=5)]
    assert targets(experiment(Published(value=None, where="Table 2, not read"))) == [None]


@pytest.mark.parametrize("value", [17.4, -0.1])
def test_a_percentage_is_no_probability(value: float) -> None:
    """The smaller of p and 1 - p would be negative."""
    document = experiment(value).model_dump(exclude_defaults=True)
    document["metrics"][ERROR] = {"label": "p", "relative_tolerance": 0.1}
    with pytest.raises(ValidationError, match=rf"row erm: {value} of test_error.last is no probability"):
        Experiment.model_validate(document)


def test_the_same_method_seldom_misses_the_difference_of_rows_that_share_a_split() -> None:
    """Both sides have errors of rows that correlate by 0.8, since a split of the data is easy or hard for both."""
    draw, wrong = np.random.default_rng(3), 0
    for _ in range(1000):
        split, own = draw.normal(0, math.sqrt(0.8), 6), draw.normal(0, math.sqrt(0.2), (2, 6))
        erm, mixup = 10 + split + own[0], 9 + split + own[1]
        printed = difference_target(of(round(erm[5], 2), rounding=0.005), of(round(mixup[5], 2), rounding=0.005))
        wrong += compare((erm[:5] - mixup[:5]).tolist(), printed) == "not replicated"
    assert wrong / 1000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


def test_a_published_difference() -> None:
    """5.6 - 4.2 is 1.4 to a quarter, 0.35; both are rounded to 0.05; the deviations 0.3 and 0.4 give 0.5."""
    baseline = of(5.6, runs=5, standard_deviation=0.3)
    found = difference_target(baseline, of(4.2, runs=3, standard_deviation=0.4))
    assert (found.value, found.tolerance) == (pytest.approx(1.4), pytest.approx(0.35))
    assert (found.rounding, found.runs, found.standard_deviation) == (0.1, 3, pytest.approx(0.5))
    assert difference_target(baseline, of(4.2)).standard_deviation is None
    assert difference_target(of(2.0), of(2.0, 0.2)).tolerance == 0.2, "no quarter of nothing"
