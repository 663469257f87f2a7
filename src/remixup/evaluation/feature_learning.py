"""Feature learning: which of the two features of each class a network uses."""

from typing import Annotated, Any

import torch
from annotated_types import Gt, Le
from torch import Tensor

from remixup.data.synthetic import feature_patches
from remixup.errors import UserError
from remixup.evaluation.grids import rounded
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
SCALARS = {"learned_features": ("none", "one", "both", "missed", "single_error")}
_PRESENT = 1e-3
"""A patch contains a feature if its component along it is larger; feature noise has no feature of the point's class."""


def learned_features(
    training: SupervisedTrainer, *, share: Annotated[float, Gt(0), Le(100)] = 95.0
) -> list[dict[str, Any]]:
    """Measure whether each feature alone identifies the class (Chidambaram et al., 2023, 2210.13512, section 4).

    In each test point the patches with one feature of its class are set to zero. The remaining feature is learned if
    the network then predicts the class of most test points of that class.

    Args:
        training: networks trained on feature-patches.
        share: percentage of these test points that counts as most.

    Returns:
        For each seed: `none`, `one`, `both`, the percentages of the classes with that number of learned features;
        `missed`, the percentage with fewer than both; `single_error`, the error in percent on the test points with a
        single feature, over both features; for a figure `strength`, the logit of each class at its first and at its
        second feature alone, at middle strength and without noise.
    """
    inputs = training.inputs
    basis = torch.from_numpy(feature_patches.features()).float().to(training.device)
    if training.spec.dataset.name != "feature-patches":
        what = "the features are known for the dataset feature-patches only"
        raise UserError(what, where="evaluate.learned_features")
    x, y = inputs.examples(inputs.test), inputs.y[inputs.test]
    right, finite = [], torch.ones(len(training.seeds), dtype=torch.bool, device=training.device)
    for present in (0, 1):
        outputs = training.logits(_without(x, basis[y, 1 - present]))
        right.append((outputs.argmax(-1) == y).double())
        finite &= outputs.isfinite().flatten(1).all(1)
    strength = _strength(training, basis)
    results = []
    for member, seed in enumerate(training.seeds):
        found = _count([hits[member] for hits in right], y[member], inputs.classes, share)
        found["strength"] = rounded(strength[member], 4)
        known = bool(finite[member]) and bool(strength[member].isfinite().all())
        results.append({"seed": seed, **(found if known else dict.fromkeys(found))})
    return results


def _without(x: Tensor, feature: Tensor) -> Tensor:
    """Set the patches that contain a feature (..., d) to zero in points (..., P, d)."""
    present = (x * feature.unsqueeze(-2)).sum(-1).abs() > _PRESENT
    return x.masked_fill(present.unsqueeze(-1), 0.0)


def _count(right: list[Tensor], y: Tensor, classes: int, share: float) -> dict[str, Any]:
    """Count the classes with none, one or both features learned, from correctness (n,) with each feature alone."""
    shares = torch.stack([torch.stack([hits[y == c].mean() for c in range(classes)]) for hits in right])
    learned = (100 * shares >= share).sum(0)
    counts = {name: 100 * float((learned == k).double().mean()) for k, name in enumerate(("none", "one", "both"))}
    counts["missed"] = counts["none"] + counts["one"]
    return {**counts, "single_error": 100 - 100 * float(torch.stack(right).mean())}


def _strength(training: SupervisedTrainer, basis: Tensor) -> Tensor:
    """Return the logit of each class at each of its features alone: (members, classes, 2)."""
    classes, kinds, numbers = basis.shape
    x = torch.zeros(classes * kinds, *training.inputs.shape, device=basis.device)
    x[:, 0] = feature_patches.HIGH / 2 * basis.view(-1, numbers)
    outputs = training.logits(x.expand(len(training.seeds), *x.shape)).unflatten(1, (classes, kinds))
    return torch.einsum("mcfc->mcf", outputs)
