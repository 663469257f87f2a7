"""Claims about a number of their pairs: "on four out of six data sets"."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import ValidationError
from tests.unit.analysis.claim_samples import experiment, measured

from remixup.analysis.decisions import count_p_values, decide_alone
from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.claims import Claim, Pair
from remixup.config.experiment import Experiment, MetricInfo, Row

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


def test_a_count_is_one_of_the_pairs() -> None:
    with pytest.raises(ValidationError, match="no more than it has pairs"):
        claim(3, 2)
    with pytest.raises(ValidationError, match="only where it compares"):
        Claim(id="some", statement="s", where="w", untested="x", at_least=1)


CLEAR = [[each + shift for each in (2.0, 2.1, 2.2, 2.3, 2.1)] for shift in (0.0, 0.5, 1.0, 1.5)]
NOT = [[-effect for effect in effects] for effects in CLEAR]
NEAR = [0.4, 0.6, 0.9, 0.5, 0.3]


@pytest.mark.parametrize(
    ("count", "expect", "shown"), [(1, "more", 1.0), (3, "more", 0.2), (1, "no more", 0.2), (3, "no more", 1.0)]
)
def test_the_pair_that_decides_is_shown(count: int, expect: str, shown: float) -> None:
    """Of one pair or more the greatest effect decides, of all the least; the other way round for "no more"."""
    found = decide(claim(count, 3, expect=expect), [[1.0] * 5, [0.7] * 5, [0.2] * 5])
    assert found.effect == pytest.approx(shown)


def test_a_count_has_as_many_seeds_as_the_pair_with_the_fewest() -> None:
    assert decide(claim(1, 2), [CLEAR[0], [*CLEAR[1], 2.5]]).n == 5


@pytest.mark.parametrize(
    ("pairs", "expect", "outcome", "why"),
    [
        (
            [*CLEAR, *NOT[:2]],
            "more",
            "supported",
            "true of at least 4 of 6 pairs (5 % level); 95 % intervals above",
        ),
        ([*CLEAR[:3], *NOT[:3]], "more", "contradicted", "true of fewer than 4 of 6 pairs (5 % level)"),
        ([*CLEAR[:3], NEAR, *NOT[:2]], "more", "open", "neither at least 4 of 6 pairs nor fewer are shown"),
        ([*NOT, *CLEAR[:2]], "no more", "supported", "true of at least 4 of 6 pairs"),
        ([*NOT[:3], *CLEAR[:3]], "no more", "contradicted", "true of fewer than 4 of 6 pairs"),
    ],
)
def test_the_answers(pairs: list[list[float]], expect: str, outcome: str, why: str) -> None:
    found = decide(claim(4, 6, expect=expect), pairs)
    assert found.outcome == outcome
    assert found.why.startswith(why)
    above = sum(pair in CLEAR for pair in pairs)
    below = sum(pair in NOT for pair in pairs)
    assert f"effect of interest: {above}, below: {below}" in found.why


def test_a_mean_would_say_something_else() -> None:
    """One large gain makes a mean, and no count."""
    large = [[effect + 100 for effect in CLEAR[0]]]
    assert decide(claim(4, 4), [*large, *NOT[:3]]).outcome == "contradicted"
    assert decide(claim(4, 4).model_copy(update={"at_least": None}), [*large, *NOT[:3]]).outcome == "supported"


def test_pairs_need_no_seed_in_common_with_each_other() -> None:
    found = decide(claim(2, 2), CLEAR[:2], first_seeds=[0, 10])
    assert (found.outcome, found.n) == ("supported", 5)
    assert found.why.endswith("; 5 of 15 seeds are common to erm-1 and mixup-1")


def test_pairs_of_the_same_runs_count_and_are_named() -> None:
    """Bonferroni's form of the test is valid however the pairs depend on each other."""
    stated = claim(2, 2)
    rows = {name: measured([10.0] * 5, origins={METRIC: "run-1"}) for name in ("erm-0", "erm-1")}
    rows |= {name: measured([9.0, 8.9, 9.1, 8.8, 9.0], origins={METRIC: "run-2"}) for name in ("mixup-0", "mixup-1")}
    (found,) = decide_claims(experiment(stated), rows)
    assert found.outcome == "supported"
    assert found.why.endswith("; 1 of 2 pairs have the same runs as another")


def test_a_pair_without_runs_leaves_the_claim_open() -> None:
    found = decide(claim(1, 2), [CLEAR[0], []])
    assert (found.outcome, found.effect, found.why) == ("open", None, "no test_error.last of erm-1, mixup-1")
    single = decide(claim(1, 2), [CLEAR[0], [1.0]])
    assert (single.outcome, single.p) == ("open", None)
    assert single.why.startswith("at least 5 seeds common to its rows are needed")


def test_seeds_that_all_agree_have_no_p_value() -> None:
    found = decide(claim(2, 3), [[1.0] * 5, [0.7] * 5, [0.2] * 5])
    assert (found.outcome, found.p, found.effect) == ("supported", None, pytest.approx(0.7))
    assert found.why.startswith("true of at least 2 of 3 pairs (all 5 seeds agree)")


@pytest.mark.parametrize("effects", [[0.5] * 6, [50, 50, 50, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5, -50, -50]])
@pytest.mark.parametrize("expect", ["more", "no more"])
def test_a_count_on_its_boundary_is_seldom_decided(effects: list[float], expect: Literal["more", "no more"]) -> None:
    """Four of six, five seeds, each pair by itself: an answer would be wrong, and is one time in twenty at most."""
    generator = np.random.default_rng(6)
    decided = 0
    for _ in range(600):
        pairs = [generator.normal(effect, 1.0, 5).tolist() for effect in effects]
        turned = [[1.0 - each for each in pair] for pair in pairs] if expect == "no more" else pairs
        decided += decide_alone(count_p_values(turned, 4, 0.5, expect)) != "open"
    assert decided / 600 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_a_count_that_is_there_is_found() -> None:
    generator = np.random.default_rng(7)
    found = [
        count_p_values([generator.normal(effect, 1.0, 10).tolist() for effect in (3, 3, 3, 3, 0, 0)], 4, 0.5)
        for _ in range(100)
    ]
    assert sum(p["supported"] <= 0.05 for p in found) > 90
