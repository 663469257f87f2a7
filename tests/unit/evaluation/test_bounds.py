import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from remixup.errors import UserError
from remixup.evaluation.bounds import SCALARS, approximation, robustness
from remixup.theory.adversarial_bound import robustness_bound
from remixup.theory.approximation import mixup_loss, remainder_order, second_order
from tests.unit.evaluation.fixed_networks import broken, linear_on_images, linear_on_table, start, trained
from tests.unit.training.samples import numbers, table, table_spec

LOG3 = math.log(3)
PAIR = [[1.0], [-1.0]]


def linear(points, labels, theta, bias=0.0, **changes):
    """f(x) = theta x + bias, as the difference of two logits."""
    other = np.arange(1.0, 1 + len(theta))
    return linear_on_table(points, labels, 2, [other, other + theta], [0.5, 0.5 + bias], **changes)


def exact_loss(sign):
    """The mixup loss of the pair for f(x) = log 3 x at alpha 1: half of the pairs are of a point with itself."""
    soft = lambda u: math.log1p(math.exp(-sign * LOG3 * (1 - 2 * u)))  # noqa: E731
    across, _ = quad(lambda u: 2 * (1 - u) * soft(u), 0, 1)  # 1 - lambda has the law Beta(1, 2)
    return (soft(0) + across) / 2


def test_the_approximation_of_two_points_by_hand():
    (found,) = approximation(linear(PAIR, [1, 0], [LOG3]), alpha=1.0)
    terms = [math.log(4 / 3), LOG3 / 12, LOG3**2 / 32, 0.0]
    assert found["terms"] == pytest.approx(terms, rel=1e-6, abs=1e-12)
    assert found["approximate"] == pytest.approx(sum(terms), rel=1e-6)
    assert found["exact"] == pytest.approx(exact_loss(1), rel=1e-6)
    assert found["relative"] == pytest.approx(100 * abs(sum(terms) / exact_loss(1) - 1), rel=1e-3)
    # At these points mixing adds log 3 / 12 + ... to the standard loss, log (4/3), and the approximation misses some.
    missed = (sum(terms) - exact_loss(1)) / (terms[0] - exact_loss(1))
    assert found["missed"] == pytest.approx(100 * abs(missed), rel=1e-3)
    assert found["seed"] == 0


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_the_numbers_are_those_of_the_theory(alpha):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(9, 2, generator=generator), torch.tensor([0, 1, 1, 0, 1, 0, 0, 1, 1])
    training = linear(x.tolist(), y.tolist(), [0.5, -1.25], 0.25)  # all of them exact in float32
    f = lambda x: x @ torch.tensor([0.5, -1.25], dtype=torch.float64) + 0.25  # noqa: E731
    (found,) = approximation(training, alpha=alpha)
    terms = second_order(f, x, y, alpha)
    assert found["exact"] == pytest.approx(mixup_loss(f, x, y, alpha), rel=1e-9)
    assert found["terms"] == pytest.approx([terms.standard, terms.first, terms.second, terms.third], rel=1e-9)
    assert found["order"] == pytest.approx(remainder_order(f, x, y, alpha), rel=1e-6)
    assert 2.5 < found["order"] < 3.5
    assert found["order_short"] == pytest.approx(3 - found["order"], abs=1e-12)
    expected = 100 * abs(terms.total - found["exact"]) / abs(terms.standard - found["exact"])
    assert found["missed"] == pytest.approx(expected, rel=1e-9)
    (found,) = robustness(training, alpha=alpha)
    bound = robustness_bound(f, x, y, alpha)
    expected = {"vicinal": bound.mixup, "adversarial": bound.adversarial, "smallest": bound.uniform}
    expected |= {"exact": mixup_loss(f, x, y, alpha), "correct": 100 * bound.correct, "assumptions": 0.0}
    expected |= {"cosine": bound.cosines.mean().item(), "least_cosine": bound.cosines.min().item()}
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert found["cosines"] == pytest.approx(bound.cosines.tolist(), abs=5e-5)
    assert found["smallest"] < found["adversarial"]


