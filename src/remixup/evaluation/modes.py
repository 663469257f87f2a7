"""Mode coverage of GAN samples."""

from typing import Annotated, Any

import torch
from annotated_types import Gt
from torch import Tensor

from remixup.evaluation.grids import rounded
from remixup.training.gan import GANTrainer

NUMERICS = 1
SCALARS = {"modes": ("covered", "good")}
SAMPLES = 2_500
FAIR_SHARE = 0.2
"""A mode is covered if it has this fraction of its equal share of the samples: 20 of 2,500 for 25 modes."""


def modes(training: GANTrainer, *, radius: Annotated[float, Gt(0)] = 3.0) -> list[dict[str, Any]]:
    """Count the modes that a generator's samples cover, and the samples that are in a mode (mixup paper, Figure 5).

    A mode is a class of the data, with the mean and the standard deviation (over examples and coordinates) of its
    training examples. A sample is good if it is within `radius` standard deviations of the nearest mode. A mode is
    covered if it has at least a fifth of the good samples that it would get if all modes got the same number.

    Args:
        training: a GAN with its snapshots.
        radius: in standard deviations; with 3, 98.9 % of two-dimensional data are good.

    Returns:
        For each seed: `covered` (number of modes) and `good` (percent) of 2,500 samples of the trained generator;
        `centres` of the modes, [x, y]; `snapshots`, each with its `iteration`, its 512 `points` and their own `covered`
        and `good`. Snapshots whose points are not all finite are left out.
    """
    results = []
    for member, (seed, samples) in enumerate(zip(training.seeds, training.samples(SAMPLES), strict=True)):
        centres, spread = _modes(training, member)
        shots = zip(training.snapshot_iterations, training.snapshots[member], strict=True)
        snapshots = [
            {"iteration": iteration, "points": rounded(points, 3), **_found(points, centres, radius * spread)}
            for iteration, points in shots
            if points.isfinite().all()
        ]
        final = _found(samples, centres, radius * spread)
        results.append({"seed": seed, **final, "centres": rounded(centres, 3), "snapshots": snapshots})
    return results


def _modes(training: GANTrainer, member: int) -> tuple[Tensor, Tensor]:
    """Return centers (modes, features) and standard deviations (modes,) of a seed's training examples, float64."""
    rows = training.inputs.train[member].unsqueeze(0)
    x, y = training.inputs.scale(training.inputs.examples(rows))[0].double(), training.inputs.y[rows[0]]
    groups = [x[y == mode] for mode in y.unique()]
    spread = [(group - group.mean(0)).square().mean().sqrt() for group in groups]
    return torch.stack([group.mean(0) for group in groups]), torch.stack(spread)


def _found(points: Tensor, centres: Tensor, reach: Tensor) -> dict[str, float | None]:
    """Return `covered` and `good` of points (n, features) for a mode radius; None if some points are not finite."""
    if not points.isfinite().all():
        return {"covered": None, "good": None}
    distance, nearest = torch.cdist(points.double(), centres).min(dim=1)
    good = distance <= reach[nearest]
    counts = nearest[good].bincount(minlength=len(centres))
    return {
        "covered": int((counts >= FAIR_SHARE * len(points) / len(centres)).sum()),
        "good": 100 * float(good.double().mean()),
    }
