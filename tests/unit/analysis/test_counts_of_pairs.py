"""Claims about a number of their pairs: "on four out of six data sets"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.statistics import at_least
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.experiment import Claim, Experiment, MetricInfo, Pair, Row

METRIC = "test_error.last"


def claim(count: int, pairs: int, smallest: float = 0.5, **more: Any) -> Claim:
    compare = [Pair(baseline=f"erm-{index}", treatment=f"mixup-{index}") for index in range(pairs)]
    fields = {"statement": "s", "where": "w", "metric": METRIC, "smallest_effect": smallest, **more}
    return Claim(id="some", compare=compare, at_least=count, **fields)


def decide(stated: Claim, pairs: list[list[float]], first_seeds: list[int] | None = None) -> ClaimResult:
    """Decide a claim on the effects of its pairs, seed by seed; a pair's baseline has seed 0 besides."""
    evidence = {}
    for index, effects in enumerate(pairs):
        first = first_seeds[index] if first_seeds else 0
        baseline = dict.fromkeys(range(len(effects) + first), 10.0)
        treatment = {first + seed: 10.0 - effect for seed, effect in enumerate(effects)}
        for name, values in (("erm", baseline), ("mixup", treatment)):
            evidence[f"{name}-{index}"] = Evidence("paper", values={METRIC: values} if effects else {})
    experiment = Experiment(
        id="small",
        paper="zhang2018mixup",
        title="",
        where="",
        summary="",
        metrics={METRIC: MetricInfo(label="error")},
        rows=[Row(id=name, label=name) for name in evidence],
        claims=[stated],
    )
    return decide_claims(experiment, evidence)[0]


def one_sided(effects: list[float], smallest: float, alternative: str) -> float:
    return float(stats.ttest_1samp(effects, smallest, alternative=alternative).pvalue)


HIGH, HIGHER, NEAR, LOW = [1.0, 1.1, 1.3], [2.0, 2.1, 2.4], [0.4, 0.6, 0.9], [-1.0, -1.2, -1.1]


def test_the_p_value_by_hand() -> None:
    """Two of three: (3 - 2 + 1) times the second smallest p; the opposite, two of three not: 2 times the second q."""
    p = sorted(one_sided(effects, 0.5, "greater") for effects in (HIGH, HIGHER, LOW))
    q = sorted(one_sided(effects, 0.5, "less") for effects in (HIGH, HIGHER, LOW))
    found = at_least(2, [HIGH, LOW, HIGHER], 0.5)
    assert found.p == pytest.approx(2 * min(2 * p[1], 2 * q[1]))
    assert found.p == pytest.approx(2 * 2 * p[1]), "it holds for two"
    assert found.effect == pytest.approx(3.4 / 3), "the second largest effect, that of the pair that decides"
    assert found.ci95 == pytest.approx(stats.t.interval(0.95, 2, 3.4 / 3, stats.sem(HIGH)))
    all_three = at_least(3, [HIGH, LOW, HIGHER], 0.5)
    assert all_three.p == pytest.approx(2 * min(1 * p[2], 3 * q[0]))
    assert all_three.effect == pytest.approx(-1.1)
    one = at_least(1, [HIGH, LOW, HIGHER], 0.5)
    assert one.p == pytest.approx(2 * 3 * p[0])
    assert at_least(2, [[0.4, 0.5, 0.6]] * 3, 0.5).p == 1.0, "no p-value is above one"


def test_of_one_pair_it_is_the_paired_test() -> None:
    assert at_least(1, [HIGH], 0.5).p == pytest.approx(stats.ttest_1samp(HIGH, 0.5).pvalue)
    assert at_least(1, [LOW], 0.5, more=False).p == pytest.approx(stats.ttest_1samp(LOW, 0.5).pvalue)


def test_no_more_counts_the_other_side() -> None:
    turned = [[1.0 - each for each in effects] for effects in (HIGH, LOW, HIGHER)]
    found, mirrored = at_least(2, turned, 0.5, more=False), at_least(2, [HIGH, LOW, HIGHER], 0.5)
    assert found.p == pytest.approx(mirrored.p)
    assert found.effect == pytest.approx(1.0 - mirrored.effect), "the second smallest effect"


