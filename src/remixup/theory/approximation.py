"""The mixup loss, exactly and to second order in 1 - λ.

Source: Zhang, Deng, Kawaguchi, Ghorbani and Zou, "How Does Mixup Help With Robustness and Generalization?" (ICLR 2021),
section 2 and lemma 3.1. This module is for two classes: labels y in {0, 1}, a model f that returns one logit for each
row, and the loss l = h(f(x)) - y f(x) with h(u) = log(1 + e^u), which is the cross-entropy of a sigmoid.

The loss is linear in y. So mixing the labels too, with λ ~ Beta(α, α), has the same expectation as using the first
label and drawing λ ~ Beta(α + 1, α). In this module λ always has that second distribution, and
u = 1 - λ ~ Beta(α, α + 1) is the weight of the partner.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import roots_jacobi
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.checks import binary_examples, positive

Model = Callable[[Tensor], Tensor]
"""From inputs (m, d), float64, to logits (m,): a differentiable function of each row by itself."""

ROUNDING = 1e-13
"""A difference of losses that is smaller than this fraction of the loss is rounding."""
_CHUNK = 2**14
"""Numbers in one batch of mixed inputs: few enough that a small network's activations fit in the cache."""


@dataclass(frozen=True)
class Expansion:
    """The terms of the second-order mixup loss (lemma 3.1)."""

    standard: float
    """The mean loss on the unmixed examples."""
    first: float
    """R1, of the slope of f towards the mean input."""
    second: float
    """R2, of the slope of f along the data's second moments; never negative."""
    third: float
    """R3, of the curvature of f; 0 where f is linear or piecewise linear."""

    @property
    def total(self) -> float:
        """The second-order mixup loss."""
        return self.standard + self.first + self.second + self.third


def retained_moments(alpha: float) -> tuple[float, float]:
    """Return E[1 - λ] and E[(1 - λ)²] for λ ~ Beta(α + 1, α): α / (2α + 1), and half of that."""
    alpha = positive(alpha, "alpha")
    mean = alpha / (2 * alpha + 1)
    return mean, mean / 2


def mixup_loss(f: Model, x: Tensor, y: Tensor, alpha: float, *, shrink: float = 1.0, nodes: int = 32) -> float:
    """Compute the expected mixup loss over all n² ordered pairs (each example with itself too) and over λ.

    The integral over λ is a Gauss quadrature. It is exact if the loss is a polynomial of degree 2 `nodes` in λ, and
    accurate to rounding for smooth models of moderate slope. A ReLU network has kinks between the examples, which cause
    an error of order `nodes`^-2.

    Args:
        f: the model.
        x: inputs (n, d).
        y: labels (n,), 0 or 1.
        alpha: α of mixup, above 0: labels mixed and λ ~ Beta(α, α) in the original definition.
        shrink: s; replaces 1 - λ by s (1 - λ) in the inputs, but not in the labels. s = 1 is mixup; a smaller s moves
            the mixed inputs towards the examples, to see how the error of an expansion falls.
        nodes: nodes of the quadrature, at least 1; the time is proportional to n² `nodes`.
    """
    mean_share, _ = retained_moments(alpha)
    x, y = binary_examples(x, y, negative=0)
    # u has density c u^(α-1) (1-u)^α, so E[g(u)] = g(0) + E[u] E'[(g(u) - g(0)) / u], where E' is over the density
    # c' u^α (1-u)^α and g(0) is the standard loss. The second density has no pole, so a small α loses no digits.
    points, weights = roots_jacobi(nodes, alpha, alpha)
    shares = torch.as_tensor((1 + points) / 2, dtype=x.dtype)
    weights = torch.as_tensor(weights / np.sum(weights), dtype=x.dtype) / shares
    standard = logistic_loss(logits(f, x), y).mean()
    excess = _loss_of_shares(f, x, y, shrink * shares) - standard
    return float(standard + mean_share * (weights @ excess))


def second_order(f: Model, x: Tensor, y: Tensor, alpha: float, *, shrink: float = 1.0) -> Expansion:
    """Expand the mixup loss to second order in 1 - λ, with the partner drawn from the examples themselves (lemma 3.1).

    With m the mean input and M_i = E_r[(r - x_i)(r - x_i)ᵀ] over the inputs r:

    - R1 = E[1-λ] / n Σ (h'(f(x_i)) - y_i) ∇f(x_i)ᵀ (m - x_i)
    - R2 = E[(1-λ)²] / 2n Σ h''(f(x_i)) ∇f(x_i)ᵀ M_i ∇f(x_i)
    - R3 = E[(1-λ)²] / 2n Σ (h'(f(x_i)) - y_i) tr(∇²f(x_i) M_i)

    Automatic differentiation computes the derivatives, by one backward pass and one more for each of the d inputs.

    Args:
        f: the model, twice differentiable at the examples; at a kink of a ReLU network it has PyTorch's slope.
        x: inputs (n, d).
        y: labels (n,), 0 or 1.
        alpha: α of mixup, above 0.
        shrink: s; replaces 1 - λ by s (1 - λ), as in `mixup_loss`.
    """
    mean_share, mean_square = retained_moments(alpha)
    x, y = binary_examples(x, y, negative=0)
    towards_mean = x.mean(0) - x
    covariance = towards_mean.T @ towards_mean / len(x)
    output, gradient, curvature = _derivatives(f, x, towards_mean, covariance)
    slope = torch.sigmoid(output) - y
    along_mean = (gradient * towards_mean).sum(1)
    along_pairs = along_mean**2 + ((gradient @ covariance) * gradient).sum(1)
    return Expansion(
        standard=float(logistic_loss(output, y).mean()),
        first=float(shrink * mean_share * (slope * along_mean).mean()),
        second=float(shrink**2 * mean_square / 2 * (sigmoid_slope(output) * along_pairs).mean()),
        third=float(shrink**2 * mean_square / 2 * (slope * curvature).mean()),
    )


