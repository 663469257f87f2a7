"""CIFAR training as the authors of mixup published it: facebookresearch/mixup-cifar10, `train.py`.

Facts about their loop: images are float32 and contiguous; eight workers of a `DataLoader` convert arrays to PIL images,
crop, mirror and normalize them one by one; lambda comes from NumPy; the minibatch is permuted, and the loss is the sum
of two cross-entropies; SGD has momentum 0.9 and weight decay 1e-4; each step reads the loss and the number of correct
predictions; on a GPU cuDNN benchmarks its kernels. This loop leaves out the progress bar and `DataParallel`, which does
nothing on one GPU. A newer PyTorch computes a GPU's convolutions in TF32 by default.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from remixup import models
from remixup.store.provenance import cores
from remixup.training.malloc import keep_freed

CLASSES = 10
BATCH = 128
WORKERS = 8
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
MODEL: dict[str, Any] = {"stem_norm": True, "activated_shortcut": True}
"""PreAct ResNet-18 in the edition of that repository (see `remixup.models.preact_resnet`)."""


Arrays = tuple[np.ndarray[Any, np.dtype[np.uint8]], np.ndarray[Any, np.dtype[np.int64]]]
"""Images, uint8 (n, 32, 32, 3), and their labels, int64 (n,)."""


class Pace(NamedTuple):
    """Number of images, and the seconds for training on them."""

    images: int
    seconds: float


def pixels(count: int) -> Arrays:
    """Return random images with labels."""
    source = np.random.default_rng(0)
    images = source.integers(0, 256, size=(count, 32, 32, 3), dtype=np.uint8)
    return images, source.integers(0, CLASSES, size=count, dtype=np.int64)


def now(device: torch.device) -> float:
    """Return the time in seconds, after waiting for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def peak_memory(device: torch.device) -> float:
    """Return the peak GPU memory of this process in GiB."""
    held: int = torch.cuda.max_memory_allocated(device)
    return held / 2**30


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images like those of torchvision's CIFAR-10: PIL images that are transformed on access."""

    def __init__(self, data: Arrays) -> None:
        self.images, labels = data
        self.labels: list[int] = labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


class Reference:
    """The authors' loop.

    Args:
        device: `cpu` or `cuda`.
        data: the training set; default: 50,000 random images.
        workers: processes of the loader; default: the authors' eight, or the number of processors if it is smaller.
        keep: whether the process reuses freed memory, as remixup's runs do, but not the authors'.
        model: parameters of PreAct ResNet-18; default: the authors'.
        batch: examples in a minibatch.
        alpha: α of the ratio, 0 for no mixing.
    """

    collate: Callable[[list[tuple[Tensor, int]]], Any] | None = None

    def __init__(
        self,
        device: str,
        data: Arrays | None = None,
        workers: int | None = None,
        keep: bool = False,
        *,
        model: dict[str, Any] = MODEL,
        batch: int = BATCH,
        alpha: float = 1.0,
    ) -> None:
        if keep:
            keep_freed()
        torch.set_num_threads(cores())
        torch.backends.cudnn.benchmark = True
        self.device = torch.device(device)
        self.network = models.build("preact_resnet", (3, 32, 32), CLASSES, **model).to(self.device).train()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        self.criterion: nn.Module = nn.CrossEntropyLoss()
        self.alpha = alpha
        self.total = self.correct = 0.0
        workers = min(WORKERS, cores()) if workers is None else workers
        self.loader = DataLoader(
            Pictures(data or pixels(50_000)), batch, shuffle=True, num_workers=workers, collate_fn=type(self).collate
        )
        self.batches = self._batches()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the minibatches of all epochs; workers are restarted in each, as in the authors' loop."""
        while True:
            yield from self.loader

    def run(self, steps: int) -> Pace:
        """Train on a number of minibatches of the loader."""
        began, images = now(self.device), 0
        for _ in range(steps):
            inputs, targets = next(self.batches)
            self.step(inputs.to(self.device), targets.to(self.device))
            images += len(inputs)
        return Pace(images, now(self.device) - began)

    def memory(self) -> float:
        """Return the peak GPU memory of this process in GiB."""
        return peak_memory(self.device)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Train on a minibatch: inputs float32 (n, 3, 32, 32), and the loader's targets."""
        loss = self.loss(inputs, targets)
        self.total += loss.item()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mix a minibatch, count correct predictions, and return the loss with classes as targets."""
        share = float(np.random.beta(self.alpha, self.alpha)) if self.alpha > 0 else 1.0
        partner = torch.randperm(len(inputs)).to(self.device)
        others = targets[partner]
        outputs = self.network(share * inputs + (1 - share) * inputs[partner])
        said = outputs.detach().argmax(1)
        for weight, classes in ((share, targets), (1 - share, others)):
            self.correct += weight * said.eq(classes).cpu().sum().item()
        loss: Tensor = share * self.criterion(outputs, targets) + (1 - share) * self.criterion(outputs, others)
        return loss
