from dataclasses import replace

import numpy as np
import pytest
import torch

from remixup.errors import UserError
from remixup.evaluation import interpolation as module
from remixup.evaluation.interpolation import in_between
from remixup.randomness import generator
from tests.unit.evaluation.fixed_networks import broken, linear_on_images, linear_on_table, trained
from tests.unit.training.samples import MIXUP

# Class 0 left of 0.25, class 1 right of 0.75, and class 2, which neither example has, between them.
WEIGHTS, BIASES = np.array([[-1.0], [1.0], [0.0]]), np.array([0.0, -1.0, -0.25])


def two_examples(**changes):
    return linear_on_table([[0.0], [1.0]], [0, 1], 3, WEIGHTS, BIASES, **changes)


def test_curves_by_hand():
    (found,) = in_between(two_examples(), pairs=150, points=11)
    assert found["lam"] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    # A pair of an example with itself would miss nowhere.
    assert found["miss"] == [0, 0, 0, 100, 100, 100, 100, 100, 0, 0, 0]
    assert found["logit_gradient"] == [1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1]
    expected = []
    for lam in found["lam"]:
        # The mirrored pair has the same norm, so that it does not matter which of the two was drawn first.
        odds = np.exp(WEIGHTS[:, 0] * (1 - lam) + BIASES)
        expected.append(abs((odds / odds.sum() - [lam, 1 - lam, 0]) @ WEIGHTS[:, 0]))
    assert found["loss_gradient"] == pytest.approx(expected, abs=1e-6)
    # The means are over the nine values between 0 and 1.
    assert found["mean_miss"] == pytest.approx(500 / 9)
    assert found["mean_logit_gradient"] == pytest.approx(4 / 9)
    assert found["mean_loss_gradient"] == pytest.approx(np.mean(expected[1:-1]), abs=1e-6)


def test_training_errors_do_not_count_as_misses_in_between():
    # Both examples are taken for classes that neither has, and the points between them for class 0.
    weights, biases = [[0.0], [0.0], [-20.0], [20.0]], [0.0, -100.0, 1.0, -19.0]
    (found,) = in_between(linear_on_table([[0.0], [1.0]], [0, 1], 4, weights, biases), pairs=20, points=11)
    assert found["miss"] == [100, *[0] * 9, 100]
    assert found["mean_miss"] == 0


def test_images_pair_by_pair():
    # Gradients are those for the input as it is scaled, whatever the unit of the pixels.
    source = np.random.default_rng(0)
    x, y = source.integers(0, 256, size=(30, 3, 4, 4)), source.integers(4, size=30)
    weights, biases = source.normal(size=(4, 48)), source.normal(size=4)
    training = linear_on_images(x, y, x, y, 4, weights, biases, seeds=(0, 7), normalization="standardize")
    scaled = training.inputs.scale(torch.as_tensor(x)).flatten(1).double().numpy()
    found = in_between(training, pairs=230, points=3)
    for measured, seed in zip(found, (0, 7), strict=True):
        draws = generator(seed, "pairs")
        first = torch.randint(30, (230,), generator=draws).numpy()
        second = (first + torch.randint(1, 30, (230,), generator=draws).numpy()) % 30
        for k, lam in enumerate((0, 0.5, 1)):
            logits = (lam * scaled[first] + (1 - lam) * scaled[second]) @ weights.T + biases
            likely = np.exp(logits - logits.max(1, keepdims=True))
            likely /= likely.sum(1, keepdims=True)
            target = lam * np.eye(4)[y[first]] + (1 - lam) * np.eye(4)[y[second]]
            says = logits.argmax(1)
            assert measured["miss"][k] == pytest.approx(100 * np.mean((says != y[first]) & (says != y[second])))
            steepness = np.linalg.norm((likely - target) @ weights, axis=1).mean()
            assert measured["loss_gradient"][k] == pytest.approx(steepness, rel=1e-5)
            assert measured["logit_gradient"][k] == pytest.approx(
                np.linalg.norm(weights[says], axis=1).mean(), rel=1e-5
            )


def test_labels_are_those_trained_on():
    training = two_examples()
    training.inputs = replace(training.inputs, train_labels=torch.tensor([[0, 2]]))
    (found,) = in_between(training, pairs=400, points=11)
    assert found["miss"][3:8] == [0] * 5
    assert found["miss"][0] + found["miss"][10] == 100  # it says class 1 at the second example, wherever that stands


def test_methods_of_one_seed_see_the_same_pairs_and_seeds_others():
    plain, mixed = trained(epochs=1), trained(epochs=1, mixing=MIXUP)
    other = trained(epochs=1, seeds=(1,))
    state = {name: value.clone() for name, value in plain.model.state_dict().items()}
    for each in (mixed, other):
        each.model.load_state_dict(state)
    expected = in_between(plain, pairs=40, points=3)
    assert in_between(mixed, pairs=40, points=3) == expected
    assert in_between(other, pairs=40, points=3)[0]["loss_gradient"] != expected[0]["loss_gradient"]


def test_networks_are_as_in_evaluation_and_stay_as_they_are(monkeypatch):
    training = trained()
    expected = in_between(training, pairs=30, points=3)
    state = {name: value.clone() for name, value in training.model.state_dict().items()}
    training.model.zero_grad()
    training.model.train()
    monkeypatch.setattr(module, "ROWS", 8)
    (found,) = in_between(training, pairs=30, points=3)
    for name, value in expected[0].items():
        assert found[name] == pytest.approx(value, rel=1e-5)
    assert all(torch.equal(value, state[name]) for name, value in training.model.state_dict().items())
    assert all(parameter.grad is None for parameter in training.model.parameters())


def test_seeds_side_by_side_give_what_each_gives_alone():
    together, first, second = (in_between(two_examples(seeds=seeds), points=5) for seeds in ((3, 5), (3,), (5,)))
    assert together == [*first, *second]


def test_a_network_that_says_nothing_has_no_curves():
    fine, gone = in_between(broken(two_examples(seeds=(0, 1))), points=11, pairs=10)
    assert fine["mean_miss"] == pytest.approx(500 / 9)
    assert gone["lam"] == fine["lam"]
    assert {name for name, value in gone.items() if value is None} == set(fine) - {"seed", "lam"}


def test_what_it_needs():
    with pytest.raises(UserError, match="two"):
        in_between(linear_on_table([[0.0]], [0], 2, [[0], [1]], [0, 0]))
