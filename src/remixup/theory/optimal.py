"""The classifier that minimises the mixup loss of a finite set of points (Chidambaram et al. 2022, section 2)."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import betainc
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.checks import classified_points, finite_rows, positive
from remixup.theory.segments import Hits, hits

_LEAST_ALPHA = 1e-6
"""Where the search for a critical α starts: in this Beta distribution both ends of [0, 1] have all the mass."""
_STEPS = 8
"""Steps of that search in a factor of 10."""
_TIE = 1e-9
"""Relative difference below which two classes are equally probable."""


def mixup_optimal(
    points: Tensor, labels: Tensor, at: Tensor, *, alpha: float, radius: float, classes: int | None = None
) -> Tensor:
    """Class probabilities of the Mixup-optimal classifier, smoothed over balls (Chidambaram et al. 2022, section 2).

    The mixup loss takes every ordered pair (s, t) of points, s = t included, with weight 1/n², at λ s + (1 - λ) t with
    the label of s to the weight λ and that of t to 1 - λ, λ ~ Beta(α, α). Of all functions that are constant on the
    ball around a query, the one of least loss there gives class i the probability ξ_i / Σ_j ξ_j, where ξ_i is the label
    weight of class i that falls into the ball. A pair whose segment is within the ball for λ in [a, b] adds ∫_a^b λ
    f(λ) dλ to the class of s: half the increment of the regularised incomplete beta function I(α + 1, α).

    Work grows as n² m; memory stays below about 200 MB beside the inputs and a Gram matrix (n, n).

    Args:
        points: (n, d), finite, any real dtype; computed in float64.
        labels: (n,), integers from 0.
        at: queries (m, d), finite.
        alpha: α of the Beta distribution, above 0.
        radius: of the ball around each query, above 0, in the points' unit.
        classes: number of classes; the greatest label plus 1 where None.

    Returns:
        float64 (m, classes); rows sum to 1. A row is NaN where the ball has no mass: no segment meets it, or only
        where the Beta density is too small for float64 (α in the hundreds, λ near 0 or 1).

    Raises:
        UserError: a shape, dtype or value is not as said.
    """
    points, labels, classes = classified_points(points, labels, classes)
    at = finite_rows(at, "at", width=points.shape[1])
    alpha, radius = positive(alpha, "alpha"), positive(radius, "radius")
    mass = torch.zeros(len(at), classes, dtype=torch.float64)
    for found in hits(points, at, radius, own=True):
        _add_mass(mass, found, labels, alpha)
    return mass / mass.sum(1, keepdim=True)


def critical_alpha(points: Tensor, labels: Tensor, index: int, *, radius: float, greatest: float = 1e6) -> float | None:
    """Compute the α from which mixup gets a training point wrong (Chidambaram et al. 2022, Theorem 2.7).

    On the points 0, 1, 2 of classes 0, 1, 0 the theorem says that the middle one is lost for some α, however small the
    ball. A point may also be lost for a range of α only, between two that are harmless. So the search goes up
    from 1e-6, 8 steps in a factor of 10, to the first α at which the point is lost, and bisects that step on log α. It
    assumes a single crossing within a step: a range of α between two neighbors is missed.

    Args:
        points: (n, d), finite, any real dtype; computed in float64.
        labels: (n,), integers from 0.
        index: the training point's, in [0, n).
        radius: of the ball around it, above 0, in the points' unit.
        greatest: the largest α that is tried.

    Returns:
        The smallest α, within 1 %, at which another class is more probable in the ball than the point's own; 0.0 where
        that is so for α = 1e-6 already, None where it is so for no α of the search.

    Raises:
        UserError: a shape, dtype or value is not as said.
    """
    points, labels, classes = classified_points(points, labels, None)
    radius, greatest = positive(radius, "radius"), positive(greatest, "greatest")
    if not 0 <= index < len(points):
        raise UserError(f"no point {index}", where="index", hint=f"0 to {len(points) - 1}")
    if greatest <= _LEAST_ALPHA:
        raise UserError(f"greatest is {greatest}", where="greatest", hint=f"above {_LEAST_ALPHA}")
    meetings = list(hits(points, points[index : index + 1], radius, own=True))

    def lost(alpha: float) -> bool:
        mass = torch.zeros(1, classes, dtype=torch.float64)
        for found in meetings:
            _add_mass(mass, found, labels, alpha)
        return bool(mass.max() > mass[0, labels[index]] * (1 + _TIE))

    grid = np.geomspace(_LEAST_ALPHA, greatest, 2 + round(_STEPS * math.log10(greatest / _LEAST_ALPHA)))
    step = next((step for step, alpha in enumerate(grid) if lost(alpha)), None)
    if step is None:
        return None
    if step == 0:
        return 0.0
    right, wrong = grid[step - 1], grid[step]
    while wrong > 1.005 * right:
        middle = math.sqrt(right * wrong)
        right, wrong = (right, middle) if lost(middle) else (middle, wrong)
    return float(wrong)


def _add_mass(mass: Tensor, found: Hits, labels: Tensor, alpha: float) -> None:
    """Add the label mass of some meetings to `mass` (queries, classes); a pair of points counts in both orders."""
    to_first, to_second = _label_mass(found.low, found.high, alpha)
    orders = torch.where(found.first == found.second, 1.0, 2.0)
    mass.index_put_((found.query, labels[found.first]), to_first * orders, accumulate=True)
    mass.index_put_((found.query, labels[found.second]), to_second * orders, accumulate=True)


def _label_mass(low: Tensor, high: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """∫ λ f(λ) dλ and ∫ (1 - λ) f(λ) dλ from `low` to `high`; f is the density of Beta(α, α).

    Intervals in the upper half are mirrored, so that a small mass near 1 is not the difference of two numbers near 1.
    """
    mirrored = low + high > 1
    a, b = torch.where(mirrored, 1 - high, low).numpy(), torch.where(mirrored, 1 - low, high).numpy()
    upper = torch.from_numpy(betainc(alpha + 1, alpha, b) - betainc(alpha + 1, alpha, a)) / 2
    lower = torch.from_numpy(betainc(alpha, alpha + 1, b) - betainc(alpha, alpha + 1, a)) / 2
    return torch.where(mirrored, lower, upper), torch.where(mirrored, upper, lower)
