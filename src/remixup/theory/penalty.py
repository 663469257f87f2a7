"""Mixup as a penalty that adapts to the data, for logistic regression.

Source: "How Does Mixup Help With Robustness and Generalization?" (ICLR 2021), section 3.2. The inputs are centred, and
the mixed ones are divided by λ (a linear classifier's decision is the same), so that an example x_i becomes
x_i + (1-λ)/λ r with random input r of mean zero, fixed label, λ ~ Beta(α + 1, α). To second order in θ the loss is the
standard one and a penalty in which each direction counts by the variance of the data along it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remixup.theory.approximation import sigmoid_slope
from remixup.theory.checks import inputs_of_a_model, positive, weights_for


def penalty_moment(alpha: float) -> float:
    """E[(1-λ)²/λ²] for λ ~ Beta(α + 1, α): B(α - 1, α + 2) / B(α + 1, α) = (α + 1) / (α - 1).

    Infinite for α <= 1, where small λ are too frequent: for the α of most published experiments the penalty of the
    theorem does not exist, although the loss itself, which grows like 1/λ there, is finite.

    Raises:
        UserError: α is not a positive number.
    """
    alpha = positive(alpha, "alpha")
    return (alpha + 1) / (alpha - 1) if alpha > 1 else math.inf


def glm_penalty(theta: Tensor, x: Tensor, alpha: float) -> float:
    """(1/2n) Σ A''(θᵀx_i) E[(1-λ)²/λ²] θᵀ Σ̂ θ with A(u) = log(1 + e^u) and Σ̂ = XᵀX / n of centred inputs.

    Args:
        theta: weights (d,).
        x: inputs (n, d), centred here; computed in float64.
        alpha: mixup's α; for α <= 1 the penalty is infinite, or 0 where θ meets no variance.

    Raises:
        UserError: α is not a positive number, or the shapes do not fit.
    """
    moment = penalty_moment(alpha)
    centred = _centred(x)
    output = centred @ weights_for(theta, centred)
    variance = float((output**2).mean())
    return float(sigmoid_slope(output).mean()) / 2 * moment * variance if variance > 0 else 0.0


def variance_directions(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the principal axes of the inputs, which the penalty depends on, in decreasing order.

    Args:
        x: inputs (n, d), centred here; computed in float64.

    Returns:
        variances (d,) along each axis, none negative, and the axes as rows (d, d), an orthonormal basis of arbitrary
        signs. The data do not reach the axes of variance 0, and mixup does not penalise θ along them.

    Raises:
        UserError: x is not (n, d) with n >= 1.
    """
    centred = _centred(x)
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    return variances.flip(0).clamp(min=0.0), axes.flip(1).T.contiguous()


def direction_norms(theta: Tensor, x: Tensor) -> Tensor:
    """|component of θ| along each of the `variance_directions` of x: (d,), float64, in their order.

    Raises:
        UserError: the shapes do not fit.
    """
    _, axes = variance_directions(x)
    return (axes @ weights_for(theta, axes)).abs()


def _centred(x: Tensor) -> Tensor:
    x = inputs_of_a_model(x)
    return x - x.mean(0)
