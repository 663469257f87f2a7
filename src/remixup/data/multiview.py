"""Images with a second view: data that are made to have two features for each class (2210.13512, section 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.randomness import generator

WHERE = "run.dataset.second_view"
ROWS = 10_000
"""Images that are scaled at a time."""


def pairing(classes: int, source: torch.Generator) -> Tensor:
    """A uniformly random pairing of the classes: the partner of each, int64 (classes,).

    Nobody is its own partner, and everybody is its partner's partner.

    Raises:
        UserError: an odd number of classes, of which one would be left alone.
    """
    if classes % 2:
        raise UserError(f"{classes} classes do not fall into pairs", where=WHERE, hint="a dataset of an even number")
    first, second = torch.randperm(classes, generator=source).view(-1, 2).unbind(1)
    partner = torch.empty(classes, dtype=torch.int64)
    partner[first], partner[second] = second, first
    return partner


def partners(labels: Tensor, classes: int, seeds: list[int]) -> Tensor:
    """For each training example another one, of the partner class: positions in the training part.

    Each seed has a pairing and draws of its own; an example is drawn uniformly, whatever the others drew.

    Args:
        labels: those that are trained on, int64 (seeds, n).
        classes: how many there are.
        seeds: of the members.

    Returns:
        int64 (seeds, n).

    Raises:
        UserError: an odd number of classes, or no training example of a class whose partner has some.
    """
    found = []
    for own, seed in zip(labels, seeds, strict=True):
        source = generator(seed, "second view")
        wanted = pairing(classes, source)[own]
        counts = own.bincount(minlength=classes)
        if not bool((counts[wanted] > 0).all()):
            missing = int(wanted[counts[wanted] == 0][0])
            raise UserError(f"no training example of class {missing}, which is another's second view", where=WHERE)
        begins = counts.cumsum(0) - counts
        uniform = torch.rand(len(own), dtype=torch.float64, generator=source)
        found.append(own.argsort(stable=True)[begins[wanted] + (uniform * counts[wanted]).long()])
    return torch.stack(found)


def with_second_view(
    x: Tensor, offset: Tensor, divisor: Tensor, train: Tensor, labels: Tensor, classes: int, seeds: list[int]
) -> Tensor:
    """Scaled images with as many channels again: of training examples their partner's, of all others zeros.

    Args:
        x: images, uint8 (rows, channels, height, width).
        offset: of the scaling of pixels in [0, 1].
        divisor: of the same.
        train: rows of the training part, int64 (seeds, n).
        labels: those that are trained on, int64 (seeds, n).
        classes: how many there are.
        seeds: of the members.

    Returns:
        float16 (seeds x rows, 2 channels, height, width), all rows of the first seed, then of the next.

    Raises:
        UserError: x is no images, or its classes have no pairs.
    """
    if x.dtype != torch.uint8 or x.ndim != 4 or labels.is_floating_point():
        raise UserError("only images of classes have a second view", where=WHERE)
    chosen = partners(labels, classes, seeds)
    scaled = torch.cat([((part.float() / 255 - offset) / divisor).half() for part in x.split(ROWS)])
    channels = x.shape[1]
    views = scaled.new_zeros(len(seeds), len(x), 2 * channels, *x.shape[2:])
    views[:, :, :channels] = scaled
    for view, rows, positions in zip(views, train, chosen, strict=True):
        view[rows, channels:] = scaled[rows[positions]]
    return views.flatten(0, 1)
