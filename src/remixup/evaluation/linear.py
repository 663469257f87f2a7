"""Weights of linear classifiers, compared with known solutions."""

from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from remixup.errors import UserError
from remixup.evaluation.binary import Logit, finite, members
from remixup.theory.linear import max_margin, min_norm, support_share
from remixup.theory.penalty import direction_norms as norms_by_variance
from remixup.theory.penalty import glm_penalty
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
SCALARS = {
    "linear_solution": ("to_min_norm", "to_max_margin", "support"),
    "direction_norms": ("large", "small", "ratio", "penalty"),
}


def linear_solution(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure the direction of a linear classifier (Chidambaram et al., 2022, 2110.07647, section 3.2).

    What the initial weights have outside the span of the training points stays there, and says nothing about what was
    learnt: it is left out.

    Args:
        training: bias-free linear networks of two classes, on unscaled inputs.

    Returns:
        for each seed the cosines of what was learnt with the interpolating solution of least norm, `to_min_norm`, and
        with that of the greatest margin, `to_max_margin`; `support`, the share of the training points that are support
        vectors of the latter, in percent.
    """
    results = []
    for seed, function, x, y in members(training):
        signs = 2.0 * y.double() - 1.0
        theta = _weights(function, x.shape[1])
        if not finite(theta):
            results.append({"seed": seed, **dict.fromkeys(SCALARS["linear_solution"])})
            continue
        learnt = torch.linalg.pinv(x) @ (x @ theta)
        found = {
            "to_min_norm": _cosine(learnt, min_norm(x, signs)),
            "to_max_margin": _cosine(learnt, max_margin(x, signs)),
            "support": 100 * support_share(x, signs),
        }
        results.append({"seed": seed, **found})
    return results


def direction_norms(
    training: SupervisedTrainer, *, alpha: Annotated[float, Gt(0)] = 1.0, split: Annotated[int, Ge(1)] = 5
) -> list[dict[str, Any]]:
    """Measure the norm of a linear classifier's weights along directions of large and of small data variance.

    Zhang et al. (2021, 2010.04819, section 3.2): mixup penalises a generalised linear model in the norm that the data's
    covariance gives, so where the data vary little it hardly does.

    Args:
        training: linear networks of two classes.
        alpha: of the ratio in `penalty`.
        split: number of principal directions of the training inputs that count as those of large variance.

    Returns:
        for each seed `large` and `small`, the norms of the weights' projections on the directions of large variance and
        on the others; `ratio`, the first over the second; `penalty`, the theorem's at these weights (None where it is
        infinite, for alpha up to 1).
    """
    results = []
    for seed, function, x, _ in members(training):
        theta = _weights(function, x.shape[1])
        if not finite(theta):
            results.append({"seed": seed, **dict.fromkeys(SCALARS["direction_norms"])})
            continue
        along = norms_by_variance(theta, x)
        if not split < len(along):
            raise UserError(f"{len(along)} directions cannot be split after {split}", where="evaluate.split")
        large, small = float(along[:split].norm()), float(along[split:].norm())
        penalty = glm_penalty(theta, x, alpha)
        limited = penalty if penalty < float("inf") else None
        results.append({"seed": seed, "large": large, "small": small, "ratio": large / small, "penalty": limited})
    return results


def _weights(function: Logit, features: int) -> Tensor:
    """Return the weights of a linear f of scaled inputs, float64 (features,): f at the unit vectors less f at zero."""
    points = torch.cat([torch.zeros(1, features), torch.eye(features)]).double()
    values = function(points)
    sum_of_parts, whole = (values[1:] - values[0]).sum(), function(points[1:].sum(0, keepdim=True))[0] - values[0]
    if finite(values) and not torch.isclose(sum_of_parts, whole, rtol=1e-6, atol=1e-9):
        raise UserError("this is measured on linear networks", where="evaluate", hint="model: {name: mlp, hidden: []}")
    return values[1:] - values[0]


def _cosine(first: Tensor, second: Tensor) -> float:
    return float(first @ second / (first.norm() * second.norm()))
