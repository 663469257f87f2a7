"""Weights of linear classifiers, compared with known solutions."""

import math
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from remixup.errors import UserError
from remixup.evaluation.binary import Logit, measure_seeds
from remixup.theory.linear import max_margin, min_norm, support_share
from remixup.theory.penalty import direction_norms as norms_by_variance
from remixup.theory.penalty import glm_penalty
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
CLASSES = 2
SCALARS = {
    "linear_solution": ("to_min_norm", "to_max_margin", "support"),
    "direction_norms": ("large", "small", "ratio", "penalty"),
}


def linear_solution(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure the direction of a linear classifier (Chidambaram et al., 2022, 2110.07647, section 3.2).

    Training does not change the weights outside the span of the training points, so that component is left out.

    Args:
        training: bias-free linear networks of two classes, on unscaled inputs.

    Returns:
        For each seed: the cosines of the learned weights with the interpolating solution of least norm, `to_min_norm`,
        and with the max-margin solution, `to_max_margin`; `support`, the percentage of the training points that are
        support vectors of the latter.
    """

    def measure(function: Logit, x: Tensor, y: Tensor) -> dict[str, Any]:
        signs = 2.0 * y.double() - 1.0
        learned = torch.linalg.pinv(x) @ (x @ _weights(function, x.shape[1]))
        return {
            "to_min_norm": _cosine(learned, min_norm(x, signs)),
            "to_max_margin": _cosine(learned, max_margin(x, signs)),
            "support": 100 * support_share(x, signs),
        }

    return measure_seeds(training, SCALARS["linear_solution"], measure)


def direction_norms(
    training: SupervisedTrainer, *, alpha: Annotated[float, Gt(0)] = 1.0, split: Annotated[int, Ge(1)] = 5
) -> list[dict[str, Any]]:
    """Measure the norm of a linear classifier's weights along directions of large and of small data variance.

    For a generalized linear model, mixup is a penalty in the norm of the data's covariance (Zhang et al., 2021,
    2010.04819, section 3.2). So it is small in directions in which the data vary little.

    Args:
        training: linear networks of two classes.
        alpha: α of the ratio in `penalty`.
        split: number of principal directions of the training inputs that count as those of large variance.

    Returns:
        For each seed: `large` and `small`, the norms of the weights' projections on the directions of large variance
        and on the others; `ratio`, the first divided by the second; `penalty`, that of the theorem (None if it is
        infinite, for α up to 1).
    """

    def measure(function: Logit, x: Tensor, _: Tensor) -> dict[str, Any]:
        theta = _weights(function, x.shape[1])
        along, penalty = norms_by_variance(theta, x), glm_penalty(theta, x, alpha)
        if not split < len(along):
            raise UserError(f"{len(along)} directions cannot be split after {split}", where="evaluate.split")
        large, small = float(along[:split].norm()), float(along[split:].norm())
        limited = penalty if math.isfinite(penalty) else None
        return {"large": large, "small": small, "ratio": large / small, "penalty": limited}

    return measure_seeds(training, SCALARS["direction_norms"], measure)


def _weights(function: Logit, features: int) -> Tensor:
    """Return the weights of a linear f, float64 (features,): f at the unit vectors minus f at zero."""
    points = torch.cat([torch.zeros(1, features), torch.eye(features)]).double()
    values = function(points)
    total, whole = (values[1:] - values[0]).sum(), function(points[1:].sum(0, keepdim=True))[0] - values[0]
    if not torch.isclose(total, whole, rtol=1e-6, atol=1e-9):
        raise UserError("this is measured on linear networks", where="evaluate", hint="model: {name: mlp, hidden: []}")
    return values[1:] - values[0]


def _cosine(first: Tensor, second: Tensor) -> float:
    return float(first @ second / (first.norm() * second.norm()))
