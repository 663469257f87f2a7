"""Examples for evaluations: batches with their labels, and flat inputs for distances."""

from collections.abc import Iterator

import torch
from torch import Tensor

from remixup.data.inputs import Inputs, portions
from remixup.training.supervised import SupervisedTrainer


def labelled_batches(inputs: Inputs, rows: Tensor, labels: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield raw examples (seeds, size, ...) of rows (seeds, n), with their labels; the last batch may be smaller."""
    sizes = portions(rows.shape[1], size)
    return zip(inputs.batches(rows, sizes), labels.split(sizes, dim=1), strict=True)


def flat_points(training: SupervisedTrainer, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows (n,) of the dataset as flat network inputs, float32 (n, d), and their classes (n,), on the CPU."""
    inputs = training.inputs
    x = inputs.scale(inputs.examples(rows.unsqueeze(0)))[0].flatten(1)
    return x.cpu(), inputs.y[rows].cpu()


def smallest_and_mean(distance: Tensor) -> tuple[float | None, float | None]:
    """Return the smallest and the mean of the finite distances; None if there are none."""
    known = distance[torch.isfinite(distance)]
    return (float(known.min()), float(known.mean())) if len(known) else (None, None)
