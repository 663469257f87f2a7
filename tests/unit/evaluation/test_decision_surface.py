import pytest
import torch

from remixup.evaluation.decision_surface import decision_surface
from tests.unit.evaluation.fixed_networks import linear_on_table, start
from tests.unit.training.samples import table, table_spec


def test_the_probability_of_class_1_on_the_grid_by_hand():
    # f(x, y) = 2x - y: p = 1 / (1 + exp(-f)), on a grid from -0.25 to 1.25 along x and from -0.5 to 2.5 along y.
    network = linear_on_table([[0.0, 0.0], [1.0, 2.0]], [0, 1], 2, [[0.0, 0.0], [2.0, -1.0]], [0.0, 0.0])
    (found,) = decision_surface(network, points=3)
    assert (found["x"], found["y"]) == ([-0.25, 0.5, 1.25], [-0.5, 1.0, 2.5])
    expected = torch.sigmoid(torch.tensor([[2 * x - y for x in found["x"]] for y in found["y"]]))
    assert torch.tensor(found["probability"]).numpy() == pytest.approx(expected.numpy(), abs=1e-4)
    assert found["points"] == [[0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]


def test_of_seeds_side_by_side_the_first_is_measured():
    data = table(30, features=2, classes=2)
    (together,), (alone,) = (decision_surface(start(table_spec(), data, seeds), points=5) for seeds in ((3, 5), (3,)))
    assert together["seed"] == 3
    assert together["points"] == alone["points"]
