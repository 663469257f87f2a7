"""Whom an example is mixed with."""

import torch
from torch import Tensor

NUMERICS = 1


def permutation(labels: Tensor, *, generator: torch.Generator) -> Tensor:
    """A uniformly random permutation of the minibatch: partners come from all classes (mixup paper, section 2).

    One loader suffices: a minibatch is mixed with itself after shuffling.

    Args:
        labels: class indices (..., n), of any integer dtype; leading dimensions are separate minibatches. Only the
            shape matters here; other partners need the labels themselves.
        generator: the source of randomness, on the CPU or on the labels' device.

    Returns:
        int64 tensor (..., n): for each example the position of its partner in its own minibatch.
    """
    keys = torch.rand(labels.shape, dtype=torch.float64, device=generator.device, generator=generator)
    return keys.argsort(dim=-1).to(labels.device)
