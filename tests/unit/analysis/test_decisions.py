"""How p-values decide on claims: alone, and the primary claims of a paper together."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from remixup.analysis.decisions import (
    PValues,
    count_p_values,
    decide_alone,
    decide_together,
    effect_p_values,
    limit_p_values,
)
from remixup.analysis.result_schema import Outcome

EFFECTS = [0.9, 1.0, 1.1, 0.8, 1.2]
"""Mean 1, standard deviation 0.158, standard error 0.0707."""


def two_sided(values: list[float], boundary: float, alternative: str) -> float:
    return min(1.0, 2 * float(stats.ttest_1samp(values, boundary, alternative=alternative).pvalue))


def test_p_values_by_hand() -> None:
    """Against 0.8: t = 0.2 / 0.0707 = 2.828 with 4 degrees of freedom, of which p = 0.0474."""
    found = effect_p_values(EFFECTS, 0.8)
    assert found["supported"] == pytest.approx(0.0474, abs=5e-5)
    assert found["positive"] == pytest.approx(1.45e-4, abs=1e-6)  # t = 14.14
    assert found["contradicted"] == 1.0
    assert found["no effect"] == pytest.approx(1 - 0.0474 / 2, abs=5e-5)


@given(st.lists(st.floats(-2, 2), min_size=5, max_size=9), st.floats(0.05, 2), st.booleans())
def test_p_values_agree_with_scipy_and_statsmodels(values: list[float], smallest: float, primary: bool) -> None:
    assume(np.std(values) > 1e-3)
    found = effect_p_values(values, smallest, primary=primary)
    assert found["supported"] == pytest.approx(two_sided(values, smallest, "greater"), abs=1e-9)
    assert found["positive"] == pytest.approx(two_sided(values, 0.0, "greater"), abs=1e-9)
    assert found["contradicted"] == pytest.approx(two_sided(values, 0.0, "less"), abs=1e-9)
    equivalent = DescrStatsW(np.array(values)).ttost_mean(-smallest, smallest)[0]
    assert found["no effect"] == pytest.approx(min(1.0, 2 * equivalent) if primary else equivalent, abs=1e-9)
    denied = effect_p_values(values, smallest, "no more", primary=primary)
    assert denied["contradicted"] == found["supported"]
    assert denied["positive"] == found["positive"]
    below = two_sided(values, smallest, "less")
    assert denied["supported"] == pytest.approx(below if primary else min(below, equivalent), abs=1e-9)


@given(st.lists(st.floats(-2, 2), min_size=5, max_size=9), st.floats(0.05, 2))
def test_a_secondary_claim_is_decided_by_its_intervals(values: list[float], smallest: float) -> None:
    assume(np.std(values, ddof=1) > 1e-3)
    n, mean, error = len(values), np.mean(values), stats.sem(values)
    low, high = stats.t.interval(0.95, n - 1, mean, error)
    low_90, high_90 = stats.t.interval(0.90, n - 1, mean, error)
    ends = [low, high, low - smallest, high - smallest, low_90 + smallest, high_90 - smallest]
    assume(min(map(abs, ends)) > 1e-6)
    expected: Outcome = (
        "supported"
        if low > smallest
        else "contradicted"
        if high < 0
        else "no effect"
        if -smallest < low_90 and high_90 < smallest
        else "positive"
        if low > 0
        else "open"
    )
    assert decide_alone(effect_p_values(values, smallest)) == expected
    denied: Outcome = (
        "supported"
        if high < smallest or (-smallest < low_90 and high_90 < smallest)
        else "contradicted"
        if low > smallest
        else "positive"
        if low > 0
        else "open"
    )
    assert decide_alone(effect_p_values(values, smallest, "no more")) == denied


@pytest.mark.parametrize(
    ("value", "more", "no_more"),
    [
        (1.0, "supported", "contradicted"),
        (0.5, "positive", "supported"),  # "no more than 0.5" includes it
        (0.3, "no effect", "supported"),
        (0.0, "no effect", "supported"),
        (-0.3, "contradicted", "supported"),
        (-0.9, "contradicted", "supported"),
    ],
)
def test_seeds_that_all_agree_decide_by_their_value(value: float, more: Outcome, no_more: Outcome) -> None:
    assert decide_alone(effect_p_values([value] * 5, 0.5)) == more
    assert decide_alone(effect_p_values([value] * 5, 0.5, "no more")) == no_more
    assert set(effect_p_values([value] * 5, 0.5).values()) <= {0.0, 1.0}
    assert decide_alone(limit_p_values([value] * 5, 0.5)) == ("contradicted" if value > 0.5 else "supported")


def test_limits_by_hand() -> None:
    """Mean 1 against 1.2: t = -2.828."""
    assert limit_p_values(EFFECTS, 1.2) == pytest.approx({"supported": 0.0474, "contradicted": 1.0}, abs=5e-5)
    assert limit_p_values(EFFECTS, 0.8) == pytest.approx({"supported": 1.0, "contradicted": 0.0474}, abs=5e-5)
    assert decide_alone(limit_p_values(EFFECTS, 1.1)) == "open"


def test_counts_by_hand() -> None:
    """Two of three: (3 - 2 + 1) times the second smallest p; the opposite, two of three not: 2 times the second q."""
    pairs = [EFFECTS, [2 * each for each in EFFECTS], [-each for each in EFFECTS]]
    p = sorted(float(stats.ttest_1samp(pair, 0.5, alternative="greater").pvalue) for pair in pairs)
    q = sorted(float(stats.ttest_1samp(pair, 0.5, alternative="less").pvalue) for pair in pairs)
    found = count_p_values(pairs, 2, 0.5)
    assert found == pytest.approx({"supported": 2 * 2 * p[1], "contradicted": min(1.0, 2 * 2 * q[1])})
    turned = [[1.0 - each for each in pair] for pair in pairs]
    assert count_p_values(turned, 2, 0.5, "no more") == pytest.approx(found)


def say(**p_values: float) -> PValues:
    names: dict[str, Outcome] = {"sup": "supported", "con": "contradicted", "no": "no effect", "pos": "positive"}
    return {outcome: p_values.get(name, 1.0) for name, outcome in names.items()}


def test_together_by_hand() -> None:
    """Of five: 0.005 x 5 and 0.01 x 4 are decided. The three that are left have 0.05 / 3 each: 0.016 is below it."""
    claims = [say(sup=0.01), say(con=0.005), say(pos=0.016), say(pos=0.017, no=0.6), {}]
    found = decide_together(claims, 5)
    assert [outcome for outcome, _ in found] == ["supported", "contradicted", "positive", "open", "open"]
    assert [p for _, p in found] == [pytest.approx(p) if p else p for p in (0.04, 0.025, 0.048, 0.051, None)]


def test_claims_without_a_test_are_in_the_family() -> None:
    claims = [say(sup=0.02, pos=0.004)]
    assert decide_together(claims, 1) == [("supported", pytest.approx(0.02))]
    assert decide_together(claims, 2) == [("supported", pytest.approx(0.04))]
    assert decide_together(claims, 3) == [("positive", pytest.approx(0.012))]
    assert decide_together(claims, 3) == decide_together([*claims, {}, {}], 3)[:1]
    with pytest.raises(ValueError, match="2 claims in a family of 1"):
        decide_together([say(), say()], 1)
    assert decide_together([], 0) == []


def test_a_sign_does_not_raise_the_level_of_other_claims() -> None:
    """Else five effects of exactly the smallest of interest would each get a larger level than the one before."""
    claims = [say(sup=0.04, pos=1e-9) for _ in range(5)]
    assert decide_together(claims, 5) == [("positive", pytest.approx(5e-9))] * 5


@patch("gc.collect", lambda: 0)  # the oracle collects garbage at each call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7), st.integers(0, 3))
def test_what_is_supported_agrees_with_statsmodels(p_values: list[float], untested: int) -> None:
    family = len(p_values) + untested
    reject, adjusted = multipletests([*p_values, *[1.0] * untested], 0.05, method="holm")[:2]
    assume(min(abs(adjusted - 0.05)) > 1e-9)
    found = decide_together([{"supported": p, "contradicted": 1.0} for p in p_values], family)
    assert [outcome == "supported" for outcome, _ in found] == list(reject[: len(p_values)])
    assert [p for _, p in found] == pytest.approx(list(adjusted[: len(p_values)]))


SMALLEST = 1.0


def is_false(outcome: Outcome, effect: float) -> bool:
    true = {
        "supported": effect > SMALLEST,
        "contradicted": effect < 0,
        "no effect": abs(effect) < SMALLEST,
        "positive": effect > 0,
    }
    return not true.get(outcome, True)


@pytest.mark.parametrize("spread", [0.3, 1.0])
@pytest.mark.parametrize(
    "effects",
    [[1.0] * 5, [0.0] * 5, [0.0, 1.0, 0.0, 1.0, 1.0], [-1.0, 1.0, 0.0, 5.0, 5.0], [1.0, 1.0, 1.0, -5.0, 5.0]],
)
def test_a_paper_seldom_has_any_false_statement(effects: list[float], spread: float) -> None:
    """Five primary claims, five seeds, with effects where some statement is false and hardest to tell."""
    generator = np.random.default_rng(8)
    wrong, papers = 0, 1000
    for _ in range(papers):
        shared = generator.normal(0, spread, 5)  # claims often share a baseline
        own = generator.normal(0, spread, (5, 5))
        tests = [
            effect_p_values(((shared + own[index]) / math.sqrt(2) + effect).tolist(), SMALLEST, primary=True)
            for index, effect in enumerate(effects)
        ]
        found = zip(decide_together(tests, 5), effects, strict=True)
        wrong += any(is_false(outcome, effect) for (outcome, _), effect in found)
    assert wrong / papers <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / papers)


@pytest.mark.parametrize("effect", [1.0, 0.0, -1.0, 1.0 - 1e-9])
def test_a_secondary_claim_is_seldom_false(effect: float) -> None:
    """A size or a sign is wrong one time in forty at most, and an equivalence one time in twenty."""
    generator = np.random.default_rng(9)
    found = [
        decide_alone(effect_p_values(each, SMALLEST)) for each in generator.normal(effect, 0.4, (2000, 5)).tolist()
    ]
    levels: dict[Outcome, float] = {"supported": 0.025, "contradicted": 0.025, "positive": 0.025, "no effect": 0.05}
    for outcome, level in levels.items():
        wrong = found.count(outcome) / 2000 if is_false(outcome, effect) else 0.0
        assert wrong <= level + 3 * math.sqrt(level * (1 - level) / 2000)


def test_what_is_there_is_found() -> None:
    generator = np.random.default_rng(10)
    effects: list[tuple[float, Outcome]] = [(3.0, "supported"), (-2.0, "contradicted"), (0.0, "no effect")]
    for _ in range(50):
        tests = [effect_p_values(generator.normal(e, 0.3, 10).tolist(), SMALLEST, primary=True) for e, _ in effects]
        assert [outcome for outcome, _ in decide_together(tests, 5)] == [outcome for _, outcome in effects]
