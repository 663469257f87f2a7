"""Images with a second view, which gives each class two features (2210.13512, section 5)."""

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.randomness import generator

WHERE = "run.dataset.second_view"
ROWS = 10_000
"""Number of images scaled at a time, to limit the memory."""


def pairing(classes: int, random: torch.Generator) -> Tensor:
    """Draw a uniformly random pairing of the classes: the partner of each class, int64 (classes,).

    No class is its own partner, and every class is its partner's partner.

    Raises:
        UserError: The number of classes is odd.
    """
    if classes % 2:
        raise UserError(f"{classes} classes cannot be paired", where=WHERE, hint="use a dataset with an even number")
    first, second = torch.randperm(classes, generator=random).view(-1, 2).unbind(1)
    partner = torch.empty(classes, dtype=torch.int64)
    partner[first], partner[second] = second, first
    return partner


def partners(labels: Tensor, classes: int, seeds: list[int]) -> Tensor:
    """Draw for each training example another one of the partner class.

    Each seed has its own pairing. Examples are drawn uniformly with replacement.

    Args:
        labels: Training labels, int64 (seeds, n).
        classes: Number of classes.
        seeds: Seeds of the block.

    Returns:
        Positions in the training part, int64 (seeds, n).

    Raises:
        UserError: The number of classes is odd, or a needed class has no training example.
    """
    found = []
    for own, seed in zip(labels, seeds, strict=True):
        random = generator(seed, "second view")
        wanted = pairing(classes, random)[own]
        counts = own.bincount(minlength=classes)
        if not bool((counts[wanted] > 0).all()):
            missing = int(wanted[counts[wanted] == 0][0])
            what = f"class {missing} has no training example for the second view of another class"
            raise UserError(what, where=WHERE)
        begins = counts.cumsum(0) - counts
        uniform = torch.rand(len(own), dtype=torch.float64, generator=random)
        found.append(own.argsort(stable=True)[begins[wanted] + (uniform * counts[wanted]).long()])
    return torch.stack(found)


def with_second_view(
    x: Tensor, offset: Tensor, divisor: Tensor, train: Tensor, labels: Tensor, classes: int, seeds: list[int]
) -> Tensor:
    """Scale images and append the channels of a partner: of training examples the drawn one, of all others zeros.

    Args:
        x: Images, uint8 (rows, channels, height, width).
        offset: Offset of the scaling of pixels in [0, 1].
        divisor: Divisor of the scaling.
        train: Rows of the training part, int64 (seeds, n).
        labels: Training labels, int64 (seeds, n).
        classes: Number of classes.
        seeds: Seeds of the block.

    Returns:
        float16 (seeds * rows, 2 * channels, height, width), all rows of the first seed, then of the next.

    Raises:
        UserError: The data are not images with classes, or the classes cannot be paired.
    """
    if x.dtype != torch.uint8 or x.ndim != 4 or labels.is_floating_point():
        raise UserError("only images with classes have a second view", where=WHERE)
    chosen = partners(labels, classes, seeds)
    scaled = torch.cat([((part.float() / 255 - offset) / divisor).half() for part in x.split(ROWS)])
    channels = x.shape[1]
    views = scaled.new_zeros(len(seeds), len(x), 2 * channels, *x.shape[2:])
    views[:, :, :channels] = scaled
    for view, rows, positions in zip(views, train, chosen, strict=True):
        view[rows, channels:] = scaled[rows[positions]]
    return views.flatten(0, 1)
