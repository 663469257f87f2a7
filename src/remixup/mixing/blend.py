"""How two inputs become one.

A blend returns the blended inputs. One that pastes a window declares `position`, takes that many uniform numbers as
well, and also returns the share that x_i keeps, because windows consist of whole steps or pixels.
"""

import torch
from torch import Tensor

from remixup.mixing.declarations import declare

NUMERICS = 1


def linear(x: Tensor, partner: Tensor, ratio: Tensor) -> Tensor:
    """λ x_i + (1 - λ) x_j (mixup paper, section 2, first line of the definition).

    Args:
        x: inputs (..., d1, d2, ...), floating point.
        partner: the partners' inputs, same shape.
        ratio: λ in [0, 1]; its dimensions are matched with the leading ones of x (a scalar for a whole minibatch,
            (n,) for one λ an example).

    Returns:
        The blended inputs, with the shape and dtype of x.
    """
    weight = ratio.reshape(ratio.shape + (1,) * (x.ndim - ratio.ndim)).to(x.dtype)
    return weight * x + (1 - weight) * partner


@declare(position=1, pairs_only=True)
def segment(x: Tensor, partner: Tensor, ratio: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
    """Paste a window of x_j into x_i: cutmix in time (Guo et al., 2023, 2309.09970, `utils/augmentation.py`).

    Of T steps, ceil((1 - λ) T) are the partner's, at a uniformly random position within the series.

    Args:
        x: series (..., d1, T), floating point; where hidden layers are mixed, their features over time.
        partner: the partners' series, same shape.
        ratio: λ in [0, 1], the share to keep; matched with the leading dimensions of x.
        position: (*ratio.shape, 1), in [0, 1); chooses where the window begins.

    Returns:
        The series with their windows, with the shape and dtype of x, and the share of steps that x_i keeps, shaped as
        the ratio: the weight of its target.
    """
    steps = x.shape[-1]
    kept = (ratio * steps).floor()
    lead = ratio.shape + (1,) * (x.ndim - ratio.ndim)
    # The largest float below 1 times an integer rounds to less than that integer: the window ends with the series.
    start = (position.squeeze(-1).to(kept.dtype) * (kept + 1)).floor().reshape(lead)
    now = torch.arange(steps, device=x.device)
    within = (start <= now) & (now < start + (steps - kept).reshape(lead))
    return torch.where(within, partner, x), kept / steps


@declare(position=2, pairs_only=True, tasks=("images", "image-files", "spectrograms"))
def cutmix(x: Tensor, partner: Tensor, ratio: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
    """Paste a box of x_j into x_i: CutMix (Yun et al., 2019, 1905.04899, section 3.1, and the released code).

    The box has the sides H sqrt(1 - λ) and W sqrt(1 - λ), rounded down, around a uniformly random pixel. It reaches as
    far to each side as half of that, rounded down, and is clipped at the border of the image.

    Args:
        x: images (..., channels, H, W), floating point; where hidden layers are mixed, their feature maps.
        partner: the partners' images, same shape.
        ratio: λ in [0, 1], the share to keep before clipping; matched with the leading dimensions of x.
        position: (*ratio.shape, 2), in [0, 1); chooses the row and the column of the box's center.

    Returns:
        The images with their boxes, with the shape and dtype of x, and the share of pixels that x_i keeps, shaped as
        the ratio: the weight of its target.
    """
    height, width = x.shape[-2:]
    side, lead = (1 - ratio).sqrt(), ratio.shape + (1,) * (x.ndim - ratio.ndim)
    top, bottom = _clipped_interval(height, side, position[..., 0])
    left, right = _clipped_interval(width, side, position[..., 1])
    row, column = torch.arange(height, device=x.device).unsqueeze(1), torch.arange(width, device=x.device)
    inside = (top.reshape(lead) <= row) & (row < bottom.reshape(lead))
    inside = inside & (left.reshape(lead) <= column) & (column < right.reshape(lead))
    return torch.where(inside, partner, x), 1 - (bottom - top) * (right - left) / (height * width)


def _clipped_interval(size: int, side: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first pixel of a box along a dimension of `size` pixels, and the one after its last."""
    reach = ((side * size).floor() / 2).floor()
    # The largest float below 1 times an integer rounds to less than that integer: the center is a pixel.
    center = (position.to(reach.dtype) * size).floor()
    return (center - reach).clamp(min=0), (center + reach).clamp(max=size)
