"""Augmentation of batches of images and of time series, on the device where they are.

An experiment file names the public functions of this module. The caller draws the randomness: for each part, two
numbers in [0, 1) for each example; where a part needs more, they follow from these two. Nothing here waits for the
device or loops over examples.
"""

import math
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor
from torch.nn import functional as F

from remixup.errors import UserError

NUMERICS = 1
REQUIREMENTS = "remixup.data.requirements"


def random_crop(images: Tensor, uniforms: Tensor, *, padding: Annotated[int, Ge(0)] = 4) -> Tensor:
    """Pad with zeros on all sides, then cut a window of the original size at a uniformly random place.

    With `padding` 4 the crop of the mixup paper's CIFAR experiments (1710.09412, section 3.2).

    Args:
        images: (B, C, H, W), uint8 or floating, contiguous or channels_last.
        uniforms: (B, 2), float32 or float64 in [0, 1), on the images' device; they choose the window's row and column.
        padding: pixels on each side; there are (2 padding + 1)^2 windows.

    Returns:
        The crops, in the images' shape, dtype and memory format.
    """
    _check(images, 4, "images")
    height, width = images.shape[-2:]
    padded = F.pad(images, (padding, padding, padding, padding))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (B, C, rows, columns, H, W), a view
    # The largest float below 1 times an integer rounds to less than that integer: no window lies beyond the last.
    row, column = (uniforms * (2 * padding + 1)).long().unbind(1)
    return windows[torch.arange(len(images), device=images.device), :, row, column]


def horizontal_flip(images: Tensor, uniforms: Tensor) -> Tensor:
    """Mirror each image left to right with probability 1/2.

    Args:
        images: (B, C, H, W), uint8 or floating, contiguous or channels_last.
        uniforms: (B, 2), floating in [0, 1), on the images' device; an image is mirrored where the first is below 1/2.

    Returns:
        The images, some mirrored, in their shape, dtype and memory format.
    """
    _check(images, 4, "images")
    return torch.where(uniforms[:, 0, None, None, None] < 0.5, images.flip(3), images)


def jitter(series: Tensor, uniforms: Tensor, *, sigma: Annotated[float, Gt(0)] = 0.03) -> Tensor:
    """Add independent normal noise to every value (Um et al., 2017, 1706.00527, section 4).

    Args:
        series: (B, C, T), floating.
        uniforms: (B, 2), float32 in [0, 1), on the series' device; they seed each series' noise.
        sigma: standard deviation, in units of the prepared series.

    Returns:
        float32 (B, C, T).
    """
    _check(series, 3, "series")
    return series.float() + sigma * _normal(uniforms, *series.shape[1:])


def scaling(series: Tensor, uniforms: Tensor, *, sigma: Annotated[float, Gt(0)] = 0.1) -> Tensor:
    """Multiply each channel by a factor of its own from N(1, sigma^2) (Um et al., 2017, section 4).

    Shapes and dtypes as for `jitter`.

    Args:
        series: channels and steps, as for `jitter`.
        uniforms: as for `jitter`.
        sigma: standard deviation of the factors.
    """
    _check(series, 3, "series")
    return series.float() * (1 + sigma * _normal(uniforms, series.shape[1], 1))


def window_warp(
    series: Tensor,
    uniforms: Tensor,
    *,
    share: Annotated[float, Gt(0), Lt(1)] = 0.1,
    factor: Annotated[float, Gt(1)] = 2.0,
) -> Tensor:
    """Stretch or compress a window of time, then resample to the original length (Le Guennec et al., 2016, section 3).

    Args:
        series: (B, C, T), floating.
        uniforms: (B, 2), floating in [0, 1), on the series' device: whether it is made longer, and where it begins.
        share: of the time, what the window takes; in whole steps, rounded up.
        factor: how many times longer, or with equal chance shorter, it becomes.

    Returns:
        float32 (B, C, T): first and last step stay in place, between steps it is interpolated linearly.
    """
    _check(series, 3, "series")
    count = series.shape[-1]
    window = math.ceil(share * count)
    stretch = torch.where(uniforms[:, :1] < 0.5, factor, 1 / factor)
    start = (uniforms[:, 1:] * (count - window)).floor()  # the window goes from step `start` to step `start + window`
    longer = window * (stretch - 1)
    time = torch.linspace(0, 1, count, device=series.device) * (count - 1 + longer)
    inside = start + (time - start) / stretch
    source = torch.where(time < start, time, torch.where(time < start + window * stretch, inside, time - longer))
    left = source.floor().clamp(0, count - 2)
    index = left.long().unsqueeze(1).expand(series.shape)
    series = series.float()
    before, after = series.gather(2, index), series.gather(2, index + 1)
    return before + (source - left).unsqueeze(1) * (after - before)


