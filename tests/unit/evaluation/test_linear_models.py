import math

import numpy as np
import pytest

from remixup.errors import UserError
from remixup.evaluation.linear import direction_norms, linear_solution
from tests.unit.evaluation.fixed_networks import LINEAR, broken, linear_on_images, linear_on_table, start, trained
from tests.unit.training.samples import numbers, table, table_spec


def linear(points, labels, theta, bias=0.0, **changes):
    """f(x) = theta x + bias, as the difference of two logits."""
    other = np.arange(1.0, 1 + len(theta))
    return linear_on_table(points, labels, 2, [other, other + theta], [0.5, 0.5 + bias], **changes)


# The shortest solution of X theta = (1, -1) is (1/2, -1, 0), and each point is then on the margin.
POINTS, LABELS = [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [1, 0]


@pytest.mark.parametrize(
    ("theta", "cosine"),
    [
        ([1.0, -2.0, 0.0], 1.0),
        ([-3.0, 6.0, 0.0], -1.0),
        ([1.0, -2.0, 50.0], 1.0),  # what lies outside the span of the points was there from the start
        ([1.0, 0.0, 7.0], 1 / math.sqrt(5)),
        ([2.0, 1.0, -1.0], 0.0),
    ],
)
def test_cosines_by_hand(theta, cosine):
    (found,) = linear_solution(linear(POINTS, LABELS, theta))
    assert found == {
        "seed": 0,
        "to_min_norm": pytest.approx(cosine, abs=1e-9),
        "to_max_margin": pytest.approx(cosine, abs=1e-9),
        "support": 100.0,
    }


def test_the_two_solutions_differ_where_a_point_is_beyond_the_margin():
    # theta = (1, -2) gives both labels exactly; (1, 0) is shorter, and gives the second 3.
    (found,) = linear_solution(linear([[1.0, 0.0], [-3.0, -1.0]], [1, 0], [2.0, 0.0]))
    assert (found["to_max_margin"], found["support"]) == pytest.approx((1, 50))
    assert found["to_min_norm"] == pytest.approx(1 / math.sqrt(5))


def test_a_bias_changes_no_direction():
    plain, biased = (linear_solution(linear(POINTS, LABELS, [1.0, 0.0, 7.0], bias)) for bias in (0.0, 5.0))
    assert biased[0] == pytest.approx(plain[0])


def test_labels_are_those_trained_on():
    swapped = linear(POINTS, LABELS, [1.0, -2.0, 0.0], dataset={"label_noise": 1.0, "noise_classes": "others"})
    assert linear_solution(swapped)[0]["to_min_norm"] == pytest.approx(-1)


def test_points_that_no_line_interpolates_are_refused():
    with pytest.raises(UserError, match="interpolates"):
        linear_solution(linear([[1.0], [2.0]], [0, 1], [1.0]))


# Each axis by itself: variances 9/3, 4/3 and 1/3.
AXES = np.concatenate([np.diag([3.0, 2.0, 1.0]), -np.diag([3.0, 2.0, 1.0])])
THETA = np.array([0.75, 1.0, 3.0])
SHIFT = np.array([5.0, -1.0, 2.0])


@pytest.mark.parametrize(("split", "large", "small"), [(1, 0.75, math.sqrt(10)), (2, 1.25, 3.0)])
@pytest.mark.parametrize("shift", [0.0, SHIFT])
def test_norms_along_the_axes_by_hand(split, large, small, shift):
    training = linear(AXES + shift, [0, 1] * 3, THETA, bias=1.0)
    (found,) = direction_norms(training, alpha=2.0, split=split)
    assert (found["large"], found["small"], found["ratio"]) == pytest.approx((large, small, large / small), rel=1e-6)
    # E[(1 - lambda)^2 / lambda^2] = 3, and theta x of centered inputs is 2.25, 2 and 3 with either sign.
    outputs = np.array([2.25, 2.0, 3.0])
    likely = 1 / (1 + np.exp(-outputs))
    expected = np.mean(likely * (1 - likely)) / 2 * 3 * np.mean(outputs**2)
    assert found["penalty"] == pytest.approx(expected, rel=1e-5)


def test_up_to_one_the_penalty_is_infinite():
    training = linear(AXES, [0, 1] * 3, THETA)
    found = [direction_norms(training, alpha=alpha, split=1)[0]["penalty"] for alpha in (0.5, 1.0, 1.5)]
    assert found[:2] == [None, None]
    assert found[2] > 0


@pytest.mark.parametrize("split", [3, 4])
def test_directions_must_be_left_on_both_sides(split):
    with pytest.raises(UserError, match=f"3 directions cannot be split after {split}"):
        direction_norms(linear(AXES, [0, 1] * 3, THETA), split=split)


@pytest.mark.parametrize("measure", [linear_solution, lambda training: direction_norms(training, alpha=2.0)])
def test_seeds_side_by_side_give_what_each_gives_alone(measure):
    spec, data = table_spec(model=LINEAR), table(12, features=6, classes=2)
    together, first, second = (measure(start(spec, data, seeds)) for seeds in ((3, 5), (3,), (5,)))
    assert together == [*first, *second]
    assert together[0] != {**together[1], "seed": 3}


def test_weights_that_are_no_numbers_have_no_direction():
    fine, gone = linear_solution(broken(linear(POINTS, LABELS, [1.0, -2.0, 0.0], seeds=(0, 1))))
    assert fine["to_min_norm"] == pytest.approx(1)
    assert gone == {"seed": 1, "to_min_norm": None, "to_max_margin": None, "support": None}
    fine, gone = direction_norms(broken(linear(AXES, [0, 1] * 3, THETA, seeds=(0, 1))), split=2)
    assert fine["small"] == pytest.approx(3)
    assert gone == {"seed": 1, "large": None, "small": None, "ratio": None, "penalty": None}


def images():
    pixels = np.zeros((2, 1, 1, 2))
    return linear_on_images(pixels, [0, 1], pixels, [0, 1], 2, np.zeros((2, 2)), np.zeros(2))


@pytest.mark.parametrize(
    ("training", "what"),
    [
        (images, "two classes"),
        (trained, "two classes"),
        (lambda: start(table_spec(model=LINEAR), table(features=5, classes=3)), "two classes"),
        (lambda: start(table_spec(model=LINEAR), numbers()), "two classes"),
        (lambda: start(table_spec(), table(features=5, classes=2)), "linear networks"),
    ],
)
@pytest.mark.parametrize("measure", [linear_solution, direction_norms])
def test_what_they_need(measure, training, what):
    with pytest.raises(UserError, match=what):
        measure(training())
