"""What a network says all over the plane."""

from typing import Annotated, Any

import torch

from remixup.training.loop import Training

NUMERICS = 1


def decision_surface(
    training: Training, *, points: Annotated[int, ">= 2 and <= 1000"] = 80, margin: Annotated[float, ">= 0"] = 0.25
) -> list[dict[str, Any]]:
    """p(y = 1 | x) on a grid over two-dimensional inputs (mixup paper, Figure 1b).

    Args:
        training: a network on inputs of two features and two classes, trained on unscaled inputs.
        points: grid points along each side.
        margin: how far the grid reaches beyond the data, as a share of its extent.

    Returns:
        for each seed: `x`, `y` (grid coordinates, ascending), `probability` (one row for each y), `points` (training
        examples as [x, y, class]).
    """
    inputs = training.inputs
    x = inputs.examples(inputs.train).cpu()
    low, high = x.flatten(0, 1).amin(0), x.flatten(0, 1).amax(0)
    reach = margin * (high - low)
    axes = [torch.linspace(float(low[k] - reach[k]), float(high[k] + reach[k]), points) for k in range(2)]
    grid = torch.cartesian_prod(axes[1], axes[0]).flip(1)
    members = grid.expand(len(training.seeds), -1, -1).to(training.device)
    probability = training.logits(members).softmax(-1)[..., 1].reshape(-1, points, points).cpu()
    results = []
    for seed, surface, mine, labels in zip(training.seeds, probability, x, inputs.train_labels.cpu(), strict=True):
        examples = torch.cat([mine, labels.unsqueeze(1)], dim=1)
        results.append(
            {
                "seed": seed,
                "x": _rounded(axes[0]),
                "y": _rounded(axes[1]),
                "probability": _rounded(surface),
                "points": _rounded(examples),
            }
        )
    return results


def _rounded(values: torch.Tensor) -> Any:
    """Four decimals: more than a page can show, and a small file."""
    return torch.round(values.double(), decimals=4).tolist()
