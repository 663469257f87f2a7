"""Linear models on which mixup and ERM agree (Chidambaram et al. 2022, section 3.2): sign(x θ), without an intercept.

If every training point is a support vector, the max-margin solution interpolates the labels, and every minimizer of the
mixup loss in the span of the data is a multiple of it (Theorem 3.5).
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.checks import binary_examples

_LEAST_MARGIN = 1e-6
"""The least margin that counts as one, relative to the largest norm of a point."""


def min_norm(x: Tensor, y: Tensor) -> Tensor:
    """Compute the shortest θ with X θ = y.

    Args:
        x: (n, d), finite.
        y: (n,), labels -1 and 1.

    Returns:
        float64 (d,).

    Raises:
        UserError: no θ interpolates the labels (to 1e-6).
    """
    inputs, signs, scale = _scaled(x, y)
    theta = np.linalg.lstsq(inputs, signs, rcond=None)[0]
    if np.abs(inputs @ theta - signs).max() > 1e-6:
        hint = "as many features as points, or more"
        raise UserError("no linear model interpolates the labels", where="x", hint=hint)
    return torch.from_numpy(theta / scale)


def max_margin(x: Tensor, y: Tensor) -> Tensor:
    """Compute the hard-margin solution: the shortest θ with y_i x_i θ >= 1 for each point.

    The problem is solved exactly, as least-distance programming by non-negative least squares (Lawson and Hanson 1974,
    chapter 23). This finds the support vectors; θ is the shortest solution of y_i x_i θ = 1 on them.

    Args:
        x: (n, d), finite.
        y: (n,), labels -1 and 1.

    Returns:
        float64 (d,); the margin is 1 / ‖θ‖.

    Raises:
        UserError: no plane through the origin separates the classes by a margin of 1e-6 times the largest norm of a
            point.
    """
    inputs, signs, scale = _scaled(x, y)
    signed = inputs * signs[:, None]
    system = np.vstack([signed.T, np.ones(len(signed))])
    target = np.zeros(len(system))
    target[-1] = 1.0
    multipliers, residual = nnls(system, target, maxiter=30 * len(signed))
    active = multipliers > 0
    theta = np.linalg.lstsq(signed[active], np.ones(int(active.sum())), rcond=None)[0]
    # The residual's square is 1 / (1 + |theta|^2) if theta exists, and 0 if it does not.
    if residual <= _LEAST_MARGIN or (signed @ theta).min() < 1 - 1e-6:
        what = "no plane through the origin separates the two classes"
        raise UserError(what, where="x", hint="append a feature of ones for an intercept")
    return torch.from_numpy(theta / scale)


def support_share(x: Tensor, y: Tensor) -> float:
    """Compute the fraction of points, in (0, 1], on the margin of `max_margin`: y_i x_i θ = 1 within 1e-6.

    If it is 1, the max-margin solution interpolates, and mixup and ERM give the same direction (Theorem 3.5).

    Args:
        x: (n, d), finite.
        y: (n,), labels -1 and 1.

    Raises:
        UserError: as for `max_margin`.
    """
    theta = max_margin(x, y)
    functional = y.detach().to("cpu", torch.float64) * (x.detach().to("cpu", torch.float64) @ theta)
    return float(((functional - 1).abs() <= 1e-6).double().mean())


def dimension_bound(n: int) -> float:
    """Return 10 n ln n + n - 1, the number of features of Lemma 3.7 (Chidambaram et al. 2022).

    With more features, n points from N(0, I) are all support vectors of the max-margin solution with a probability of
    at least 1 - 2/n, whatever their labels.
    """
    if n < 1:
        raise UserError(f"{n} points", where="n", hint="at least 1")
    return 10 * n * math.log(n) + n - 1


def _scaled(x: Tensor, y: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the points divided by their largest norm, the labels, and that norm."""
    points, signs = binary_examples(x, y, negative=-1)
    scale = float(points.norm(dim=1).max())
    if scale == 0:
        raise UserError("each point is the origin", where="x")
    return (points / scale).numpy(), signs.numpy(), scale
