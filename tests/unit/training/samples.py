import numpy as np
import pytest
import torch

from remixup.data import Prepared
from remixup.spec.run import RunSpec


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


def table(rows=61, features=5, classes=3, seed=0, missing=False):
    source = np.random.default_rng(seed)
    y = torch.from_numpy(source.integers(classes, size=rows))
    x = torch.from_numpy(source.normal(size=(rows, features)).astype(np.float32)) + y.unsqueeze(1)
    if missing:
        x[::7, 1] = torch.nan
    return Prepared(tensors={"x": x, "y": y}, manifest={"classes": classes, "sha256": "0" * 64})


def images(train=50, test=21, side=8, classes=3, channels=1, seed=0):
    source = np.random.default_rng(seed)

    def part(n):
        y = torch.from_numpy(source.integers(classes, size=n))
        x = source.integers(0, 128, size=(n, channels, side, side)) + 60 * y.numpy()[:, None, None, None]
        return torch.from_numpy(x.clip(0, 255).astype(np.uint8)), y

    (train_x, train_y), (test_x, test_y) = part(train), part(test)
    tensors = {"train_x": train_x, "train_y": train_y, "test_x": test_x, "test_y": test_y}
    return Prepared(tensors=tensors, manifest={"classes": classes, "sha256": "0" * 64})


MIXUP = {"ratio": {"name": "beta", "alpha": 1.0}}
TABLE = {
    "dataset": {"name": "iris", "version": "uci", "holdout": 0.5},
    "model": {"name": "mlp", "hidden": [9, 7]},
    "optimiser": "adam",
    "epochs": 4,
    "batch_size": 8,
}
IMAGES = {
    "dataset": {"name": "digits", "version": "scikit-learn"},
    "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1], "dropout": 0.3},
    "augmentation": ["random_crop", "horizontal_flip"],
    "optimiser": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule": {"name": "steps", "milestones": [2]},
    "epochs": 4,
    "batch_size": 16,
}


def table_spec(**changes):
    return RunSpec.model_validate({**TABLE, **changes})


def image_spec(**changes):
    return RunSpec.model_validate({**IMAGES, **changes})
