import numpy as np
import pytest
import torch

from remixup.errors import UserError
from remixup.evaluation.probe_1d import at_ten_points, on_the_line
from remixup.theory.optimal import mixup_optimal
from tests.unit.evaluation.fixed_networks import broken, linear_on_images, linear_on_table, start
from tests.unit.training.samples import table, table_spec

PLACES = [[0.0], [1.0], [2.0]]
SLOPE, BIAS = 2.0, -1.5


def line(labels=(0, 1, 0), places=PLACES, weights=((0.0,), (SLOPE,)), biases=(0.0, BIAS), **changes):
    """Class 1 has the logit 2 x - 1.5, class 0 none."""
    return linear_on_table(places, list(labels), 2, weights, biases, **changes)


def probability(x):
    """Of class 0."""
    return 1 / (1 + np.exp(SLOPE * np.asarray(x) + BIAS))


def test_probabilities_and_the_closed_form_by_hand():
    r = 0.01
    (found,) = on_the_line(line(), alpha=1.0, radius=r)
    at = probability([0, 1, 2])
    assert [found["point0"], found["point1"], found["point2"]] == pytest.approx(at.tolist(), rel=1e-6)
    # Mass of the middle point's own class and of the other, as in the test of `mixup_optimal`; the ends' own is larger.
    own, other = 1 + 2 * (2 * r - r**2), 2 * r**2 + 2 * r
    near = 1 + 2 * (r - r**2 / 2) + 2 * (r / 2 - r**2 / 8)  # the first point, and the near ends of its two segments
    far = 2 * r**2 / 2, 2 * r**2 / 8  # the far ends of those: class 1 at a distance of 1, class 0 at one of 2
    end = (near + far[1]) / (near + sum(far))
    assert found["difference"] == pytest.approx(np.abs(at - [end, other / (own + other), end]).mean(), rel=1e-6)
    # At 1 the logit is 0.5, at 2 it is 2.5: class 1, where the closed form finds 0, 1 and 0.
    assert found["agreement"] == pytest.approx(200 / 3)


def test_the_closed_form_is_that_of_the_theory():
    x, y = torch.tensor([[0.0], [0.4], [1.0], [2.5]]), torch.tensor([1, 0, 0, 1])
    (found,) = on_the_line(line(y.tolist(), x.tolist()), alpha=32.0, points=23)
    grid = torch.linspace(-0.25, 2.75, 23, dtype=torch.float64)[:, None]
    # The class of the first example is drawn: here 1.
    expected = mixup_optimal(x, y, grid, alpha=32.0, radius=0.1)[:, 1]
    assert [value is None for value in found["optimal"]] == expected.isnan().tolist()
    assert found["optimal"][0] is None, "no segment comes near"
    known = [value for value in found["optimal"] if value is not None]
    assert known == pytest.approx(expected[~expected.isnan()].tolist(), abs=1e-5)
    assert found["x"] == pytest.approx(grid[:, 0].tolist(), abs=1e-5)
    assert found["probability"] == pytest.approx((1 - probability(grid[:, 0])).tolist(), abs=1e-5)
    assert found["labels"] == [0, 1, 1, 0]
    assert found["examples"] == pytest.approx([0, 0.4, 1, 2.5], abs=1e-5)
    at = mixup_optimal(x, y, x, alpha=32.0, radius=0.1)[:, 1]
    assert found["difference"] == pytest.approx(np.abs(1 - probability(x[:, 0]) - at.numpy()).mean(), rel=1e-6)
    assert found["point1"] == pytest.approx(1 - probability(0.4), rel=1e-6)


@pytest.mark.parametrize(("alpha", "agreement"), [(0.01, 200 / 3), (1e6, 100.0)])
def test_a_network_that_misses_the_middle_agrees_with_a_large_alpha(alpha, agreement):
    # With all the mass at the middle of segments, the middle point is of class 0 with a probability of 2/3.
    (found,) = on_the_line(line(biases=(3.0, 0.0), weights=((0.0,), (0.0,))), alpha=alpha, radius=0.01)
    assert found["agreement"] == pytest.approx(agreement)


