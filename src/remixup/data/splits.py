"""Splits, subsets and label noise: which rows of a dataset each seed trains and tests on, and with which labels.

Every draw depends on the seed alone, so all methods of one seed share rows and labels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remixup.config.run import Dataset, amount
from remixup.errors import UserError
from remixup.mixing import take
from remixup.randomness import generator

PUBLISHED_PARTS = ("train", "test", "validation", "pool")
"""Parts of a dataset with a published split, in the order of its rows."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Rows and training labels of a block of seeds."""

    train: Tensor
    """Rows of the training part, int64 (seeds, n)."""
    test: Tensor
    """Rows of the test part, int64 (seeds, m)."""
    train_labels: Tensor
    """Training labels, (seeds, n, ...), with label noise."""
    corrupted: Tensor | None = None
    """Whether a training label was replaced, bool (seeds, n); None without label noise."""
    validation: Tensor | None = None
    """Rows of the validation part, int64 (seeds, k), if there is one."""
    validation_labels: Tensor | None = None
    pool: Tensor | None = None
    """Rows of synthetic images, int64 (seeds, k), if the dataset has a pool."""


def labels_of(spec: Dataset, tensors: dict[str, Tensor]) -> Tensor:
    """Return all labels, those of a published split part by part.

    Raises:
        UserError: `holdout` is given for a dataset with a published split, or missing for one without.
    """
    published = "train_y" in tensors
    if published == (spec.holdout is not None):
        what = "has a published split; remove `holdout`" if published else "has no published split: set `holdout`"
        raise UserError(f"dataset {spec.name} {what}", where="run.dataset.holdout")
    return torch.cat([tensors[f"{part}_y"] for part in parts_of(tensors)]) if published else tensors["y"]


def parts_of(tensors: dict[str, Tensor]) -> list[str]:
    """Return the names of the published parts that a dataset has."""
    return [part for part in PUBLISHED_PARTS if f"{part}_y" in tensors]


def make_split(spec: Dataset, tensors: dict[str, Tensor], y: Tensor, classes: int, seeds: list[int]) -> Split:
    """Draw holdout, subset, label noise and validation part of each seed.

    Args:
        spec: Dataset section of a run.
        tensors: Tensors of the prepared dataset.
        y: All labels, as `labels_of` returns them.
        classes: Number of classes.
        seeds: Seeds of the block.

    Raises:
        UserError: A part would be empty, a subset is larger than the training part, or the dataset has a published
            validation part and the specification asks for another.
    """
    validation = pool = None
    if parts := parts_of(tensors):
        sizes = [len(tensors[f"{part}_y"]) for part in parts]
        spans = torch.arange(len(y)).expand(len(seeds), -1).split(sizes, dim=1)
        rows = dict(zip(parts, spans, strict=True))
        train, test, validation, pool = rows["train"], rows["test"], rows.get("validation"), rows.get("pool")
    else:
        assert spec.holdout is not None
        test, train = _hold_out(len(y), spec.holdout, seeds, "split", "holdout")
    if spec.subset is not None:
        train = _subset(train, spec.subset, seeds)
    labels, corrupted = _add_label_noise(spec, y[train], classes, seeds)
    validation_labels = None if validation is None else y[validation]
    if spec.validation is not None:
        if validation is not None:
            what = f"dataset {spec.name} has a published validation part; remove `validation`"
            raise UserError(what, where="run.dataset.validation")
        drawn = _hold_out(train.shape[1], spec.validation, seeds, "validation", "validation")
        held_out, remaining = (positions.sort(1).values for positions in drawn)
        validation, validation_labels = train.gather(1, held_out), take(labels, held_out)
        train, labels = train.gather(1, remaining), take(labels, remaining)
        corrupted = None if corrupted is None else corrupted.gather(1, remaining)
    return Split(
        train=train,
        test=test,
        train_labels=labels,
        corrupted=corrupted,
        validation=validation,
        validation_labels=validation_labels,
        pool=pool,
    )


def _hold_out(rows: int, fraction: float, seeds: list[int], purpose: str, setting: str) -> tuple[Tensor, Tensor]:
    """Draw the positions that are held out, and the others; both in random order."""
    orders = torch.stack([torch.randperm(rows, generator=generator(seed, purpose)) for seed in seeds])
    held_out = amount(rows, fraction)
    if not 0 < held_out < rows:
        raise UserError(f"{held_out} of the {rows} examples would be held out", where=f"run.dataset.{setting}")
    return orders[:, :held_out], orders[:, held_out:]


def _subset(train: Tensor, size: int, seeds: list[int]) -> Tensor:
    if size > train.shape[1]:
        raise UserError(f"subset {size} exceeds the {train.shape[1]} training examples", where="run.dataset.subset")
    chosen = [torch.randperm(train.shape[1], generator=generator(seed, "subset"))[:size] for seed in seeds]
    return torch.stack([rows[index] for rows, index in zip(train, chosen, strict=True)])


def _add_label_noise(spec: Dataset, labels: Tensor, classes: int, seeds: list[int]) -> tuple[Tensor, Tensor | None]:
    """Replace a fraction of the labels (seeds, n); a larger fraction replaces a superset of a smaller one."""
    if spec.label_noise is None:
        return labels, None
    if labels.is_floating_point():
        raise UserError("label noise needs classes, and this dataset has numbers", where="run.dataset.label_noise")
    count = labels.shape[1]
    replaced, drawn = [], []
    for seed in seeds:
        random = generator(seed, "label noise")
        replaced.append(torch.randperm(count, generator=random).argsort() < round(spec.label_noise * count))
        low = 1 if spec.noise_classes == "others" else 0
        drawn.append(torch.randint(low, classes, (count,), generator=random))
    corrupted, shift = torch.stack(replaced), torch.stack(drawn)
    return torch.where(corrupted, (labels + shift) % classes, labels), corrupted