def _check(batch: Tensor, dimensions: int, kind: str) -> None:
    if batch.ndim != dimensions:
        what = f"one of its parts is for {kind}, and examples here have the shape {tuple(batch.shape[1:])}"
        raise UserError(what, where="run.augmentation")


def _normal(uniforms: Tensor, *shape: int) -> Tensor:
    """Compute standard normal values (B, *shape) from two numbers for each of B examples, on their device.

    A generator can be seeded only by waiting for the device, and one for each example is slow: these are the outputs
    of SplitMix64 (Steele et al., 2014, "Fast splittable pseudorandom number generators", Figure 16), one stream for
    each example, made normal by the inverse of the distribution function.
    """
    high, low = (uniforms.double() * 2**24).long().unbind(1)  # a float32 in [0, 1) has 24 bits
    seeds = _scrambled((high << 24) | low).unsqueeze(1)
    counter = torch.arange(1, math.prod(shape) + 1, device=uniforms.device)
    bits = _scrambled(seeds + counter * -0x61C8864680B583EB) >> 40 & 0xFFFFFF
    values: Tensor = torch.special.ndtri((bits.double() + 0.5) / 2**24).float()
    return values.view(-1, *shape)


def _scrambled(z: Tensor) -> Tensor:
    """Apply the last step of SplitMix64 on 64 bits; shifts fill in zeros, products lose what goes beyond."""
    z = (z ^ (z >> 30 & (1 << 34) - 1)) * -0x40A7B892E31B1A47
    z = (z ^ (z >> 27 & (1 << 37) - 1)) * -0x6B2FB644ECCEEE15
    return z ^ (z >> 31 & (1 << 33) - 1)


def random_shift(images: Tensor, uniforms: Tensor, *, reach: Annotated[float, Gt(0), Le(1)] = 0.5) -> Tensor:
    """Move each image by a random part of a pixel, between neighbors by linear interpolation; zeros come in.

    For images so small that a whole pixel, as `random_crop` moves them, changes what they show.

    Args:
        images: (B, C, H, W), uint8 or floating.
        uniforms: (B, 2), floating in [0, 1), on the images' device; how far down and how far to the right.
        reach: the largest distance along each axis, in pixels.

    Returns:
        The moved images, float32 where they are uint8, else in their dtype.
    """
    moved = images if images.is_floating_point() else images.float()
    for axis, padding in ((2, (0, 0, 1, 1)), (3, (1, 1, 0, 0))):
        distance = (reach * (2 * uniforms[:, axis - 2, None, None, None] - 1)).to(moved.dtype)
        padded, size = F.pad(moved, padding), moved.shape[axis]
        before, after = padded.narrow(axis, 0, size), padded.narrow(axis, 2, size)
        own = (1 - distance.abs()) * moved
        moved = own + distance.clamp(min=0) * before + (-distance).clamp(min=0) * after
    return moved


def view_weights(images: Tensor, uniforms: Tensor) -> Tensor:
    """Weigh an image's two views by w and 1 - w, w uniform in [0, 1) (Chidambaram et al., 2023, section 5).

    Args:
        images: (B, 2 C, H, W), floating, scaled: C channels of the image itself, then C of its second view.
        uniforms: (B, 2), floating in [0, 1), on the images' device; the first is w.

    Returns:
        the weighted images, float32, in their shape.
    """
    weight = uniforms[:, 0, None, None, None].float()
    own, other = images.float().chunk(2, dim=1)
    return torch.cat([weight * own, (1 - weight) * other], dim=1)
