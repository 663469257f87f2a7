import numpy as np
import pytest

from remixup.evaluation.generalization import generalization
from tests.unit.evaluation.fixed_networks import broken, linear_on_table, trained


def signs(seeds=(0,), **changes):
    """Class 1 where the feature is positive."""
    train_x, train_y = [[-2.0], [-1.0], [1.0], [2.0]] * 5, [0, 0, 1, 0] * 5
    test_x, test_y = [[-2.0], [-1.0], [1.0], [2.0], [3.0]], [1, 0, 0, 0, 1]
    return linear_on_table(train_x, train_y, 2, [[-1], [1]], [0, 0], test_x, test_y, seeds, **changes)


def test_errors_and_gap_by_hand():
    assert generalization(signs()) == [{"seed": 0, "train_error": 25.0, "test_error": 60.0, "gap": 35.0}]


def test_training_labels_are_those_trained_on():
    training = signs(seeds=(0, 1), dataset={"label_noise": 0.5})
    labels = training.inputs.train_labels.numpy()
    says = np.array([0, 0, 1, 1] * 5)
    found = generalization(training)
    assert [each["train_error"] for each in found] == pytest.approx((100 * (labels != says).mean(1)).tolist())
    assert [each["test_error"] for each in found] == pytest.approx([60, 60])
    assert [each["seed"] for each in found] == [0, 1]
    assert found[0]["gap"] == found[0]["test_error"] - found[0]["train_error"]


def test_training_examples_are_neither_augmented_nor_mixed():
    training = trained(augmentation=["random_crop"], mixing={"ratio": {"name": "beta", "alpha": 1.0}})
    training.model.train()
    (found,) = generalization(training)
    wrong = training.logits(training.inputs.examples(training.inputs.train)).argmax(-1) != training.inputs.train_labels
    assert found["train_error"] == pytest.approx(100 * wrong.double().mean().item())
    assert found["test_error"] == training.history[-1]["test_error"]


def test_numbers_have_errors_in_their_unit():
    training = linear_on_table([[0.0], [1.0]], [0.0, 3.0], 1, [[1]], [0], [[1.0], [2.0]], [5.0, 6.0])
    expected = {"seed": 0, "train_error": 2**0.5, "test_error": 4.0, "gap": 4 - 2**0.5}
    assert generalization(training)[0] == pytest.approx(expected)


def test_a_network_that_says_nothing_has_no_error():
    first, second = generalization(broken(signs(seeds=(0, 1))))
    assert first["gap"] == pytest.approx(35)
    assert second == {"seed": 1, "train_error": None, "test_error": None, "gap": None}
