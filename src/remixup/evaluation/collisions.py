"""Distance of data points to mixed points of other classes."""

from typing import Annotated, Any

import torch
from annotated_types import Gt, Le
from torch import Tensor

from remixup.evaluation.examples import flat_points, smallest_and_mean
from remixup.mixing.ratio import beta
from remixup.randomness import generator
from remixup.theory.segments import collision_distances
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 2
CLASSES = 3
WEIGHTS = False
SCALARS = {"collisions": ("train_smallest", "train_mean", "test_smallest", "test_mean")}


def collisions(
    training: SupervisedTrainer, *, alpha: Annotated[float, Gt(0)], share: Annotated[float, Gt(0), Le(1)] = 0.2
) -> list[dict[str, Any]]:
    """Measure the distance of data points to mixed points of other classes (Chidambaram et al., 2022, section 2.4).

    The procedure is that of the released code (`analysis/mixup_point_analysis.py`). Each example of a random training
    subset is mixed once, with its own ratio from Beta(α, α) and a partner drawn uniformly from the subset, itself
    included. The distance of a data point is that to the nearest mixed point of two other classes.

    Args:
        training: provides the examples of three or more classes, scaled as for the network, without augmentation.
        alpha: α of the Beta distribution.
        share: fraction of the training examples in the subset, and of the test examples in another one.

    Returns:
        For each seed the smallest and the mean Euclidean distance over the data points: `train_smallest` and
        `train_mean` of the training subset, `test_smallest` and `test_mean` of the test subset. Data points without
        such a mixed point are left out.
    """
    inputs, results = training.inputs, []
    for member, seed in enumerate(training.seeds):
        subset = generator(seed, "subset")
        x, y = flat_points(training, _chosen(inputs.train[member], share, subset))
        test = flat_points(training, _chosen(inputs.test[member], share, subset))
        ratio = beta((len(x),), alpha=alpha, generator=generator(seed, "ratio"))
        partner = torch.randint(len(x), (len(x),), generator=generator(seed, "partner"))
        found: dict[str, Any] = {"seed": seed}
        for name, others in (("train", (x, y)), ("test", test)):
            distance = collision_distances(x, y, ratio, partner, others=others)
            found[f"{name}_smallest"], found[f"{name}_mean"] = smallest_and_mean(distance)
        results.append(found)
    return results


def _chosen(rows: Tensor, share: float, source: torch.Generator) -> Tensor:
    """Return a random fraction of rows (n,), without replacement."""
    order = torch.randperm(len(rows), generator=source).to(rows.device)
    return rows[order[: max(1, int(share * len(rows)))]]
