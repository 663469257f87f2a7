"""How two inputs become one.

A blend that cuts needs to know where: it takes a place besides, and gives back what share it kept, because whole steps
are cut.
"""

import torch
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


def segment(x: Tensor, partner: Tensor, ratio: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """A window of x_j in x_i: cutmix in time (Guo et al., 2023, 2309.09970, released code `utils/augmentation.py`).

    Of T steps, ceil((1 - λ) T) are the partner's, at a uniformly random place within the series.

    Args:
        x: series (..., d1, T), floating point; at a cut of the network its features over time.
        partner: the partners' series, same shape.
        ratio: λ in [0, 1], what is asked to be kept; matched with the leading dimensions of x.
        place: in [0, 1), shaped as the ratio; chooses where the window begins.

    Returns:
        the series with their windows, with the shape and dtype of x, and the share of steps that x_i keeps, shaped as
        the ratio: what the target goes by.
    """
    steps = x.shape[-1]
    kept = (ratio * steps).floor()
    lead = ratio.shape + (1,) * (x.ndim - ratio.ndim)
    # The largest float below 1 times an integer rounds to less than that integer: the window ends with the series.
    start = (place.to(kept.dtype) * (kept + 1)).floor().reshape(lead)
    now = torch.arange(steps, device=x.device)
    within = (start <= now) & (now < start + (steps - kept).reshape(lead))
    return torch.where(within, partner, x), kept / steps
