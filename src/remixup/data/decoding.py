"""How the bytes of an image file become the tensor that a network trains on, or is tested on.

An experiment file names the public functions of this module. They are given a decoded image and, for training, a
number that decides every random choice; without it they do what an evaluation does.
"""

import math
import random
from typing import Annotated

from annotated_types import Ge, Gt, Le
from torch import Tensor
from torch.nn import functional as F

NUMERICS = 1

_NARROWEST = 3 / 4
_TRIES = 10
_SHOWN = 0.875
"""Share of the shorter side that an evaluation sees: 224 of 256 pixels."""


def random_resized_crop(
    image: Tensor, seed: int | None, *, size: Annotated[int, Ge(1)] = 224, area: Annotated[float, Gt(0), Le(1)] = 0.08
) -> Tensor:
    """Train on a crop of random size and shape, resized to a square; evaluate on the center of the whole image.

    In training the crop has a share of the image's area that is uniform in [`area`, 1] and a ratio of width to height
    between 3/4 and 4/3, uniform in its logarithm; one that does not fit is drawn again, and after ten the largest
    centered crop of an allowed shape is taken. In an evaluation the shorter side becomes size / 0.875 pixels and the
    central square is cut out. As in Goyal et al. (1706.02677, section 5.1, after Szegedy et al. 2015), whose training
    the mixup paper follows on ImageNet (1710.09412, section 3.1); resizing is bilinear with antialiasing.

    Args:
        image: (3, H, W) uint8, of any size.
        seed: a number >= 0 for a crop of training; None for that of an evaluation.
        size: pixels of each side of the result.
        area: smallest share of the image's area.

    Returns:
        (3, size, size), uint8.
    """
    height, width = image.shape[1:]
    if seed is None:
        shorter = round(size / _SHOWN)
        tall, wide = (shorter * length // min(height, width) for length in (height, width))
        top, left = round((tall - size) / 2), round((wide - size) / 2)
        return _resized(image, tall, wide)[:, top : top + size, left : left + size]
    top, left, tall, wide = _crop(height, width, area, random.Random(seed))
    return _resized(image[:, top : top + tall, left : left + wide], size, size)


def _crop(height: int, width: int, area: float, source: random.Random) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop, from `source.random()` alone, which Python promises never to change."""
    for _ in range(_TRIES):
        pixels = height * width * (area + (1 - area) * source.random())
        ratio = math.exp(math.log(_NARROWEST) * (1 - 2 * source.random()))
        wide, tall = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < wide <= width and 0 < tall <= height:
            top, left = int(source.random() * (height - tall + 1)), int(source.random() * (width - wide + 1))
            return top, left, tall, wide
    wide = min(width, round(height / _NARROWEST))
    tall = min(height, round(width / _NARROWEST))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    size = (height, width)
    if image.device.type == "cpu":
        return F.interpolate(image.unsqueeze(0), size, mode="bilinear", antialias=True).squeeze(0)
    resized = F.interpolate(image.unsqueeze(0).float(), size, mode="bilinear", antialias=True)  # a GPU has no other
    return resized.squeeze(0).round_().clamp_(0, 255).to(image.dtype)
