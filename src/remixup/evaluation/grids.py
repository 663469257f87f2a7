"""Grids over the plane, and rounding of the values on them."""

from typing import Any

import torch
from torch import Tensor


def axes(x: Tensor, points: int, margin: float) -> list[Tensor]:
    """Return coordinates (points,) along each of two axes, ascending, in the dtype of x.

    Args:
        x: what they cover, (n, 2).
        points: along each axis.
        margin: how far they reach beyond x on either side, as a share of its extent.
    """
    low, high = x.amin(0), x.amax(0)
    reach = margin * (high - low)
    ends = zip((low - reach).tolist(), (high + reach).tolist(), strict=True)
    return [torch.linspace(first, last, points, dtype=x.dtype) for first, last in ends]


def by_rows(x: Tensor, y: Tensor) -> Tensor:
    """Return the points [x, y] of a grid (len(y) * len(x), 2), row by row of y as figures need it."""
    return torch.cartesian_prod(y, x).flip(1)


def rounded(values: Tensor, decimals: int) -> Any:
    """Round values to lists, to more decimals than a page can show. This keeps files small."""
    return torch.round(values.double(), decimals=decimals).tolist()