def test_a_count_is_one_of_the_pairs() -> None:
    with pytest.raises(ValueError, match="4 of 3 pairs"):
        at_least(4, [HIGH, LOW, HIGHER], 0.5)
    with pytest.raises(ValidationError, match="no more than it has pairs"):
        claim(3, 2)
    with pytest.raises(ValidationError, match="only where it compares"):
        Claim(id="some", statement="s", where="w", untested="x", at_least=1)


CLEAR = [[2.0 + shift, 2.1 + shift, 2.2 + shift, 2.3 + shift] for shift in (0.0, 0.5, 1.0, 1.5)]
NOT = [[-effect for effect in effects] for effects in CLEAR]


@pytest.mark.parametrize(
    ("pairs", "expect", "holds", "why"),
    [
        ([*CLEAR, *NOT[:2]], "more", True, "at least 4 of 6 pairs are shown (5 % level); 95 % intervals above the"),
        ([*CLEAR[:3], *NOT[:3]], "more", False, "fewer than 4 of 6 pairs hold (5 % level)"),
        ([*CLEAR[:3], NEAR, *NOT[:2]], "more", None, "neither at least 4 of 6 pairs nor fewer are shown"),
        ([*NOT, *CLEAR[:2]], "no more", True, "at least 4 of 6 pairs are shown"),
        ([*NOT[:3], *CLEAR[:3]], "no more", False, "fewer than 4 of 6 pairs hold"),
    ],
)
def test_the_answers(pairs: list[list[float]], expect: str, holds: bool | None, why: str) -> None:
    found = decide(claim(4, 6, expect=expect), pairs)
    assert found.holds is holds
    assert found.why.startswith(why)
    above = sum(pair in CLEAR for pair in pairs)
    below = sum(pair in NOT for pair in pairs)
    assert f"effect of interest: {above}, below: {below}" in found.why


def test_a_mean_would_say_something_else() -> None:
    """One large gain makes a mean, and no count."""
    large = [[effect + 100 for effect in CLEAR[0]]]
    assert decide(claim(4, 4), [*large, *NOT[:3]]).holds is False
    assert decide(claim(4, 4).model_copy(update={"at_least": None}), [*large, *NOT[:3]]).holds is True


def test_pairs_need_no_seed_in_common_with_each_other() -> None:
    found = decide(claim(2, 2), CLEAR[:2], first_seeds=[0, 10])
    assert (found.holds, found.n) == (True, 4)
    assert found.why.endswith("; 4 of 14 seeds are common to erm-1 and mixup-1")


def test_a_pair_without_runs_leaves_the_claim_open() -> None:
    found = decide(claim(1, 2), [CLEAR[0], []])
    assert (found.holds, found.effect, found.why) == (None, None, "no test_error.last of erm-1, mixup-1")
    single = decide(claim(1, 2), [CLEAR[0], [1.0]])
    assert (single.holds, single.p) == (None, None)
    assert single.why.startswith("two seeds common to its rows are needed")


@pytest.mark.parametrize("effects", [[0.5] * 6, [50, 50, 50, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5, -50, -50]])
@pytest.mark.parametrize("expect", ["more", "no more"])
def test_a_count_on_its_boundary_is_seldom_decided(effects: list[float], expect: str) -> None:
    """Four of six, five seeds, each pair by itself: an answer would be wrong, and is one time in twenty at most."""
    generator = np.random.default_rng(6)
    decided = 0
    for _ in range(600):
        pairs = [generator.normal(effect, 1.0, 5).tolist() for effect in effects]
        turned = [[1.0 - each for each in pair] for pair in pairs] if expect == "no more" else pairs
        p = at_least(4, turned, 0.5, more=expect == "more").p
        decided += p is not None and p < 0.05
    assert decided / 600 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_a_count_that_is_there_is_found() -> None:
    generator = np.random.default_rng(7)
    found = [
        at_least(4, [generator.normal(effect, 1.0, 10).tolist() for effect in (3, 3, 3, 3, 0, 0)], 0.5).p
        for _ in range(100)
    ]
    assert sum(p is not None and p < 0.05 for p in found) > 90
