"""What the network is asked to say about a blended input."""

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
