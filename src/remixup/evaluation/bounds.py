"""The theorems of Zhang et al. (2021, 2010.04819) on trained networks."""

import math
from typing import Annotated, Any

from annotated_types import Gt

from remixup.evaluation.binary import finite, members
from remixup.theory.adversarial_bound import robustness_bound
from remixup.theory.approximation import ROUNDING, mixup_loss, remainder_order, second_order
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 2
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
        alpha: of Beta(alpha, alpha) in both losses, whatever the network was trained with.

    Returns:
        for each seed on the training examples `exact`, the mixup loss over all pairs, and `approximate`, L_std + R1 +
        R2 + R3; `relative`, how far the second is from the first in percent of it; `missed`, the same in percent of how
        far the standard loss is from the first (below 100 the approximation is nearer; None where mixing does not
        change the loss); `order` of the remainder in 1 - lambda, by a fit, and `order_short`, 3 less that order (None
        where the remainder is lost in rounding); `terms`, the four of the approximation. None where outputs are not
        finite.
    """
    results = []
    for seed, function, x, y in members(training):
        if not finite(function(x)):
            results.append({"seed": seed, **dict.fromkeys(SCALARS["approximation"])})
            continue
        exact, terms = mixup_loss(function, x, y, alpha), second_order(function, x, y, alpha)
        order = remainder_order(function, x, y, alpha)
        left, changed = abs(terms.total - exact), abs(terms.standard - exact)
        found = {
            "exact": exact,
            "approximate": terms.total,
            "relative": 100 * left / exact,
            "missed": 100 * left / changed if changed > ROUNDING * exact else None,
            "order": order if math.isfinite(order) else None,
            "order_short": 3 - order if math.isfinite(order) else None,
            "terms": [terms.standard, terms.first, terms.second, terms.third],
        }
        results.append({"seed": seed, **found})
    return results


def robustness(training: SupervisedTrainer, *, alpha: Annotated[float, Gt(0)]) -> list[dict[str, Any]]:
    """Compare the mixup loss with the adversarial loss that it should bound (Zhang et al., 2021, Theorem 3.1).

    Args:
        training: networks of two classes on vectors; the theorem is about bias-free ones on centred data that classify
            every training example correctly.
        alpha: of Beta(alpha, alpha).

    Returns:
        for each seed on the training examples `vicinal`, the mixup loss to the second order; `adversarial`, the mean
        adversarial loss to the second order at radius eps_i sqrt(d), and `smallest`, at the smallest of these radii;
        `violated`, 100 where the bound does not hold, else 0; `exact`, the mixup loss itself, of which the theorem does
        not speak, and `exact_violated`, 100 where that is below `adversarial`; `assumptions`, 100 where the theorem's
        hold, else 0; `correct`, training examples classified correctly, in percent; `cosine` and `least_cosine`, mean
        and smallest |cos| of the angle between an example and the gradient there, and all of them as `cosines`. None
        where outputs are not finite.
    """
    results = []
    for seed, function, x, y in members(training):
        if not finite(function(x)):
            results.append({"seed": seed, **dict.fromkeys(SCALARS["robustness"])})
            continue
        bound, exact = robustness_bound(function, x, y, alpha), mixup_loss(function, x, y, alpha)
        found = {
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
        results.append({"seed": seed, **found})
    return results
