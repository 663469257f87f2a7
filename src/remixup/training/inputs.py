"""What a block of seeds trains and tests on: tensors on the device, and for each seed the rows of its own split."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from remixup.data import Prepared
from remixup.errors import UserError
from remixup.spec.run import RunSpec
from remixup.training import scaling
from remixup.training.randomness import generator


@dataclass(frozen=True)
class Inputs:
    """Examples of a block of seeds.

    Tables are scaled here, once for each seed; images stay uint8 and are scaled batch by batch, after augmentation.
    """

    x: Tensor
    """(rows, ...): images uint8, or tables float32 with a copy of all rows for each seed."""
    y: Tensor
    """Class indices, int64 (rows,)."""
    train: Tensor
    """Rows of the training part, int64 (seeds, n)."""
    test: Tensor
    """Rows of the test part, int64 (seeds, m)."""
    offset: Tensor
    divisor: Tensor
    classes: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.x.shape[1:])

    def to(self, device: torch.device) -> Inputs:
        """The same inputs on a device."""
        return Inputs(
            self.x.to(device),
            self.y.to(device),
            self.train.to(device),
            self.test.to(device),
            self.offset.to(device),
            self.divisor.to(device),
            self.classes,
        )

    def scale(self, x: Tensor) -> Tensor:
        """Network inputs from gathered examples: images (..., channels, height, width), uint8 or float in [0, 255]."""
        if self.x.dtype != torch.uint8:
            return x
        return (x.float() / 255 - self.offset) / self.divisor


def make_inputs(spec: RunSpec, seeds: list[int], data: Prepared, device: torch.device) -> Inputs:
    """The inputs of a block of seeds.

    Raises:
        UserError: where the specification does not fit the dataset (no published split and no holdout, or both; a
            subset larger than the training part).
    """
    tensors, holdout = data.tensors, spec.dataset.holdout
    published = "train_x" in tensors
    if published == (holdout is not None):
        what = (
            "has a published split, so `holdout` has no meaning" if published else "has no split: `holdout` is needed"
        )
        raise UserError(f"dataset {spec.dataset.name} {what}", where="run.dataset.holdout")
    if published:
        x = torch.cat([tensors["train_x"], tensors["test_x"]])
        y = torch.cat([tensors["train_y"], tensors["test_y"]])
        rows = torch.arange(len(y))
        count = len(tensors["train_y"])
        train, test = rows[:count].expand(len(seeds), -1), rows[count:].expand(len(seeds), -1)
    else:
        x, y = tensors["x"], tensors["y"]
        assert holdout is not None
        train, test = _split(len(y), holdout, seeds)
    if spec.dataset.subset is not None:
        train = _subset(train, spec.dataset.subset, seeds)
    classes = int(data.manifest["classes"])
    if x.ndim > 2:
        offset, divisor = _scaling(spec, tensors["train_x"] if published else x)
        return Inputs(x, y, train, test, offset, divisor, classes).to(device)
    scaled = torch.stack([_scale_table(spec, x, part) for part in train])
    shift = (torch.arange(len(seeds)) * len(y)).unsqueeze(1)
    rows_of_all, labels_of_all = scaled.flatten(0, 1), y.repeat(len(seeds))
    tables = Inputs(rows_of_all, labels_of_all, train + shift, test + shift, torch.zeros(1), torch.ones(1), classes)
    return tables.to(device)


def _split(rows: int, holdout: float, seeds: list[int]) -> tuple[Tensor, Tensor]:
    orders = torch.stack([torch.randperm(rows, generator=generator(seed, "split")) for seed in seeds])
    held = round(rows * holdout)
    return orders[:, held:], orders[:, :held]


def _subset(train: Tensor, size: int, seeds: list[int]) -> Tensor:
    if size > train.shape[1]:
        raise UserError(f"subset {size} exceeds the {train.shape[1]} training examples", where="run.dataset.subset")
    chosen = [torch.randperm(train.shape[1], generator=generator(seed, "subset"))[:size] for seed in seeds]
    return torch.stack([part[index] for part, index in zip(train, chosen, strict=True)])


def _scaling(spec: RunSpec, train: Tensor) -> tuple[Tensor, Tensor]:
    named = dict(spec.scaling)
    offset, divisor = getattr(scaling, named.pop("name"))(train, **named)
    channels = train.shape[1]
    if offset.numel() not in (1, channels) or divisor.numel() not in (1, channels):
        raise UserError(f"{offset.numel()} constants for {channels} channels", where="run.scaling")
    return offset, divisor


def _scale_table(spec: RunSpec, x: Tensor, train: Tensor) -> Tensor:
    offset, divisor = _scaling(spec, x[train])
    # Missing values take the mean of the training part.
    mean, _ = scaling.standardise(x[train])
    return (torch.where(x.isnan(), mean, x) - offset) / divisor
