"""The theorems of Zhang et al. (2021, 2010.04819) on trained networks."""

import math
from typing import Annotated, Any

from annotated_types import Gt
from torch import Tensor

from remixup.evaluation.binary import Logit, measure_seeds
from remixup.theory.adversarial_bound import robustness_bound
from remixup.theory.approximation import ROUNDING, mixup_loss, remainder_order, second_order
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 2
CLASSES = 2
SCALARS = {
    "approximation": ("exact", "approximate", "relative", "missed", "order", "order_short"),
    "robustness": (
        "vicinal",
        "adversarial",
        "smallest",
        "violated",
        "exact",
        "exact_violated",
        "assumptions",
        "correct",
        "cosine",
        "least_cosine",
    ),
}


def approximation(training: SupervisedTrainer, *, alpha: Annotated[float, Gt(0)]) -> list[dict[str, Any]]:
    """Compare the mixup loss with its second-order approximation (Zhang et al., 2021, Lemma 3.1, Figure 2).

    Args:
        training: networks of two classes on vectors.
        alpha: α of Beta(α, α) in both losses, whatever the network was trained with.

    Returns:
        For each seed, on the training examples: `exact`, the mixup loss over all pairs; `approximate`, the sum of
        `terms`, which are L_std, R1, R2 and R3; `relative`, their difference in percent of `exact`; `missed`, their
        difference in percent of the difference between the standard loss and `exact` (below 100 the approximation is
        the better one; None if mixing does not change the loss); `order`, the fitted order of the remainder in 1 - λ,
        and `order_short`, 3 minus that order (both None if the remainder is rounding).
    """

    def measure(function: Logit, x: Tensor, y: Tensor) -> dict[str, Any]:
        exact, terms = mixup_loss(function, x, y, alpha), second_order(function, x, y, alpha)
        order = remainder_order(function, x, y, alpha)
        left, changed = abs(terms.total - exact), abs(terms.standard - exact)
        return {
            "exact": exact,
            "approximate": terms.total,
            "relative": 100 * left / exact,
            "missed": 100 * left / changed if changed > ROUNDING * exact else None,
            "order": order if math.isfinite(order) else None,
            "order_short": 3 - order if math.isfinite(order) else None,
            "terms": [terms.standard, terms.first, terms.second, terms.third],
        }

    return measure_seeds(training, SCALARS["approximation"], measure)


def robustness(training: SupervisedTrainer, *, alpha: Annotated[float, Gt(0)]) -> list[dict[str, Any]]:
    """Compare the mixup loss with the adversarial loss that it should bound (Zhang et al., 2021, Theorem 3.1).

    Args:
        training: networks of two classes on vectors. The theorem is about bias-free networks on centered data that
            classify every training example correctly.
        alpha: α of Beta(α, α).

    Returns:
        For each seed, on the training examples: `vicinal`, the second-order mixup loss; `adversarial`, the mean
        second-order adversarial loss at radius ε_i √d, and `smallest`, the same at the smallest of these radii;
        `violated`, 100 if the bound fails, else 0; `exact`, the mixup loss itself, which the theorem does not bound,
        and `exact_violated`, 100 if it is below `adversarial`, else 0; `assumptions`, 100 if the theorem applies, else
        0; `correct`, correctly classified examples in percent; `cosine` and `least_cosine`, mean and smallest |cos| of
        the angle between an example and the gradient there, and all of them as `cosines`.
    """

    def measure(function: Logit, x: Tensor, y: Tensor) -> dict[str, Any]:
        bound, exact = robustness_bound(function, x, y, alpha), mixup_loss(function, x, y, alpha)
        return {
            "vicinal": bound.mixup,
            "adversarial": bound.adversarial,
            "smallest": bound.uniform,
            "violated": 100.0 * bound.violated,
            "exact": exact,
            "exact_violated": 100.0 * (exact < bound.adversarial),
            "assumptions": 100.0 * bound.assumptions_hold,
            "correct": 100 * bound.correct,
            "cosine": float(bound.cosines.mean()),
            "least_cosine": float(bound.cosines.min()),
            "cosines": [round(value, 4) for value in bound.cosines.tolist()],
        }

    return measure_seeds(training, SCALARS["robustness"], measure)
