"""Labels that are replaced, and examples that are held out of training."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional as F

from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.errors import UserError
from tests.unit.training.samples import (
    CPU,
    MIXUP,
    finished,
    image_spec,
    images,
    numbers,
    spectrograms,
    table,
    table_spec,
)

CLASSES = 4


def inputs(data, seeds=(0,), make=table_spec, **dataset):
    return make_inputs(make(dataset=dataset), list(seeds), data, CPU)


def true_labels(found):
    return found.y[found.train]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.33, 1.0])
@pytest.mark.parametrize("classes", ["all", "others"])
def test_exactly_the_share_asked_for_is_replaced(share, classes):
    found = inputs(table(rows=401), seeds=(0, 1), label_noise=share, noise_classes=classes)
    assert found.corrupted.sum(1).tolist() == [round(share * 201)] * 2
    assert torch.equal(found.train_labels[~found.corrupted], true_labels(found)[~found.corrupted])
    if classes == "others":
        assert (found.train_labels != true_labels(found)).equal(found.corrupted)
    assert share == 1.0 or not torch.equal(*found.corrupted)


def replaced(classes):
    """True and new labels of many examples that were replaced."""
    found = inputs(table(rows=16_000, classes=CLASSES), label_noise=0.75, noise_classes=classes)
    counts = np.zeros((CLASSES, CLASSES))
    np.add.at(counts, (true_labels(found)[found.corrupted].numpy(), found.train_labels[found.corrupted].numpy()), 1)
    assert counts.sum() == 6_000
    return counts


def test_the_new_label_is_uniform_over_all_classes_whatever_the_true_one():
    counts = replaced("all")
    for row in counts:
        assert scipy.stats.chisquare(row).pvalue > 1e-3
    kept = int(counts.trace())
    assert scipy.stats.binomtest(kept, 6_000, 1 / CLASSES).pvalue > 1e-3  # so the labels stay right a little more often


def test_the_new_label_is_uniform_over_the_other_classes():
    counts = replaced("others")
    assert counts.trace() == 0
    for label, row in enumerate(counts):
        assert scipy.stats.chisquare(np.delete(row, label)).pvalue > 1e-3


def test_a_larger_share_includes_a_smaller_one():
    small, large = (inputs(table(), label_noise=share) for share in (0.2, 0.8))
    assert large.corrupted[small.corrupted].all()
    assert torch.equal(small.train_labels[small.corrupted], large.train_labels[small.corrupted])


def test_noise_belongs_to_the_seed_and_to_nothing_else():
    data, noise = table(), {"label_noise": 0.5}
    erm = make_inputs(table_spec(dataset=noise), [3], data, CPU)
    mixup = make_inputs(table_spec(dataset=noise, mixing=MIXUP, model="mlp", epochs=9), [3], data, CPU)
    together = make_inputs(table_spec(dataset=noise), [1, 3], data, CPU)
    for other in (mixup.train_labels[0], together.train_labels[1]):
        assert torch.equal(erm.train_labels[0], other)
    assert not torch.equal(together.train_labels[0], together.train_labels[1])
    clean = make_inputs(table_spec(), [3], data, CPU)
    assert torch.equal(clean.train, erm.train)
    assert torch.equal(clean.x, erm.x)
    assert clean.corrupted is None
    assert torch.equal(clean.train_labels, true_labels(clean))


@pytest.mark.parametrize(("make", "data"), [(table_spec, table()), (image_spec, images())])
def test_the_test_part_stays_clean(make, data):
    found = make_inputs(make(dataset={"label_noise": 1.0}), [0], data, CPU)
    name = "y" if "y" in data.tensors else "test_y"
    expected = data.tensors[name][found.test[0]] if name == "y" else data.tensors[name]
    assert torch.equal(found.y[found.test[0]], expected)
    assert (found.train_labels != true_labels(found)).any()


def test_numbers_are_not_replaced():
    with pytest.raises(UserError, match=r"run\.dataset\.label_noise: .*numbers"):
        inputs(numbers(), label_noise=0.5)


@pytest.mark.parametrize(("make", "data"), [(table_spec, table(rows=61)), (image_spec, images(train=31))])
def test_a_validation_part_is_taken_from_the_training_part(make, data):
    whole = make_inputs(make(), [0, 5], data, CPU)
    found = make_inputs(make(dataset={"validation": 0.2}), [0, 5], data, CPU)
    assert found.validation.shape == (2, 6)  # of 31
    assert found.train.shape == (2, 25)
    assert torch.equal(found.test, whole.test)
    for member in range(2):
        parts = torch.cat([found.train[member], found.validation[member]])
        assert torch.equal(parts.sort().values, whole.train[member].sort().values)
    chosen = [(whole.train[k].unsqueeze(1) == found.validation[k]).any(1) for k in range(2)]
    assert not torch.equal(*chosen)  # each seed has its own


def test_labels_of_the_validation_part_are_as_noisy_as_those_trained_on():
    """Nobody who chooses by it has clean labels: each example has the label that it would be trained on without it."""
    data = table(rows=401)
    whole = inputs(data, label_noise=0.5)
    found = inputs(data, label_noise=0.5, validation=0.4)
    label = dict(zip(whole.train[0].tolist(), whole.train_labels[0].tolist(), strict=True))
    was_replaced = dict(zip(whole.train[0].tolist(), whole.corrupted[0].tolist(), strict=True))
    assert found.train_labels[0].tolist() == [label[row] for row in found.train[0].tolist()]
    assert found.validation_labels[0].tolist() == [label[row] for row in found.validation[0].tolist()]
    assert found.corrupted[0].tolist() == [was_replaced[row] for row in found.train[0].tolist()]
    assert (found.validation_labels != found.y[found.validation]).sum() > 10


def test_a_published_validation_part_is_evaluated_as_it_is():
    data = spectrograms(train=40, test=21, validation=9)
    found = inputs(data, make=lambda **changes: image_spec(normalization="raw", **changes), label_noise=1.0)
    assert found.train.shape == (1, 40)
    assert torch.equal(found.x[found.validation[0]], data.tensors["validation_x"])
    assert torch.equal(found.validation_labels[0], data.tensors["validation_y"])
    assert torch.equal(found.x[found.test[0]], data.tensors["test_x"])
    assert torch.equal(found.y[found.test[0]], data.tensors["test_y"])
    with pytest.raises(UserError, match=r"run\.dataset\.validation: .*published validation part"):
        inputs(data, make=lambda **changes: image_spec(normalization="raw", **changes), validation=0.5)


@pytest.mark.parametrize(("share", "held"), [(0.01, 0), (0.99, 31)])
def test_a_validation_part_of_none_or_all_is_refused(share, held):
    with pytest.raises(UserError, match=rf"run\.dataset\.validation: {held} of the 31 examples"):
        inputs(table(rows=61), validation=share)


def test_the_history_has_errors_on_the_validation_part():
    training = finished(table_spec(dataset={"label_noise": 0.4, "validation": 0.3}), table(rows=201), seeds=(0, 1))
    found = training.inputs
    logits = training.logits(found.x[found.validation])
    for member, row in enumerate(training.history[-2:]):
        y = found.validation_labels[member]
        wrong = (logits[member].argmax(-1) != y).double().mean().item()
        assert row["validation_error"] == pytest.approx(100 * wrong)
        assert row["validation_loss"] == pytest.approx(F.cross_entropy(logits[member], y).item(), rel=1e-5)
        clean = (logits[member].argmax(-1) != found.y[found.validation[member]]).double().mean().item()
        assert clean != wrong
    assert not any("validation" in name for row in finished(table_spec(), table()).history for name in row)


def test_images_without_a_published_split_are_split_and_scaled():
    data = images(train=50)
    unsplit = Prepared({"x": data.tensors["train_x"], "y": data.tensors["train_y"]}, data.manifest)
    found = inputs(unsplit, make=image_spec, holdout=0.4)
    assert (found.train.shape, found.test.shape) == ((1, 30), (1, 20))
    assert found.scale(found.x).mean() == pytest.approx(0, abs=1e-5)
