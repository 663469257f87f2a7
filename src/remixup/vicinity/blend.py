"""How two inputs become one."""

from torch import Tensor

NUMERICS = 1


def linear(x: Tensor, partner: Tensor, ratio: Tensor) -> Tensor:
    """λ x_i + (1 - λ) x_j (mixup paper, section 2, first line of the definition).

    Args:
        x: inputs (..., d1, d2, ...), floating point.
        partner: the partners' inputs, same shape.
        ratio: λ in [0, 1]; its dimensions are matched with the leading ones of x (a scalar for a whole minibatch,
            (n,) for one λ an example).

    Returns:
        the blended inputs, with the shape and dtype of x.
    """
    weight = ratio.reshape(ratio.shape + (1,) * (x.ndim - ratio.ndim)).to(x.dtype)
    return weight * x + (1 - weight) * partner
