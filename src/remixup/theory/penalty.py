"""Mixup as a penalty that adapts to the data, for logistic regression.

Source: "How Does Mixup Help With Robustness and Generalization?" (ICLR 2021), section 3.2. The inputs are centered, and
mixed inputs are divided by λ (which does not change a linear classifier's decision). So an example x_i becomes
x_i + (1-λ)/λ r with a random input r of mean zero, a fixed label and λ ~ Beta(α + 1, α). To second order in θ the loss
is the standard loss plus a penalty that weights each direction by the variance of the data along it.
"""

import math

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.approximation import sigmoid_slope
from remixup.theory.checks import finite_rows, positive


def penalty_moment(alpha: float) -> float:
    """Return E[(1-λ)²/λ²] for λ ~ Beta(α + 1, α): B(α - 1, α + 2) / B(α + 1, α) = (α + 1) / (α - 1).

    It is infinite for α <= 1, where small λ are too frequent. So for the α of most published experiments the penalty
    of the theorem does not exist, although the loss itself, which grows like 1/λ there, is finite.
    """
    alpha = positive(alpha, "alpha")
    return (alpha + 1) / (alpha - 1) if alpha > 1 else math.inf


def glm_penalty(theta: Tensor, x: Tensor, alpha: float) -> float:
    """Return (1/2n) Σ A''(θᵀx_i) E[(1-λ)²/λ²] θᵀ Σ̂ θ with A(u) = log(1 + e^u) and Σ̂ = XᵀX / n of centered inputs.

    Args:
        theta: weights (d,).
        x: inputs (n, d), not necessarily centered.
        alpha: α of mixup, above 0. For α <= 1 the penalty is infinite, or 0 if the data do not vary along θ.
    """
    moment = penalty_moment(alpha)
    centered = _centered(x)
    output = centered @ _weights(theta, centered)
    variance = float((output**2).mean())
    return float(sigmoid_slope(output).mean()) / 2 * moment * variance if variance > 0 else 0.0


def variance_directions(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the principal axes of the inputs, in decreasing order of variance.

    Args:
        x: inputs (n, d), not necessarily centered.

    Returns:
        variances (d,) along the axes, none negative, and the axes as rows (d, d), an orthonormal basis of arbitrary
        signs. Mixup does not penalize θ along axes of variance 0.
    """
    centered = _centered(x)
    variances, axes = torch.linalg.eigh(centered.T @ centered / len(centered))
    return variances.flip(0).clamp(min=0.0), axes.flip(1).T.contiguous()


def direction_norms(theta: Tensor, x: Tensor) -> Tensor:
    """Return the absolute component of θ (d,) along each of the `variance_directions` of x: float64 (d,)."""
    _, axes = variance_directions(x)
    return (axes @ _weights(theta, axes)).abs()


def _centered(x: Tensor) -> Tensor:
    x = finite_rows(x, "x")
    return x - x.mean(0)


def _weights(theta: Tensor, rows: Tensor) -> Tensor:
    if theta.shape != rows.shape[1:]:
        raise UserError(f"weights of shape {tuple(theta.shape)} for inputs of {rows.shape[1]} numbers", where="theta")
    return theta.detach().to(rows)
