"""How the target of a blended input is made."""

import torch
from torch import Tensor

from remixup.mixing.declarations import declare

NUMERICS = 1


def mixed(target: Tensor, partner: Tensor, ratio: Tensor) -> Tensor:
    """λ y_i + (1 - λ) y_j (mixup paper, section 2, second line of the definition).

    Args:
        target: class probabilities (..., classes), each row summing to one.
        partner: the partners' class probabilities, same shape.
        ratio: λ in [0, 1], matched with the leading dimensions of the target.

    Returns:
        Class probabilities, with the shape and dtype of the target.
    """
    weight = ratio.reshape(ratio.shape + (1,) * (target.ndim - ratio.ndim)).to(target.dtype)
    return weight * target + (1 - weight) * partner


@declare(pairs_only=True)
def nearer(target: Tensor, partner: Tensor, ratio: Tensor) -> Tensor:
    """Take the label of the example with the larger weight: only inputs are mixed (mixup paper, Table 5).

    Args:
        target: class probabilities (..., classes).
        partner: the partners' class probabilities, same shape.
        ratio: λ in [0, 1], matched with the leading dimensions of the target. At 1/2 the example's own label is taken.

    Returns:
        The target where λ >= 1/2, else the partner's.
    """
    return torch.where(ratio.reshape(ratio.shape + (1,) * (target.ndim - ratio.ndim)) >= 0.5, target, partner)