def test_the_bound_of_two_points_by_hand():
    (found,) = robustness(linear(PAIR, [1, 0], [LOG3]), alpha=1.0)
    assert found == {
        "seed": 0,
        "vicinal": pytest.approx(math.log(4 / 3) + LOG3 / 12 + LOG3**2 / 32, rel=1e-6),
        "adversarial": pytest.approx(math.log(4 / 3) + LOG3 / 12 + LOG3**2 / 96, rel=1e-6),
        "smallest": pytest.approx(math.log(4 / 3) + LOG3 / 12 + LOG3**2 / 96, rel=1e-6),
        "violated": 0.0,
        "exact": pytest.approx(exact_loss(1), rel=1e-6),
        "exact_violated": 0.0,
        "assumptions": 100.0,
        "correct": 100.0,
        "cosine": 1.0,
        "least_cosine": 1.0,
        "cosines": [1.0, 1.0],
    }


def test_of_misclassified_points_it_fails():
    (found,) = robustness(linear(PAIR, [0, 1], [LOG3]), alpha=1.0)
    assert (found["violated"], found["exact_violated"]) == (100, 100)
    assert (found["assumptions"], found["correct"]) == (0, 0)
    assert found["exact"] == pytest.approx(exact_loss(-1), rel=1e-6)
    # |h' - y| = 3/4 there, and mixing takes a point towards its own side.
    assert found["vicinal"] == pytest.approx(math.log(4) - LOG3 / 4 + LOG3**2 / 32, rel=1e-6)
    assert found["adversarial"] == pytest.approx(math.log(4) + LOG3 / 4 + LOG3**2 / 96, rel=1e-6)


def test_labels_are_those_trained_on():
    training = linear(PAIR, [0, 1], [LOG3], dataset={"label_noise": 1.0, "noise_classes": "others"})
    assert robustness(training, alpha=1.0)[0]["correct"] == 100
    assert approximation(training, alpha=1.0) == approximation(linear(PAIR, [1, 0], [LOG3]), alpha=1.0)


def test_cosines_in_the_plane():
    points = [[3.0, 0.0], [0.0, -2.0], [-3.0, 2.0]]
    (found,) = robustness(linear(points, [1, 0, 1], [1.0, 1.0]), alpha=2.0)
    cosines = [1 / math.sqrt(2), 1 / math.sqrt(2), 1 / math.sqrt(26)]
    assert found["cosines"] == [0.7071, 0.7071, 0.1961]
    assert (found["cosine"], found["least_cosine"]) == pytest.approx((np.mean(cosines), cosines[2]))
    assert found["correct"] == pytest.approx(200 / 3)


def test_a_constant_network_leaves_no_remainder():
    (found,) = approximation(linear(PAIR, [1, 0], [0.0]), alpha=1.0)
    assert (found["exact"], found["approximate"]) == pytest.approx((math.log(2), math.log(2)))
    assert found["relative"] == pytest.approx(0, abs=1e-9)
    assert (found["missed"], found["order"], found["order_short"]) == (None, None, None)


@pytest.mark.parametrize("measure", [approximation, robustness])
def test_seeds_side_by_side_give_what_each_gives_alone(measure):
    data = table(20, features=2, classes=2)
    together, first, second = (measure(start(table_spec(), data, seeds), alpha=1.0) for seeds in ((3, 5), (3,), (5,)))
    assert together == [*first, *second]
    assert together[0] != {**together[1], "seed": 3}


@pytest.mark.parametrize("measure", [approximation, robustness])
def test_a_network_that_says_nothing_has_no_bound(measure):
    fine, gone = measure(broken(linear(PAIR, [1, 0], [LOG3], seeds=(0, 1))), alpha=1.0)
    assert fine["exact"] == pytest.approx(exact_loss(1), rel=1e-6)
    assert gone == {"seed": 1, **dict.fromkeys(SCALARS[measure.__name__])}
    assert set(gone) <= set(fine)


def images():
    pixels = np.zeros((2, 1, 1, 2))
    return linear_on_images(pixels, [0, 1], pixels, [0, 1], 2, np.zeros((2, 2)), np.zeros(2))


@pytest.mark.parametrize(
    "training",
    [images, trained, lambda: start(table_spec(), table(classes=3)), lambda: start(table_spec(), numbers())],
)
@pytest.mark.parametrize("measure", [approximation, robustness])
def test_what_they_need(measure, training):
    with pytest.raises(UserError, match="two classes"):
        measure(training(), alpha=1.0)
