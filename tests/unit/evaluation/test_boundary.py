import numpy as np
import pytest
import torch

from remixup.errors import UserError
from remixup.evaluation.boundary import boundary, guaranteed
from tests.unit.evaluation.fixed_networks import broken, linear_on_images, linear_on_table, start, trained
from tests.unit.training.samples import numbers, table, table_spec

PAIR = [[0.5, 0.5], [-0.3, 0.1]]  # a grid from -0.5 to 0.7 and from 0 to 0.6: with 61 points a column each 0.02
CORNERS = [[2 / 3, -2 / 3], [-2 / 3, 2 / 3]]  # a grid from -1 to 1 on both axes: with 101 points one each 0.02


def plane(points, labels, normal=(0.0, 0.0), bias=0.0, **changes):
    """f(x) is the product with a normal, plus a bias."""
    return linear_on_table(points, labels, 2, [[0.0, 0.0], list(normal)], [0.0, bias], **changes)


def quadrant(points, labels):
    """f(x, y) = min(x, y) = relu(y) - relu(-y) - relu(y - x), of one hidden layer."""
    head, model = [[0.0, 0.0, 0.0], [1.0, -1.0, -1.0]], {"name": "mlp", "hidden": [3]}
    training = linear_on_table(points, labels, 2, head, [0.0, 0.0], model=model)
    hidden = training.model.stage1[0]
    with torch.no_grad():
        hidden.bias.zero_()
        hidden.weight.zero_()[:, :2, :3] = torch.tensor([[0.0, 0, -1], [1, -1, 1]])
    return training


def test_distances_to_a_straight_boundary_by_hand():
    # Class 1 right of 0.01, between two columns of the grid: from the left the column at 0.02 is the first of class 1.
    (found,) = boundary(plane(PAIR, [1, 0], (1, 0), -0.01), points=61)
    assert found == {
        "seed": 0,
        "distance": pytest.approx((0.5 + 0.32) / 2),
        "margin": pytest.approx(0.32),
        "bend": pytest.approx(0, abs=1e-9),
    }


def test_a_point_on_the_wrong_side_has_no_distance():
    (found,) = boundary(plane([*PAIR, [0.3, 0.2]], [1, 0, 0], (1, 0), -0.01), points=61)
    assert (found["distance"], found["margin"]) == pytest.approx(((0.5 + 0.32) / 3, 0))


def test_labels_are_those_trained_on():
    wrong = plane(PAIR, [0, 1], (1, 0), dataset={"label_noise": 1.0, "noise_classes": "others"})
    right = plane(PAIR, [1, 0], (1, 0))
    assert boundary(wrong) == boundary(right)
    assert boundary(right)[0]["margin"] > 0


def test_without_a_boundary_it_is_as_far_as_the_grid_reaches():
    # By default that is the points' extent and a quarter more on each side: 6 by 1.5.
    (found,) = boundary(plane([[0.0, 0.0], [4.0, 1.0]], [1, 0], bias=1.0))
    assert (found["distance"], found["margin"], found["bend"]) == pytest.approx((np.hypot(6, 1.5) / 2, 0, 0))


@pytest.mark.parametrize("normal", [(1, 1), (1, -0.2), (0.3, 1)])
def test_a_straight_boundary_does_not_bend(normal):
    (found,) = boundary(plane([[0.5, 0.5], [-0.3, -0.1]], [1, 0], normal, 0.123))
    assert found["bend"] < 0.05


def test_a_quadrant_bends():
    # The best line x + y = c cuts off a triangle of the quadrant, c^2 / 2, and takes two of others, (1 - c)^2 / 2 each:
    # at the least a third, for c = 2/3, of an area of 4. A regression finds one near it.
    training = quadrant([[0.5, 0.25], [-0.3, 0.5], *CORNERS], [1, 0, 0, 0])
    (found,) = boundary(training, points=101)
    assert 100 / 12 - 0.5 < found["bend"] < 100 / 12 + 1.5
    # The boundary itself is the nearest of class 0; beyond it stands the first column (or row) of class 1.
    distance = (0.25 + 0.32 + 2 * (2 / 3 + 0.02)) / 4
    assert (found["distance"], found["margin"]) == pytest.approx((distance, 0.25), abs=0.021)