def test_without_alpha_there_is_no_closed_form_and_of_two_examples_no_third():
    (found,) = on_the_line(line((0, 1), [[0.0], [1.0]]), points=5)
    assert {name for name, value in found.items() if value is None} == {"point2", "difference", "agreement", "optimal"}
    assert [found["point0"], found["point1"]] == pytest.approx(probability([0, 1]).tolist(), rel=1e-6)
    assert found["x"] == [-0.25, 0.125, 0.5, 0.875, 1.25]


def test_labels_are_those_trained_on():
    training = line(seeds=(0,), dataset={"label_noise": 1.0, "noise_classes": "others"})  # each of the two is swapped
    clean = on_the_line(line((1, 0, 1)), alpha=1.0)
    assert on_the_line(training, alpha=1.0) == clean
    assert clean[0]["point0"] == pytest.approx(1 - probability(0))


def ten_points(classes, **changes):
    """Logits c x of classes c = 0, 1, ... on the points 0 to 10, of classes 1, 2, ... in turn."""
    labels = [(place + 1) % classes for place in range(11)]
    weights = [[float(c)] for c in range(classes)]
    return linear_on_table([[float(place)] for place in range(11)], labels, classes, weights, [0] * classes, **changes)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_at_ten_points_by_hand(classes):
    def said(place, label):
        return np.exp(label * place) / sum(np.exp(c * place) for c in range(classes))

    (first,) = at_ten_points(ten_points(classes), of="first")
    (own,) = at_ten_points(ten_points(classes), of="own")
    names = [f"point{place}" for place in range(10)]
    assert list(first) == list(own) == ["seed", *names]
    assert [first[name] for name in names] == pytest.approx([said(place, 1) for place in range(10)], rel=1e-5)
    labels = [(place + 1) % classes for place in range(10)]
    assert [own[name] for name in names] == pytest.approx([said(k, labels[k]) for k in range(10)], rel=1e-5)


def test_ten_points_of_a_broken_network_and_of_fewer_examples():
    fine, gone = at_ten_points(broken(ten_points(3, seeds=(4, 5))), of="own")
    assert (fine["seed"], gone.pop("seed")) == (4, 5)
    assert None not in fine.values()
    assert set(gone.values()) == {None}
    with pytest.raises(UserError, match="3 training examples, not ten"):
        at_ten_points(line(), of="own")
    with pytest.raises(UserError, match="one feature"):
        at_ten_points(linear_on_table([[0.0, 1.0]] * 10, [0] * 10, 2, [[0, 0], [1, 1]], [0, 0]), of="first")


def test_seeds_side_by_side_give_what_each_gives_alone():
    def measured(*seeds):
        return on_the_line(start(table_spec(), table(40, features=1, classes=2), seeds), alpha=1.0, points=9)

    together = measured(3, 5)
    assert together == [*measured(3), *measured(5)]
    assert together[0]["examples"] != together[1]["examples"]
    assert together[0]["probability"] != together[1]["probability"]


def test_a_network_that_says_nothing_has_a_closed_form_only():
    fine, gone = on_the_line(broken(line(seeds=(0, 1))), alpha=1.0, points=9)
    assert None not in [fine[name] for name in ("point0", "point1", "point2", "difference", "agreement", "probability")]
    assert {name for name, value in gone.items() if value is None} == {
        *("point0", "point1", "point2"),
        *("difference", "agreement", "probability"),
    }
    assert gone["optimal"] == fine["optimal"]


def test_what_it_needs():
    with pytest.raises(UserError, match="one feature"):
        on_the_line(linear_on_table([[0.0, 1.0], [1.0, 0.0]], [0, 1], 2, [[0, 0], [1, 1]], [0, 0]))
    with pytest.raises(UserError, match="one feature"):
        on_the_line(linear_on_images(np.zeros((2, 1, 1, 1)), [0, 1], np.zeros((2, 1, 1, 1)), [0, 1], 2, [[0], [1]], 0))
