"""Helpers of evaluations that measure distances between examples."""

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.training.supervised import SupervisedTrainer


def flat_points(training: SupervisedTrainer, member: int, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return one member's examples as flat network inputs, and their classes.

    Args:
        training: the training whose examples are read.
        member: the position of the seed in the block.
        rows: rows of that member's examples, int64 (n,).

    Returns:
        float32 (n, d) and int64 (n,), on the CPU.

    Raises:
        UserError: the labels are numbers.
    """
    inputs = training.inputs
    if inputs.y.is_floating_point():
        raise UserError("distances between classes need classes, and this dataset has numbers", where="evaluate")
    x = inputs.scale(inputs.examples(rows.unsqueeze(0)))[0].flatten(1)
    return x.cpu(), inputs.y[rows].cpu()


def smallest_and_mean(distance: Tensor) -> tuple[float | None, float | None]:
    """Return the smallest and the mean of the finite distances; None where there is none."""
    known = distance[torch.isfinite(distance)]
    return (float(known.min()), float(known.mean())) if len(known) else (None, None)
