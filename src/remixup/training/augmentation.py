"""Augmentation of image batches, on the device where they are.

An experiment file names the public functions of this module. The caller draws the randomness: for each part, two
numbers in [0, 1) for each image. Nothing here waits for the device or loops over images.
"""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

NUMERICS = 1


def random_crop(images: Tensor, uniforms: Tensor, *, padding: Annotated[int, ">= 0"] = 4) -> Tensor:
    """Pad with zeros on all sides, then cut a window of the original size at a uniformly random place.

    With `padding` 4 the crop of the mixup paper's CIFAR experiments (1710.09412, section 3.2).

    Args:
        images: (B, C, H, W), uint8 or floating, contiguous or channels_last.
        uniforms: (B, 2), float32 or float64 in [0, 1), on the images' device; they choose the window's row and column.
        padding: pixels on each side; there are (2 padding + 1)^2 windows.

    Returns:
        The crops, in the images' shape, dtype and memory format.
    """
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
    return torch.where(uniforms[:, 0, None, None, None] < 0.5, images.flip(3), images)
