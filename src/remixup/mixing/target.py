"""What the network is asked to say about a blended input."""

import torch
from torch import Tensor

NUMERICS = 1


def mixed(target: Tensor, partner: Tensor, ratio: Tensor) -> Tensor:
    """λ y_i + (1 - λ) y_j (mixup paper, section 2, second line of the definition).

    Args:
        target: class probabilities (..., classes), each row summing to one.
        partner: the partners' class probabilities, same shape.
        ratio: λ in [0, 1], matched with the leading dimensions of the target.

    Returns:
        class probabilities, with the shape and dtype of the target.
    """
    weight = ratio.reshape(ratio.shape + (1,) * (target.ndim - ratio.ndim)).to(target.dtype)
    return weight * target + (1 - weight) * partner


def nearer(target: Tensor, partner: Tensor, ratio: Tensor) -> Tensor:
    """The label of the example with the larger weight: inputs are mixed, labels are not (mixup paper, Table 5).

    Args:
        target: class probabilities (..., classes).
        partner: the partners' class probabilities, same shape.
        ratio: λ in [0, 1], matched with the leading dimensions of the target; at 1/2 the example's own label.

    Returns:
        the target where λ >= 1/2, else the partner's.
    """
    return torch.where(ratio.reshape(ratio.shape + (1,) * (target.ndim - ratio.ndim)) >= 0.5, target, partner)
