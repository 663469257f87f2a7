from dataclasses import replace

import numpy as np
import pytest
import torch

from remixup.evaluation import memorization as module
from remixup.evaluation.memorization import memorization
from tests.unit.evaluation.fixed_networks import broken, linear_on_table, trained


def by_row(says, labels, classes=3, seeds=(0,), **changes):
    """A network that says class `says[k]` of row k, which is labeled `labels[k]`."""
    rows = np.eye(len(says), dtype=np.float32)
    return linear_on_table(rows, labels, classes, np.eye(classes)[says].T, np.zeros(classes), seeds=seeds, **changes)


def relabel(training, labels, replaced):
    labels, replaced = torch.tensor([labels]), torch.tensor([replaced], dtype=torch.bool)
    training.inputs = replace(training.inputs, train_labels=labels, corrupted=replaced)
    return training


def test_errors_against_the_labels_trained_on_apart():
    # Rows 2 to 5 were relabeled; row 5 drew its true label, 1, again.
    training = relabel(by_row([0, 1, 2, 0, 0, 0], [0, 0, 0, 0, 0, 1]), [0, 0, 2, 1, 2, 1], [0, 0, 1, 1, 1, 1])
    assert memorization(training) == [{"seed": 0, "real": 50.0, "corrupted": 75.0}]


NOISE = {"label_noise": 0.4}


@pytest.mark.parametrize("classes", ["all", "others"])
def test_one_that_memorises_and_one_that_knows_the_truth(classes):
    truth = [k % 3 for k in range(30)]
    training = by_row(truth, truth, seeds=(0, 1), dataset={**NOISE, "noise_classes": classes})
    inputs = training.inputs
    share = [(inputs.train_labels[m] != inputs.y[inputs.train[m]])[inputs.corrupted[m]].double().mean() for m in (0, 1)]
    found = memorization(training)
    assert [each["seed"] for each in found] == [0, 1]
    assert [each["real"] for each in found] == [0, 0]
    assert [each["corrupted"] for each in found] == pytest.approx([100 * float(each) for each in share])
    if classes == "others":
        assert share == [1, 1]
    learned = by_row(
        training.inputs.train_labels[1].tolist(), truth, seeds=(0, 1), dataset={**NOISE, "noise_classes": classes}
    )
    first, second = memorization(learned)
    assert second == {"seed": 1, "real": 0, "corrupted": 0}
    assert first["real"] > 0


def test_a_validation_part_is_left_out():
    truth = [k % 3 for k in range(30)]
    training = by_row(truth, truth, seeds=(0, 1, 2), dataset={**NOISE, "validation": 0.5})
    counts = training.inputs.corrupted.sum(1).tolist()
    assert len(set(counts)) > 1  # seeds differ in how many of the replaced are left
    wrong = training.inputs.train_labels != training.inputs.y[training.inputs.train]
    expected = [100 * each.sum().item() / count for each, count in zip(wrong, counts, strict=True)]
    assert [each["corrupted"] for each in memorization(training)] == pytest.approx(expected)


def test_without_noise_nothing_is_corrupted():
    training = by_row([0, 1, 2, 0], [0, 1, 2, 1])
    assert memorization(training) == [{"seed": 0, "real": 25.0, "corrupted": None}]
    assert memorization(relabel(training, [0, 0, 0, 0], [1, 1, 1, 1])) == [{"seed": 0, "real": None, "corrupted": 50.0}]


def test_a_trained_network_on_images_as_they_are(monkeypatch):
    training = trained(augmentation=["random_crop"], dataset={"name": "digits", "version": "scikit-learn", **NOISE})
    training.model.train()
    (found,) = memorization(training)
    inputs = training.inputs
    whole = training.evaluate(inputs.train, inputs.train_labels)["error"].item()
    share = inputs.corrupted.double().mean().item()
    assert share == 0.4
    assert (1 - share) * found["real"] + share * found["corrupted"] == pytest.approx(whole)
    assert found["real"] < 40 < found["corrupted"]  # it has learned the classes and not the noise
    monkeypatch.setattr(module, "EVALUATION_ROWS", 7)
    assert memorization(training) == [pytest.approx(found)]


def test_a_network_that_says_nothing_has_no_error():
    truth = [k % 3 for k in range(30)]
    first, second = memorization(broken(by_row(truth, truth, seeds=(0, 1), dataset=NOISE)))
    assert first["real"] == 0
    assert second == {"seed": 1, "real": None, "corrupted": None}
