"""Grids over the plane, and rounding of the values on them."""

from typing import Any

import torch
from torch import Tensor


def axes(x: Tensor, points: int, margin: float) -> list[Tensor]:
    """Return ascending coordinates (points,) along each of the two axes of points x (n, 2).

    They extend beyond x on either side by `margin`, a fraction of its extent.
    """
    low, high = x.amin(0), x.amax(0)
    reach = margin * (high - low)
    ends = zip((low - reach).tolist(), (high + reach).tolist(), strict=True)
    return [torch.linspace(first, last, points, dtype=x.dtype) for first, last in ends]


def by_rows(x: Tensor, y: Tensor) -> Tensor:
    """Return the points [x, y] of a grid (len(y) * len(x), 2), one row after the other, as figures need them."""
    return torch.cartesian_prod(y, x).flip(1)


def rounded(values: Tensor, decimals: int) -> Any:
    """Return rounded values as lists, which keeps files small."""
    return torch.round(values.double(), decimals=decimals).tolist()
