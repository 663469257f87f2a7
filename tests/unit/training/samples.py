import numpy as np
import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.training import checkpoints
from remixup.training.batches import draw_epoch
from remixup.training.supervised import SupervisedTrainer

CPU = torch.device("cpu")


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


def numbers(rows=61, features=5, seed=0):
    """A table whose labels are numbers, not classes."""
    data = table(rows, features, seed=seed)
    y = data.tensors["x"] @ torch.linspace(-1, 1, features) + 2
    return Prepared(tensors={**data.tensors, "y": y}, manifest={**data.manifest, "classes": 1})


def spectrograms(train=40, test=21, validation=0, classes=3, seed=0):
    """Normalized clips, float16, (n, 1, frequencies, times)."""
    source = np.random.default_rng(seed)
    tensors = {}
    for part, n in (("train", train), ("test", test), ("validation", validation)):
        if n:
            y = torch.from_numpy(source.integers(classes, size=n))
            x = source.normal(size=(n, 1, 10, 6)) + y.numpy()[:, None, None, None]
            tensors |= {f"{part}_x": torch.from_numpy(x).half(), f"{part}_y": y}
    return Prepared(tensors=tensors, manifest={"classes": classes, "sha256": "0" * 64})


def start(spec, data, seeds=(0,)):
    return SupervisedTrainer(spec, list(seeds), make_inputs(spec, list(seeds), data, CPU), CPU)


def draw(training):
    """The batches of the current epoch, those of all steps in one list."""
    return [batch for step in draw_epoch(training) for batch in step]


def rounds(batch):
    """Ratio (members,) and partners (members, n) of each round of mixing a batch."""
    return [(each.ratio, each.partner) for each in batch.rounds]


def finished(spec, data, seeds=(0,)):
    training = start(spec, data, seeds)
    training.run(lambda _: None)
    return training


def interrupted(start, stop, point):
    """A training that was killed after `stop` epochs and went on from its resume point, in a process that drew on."""

    class Killed(Exception):
        pass

    def kill(training):
        if training.epoch == stop:
            checkpoints.save_resume_point(training, point)
            raise Killed

    with pytest.raises(Killed):
        start().run(kill)
    torch.manual_seed(99)  # whatever else the process drew
    resumed = start()
    assert checkpoints.load_resume_point(resumed, point)
    assert resumed.epoch == stop
    resumed.run(lambda _: None)
    return resumed


def same(first, second):
    """Two trainings are at the same point, to the bit."""
    assert first.history == second.history
    assert first.epoch == second.epoch
    ours, theirs = ([each.model.state_dict(), each.optimizer.state_dict()["state"]] for each in (first, second))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)


MIXUP = {"ratio": {"name": "beta", "alpha": 1.0}}
TABLE = {
    "dataset": {"name": "iris", "version": "uci", "holdout": 0.5},
    "model": {"name": "mlp", "hidden": [9, 7]},
    "optimizer": "adam",
    "epochs": 4,
    "batch_size": 8,
}
IMAGES = {
    "dataset": {"name": "digits", "version": "scikit-learn"},
    "model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1], "dropout": 0.3},
    "augmentation": ["random_crop", "horizontal_flip"],
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule": {"name": "steps", "milestones": [2]},
    "epochs": 4,
    "batch_size": 16,
}


def table_spec(dataset=(), **changes):
    return RunSpec.model_validate({**TABLE, **changes, "dataset": {**TABLE["dataset"], **dict(dataset)}})


def image_spec(dataset=(), **changes):
    return RunSpec.model_validate({**IMAGES, **changes, "dataset": {**IMAGES["dataset"], **dict(dataset)}})
