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
"""A patch holds a feature where its share of it is larger; feature noise has none of the point's own class."""


def learned_features(
    training: SupervisedTrainer, *, share: Annotated[float, Gt(0), Le(100)] = 95.0
) -> list[dict[str, Any]]:
    """Measure whether each feature alone identifies the class (Chidambaram et al., 2023, 2210.13512, section 4).

    In each test point the patches with one feature of its class are set to zero. The feature that is left is learnt
    where the network then names the class of most of the test points of that class.

    Args:
        training: networks of the points of patches.
        share: percent of these test points that "most" is.

    Returns:
        for each seed `none`, `one`, `both`: percent of the classes with that number of features learned; `missed`: of
        which not both are; `single_error`: error in percent on the test points with a single feature, all of the first
        kind and all of the second; for a figure `strength`: for each class what the network says of it at its first
        and at its second feature alone, at middle strength and without noise. None where the network's outputs are not
        finite.

    Raises:
        UserError: another dataset.
    """
    inputs = training.inputs
    basis = torch.from_numpy(feature_patches.features()).float().to(training.device)
    if training.spec.dataset.name != "feature-patches":
        raise UserError("only feature-patches has features that are known", where="evaluate.learned_features")
    x, y = inputs.examples(inputs.test), inputs.y[inputs.test]
    right, finite = [], torch.ones(len(training.seeds), dtype=torch.bool, device=training.device)
    for present in (0, 1):
        said = training.logits(_without(x, basis[y, 1 - present]))
        right.append((said.argmax(-1) == y).double())
        finite &= said.isfinite().flatten(1).all(1)
    strength = _strength(training, basis)
    results = []
    for member, seed in enumerate(training.seeds):
        found = _count([hits[member] for hits in right], y[member], inputs.classes, share)
        found["strength"] = rounded(strength[member], 4)
        sound = bool(finite[member]) and bool(strength[member].isfinite().all())
        results.append({"seed": seed, **(found if sound else dict.fromkeys(found))})
    return results


def _without(x: Tensor, feature: Tensor) -> Tensor:
    """Set the patches that contain a feature (..., d) to zero in points (..., P, d)."""
    held = (x * feature.unsqueeze(-2)).sum(-1).abs() > _PRESENT
    return x.masked_fill(held.unsqueeze(-1), 0.0)


def _count(right: list[Tensor], y: Tensor, classes: int, share: float) -> dict[str, Any]:
    """Count the classes with none, one or both features learned, from correctness (n,) with each feature alone."""
    shares = torch.stack([torch.stack([hits[y == c].mean() for c in range(classes)]) for hits in right])
    learnt = (100 * shares >= share).sum(0)
    counts = {name: 100 * float((learnt == k).double().mean()) for k, name in enumerate(("none", "one", "both"))}
    counts["missed"] = counts["none"] + counts["one"]
    return {**counts, "single_error": 100 - 100 * float(torch.stack(right).mean())}


def _strength(training: SupervisedTrainer, basis: Tensor) -> Tensor:
    """Return the logit of each class at each of its features alone: (members, classes, 2)."""
    classes, kinds, numbers = basis.shape
    x = torch.zeros(classes * kinds, *training.inputs.shape, device=basis.device)
    x[:, 0] = feature_patches.HIGH / 2 * basis.view(-1, numbers)
    said = training.logits(x.expand(len(training.seeds), *x.shape)).unflatten(1, (classes, kinds))
    return torch.einsum("mcfc->mcf", said)
