"""remixup's own training as the workflow runs it, on random data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_iris
from torch.utils.flop_counter import FlopCounterMode

from remixup import models
from remixup.config.experiment import read_experiments
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.evaluation.cost import cost
from remixup.planning.plan import merge, plan_experiment
from remixup.store.provenance import cores
from remixup.training.captured import WARM_UP
from remixup.training.runner import prepare_process
from remixup.training.supervised import SupervisedTrainer
from remixup_benchmarks.reference import BATCH, CLASSES, MODEL, Pace, now, peak_memory, pixels

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
ROW = "cifar10-preact18-stem-norm-mixup"
"""A row with the reference's network, so that only the loops differ."""
_PARTS: dict[str, dict[str, Any]] = {
    # As the authors' loop does, although remixup does not by default.
    "exact": {"execution": {"cudnn_benchmark": True}},
    "bfloat16": {"precision": "bfloat16"},
    "engine": {"execution": {"memory_format": "channels_last"}},
    "fused": {"execution": {"fused": True}},
    "compiled": {"execution": {"compile": True}},
    "graph": {"execution": {"cuda_graph": True}},
}
WAYS = dict(zip(_PARTS, accumulate(_PARTS.values(), merge), strict=True))
"""Ways to execute the row: each has a part more than the one before it. The last is that of `precision` and `fast`."""
WAYS_ON_CPU = ("exact", "engine", "compiled")


def ways(device: str) -> dict[str, dict[str, Any]]:
    """Return the ways that differ on a device, by the ids of their lines."""
    return {name: how for name, how in WAYS.items() if device == "cuda" or name in WAYS_ON_CPU}


def published(experiment: str, row: str, **changes: Any) -> RunSpec:
    """Read the run of a row at paper scale, with changes to its precision and execution."""
    path, read = read_experiments(EXPERIMENTS)[experiment]
    plan = plan_experiment(path, read, Config(), "paper")
    run = next(each.run for each in plan.rows if each.row.id == row)
    return RunSpec.model_validate(merge(run.model_dump(), changes))


class Engine:
    """PreAct ResNet-18 trained by mixup, on images in the device's memory.

    Args:
        device: `cpu` or `cuda`.
        images: number of training images.
        tested: number of test images.
        how: changes of the published run's settings.
    """

    def __init__(self, device: str, images: int, tested: int = 1, how: Mapping[str, Any] = WAYS["engine"]) -> None:
        spec = published("cifar", ROW, **merge(dict(how), {"execution": {"threads": cores()}}))
        prepare_process(spec)
        self.device = torch.device(device)
        tensors: dict[str, torch.Tensor] = {}
        for part, count in (("train", images), ("test", tested)):
            x, y = pixels(count)
            tensors |= {f"{part}_x": torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()}
            tensors |= {f"{part}_y": torch.from_numpy(y)}
        inputs = make_inputs(spec, [0], Prepared(tensors, {"classes": CLASSES}), self.device)
        self.training, self.images = SupervisedTrainer(spec, [0], inputs, self.device), images

    def run(self) -> Pace:
        """Train an epoch, from its random draws to its row of the history."""
        began = now(self.device)
        self.training._train_epoch()
        self.training.epoch += 1
        return Pace(self.images, now(self.device) - began)

    def warm_up(self) -> None:
        """Train until all is compiled and captured."""
        for _ in range(WARM_UP + 1):
            self.run()

    def mixing(self, steps: int) -> float:
        """Return the percentage of a step spent on mixing, as measured by the evaluation `cost`."""
        share: float = cost(self.training, steps=steps)[0]["share"]
        return share

    def memory(self) -> float:
        """Return the peak GPU memory of this process in GiB, data included."""
        return peak_memory(self.device)


def operations(batch: int = BATCH) -> float:
    """Return the floating-point operations of an image's forward and backward pass, two for each multiply-add."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = models.build("preact_resnet", (3, 32, 32), CLASSES, **MODEL)
        network(torch.empty(batch, 3, 32, 32)).sum().backward()
    total: int = counter.get_total_flops()
    return total / batch


class Products:
    """Products of square bfloat16 matrices, which show the maximum speed of the hardware."""

    def __init__(self, device: str) -> None:
        torch.set_num_threads(cores())
        self.device = torch.device(device)
        # Large enough that a larger one is no faster.
        self.side, self.count = (8192, 20) if device == "cuda" else (2048, 5)
        self.a, self.b = (torch.randn(self.side, self.side, device=device).bfloat16() for _ in range(2))

    def run(self) -> float:
        """Return floating-point operations per second."""
        began = now(self.device)
        for _ in range(self.count):
            self.a @ self.b
        return self.count * 2 * self.side**3 / (now(self.device) - began)


class VectorizedSeeds:
    """The UCI network trained by mixup on Iris, on the CPU.

    Args:
        seeds: number of seeds that are trained as one program.
    """

    def __init__(self, seeds: int) -> None:
        self.seeds = list(range(seeds))
        self.spec = published("uci", "iris-mixup")
        prepare_process(self.spec)
        x, y = load_iris(return_X_y=True)
        self.data = Prepared({"x": torch.from_numpy(x).float(), "y": torch.from_numpy(y).long()}, {"classes": 3})

    def run(self) -> float:
        """Return the seconds for training all seeds with the published protocol."""
        device = torch.device("cpu")
        began = now(device)
        inputs = make_inputs(self.spec, self.seeds, self.data, device)
        SupervisedTrainer(self.spec, self.seeds, inputs, device).run(lambda _: None)
        return now(device) - began
