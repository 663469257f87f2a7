"""Decision surface of classifiers on two features."""

from typing import Annotated, Any

import torch
from annotated_types import Ge, Le

from remixup.evaluation.grids import axes, by_rows, rounded
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1


def decision_surface(
    training: SupervisedTrainer,
    *,
    points: Annotated[int, Ge(2), Le(1000)] = 80,
    margin: Annotated[float, Ge(0)] = 0.25,
) -> list[dict[str, Any]]:
    """Evaluate p(y = 1 | x) on a grid over two-dimensional inputs (mixup paper, Figure 1b).

    Args:
        training: a network on inputs of two features and two classes, trained on unscaled inputs.
        points: grid points along each side.
        margin: extension of the grid beyond the data, as a fraction of the data's extent.

    Returns:
        For the first seed, which is the one that is drawn: `x`, `y` (grid coordinates, ascending), `probability` (one
        row for each y), `points` (training examples as [x, y, class]).
    """
    inputs = training.inputs
    x = inputs.examples(inputs.train).cpu()
    across, up = axes(x.flatten(0, 1), points, margin)
    members = by_rows(across, up).expand(len(training.seeds), -1, -1).to(training.device)
    probability = training.logits(members).softmax(-1)[0, :, 1].reshape(points, points).cpu()
    examples = torch.cat([x[0], inputs.train_labels[0].cpu().unsqueeze(1)], dim=1)
    drawn = {"x": across, "y": up, "probability": probability, "points": examples}
    return [{"seed": training.seeds[0], **{name: rounded(values, 4) for name, values in drawn.items()}}]
