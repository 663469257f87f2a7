"""Decision-boundary statistics of classifiers on two features."""

from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from remixup.errors import UserError
from remixup.evaluation.binary import Logit, finite, measure_seeds, members
from remixup.evaluation.grids import axes, by_rows, rounded
from remixup.theory.margins import guaranteed_class
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 2
CLASSES = 2
SCALARS = {"boundary": ("distance", "margin", "bend"), "guaranteed": ("share", "broken")}
MARGIN = 0.25
"""Margin of grids around the training points, as a fraction of their extent."""


def boundary(training: SupervisedTrainer, *, points: Annotated[int, Ge(10), Le(1000)] = 100) -> list[dict[str, Any]]:
    """Measure the distance of the decision boundary from the training points, and its curvature.

    Figure 3 of Chidambaram et al. (2022, 2110.07647) shows the boundary as a map; the paper gives no number.

    Args:
        training: networks of two classes on inputs of two features.
        points: grid points along each side; the grid extends a quarter beyond the training points.

    Returns:
        For each seed: `distance`, the mean over the training points of the distance to the nearest grid point that the
        network gives another class than the point's label (0 for a misclassified point; the grid's extent if there is
        no such grid point); `margin`, the smallest of these distances; `bend`, the percentage of the grid on which the
        network's class differs from that of the straight line that fits its classes best (by logistic regression).
    """
    _require_two_features(training)

    def measure(function: Logit, x: Tensor, y: Tensor) -> dict[str, Any]:
        grid = torch.cartesian_prod(*axes(x, points, MARGIN))
        classes = (function(grid) > 0).long()
        distance = _to_other_class(x, y, function(x), grid, classes)
        found = {"distance": float(distance.mean()), "margin": float(distance.min())}
        return {**found, "bend": _bend(grid.numpy(), classes.numpy())}

    return measure_seeds(training, SCALARS["boundary"], measure)


def _require_two_features(training: SupervisedTrainer) -> None:
    if training.inputs.shape != (2,):
        raise UserError("this is measured on inputs of two features", where="evaluate")


def _to_other_class(x: Tensor, y: Tensor, at_points: Tensor, grid: Tensor, classes: Tensor) -> Tensor:
    """Return each point's distance to the nearest grid point of another class; 0 if it is misclassified."""
    extent = float((grid.amax(0) - grid.amin(0)).norm())
    distance = torch.full((len(x),), extent, dtype=torch.float64)
    for own in (0, 1):
        mine, others = y == own, grid[classes != own]
        if len(others) and bool(mine.any()):
            distance[mine] = torch.from_numpy(cKDTree(others.numpy()).query(x[mine].numpy())[0])
    return torch.where((at_points > 0).long() == y, distance, 0.0)


def _bend(grid: Any, classes: Any) -> float:
    """Return how often classes on a grid disagree with the best-fitting straight line, in percent."""
    if len(np.unique(classes)) == 1:
        return 0.0
    line = LogisticRegression(C=1e4, solver="newton-cholesky", max_iter=1000).fit(grid, classes)
    return 100 * float((line.predict(grid) != classes).mean())


def guaranteed(
    training: SupervisedTrainer, *, radius: Annotated[float, Gt(0)], points: Annotated[int, Ge(10), Le(300)] = 50
) -> list[dict[str, Any]]:
    """Compare predictions with the class that Theorem 3.2 of Chidambaram et al. (2022, 2110.07647) guarantees.

    Args:
        training: networks of two classes on inputs of two features.
        radius: greatest distance at which a segment between training points passes through a point.
        points: grid points along each side; the grid extends a quarter beyond the training points.

    Returns:
        For each seed: `share`, the percentage of the grid with a guaranteed class, and `broken`, the percentage of
        these points on which the network predicts the other class (None if nothing is guaranteed); for a figure the
        grid's `x` and `y`, the `guaranteed` class (-1: none) and the network's class, `said` (0 if its output is not a
        number), one row for each y, and the training `points` as [x, y, class].
    """
    _require_two_features(training)
    results = []
    for seed, function, x, y in members(training):
        across, up = axes(x, points, MARGIN)
        grid = by_rows(across, up)
        outputs = function(grid)
        fixed = guaranteed_class(x, y, grid, radius=radius)
        said, known = (outputs > 0).long(), fixed >= 0
        told = finite(outputs) and bool(known.any())
        broken = 100 * float((said != fixed)[known].double().mean()) if told else None
        maps = {"guaranteed": fixed.view(points, points).tolist(), "said": said.view(points, points).tolist()}
        drawn = torch.cat([x, y.double().unsqueeze(1)], dim=1)
        corners = {"x": rounded(across, 4), "y": rounded(up, 4), "points": rounded(drawn, 4)}
        share = 100 * float(known.double().mean())
        results.append({"seed": seed, "share": share, "broken": broken, **corners, **maps})
    return results
