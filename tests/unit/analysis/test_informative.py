"""The six conditions of an informative surrogate, by cases computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from remixup.analysis.informative import Attacked, Measurements, reasons_against
from remixup.config.claims import Bound, Claim, Pair

GOOD = Measurements(
    classes=10,
    test_examples=1000,
    test_units=1000,
    losses=(60.0, 20.0, 5.0, 2.0, 1.0),
    training_error=1.0,
    test_error={0: 11.0, 1: 12.0, 2: 13.0},
    best_error={0: 10.0, 1: 11.0, 2: 12.0},
    linear_error={0: 21.0, 1: 22.0, 2: 23.0},
)
"""Fits after 60 % of the schedule; a gap of 11 points; ten points better than a linear model, in each seed."""


def claim(metric: str = "test_error.last", smallest: float | None = 1.0) -> Claim:
    named = {"id": "better", "statement": "", "where": "", "metric": metric}
    if smallest is None:
        return Claim(**named, bound=Bound(row=["erm"], at_most=5.0))
    return Claim(**named, compare=[Pair(baseline=["erm"], treatment=["mixup"])], smallest_effect=smallest)


def why_not(found: Measurements, claim: Claim) -> str | None:
    """All reasons joined, or None."""
    return "; ".join(each.words for each in reasons_against(found, claim)) or None


def test_a_surrogate_that_meets_all_conditions_is_informative() -> None:
    assert why_not(GOOD, claim()) is None


FIT = [
    ({"losses": (5.0, 5.0)}, None),
    ({"losses": (5.0, 5.1)}, "final training loss is 5.1 % of ln(classes), above 5 %"),
    ({"losses": ()}, "final training loss is not known"),
]
NOISE = [
    ({"label_noise": True, "corrupted_error": 5.0}, None),
    ({"label_noise": True, "corrupted_error": 5.1}, "training error on corrupted labels is 5.1 %, above 5 %"),
    ({"label_noise": True}, "training error on corrupted labels was not measured"),
    ({"corrupted_error": 50.0}, None),  # without label noise there is no such condition
]
BUDGET = [
    ({"losses": (9.0, 9.0, 9.0, 5.0, 1.0)}, "fits only after 80 % of the schedule, later than 60 %"),
    ({"losses": (9.0, 9.0, 4.0, 6.0, 1.0)}, None),  # the first time counts
    ({"losses": (1.0,), "history": False}, "not known when ERM fits, since the history is not stored"),
    ({"losses": (9.0,), "history": False}, "final training loss is 9.0 % of ln(classes)"),
]
HEADROOM = [
    ({"training_error": 2.0}, None),  # 12 - 2 = 10
    ({"training_error": 2.1}, "the gap of ERM's test and training error is 9.9 points, below 10 times the smallest"),
    # A wrong prediction costs ln 2 or more: 1 % of ln 10 is at most 3.32 % of errors, and 12 - 3.32 < 10.
    ({"training_error": None}, "training error was not measured"),
    ({"training_error": None, "losses": (1.0, 0.6)}, None),  # 12 - 0.6 * 3.32 = 10.007
    ({"training_error": None, "test_error": {0: 9.0, 1: 9.8}}, "test error is 9.4 %, which leaves a gap below 10"),
]
LINEAR = [
    # Gains 1, 2, 3: mean 2, standard error 1 / sqrt 3 = 0.577, twice that is 1.15.
    ({"linear_error": {0: 12.0, 1: 14.0, 2: 16.0}}, None),
    # Gains 0, 1, 2: mean 1 < 1.15.
    ({"linear_error": {0: 11.0, 1: 13.0, 2: 15.0}}, "test error is 1.0 points below that of tuned logistic regression"),
    ({"linear_error": {0: 10.0, 1: 11.0, 2: 12.0}}, "test error is 1.0 points above that of tuned logistic regression"),
    # Gains 0 and 2: mean 1, standard error 1: exactly one, and 0.5 and 1.5: mean 1, exactly two.
    ({"linear_error": {0: 11.5, 1: 13.5}}, "has to be more than 2 standard errors below"),
    ({"linear_error": {0: 11.0, 1: 12.0, 2: 13.0}}, "tuned logistic regression"),  # as good, without variance
    ({"linear_error": {0: 21.0}}, "was not measured on two seeds"),
    ({"linear_error": {7: 21.0, 8: 22.0}}, "was not measured on two seeds"),  # of other seeds
]
RESOLUTION = [
    ({"test_examples": 500, "test_units": 500}, None),
    ({"test_examples": 499, "test_units": 499}, "the smallest effect of 1 is 4.99 of 499 test examples, fewer than 5"),
    ({"test_units": 5}, None),
    ({"test_units": 4}, "the test set has 4 of 5 independent units"),
]
KNOWN = [
    ({"known_effects": {"dropout over erm": {0: 3.0, 1: 3.5}}}, None),
    ({"known_effects": {"dropout over erm": {0: -1.0, 1: -1.0}}}, "the known effect of dropout over erm is -1.0"),
    ({"known_effects": {"dropout over erm": {0: 3.0}}}, "dropout over erm was not measured on two seeds"),
]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [*FIT, *NOISE, *BUDGET, *HEADROOM, *LINEAR, *RESOLUTION, *KNOWN],
    ids=str,
)
def test_each_condition_by_hand(changes: dict[str, object], expected: str | None) -> None:
    found = why_not(replace(GOOD, **changes), claim())
    assert found is None if expected is None else expected in str(found)
    assert ";" not in (found or "")  # it is the only one that fails


@pytest.mark.parametrize(
    ("attacked", "expected"),
    [
        (Attacked(85.0, 65.0, 500), None),  # chance is 90 %
        (Attacked(85.1, 65.0, 500), "error under attack is 85.1 %, less than 5 points below chance"),
        (Attacked(85.0, 65.1, 500), "the attack raises ERM's error from 65.1 to 85.0 %, by less than 20 points"),
        (Attacked(85.0, 65.0, 499), "4.99 of 499 test examples"),  # fewer are attacked than tested
        (None, "error under attack was not measured"),
    ],
)
def test_a_claim_about_attacks_needs_one_that_works(attacked: Attacked | None, expected: str | None) -> None:
    found = why_not(replace(GOOD, attacked=attacked), claim("attack.top1"))
    assert found is None if expected is None else expected in str(found)


def test_the_headroom_of_an_attack_is_what_it_adds_to_the_error() -> None:
    small_gap = replace(GOOD, training_error=10.0, attacked=Attacked(50.0, 12.0, 1000))
    assert why_not(small_gap, claim("attack.top1")) is None
    assert "gap" in str(why_not(small_gap, claim()))


@pytest.mark.parametrize(
    "metric",
    [
        "test_error.best",
        "test_top5_error.last",
        "test_f1_error.last",
        "test_worst_error.last",
        "generalization.test_error",
        "noisy.mean",
    ],
)
def test_a_claim_about_a_test_error_needs_fit_and_headroom(metric: str) -> None:
    assert "final training loss is 50.0 %" in str(why_not(replace(GOOD, losses=(60.0, 50.0)), claim(metric)))
    assert "2.0 points, below 10 times" in str(why_not(replace(GOOD, training_error=10.0), claim(metric)))


@pytest.mark.parametrize(
    "metric",
    [
        "memorization.real",
        "original_error.last",
        "original_loss.last",
        "train_loss.last",
        "generalization.train_error",
        "generalization.gap",
    ],
)
def test_a_claim_about_training_error_needs_a_gap_of_ten_points_and_no_fit(metric: str) -> None:
    """Ten times its smallest effect of 10 points could not be; and a network that fits less may have a gap."""
    slow = replace(GOOD, losses=(60.0, 50.0), test_examples=100, training_error=2.0)
    assert why_not(slow, claim(metric, smallest=10.0)) is None
    assert why_not(slow, claim(metric, smallest=None)) is None
    assert "9.9 points, below 10" in str(why_not(replace(slow, training_error=2.1), claim(metric, smallest=10.0)))


@pytest.mark.parametrize("metric", ["in_between.mean_logit_gradient", "test_error.speed"])
def test_an_effect_in_another_unit_is_not_compared_with_errors(metric: str) -> None:
    found = replace(GOOD, training_error=12.0, test_examples=100)
    assert why_not(found, claim(metric, smallest=20.0)) is None
    assert "final training loss" in str(why_not(replace(found, losses=(9.0,)), claim(metric)))


@pytest.mark.parametrize("metric", ["cost.share", "epsilon.last", "collinearity.share", "mixing.distance"])
def test_what_no_network_decides_needs_none(metric: str) -> None:
    nothing = Measurements(classes=10, test_examples=5, test_units=1)
    assert why_not(nothing, claim(metric)) is None
    assert why_not(nothing, claim()) is not None


def test_without_a_test_error_neither_gap_nor_linear_model_is_known() -> None:
    found = str(why_not(replace(GOOD, test_error={}), claim()))
    assert "test error is not known" in found
    assert "logistic regression was not measured" in found


def test_each_reason_names_its_condition() -> None:
    worst = replace(
        GOOD,
        losses=(9.0, 9.0, 9.0, 5.0, 1.0),
        training_error=10.0,
        test_units=1,
        attacked=Attacked(90.0, 80.0, 1),
        known_effects={"x": {0: 1.0}},
    )
    named = ["budget", "headroom", "resolution", "known effects"]
    assert [each.condition for each in reasons_against(worst, claim())] == named
    assert [each.condition for each in reasons_against(replace(worst, losses=(9.0,)), claim())] == ["fit", *named[1:]]
    attacked = {each.condition for each in reasons_against(worst, claim("attack.top1"))}
    assert attacked == {"budget", "resolution", "attack", "known effects"}


def test_all_reasons_are_given() -> None:
    found = str(why_not(replace(GOOD, losses=(9.0,), test_units=1, linear_error={}), claim()))
    assert [each.partition(" ")[0] for each in found.split("; ")] == ["ERM's", "the", "whether"]


@pytest.mark.parametrize(
    ("losses", "history", "expected"),
    [((9.0, 5.0, 1.0, 1.0), True, 50.0), ((5.0,), True, 100.0), ((9.0, 8.0), True, None), ((1.0,), False, None)],
)
def test_the_share_of_the_schedule_at_which_erm_fits(
    losses: tuple[float, ...], history: bool, expected: float | None
) -> None:
    assert replace(GOOD, losses=losses, history=history).fits_at == expected


def test_the_loss_bounds_the_training_error() -> None:
    """A loss of 10 % of ln 10, all of it by examples whose loss is ln 2, makes 33.2 % errors."""
    bound = replace(GOOD, training_error=None, losses=(10.0,)).greatest_training_error
    assert bound == pytest.approx(10 * math.log2(10))
    assert replace(GOOD, training_error=None, losses=(90.0,)).greatest_training_error == 100.0
    assert replace(GOOD, training_error=None, losses=()).greatest_training_error == 100.0


def test_a_seed_near_chance_has_failed() -> None:
    """Chance is 90 % with ten classes, and 95 % of it 85.5 %."""
    found = replace(GOOD, test_error={0: 11.0, 3: 85.4, 4: 85.5, 5: 90.0})
    assert found.failed_seeds == [4, 5]
    assert replace(found, classes=2).failed_seeds == [3, 4, 5]  # 47.5 %


def test_with_label_noise_the_best_epoch_has_to_beat_the_linear_model() -> None:
    """By the last epoch ERM has memorized wrong labels, and is worse than the linear model."""
    noisy = replace(
        GOOD,
        label_noise=True,
        corrupted_error=0.0,
        best_error={0: 8.0, 1: 9.0, 2: 10.0},
        linear_error={0: 10.0, 1: 11.0, 2: 12.0},
    )
    assert why_not(noisy, claim()) is None
    assert "ERM's best test error is 1.0 points above" in str(
        why_not(replace(noisy, best_error={0: 11.0, 1: 12.0, 2: 13.0}), claim())
    )
    assert "ERM's test error is 1.0 points above" in str(why_not(replace(noisy, label_noise=False), claim()))
