"""One call that mixes a minibatch: `remixup.mixing` and two libraries, on the CPU with one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from timm.data.mixup import Mixup
from torch import Tensor
from torchvision.transforms import v2

from remixup.mixing import Mixing
from remixup.training.malloc import keep_freed
from remixup_benchmarks.reference import BATCH

CLASSES = {32: 10, 224: 1000}
"""Side of the images -> number of classes: CIFAR-10 and ImageNet."""

Call = Callable[[Tensor, Tensor], Any]


def _remixup(classes: int) -> Call:
    return Mixing.compose(ratio={"name": "beta", "alpha": 1.0}, classes=classes)


def _timm(classes: int) -> Call:
    mixup: Call = Mixup(mixup_alpha=1.0, label_smoothing=0.0, num_classes=classes)
    return mixup


def _torchvision(classes: int) -> Call:
    mixup: Call = v2.MixUp(alpha=1.0, num_classes=classes)
    return mixup


LIBRARIES: dict[str, Callable[[int], Call]] = {"remixup": _remixup, "timm": _timm, "torchvision": _torchvision}


class MixingCall:
    """Calls of one library's mixup on minibatches of 128 random images.

    Each call gets a copy of the images, as a loader gives a new minibatch: timm's mixup overwrites its input. The
    process reuses freed memory, as a training does that has allocated larger tensors.

    Args:
        library: a key of `LIBRARIES`.
        side: height and width of the images.
    """

    def __init__(self, library: str, side: int) -> None:
        torch.set_num_threads(1)
        keep_freed()
        self.call = LIBRARIES[library](CLASSES[side])
        self.x, self.y = torch.rand(BATCH, 3, side, side), torch.randint(CLASSES[side], (BATCH,))

    def run(self, calls: int) -> float:
        """Return the milliseconds of a call, the median of several."""
        taken = []
        for _ in range(calls):
            x = self.x.clone()
            began = time.perf_counter()
            mixed = self.call(x, self.y)
            taken.append(1000 * (time.perf_counter() - began))
            del mixed
        return statistics.median(taken)
