"""The classifier that minimizes the mixup loss on a finite set of points (Chidambaram et al. 2022, section 2)."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from scipy.special import betainc
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.checks import classified_points, finite_rows, positive
from remixup.theory.segments import Hits, hits

_LEAST_ALPHA, _GREATEST_ALPHA = 1e-6, 1e6
"""Range of the search for a critical α. At the least α the Beta distribution has all its mass at 0 and 1."""
_STEPS = 8
"""Steps of that search for each factor of 10."""
_TIE = 1e-9
"""Relative difference below which two classes are equally probable."""


def mixup_optimal(
    points: Tensor, labels: Tensor, at: Tensor, *, alpha: float, radius: float, classes: int | None = None
) -> Tensor:
    """Return class probabilities of the Mixup-optimal classifier, smoothed over balls (Chidambaram et al., section 2).

    The mixup loss takes every ordered pair (s, t) of points, including s = t, with weight 1/n². The mixed point is
    λ s + (1 - λ) t with λ ~ Beta(α, α); its label is that of s with weight λ and that of t with weight 1 - λ. Of all
    functions that are constant on the ball around a query, the one with the least loss there gives class i the
    probability ξ_i / Σ_j ξ_j, where ξ_i is the label weight of class i in the ball. A pair whose segment is in the ball
    for λ in [a, b] adds ∫_a^b λ f(λ) dλ to the class of s, which is half the increment of the regularized incomplete
    beta function I(α + 1, α).

    Time grows as n² m. Memory stays below about 200 MB beside the inputs and a Gram matrix (n, n).

    Args:
        points: (n, d), finite.
        labels: (n,), integers from 0.
        at: queries (m, d), finite.
        alpha: α of the Beta distribution, above 0.
        radius: radius of the ball around each query, above 0, in the points' unit.
        classes: number of classes; default: the greatest label plus 1.

    Returns:
        float64 (m, classes); rows sum to 1. A row is NaN if the ball has no mass: no segment meets it, or only where
        the Beta density is too small for float64 (α in the hundreds, λ near 0 or 1).
    """
    points, labels, classes = classified_points(points, labels, classes)
    at = finite_rows(at, "at", width=points.shape[1])
    alpha, radius = positive(alpha, "alpha"), positive(radius, "radius")
    mass = _label_mass(hits(points, at, radius, own=True), labels, (len(at), classes), alpha)
    return mass / mass.sum(1, keepdim=True)


def critical_alpha(points: Tensor, labels: Tensor, index: int, *, radius: float) -> float | None:
    """Compute the smallest α with which mixup misclassifies a training point (Chidambaram et al. 2022, Theorem 2.7).

    For the points 0, 1, 2 of classes 0, 1, 0 the theorem says that some α misclassifies the middle point, however small
    the ball. A point may also be misclassified in an interval of α only. So the search goes from 1e-6 up to 1e6, in 8
    steps for each factor of 10. At the first α that misclassifies the point, it bisects that step on log α. It misses
    an interval that is within one step.

    Args:
        points: (n, d), finite.
        labels: (n,), integers from 0.
        index: index of the training point, in [0, n).
        radius: radius of the ball around it, above 0, in the points' unit.

    Returns:
        The smallest α, within 1 %, at which another class is more probable in the ball than the point's own; 0.0 if
        α = 1e-6 is such an α, None if the search finds none.
    """
    points, labels, classes = classified_points(points, labels)
    radius = positive(radius, "radius")
    if not 0 <= index < len(points):
        raise UserError(f"no point {index}", where="index", hint=f"0 to {len(points) - 1}")
    meetings = list(hits(points, points[index : index + 1], radius, own=True))

    def lost(alpha: float) -> bool:
        mass = _label_mass(meetings, labels, (1, classes), alpha)
        return bool(mass.max() > mass[0, labels[index]] * (1 + _TIE))

    grid = np.geomspace(_LEAST_ALPHA, _GREATEST_ALPHA, 2 + round(_STEPS * math.log10(_GREATEST_ALPHA / _LEAST_ALPHA)))
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


def _label_mass(meetings: Iterable[Hits], labels: Tensor, shape: tuple[int, int], alpha: float) -> Tensor:
    """Return the label mass (queries, classes) of meetings; a pair of points counts in both orders.

    The first point of a pair gets ∫ λ f(λ) dλ from `low` to `high`, the second ∫ (1 - λ) f(λ) dλ; f is the density
    of Beta(α, α). Intervals in the upper half are mirrored, so that a small mass near 1 is not the difference of two
    numbers near 1.
    """
    mass = torch.zeros(shape, dtype=torch.float64)
    for found in meetings:
        low, high, mirrored = found.low, found.high, found.low + found.high > 1
        a, b = torch.where(mirrored, 1 - high, low).numpy(), torch.where(mirrored, 1 - low, high).numpy()
        upper = torch.from_numpy(betainc(alpha + 1, alpha, b) - betainc(alpha + 1, alpha, a)) / 2
        lower = torch.from_numpy(betainc(alpha, alpha + 1, b) - betainc(alpha, alpha + 1, a)) / 2
        orders = torch.where(found.first == found.second, 1.0, 2.0)
        to_first, to_second = torch.where(mirrored, lower, upper), torch.where(mirrored, upper, lower)
        mass.index_put_((found.query, labels[found.first]), to_first * orders, accumulate=True)
        mass.index_put_((found.query, labels[found.second]), to_second * orders, accumulate=True)
    return mass