RECTANGLE = [[0.0, 0.0], [4.0, 0.0], [0.0, 3.0], [4.0, 3.0]]  # sides and diagonals lie on a grid of 13 by 13
COLUMNS = [-1 + 0.5 * k for k in range(13)]
ROWS = [-0.75 + 0.375 * k for k in range(13)]


def rectangle(bias=-0.75):
    """Class 0 at the left end, class 1 at the right one; it says class 1 right of -`bias`."""
    return plane(RECTANGLE, [0, 1, 0, 1], (1, 0), bias)


def sides_and_diagonals():
    """The guaranteed class at each place of the grid: class 0 left of the middle, on the lines between points."""
    expected = np.full((13, 13), -1)
    for i, y in enumerate(ROWS):
        for j, x in enumerate(COLUMNS):
            inside = 0 <= x <= 4 and 0 <= y <= 3
            if inside and (y in (0, 3) or x in (0, 4) or y == 0.75 * x or y == 3 - 0.75 * x) and x != 2:
                expected[i, j] = x > 2
    return expected


def test_the_guarantee_by_hand():
    (found,) = guaranteed(rectangle(), radius=0.01, points=13)
    expected = sides_and_diagonals()
    assert (expected == 0).sum() == (expected == 1).sum() == 21
    assert found["guaranteed"] == expected.tolist()
    assert found["said"] == [[int(x > 0.75) for x in COLUMNS]] * 13
    assert found["share"] == pytest.approx(100 * 42 / 169)
    # Of class 0 are 1 and 1.5 along both long sides and both diagonals, where the network finds class 1.
    assert found["broken"] == pytest.approx(100 * 8 / 42)
    assert (found["x"], found["y"]) == (COLUMNS, pytest.approx(ROWS, abs=1e-4))
    assert found["points"] == [[0, 0, 0], [4, 0, 1], [0, 3, 0], [4, 3, 1]]


def test_a_network_that_keeps_the_guarantee():
    (found,) = guaranteed(rectangle(bias=-2.1), radius=0.01, points=13)
    assert found["broken"] == 0


def test_a_wider_ball_guarantees_more():
    narrow, wide = (guaranteed(rectangle(), radius=radius, points=13)[0]["share"] for radius in (0.01, 0.3))
    assert wide > narrow


def test_where_nothing_is_guaranteed_nothing_is_broken():
    (found,) = guaranteed(plane([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]], [0, 1, 0], (1, 0)), radius=1e-6, points=10)
    assert (found["share"], found["broken"]) == (0, None)


@pytest.mark.parametrize("measure", [lambda t: boundary(t, points=20), lambda t: guaranteed(t, radius=0.2, points=20)])
def test_seeds_side_by_side_give_what_each_gives_alone(measure):
    data = table(30, features=2, classes=2)
    together, first, second = (measure(start(table_spec(), data, seeds)) for seeds in ((3, 5), (3,), (5,)))
    assert together == [*first, *second]
    assert together[0] != {**together[1], "seed": 3}


def test_a_network_that_says_nothing_has_no_boundary():
    training = broken(plane(RECTANGLE, [0, 1, 0, 1], (1, 0), -0.75, seeds=(0, 1)))
    fine, gone = boundary(training)
    assert fine["distance"] > 0
    assert gone == {"seed": 1, "distance": None, "margin": None, "bend": None}
    fine, gone = guaranteed(training, radius=0.01, points=13)
    assert fine["broken"] == pytest.approx(100 * 8 / 42)
    assert (gone["broken"], gone["share"]) == (None, fine["share"])
    assert gone["guaranteed"] == fine["guaranteed"]
    assert gone["said"] == [[0] * 13] * 13


def images():
    pixels = np.zeros((2, 1, 1, 2))
    return linear_on_images(pixels, [0, 1], pixels, [0, 1], 2, np.zeros((2, 2)), np.zeros(2))


@pytest.mark.parametrize(
    ("training", "what"),
    [
        (images, "two features"),
        (trained, "two features"),
        (lambda: start(table_spec(), table(features=3, classes=2)), "two features"),
        (lambda: start(table_spec(), table(features=2, classes=3)), "two classes"),
        (lambda: start(table_spec(), numbers(features=2)), "two classes"),
    ],
)
@pytest.mark.parametrize("measure", [boundary, lambda training: guaranteed(training, radius=0.1)])
def test_what_they_need(measure, training, what):
    with pytest.raises(UserError, match=what):
        measure(training())
