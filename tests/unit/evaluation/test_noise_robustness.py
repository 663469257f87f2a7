"""Error under noise on the inputs: against the normal distribution, the same noise for all, and what is refused."""

import pytest
import torch
from scipy import stats

from remixup.errors import UserError
from remixup.evaluation.noise_robustness import noisy
from tests.unit.evaluation.fixed_networks import broken, linear_on_images, linear_on_table


def threshold(seeds=(0,), places=2_500):
    """Points at -1 and 1 of classes 0 and 1; class 1 is said of what is above 0."""
    x, y = [[-1.0], [1.0]] * places, [0, 1] * places
    return linear_on_table(x, y, 2, [[0.0], [1.0]], [0.0, 0.0], seeds=seeds)


def test_errors_are_those_of_the_normal_distribution():
    (found,) = noisy(threshold(), sigma=(0.0, 0.5, 1.0, 2.0))
    expected = [0.0, *(100 * stats.norm.sf(1 / sigma) for sigma in (0.5, 1.0, 2.0))]
    assert found["sigma"] == [0.0, 0.5, 1.0, 2.0]
    assert found["error"] == pytest.approx(expected, abs=4 * 100 * (0.25 / 5_000) ** 0.5)
    assert found["mean"] == pytest.approx(sum(found["error"]) / 4)
    assert (found["weakest"], found["strongest"]) == (found["error"][0], found["error"][-1])


def test_noise_is_that_of_the_seed_alone():
    first, second = noisy(threshold((0, 1), places=300), sigma=(1.0,))
    assert [first] == noisy(threshold((0,), places=300), sigma=(1.0,))
    assert [second] == noisy(threshold((1,), places=300), sigma=(1.0,))
    assert first["error"] != second["error"]


def test_it_is_added_after_scaling():
    """A pixel of 0 or 255, scaled by 1/10: noise of 1 is ten times as large as the signal."""
    x = torch.tensor([0, 255] * 300).view(-1, 1, 1, 1)
    given = (x, [0, 1] * 300, x, [0, 1] * 300, 2, [[0.0], [1.0]])
    raw = noisy(linear_on_images(*given, [0.5, 0.0]), sigma=(0.1,))[0]
    scaling = {"name": "given", "mean": [0.0], "std": [10.0]}
    small = noisy(linear_on_images(*given, [0.05, 0.0], normalization=scaling), sigma=(0.1,))[0]
    assert raw["mean"] == 0
    assert small["mean"] == pytest.approx(100 * stats.norm.sf(0.5), abs=8)


def test_a_network_that_says_no_numbers_has_no_error():
    first, last = noisy(broken(threshold((0, 1), places=20)), sigma=(0.1, 1.0))
    assert first["error"][0] == 0
    assert last == {
        "seed": 1,
        "sigma": [0.1, 1.0],
        "error": [None, None],
        **dict.fromkeys(("mean", "weakest", "strongest")),
    }


def test_mistakes_are_named():
    with pytest.raises(UserError, match="needs a standard deviation"):
        noisy(threshold(places=5), sigma=())
