"""Class probabilities along one input dimension, compared with the Mixup-optimal classifier."""

from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from remixup.errors import UserError
from remixup.evaluation.grids import rounded
from remixup.theory.optimal import mixup_optimal
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
CLASSES = 2
TEN_POINTS = tuple(f"point{place}" for place in range(10))
SCALARS = {"on_the_line": ("point0", "point1", "point2", "difference", "agreement"), "at_ten_points": TEN_POINTS}
BEYOND = 0.25


def on_the_line(
    training: SupervisedTrainer,
    *,
    alpha: Annotated[float, Ge(0)] = 0.0,
    radius: Annotated[float, Gt(0)] = 0.1,
    points: Annotated[int, Ge(2), Le(1001)] = 121,
) -> list[dict[str, Any]]:
    """Measure the probability of the first example's class along the line.

    This reproduces Table 1 and Figure 1 of Chidambaram et al. (2022, 2110.07647). The closed form (Theorem 2.3) is that
    of the training examples and their training labels, smoothed over intervals of `radius` on either side.

    Args:
        training: networks of classes on inputs of one feature, trained on unscaled inputs.
        alpha: α of the closed form's Beta(α, α); 0: no closed form.
        radius: see above.
        points: number of points along the line, which extends slightly beyond the examples.

    Returns:
        For each seed: `point0`, `point1`, `point2`, the probability at the first three training examples; `difference`,
        its mean absolute difference from the closed form over the training examples; `agreement`, the percentage of
        them for which both give the same class the highest probability; for a figure `x`, `probability` and `optimal`
        along the line, `labels` and `examples`.
    """
    inputs = training.inputs
    x, labels = _examples(training, "on_the_line")
    # The line reaches slightly beyond the examples on both sides.
    ends = [(float(own.min()) - BEYOND, float(own.max()) + BEYOND) for own in x]
    grid = torch.stack([torch.linspace(*each, points, dtype=torch.float64)[:, None] for each in ends])
    queries = torch.cat([x, grid], dim=1)
    found = _probabilities(training, queries)
    results = []
    for member, seed in enumerate(training.seeds):
        examples = x[member], labels[member]
        optimal = None
        if alpha:
            optimal = mixup_optimal(*examples, queries[member], alpha=alpha, radius=radius, classes=inputs.classes)
        results.append({"seed": seed, **_compared(*examples, grid[member], found[member], optimal)})
    return results


def at_ten_points(training: SupervisedTrainer, *, of: Literal["first", "own"]) -> list[dict[str, Any]]:
    """Measure class probabilities at the first ten training examples (logs of Chidambaram et al., 2022).

    Args:
        training: networks of classes on inputs of one feature, trained on at least ten unscaled examples.
        of: the class: "first", that of the first example, or "own", that of each example.

    Returns:
        For each seed `point0` to `point9`, the probability at each of the first ten examples in the order of the
        dataset.
    """
    x, labels = _examples(training, "at_ten_points")
    if x.shape[1] < len(TEN_POINTS):
        raise UserError(f"there are {x.shape[1]} training examples, not ten", where="evaluate.at_ten_points")
    wanted = labels if of == "own" else labels[:, :1].expand_as(labels)
    found = _probabilities(training, x).gather(2, wanted.unsqueeze(2)).squeeze(2)
    return [
        {"seed": seed}
        | {name: value if value == value else None for name, value in zip(TEN_POINTS, each, strict=False)}
        for seed, each in zip(training.seeds, found.tolist(), strict=True)
    ]


def _examples(training: SupervisedTrainer, name: str) -> tuple[Tensor, Tensor]:
    """Return the training examples in the order of the dataset, float64 (seeds, n, 1), and their labels (seeds, n)."""
    inputs = training.inputs
    if inputs.shape != (1,):
        raise UserError("the line needs inputs of one feature", where=f"evaluate.{name}")
    order = inputs.train.argsort(dim=1)
    return inputs.examples(inputs.train.gather(1, order)).cpu().double(), inputs.train_labels.gather(1, order).cpu()


def _probabilities(training: SupervisedTrainer, x: Tensor) -> Tensor:
    """Return each class's probability at inputs (seeds, n, 1), float64 (seeds, n, classes)."""
    return training.logits(x.float().to(training.device)).double().softmax(-1).cpu()


def _compared(x: Tensor, labels: Tensor, grid: Tensor, ours: Tensor, optimal: Tensor | None) -> dict[str, Any]:
    count, first = len(x), int(labels[0])
    names = SCALARS["on_the_line"]
    found: dict[str, Any] = dict.fromkeys(names)
    found |= {"x": rounded(grid[:, 0], 5), "examples": rounded(x[:, 0], 5), "labels": (labels != first).long().tolist()}
    found |= {"probability": rounded(ours[count:, first], 5), "optimal": None}
    if optimal is not None:
        found["optimal"] = [None if value != value else round(value, 5) for value in optimal[count:, first].tolist()]
    if not bool(ours.isfinite().all()):
        return found | {"probability": None}
    found |= dict(zip(names, ours[: min(count, 3), first].tolist(), strict=False))
    if optimal is not None:
        found["difference"] = float((ours[:count, first] - optimal[:count, first]).abs().mean())
        same = ours[:count].argmax(-1) == optimal[:count].argmax(-1)
        found["agreement"] = 100 * float(same.double().mean())
    return found
