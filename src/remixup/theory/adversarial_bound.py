"""Mixup's second-order loss as an upper bound of an adversarial loss.

Source: "How Does Mixup Help With Robustness and Generalization?" (ICLR 2021), section 3.1, theorems 3.1 to 3.3. The
setting and the notation are those of `remixup.theory.approximation`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from remixup.theory.approximation import (
    Model,
    logistic_loss,
    retained_moments,
    second_order,
    sigmoid_slope,
    value_and_gradient,
)
from remixup.theory.checks import binary_examples

_TOLERANCE = 1e-6
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class RobustnessBound:
    """The losses of theorems 3.1 to 3.3, which state mixup >= adversarial >= uniform, and the theorems' assumptions."""

    mixup: float
    """The second-order mixup loss."""
    adversarial: float
    """The mean second-order adversarial loss, each example with its own radius."""
    uniform: float
    """The same with one radius for all, that of the smallest cosine."""
    cosines: Tensor
    """(n,) R_i = |cos| of the angle between ∇f(x_i) and x_i; 0 where either is zero."""
    radii: Tensor
    """(n,) ε_i √d = R_i c_x √d E[1 - λ]."""
    c_x: float
    """min ‖x_i‖ / √d."""
    mean_norm: float
    """Norm of the mean input; the theorems assume 0."""
    spread: float
    """Root mean square of ‖x_i‖, the unit of `mean_norm`."""
    correct: float
    """Share of the examples that f classifies correctly (f > 0 exactly where y = 1); the theorems assume 1."""
    homogeneity: float
    """Max |f(x_i) - ∇f(x_i)ᵀ x_i|: 0 for linear models and ReLU networks without biases."""
    largest_logit: float
    """Max |f(x_i)|, the unit of `homogeneity`."""
    curvature: float
    """R3 of the mixup loss: 0 for linear models and ReLU networks. Only a negative one can break the bound."""

    @property
    def assumptions_hold(self) -> bool:
        """Whether the theorems apply to this model on these examples."""
        return (
            self.mean_norm <= _TOLERANCE * self.spread
            and self.correct == 1
            and self.homogeneity <= _TOLERANCE * max(1.0, self.largest_logit)
            and self.curvature >= -_ROUNDING
        )

    @property
    def violated(self) -> bool:
        """Whether an inequality fails by more than rounding."""
        slack = _ROUNDING * max(1.0, abs(self.adversarial))
        return self.mixup < self.adversarial - slack or self.adversarial < self.uniform - slack


def second_order_adversarial(f: Model, x: Tensor, y: Tensor, radius: Tensor | float) -> Tensor:
    """Approximate the worst loss within an l2 ball around each example, to second order in its radius r (section 3.1).

    The loss is l + r |h'(f) - y| ‖∇f‖ + r²/2 h''(f) ‖∇f‖². As in the paper, it leaves out the curvature of f, so it is
    the Taylor polynomial of the worst case for an f that is linear around the example.

    Args:
        f: the model.
        x: inputs (n, d).
        y: labels (n,), 0 or 1.
        radius: r >= 0 in units of the inputs, one for all or (n,).

    Returns:
        losses (n,), float64.
    """
    x, y = binary_examples(x, y, negative=0)
    output, gradient = value_and_gradient(f, x)
    reach: Tensor = torch.as_tensor(radius, dtype=x.dtype) * gradient.norm(dim=1)
    slope = (torch.sigmoid(output) - y).abs()
    return logistic_loss(output, y) + slope * reach + sigmoid_slope(output) * reach**2 / 2


def robustness_bound(f: Model, x: Tensor, y: Tensor, alpha: float) -> RobustnessBound:
    """Compute both sides of theorems 3.1 to 3.3, and how far their assumptions are met.

    Why the bound is true: with mean zero and f(x_i) = ∇f(x_i)ᵀ x_i, R1 is the mean of E[1-λ] (y_i - h') f(x_i). If the
    examples are classified correctly, that is E[1-λ] |h' - y_i| ‖∇f‖ ‖x_i‖ R_i. R2 is at least the mean of
    E[1-λ]² / 2 h'' ‖∇f‖² ‖x_i‖² R_i², since E_r[(r - x_i)(r - x_i)ᵀ] is x_i x_iᵀ plus the covariance, and
    E[(1-λ)²] >= E[1-λ]². The bound also needs R3 >= 0: R3 is 0 for the paper's models, but not for every smooth
    homogeneous one.

    Args:
        f: the model.
        x: inputs (n, d), used without centering.
        y: labels (n,), 0 or 1.
        alpha: α of mixup, above 0.
    """
    mean_share, _ = retained_moments(alpha)
    expansion = second_order(f, x, y, alpha)
    x, y = binary_examples(x, y, negative=0)
    output, gradient = value_and_gradient(f, x)
    norms, root_d = x.norm(dim=1), math.sqrt(x.shape[1])
    inner, lengths = (gradient * x).sum(1), gradient.norm(dim=1) * norms
    cosines = torch.where(lengths > 0, inner.abs() / lengths, 0.0).clamp(max=1.0)
    c_x = float(norms.min()) / root_d
    radii = cosines * (c_x * root_d * mean_share)
    return RobustnessBound(
        mixup=expansion.total,
        adversarial=float(second_order_adversarial(f, x, y, radii).mean()),
        uniform=float(second_order_adversarial(f, x, y, radii.min()).mean()),
        cosines=cosines,
        radii=radii,
        c_x=c_x,
        mean_norm=float(x.mean(0).norm()),
        spread=float((norms**2).mean().sqrt()),
        correct=float(((output > 0) == (y == 1)).to(x.dtype).mean()),
        homogeneity=float((output - inner).abs().max()),
        largest_logit=float(output.abs().max()),
        curvature=expansion.third,
    )
