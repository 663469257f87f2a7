"""Partners from the example's own minibatch.

Each function takes the class indices of minibatches (..., n), of any integer dtype, leading dimensions being separate
minibatches, and a generator on the CPU or on the labels' device (None: torch's global one, on the CPU). It returns an
int64 tensor (..., n): the position of each example's partner in its own minibatch.
"""

import torch
from torch import Tensor

from remixup.mixing.declarations import declare, drawing

NUMERICS = 1


@declare(permutes=True)
def permutation(labels: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """Draw a uniformly random permutation of the minibatch, over all classes (mixup paper, section 2).

    One data loader suffices: a minibatch is mixed with itself after shuffling. Only the labels' shape matters.
    """
    # Twice as fast as sorting. Torch's inductor rejects it.
    if generator is None and labels.ndim == 1 and not torch.compiler.is_compiling():
        return torch.randperm(len(labels)).to(labels.device)
    keys = torch.rand(labels.shape, dtype=torch.float64, **drawing(generator))
    return keys.argsort(dim=-1).to(labels.device)


@declare(needs_classes=True)
def same_class(labels: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """Draw a uniformly random permutation within each class of the minibatch (mixup paper, Table 5, "SC + RP").

    An example that is alone in its class is paired with itself.

    Raises:
        ValueError: if the labels are not class indices.
    """
    if labels.is_floating_point():
        raise ValueError("numeric labels have no classes to choose partners from")
    keys = torch.rand(labels.shape, dtype=torch.float64, **drawing(generator))
    grouped = labels.argsort(dim=-1, stable=True)
    shuffled = (labels.double() + keys.to(labels.device)).argsort(dim=-1)
    return torch.empty_like(grouped).scatter_(-1, grouped, shuffled)


def with_replacement(labels: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """Draw each partner independently and uniformly from the minibatch, the example itself included."""
    size = labels.shape[-1]
    drawn = torch.randint(size, labels.shape, **drawing(generator))
    return drawn.to(labels.device)
