"""Losses of six small trainings: numbers that a change of the code must not move unnoticed.

A deliberate change raises NUMERICS in the module that causes it, and updates these values. The hashes of the runs
concerned change with it, so their records need a migration in the same commit.
"""

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data.inputs import make_inputs
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import images, table

MIXUP = {"ratio": {"name": "beta", "alpha": 0.7}}
SGD = {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001}
COMMON = {"epochs": 2, "batch_size": 16, "schedule": {"name": "steps", "milestones": [1]}}
TABLE = {"dataset": {"name": "iris", "version": "uci", "holdout": 0.5}, "model": "mlp", **COMMON}
IMAGES = {
    "dataset": {"name": "digits"},
    "optimizer": SGD,
    "augmentation": [{"name": "random_crop", "padding": 1}, "horizontal_flip"],
    **COMMON,
}
GIVEN = {"name": "given", "mean": [0.5], "std": [0.25]}
SPECS = {
    "mlp, adam": {**TABLE, "optimizer": "adam"},
    "mlp, sgd, mixup, raw": {**TABLE, "optimizer": SGD, "mixing": MIXUP, "normalization": "raw"},
    "preact resnet": {
        **IMAGES,
        "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1]},
        "normalization": GIVEN,
    },
    "preact resnet, vectorized": {
        **IMAGES,
        "model": {"name": "preact_resnet", "width": 8, "blocks": [1, 1], "dropout": 0.2},
        "execution": {"vectorize_seeds": True},
    },
    "wide resnet, mixup": {**IMAGES, "model": {"name": "wide_resnet", "depth": 10, "widen": 1}, "mixing": MIXUP},
    "densenet, mixup": {**IMAGES, "model": {"name": "densenet_bc", "depth": 10, "growth": 4}, "mixing": MIXUP},
}
# Training loss of both epochs, test loss of the last.
GOLDEN = {
    "mlp, adam": [1.09394, 1.02998, 1.0508],
    "mlp, sgd, mixup, raw": [1.10708, 1.00233, 1.01282],
    "preact resnet": [1.06255, 0.82415, 0.87267],
    "preact resnet, vectorized": [1.02638, 0.70938, 0.7499],
    "wide resnet, mixup": [0.9969, 0.84841, 0.78861],
    "densenet, mixup": [0.99296, 0.88917, 0.79391],
}


def losses(document):
    spec = RunSpec.model_validate(document)
    data = table(missing=True) if spec.dataset.name == "iris" else images()
    cpu = torch.device("cpu")
    training = SupervisedTrainer(spec, [3], make_inputs(spec, [3], data, cpu), cpu)
    training.run(lambda _: None)
    first, last = training.history
    return [first["train_loss"], last["train_loss"], last["test_loss"]]


@pytest.mark.parametrize("name", SPECS)
def test_numbers_have_not_moved(name):
    """To a tolerance: processors differ in the last bits, and a change of meaning shows far above them."""
    assert losses(SPECS[name]) == pytest.approx(GOLDEN[name], rel=2e-3)