def remainder_order(
    f: Model, x: Tensor, y: Tensor, alpha: float, shrinks: Sequence[float] = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
) -> float:
    """Measure the order in 1 - λ of the remainder of the second-order loss: the slope of log |error| in log s.

    The paper states o((1 - λ)²). For a model that is three times differentiable the order is 3, or more if the
    third-order term happens to be 0. For a ReLU network it is lower if there are kinks between an example and the mixed
    points, since R3 = 0 counts none of them.

    Args:
        f: the model.
        x: inputs (n, d).
        y: labels (n,), 0 or 1.
        alpha: α of mixup, above 0.
        shrinks: at least two different factors s of 1 - λ.

    Returns:
        the order; NaN if an error is below 1e-13 of the loss, which is rounding.
    """
    exact = np.array([mixup_loss(f, x, y, alpha, shrink=s) for s in shrinks])
    error = np.abs(exact - [second_order(f, x, y, alpha, shrink=s).total for s in shrinks])
    if np.any(error <= ROUNDING * np.abs(exact)):
        return math.nan
    return float(np.polyfit(np.log(shrinks), np.log(error), 1)[0])


def logistic_loss(output: Tensor, y: Tensor) -> Tensor:
    """Return log(1 + e^f) - y f for logits (...) and labels of the same shape, without overflow."""
    return torch.logaddexp(torch.zeros_like(output), output) - y * output


def sigmoid_slope(output: Tensor) -> Tensor:
    """Return h''(f) = σ(f) (1 - σ(f)) for logits (...)."""
    return torch.sigmoid(output) * torch.sigmoid(-output)


def value_and_gradient(f: Model, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits (n,) of inputs (n, d), and their gradients with respect to the inputs (n, d)."""
    output, gradient, _ = _with_graph(f, x)
    return output.detach(), gradient.detach()


def logits(f: Model, x: Tensor) -> Tensor:
    """Evaluate f at inputs (m, d), without a graph."""
    with torch.no_grad():
        return _outputs(f, x)


def _loss_of_shares(f: Model, x: Tensor, y: Tensor, shares: Tensor) -> Tensor:
    """Return the mean loss over all ordered pairs at x_i + u (x_j - x_i), label y_i, for each share u (k,)."""
    n, d = x.shape
    pairs = torch.arange(n * n)
    total = torch.zeros_like(shares)
    for chunk in pairs.split(max(1, _CHUNK // (len(shares) * d))):
        first, second = chunk // n, chunk % n
        mixed = torch.lerp(x[first, None], x[second, None], shares[:, None])
        output = logits(f, mixed.flatten(0, 1)).reshape(len(chunk), -1)
        total += logistic_loss(output, y[first, None]).sum(0)
    return total / n**2


def _outputs(f: Model, x: Tensor) -> Tensor:
    output = f(x)
    if output.shape != x.shape[:1]:
        what = f"the model gives {tuple(output.shape)} for inputs of shape {tuple(x.shape)}"
        raise UserError(what, where="f", hint="one logit a row")
    return output


def _with_graph(f: Model, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits and gradients with their graph, and its leaf."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        output = _outputs(f, leaf)
        return output, _gradient(output.sum(), leaf, create_graph=True), leaf


def _derivatives(f: Model, x: Tensor, offset: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return f(x_i), ∇f(x_i) and tr(∇²f(x_i) M_i) with M_i = covariance + offset_i offset_iᵀ: (n,), (n, d), (n,)."""
    output, gradient, leaf = _with_graph(f, x)
    curvature = torch.zeros_like(x[:, 0])
    for k in range(x.shape[1]):
        with torch.enable_grad():
            slope = gradient[:, k].sum()
        row = _gradient(slope, leaf)
        curvature += (row * (covariance[k] + offset[:, k, None] * offset)).sum(1)
    return output.detach(), gradient.detach(), curvature


def _gradient(scalar: Tensor, leaf: Tensor, *, create_graph: bool = False) -> Tensor:
    """Return d scalar / d leaf; zero if the scalar does not depend on the leaf (the slope of a linear model)."""
    if not scalar.requires_grad:
        return torch.zeros_like(leaf)
    (gradient,) = torch.autograd.grad(
        scalar, leaf, retain_graph=True, create_graph=create_graph, materialize_grads=True
    )
    return gradient
