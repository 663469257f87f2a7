"""Trainings of networks whose weights the tests set, so that their outputs can be computed by hand."""

import numpy as np
import torch

from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import image_spec, images, table_spec

CPU = torch.device("cpu")
LINEAR = {"name": "mlp", "hidden": []}


def start(spec, data, seeds=(0,)):
    return SupervisedTrainer(spec, list(seeds), make_inputs(spec, list(seeds), data, CPU), CPU)


def set_weights(training, weights, biases):
    """Let every member compute weights (classes, inputs) times its input, plus biases (classes,)."""
    head = training.model.head
    weights, biases = (torch.as_tensor(np.asarray(each, dtype=np.float32)) for each in (weights, biases))
    with torch.no_grad():
        head.weight.zero_()[:, : head.in_features, : head.out_features] = weights.T
        head.bias.zero_()[:, 0, : head.out_features] = biases
    return training


def linear_on_images(train_x, train_y, test_x, test_y, classes, weights, biases, seeds=(0,), **changes):
    """Return a linear network on uint8 images (n, channels, height, width)."""
    columns = {"train_x": train_x, "test_x": test_x}
    tensors = {name: torch.as_tensor(np.asarray(each, dtype=np.uint8)) for name, each in columns.items()}
    tensors |= {"train_y": torch.as_tensor(train_y), "test_y": torch.as_tensor(test_y)}
    data = Prepared(tensors=tensors, manifest={"classes": classes, "sha256": "0" * 64})
    spec = image_spec(**{"model": LINEAR, "augmentation": [], "normalization": "raw", **changes})
    return set_weights(start(spec, data, seeds), weights, biases)


def linear_on_table(train_x, train_y, classes, weights, biases, test_x=None, test_y=None, seeds=(0,), **changes):
    """Return a linear network on rows of features (n, features), unscaled."""
    test_x, test_y = (train_x, train_y) if test_x is None else (test_x, test_y)
    columns = {"train_x": train_x, "test_x": test_x}
    tensors = {name: torch.as_tensor(np.asarray(each, dtype=np.float32)) for name, each in columns.items()}
    tensors |= {"train_y": torch.as_tensor(train_y), "test_y": torch.as_tensor(test_y)}
    data = Prepared(tensors=tensors, manifest={"classes": classes, "sha256": "0" * 64})
    dataset = {"name": "iris", "version": "uci", "holdout": None, **changes.pop("dataset", {})}
    spec = table_spec(**{"model": LINEAR, "normalization": "raw", "dataset": dataset, **changes})
    return set_weights(start(spec, data, seeds), weights, biases)


def trained(seeds=(0,), **changes):
    """Return a small network trained on synthetic images of three classes."""
    training = start(image_spec(**{"augmentation": [], **changes}), images(train=60, test=45), seeds)
    training.run(lambda _: None)
    return training


def broken(training):
    """Set a weight of the last member to NaN."""
    with torch.no_grad():
        next(iter(training.model.parameters()))[-1] = torch.nan
    return training
