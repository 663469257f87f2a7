"""The reference loop with the mixing of two libraries, used as their manuals say."""

from __future__ import annotations

import torch
from timm.data.mixup import Mixup
from timm.loss.cross_entropy import SoftTargetCrossEntropy
from torch import Tensor
from torch.utils.data import default_collate
from torchvision.transforms import v2

from remixup_benchmarks.reference import CLASSES, Arrays, Reference

_MIXUP = v2.MixUp(alpha=1.0, num_classes=CLASSES)


def mixing_collate(examples: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
    """Mix single examples to a minibatch in the loader's workers; return images and class probabilities."""
    images, targets = _MIXUP(*default_collate(examples))
    return images, targets


class Torchvision(Reference):
    """`torchvision.transforms.v2.MixUp` in the loader's collate function."""

    collate = staticmethod(mixing_collate)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss on a minibatch mixed by the loader."""
        loss: Tensor = self.criterion(self.network(inputs), targets)
        return loss


class Timm(Reference):
    """`timm.data.Mixup` on the minibatch on the training device, and timm's loss for soft targets."""

    def __init__(self, device: str, data: Arrays | None = None, workers: int | None = None) -> None:
        super().__init__(device, data, workers)
        self.mixup = Mixup(mixup_alpha=1.0, label_smoothing=0.0, num_classes=CLASSES)
        self.criterion = SoftTargetCrossEntropy()

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mix a minibatch in place, and return the loss on it."""
        with torch.no_grad():
            inputs, targets = self.mixup(inputs, targets)
        loss: Tensor = self.criterion(self.network(inputs), targets)
        return loss
