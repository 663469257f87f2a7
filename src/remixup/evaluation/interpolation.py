"""Behavior of networks between training examples."""

from collections.abc import Iterator
from typing import Annotated, Any

import torch
from annotated_types import Ge, Le
from torch import Tensor

from remixup.data.inputs import Inputs
from remixup.errors import UserError
from remixup.evaluation.examples import labelled_batches
from remixup.randomness import generator
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 2
CLASSES = 2
SCALARS = {"in_between": ("mean_miss", "mean_loss_gradient", "mean_logit_gradient")}
ROWS = 100
"""Pairs of each seed in a batch. Gradients need all activations, so it is small."""
MEASURES = ("miss", "loss_gradient", "logit_gradient")


def in_between(
    training: SupervisedTrainer,
    *,
    pairs: Annotated[int, Ge(1)] = 1000,
    points: Annotated[int, Ge(3), Le(1001)] = 21,
) -> list[dict[str, Any]]:
    """Measure misses and gradients at λ x_i + (1 - λ) x_j, between random training examples (mixup paper, Figure 2).

    A prediction misses if it is neither y_i nor y_j. The paper does not say what it differentiates. Here it is both the
    cross-entropy at the mixed label λ y_i + (1 - λ) y_j and the greatest logit. Examples are not augmented, labels are
    those of training, and gradients are computed in float32. The means leave out λ = 0 and 1, where the input is a
    training example and a miss is a training error.

    Args:
        training: networks of classes.
        pairs: number of pairs of two different training examples, perhaps of one class; the pairs are the same for all
            methods of one seed.
        points: number of values of λ, evenly spaced over [0, 1].

    Returns:
        For each seed, at each λ in `lam`: `miss` in percent, `loss_gradient` and `logit_gradient`, l2 norms with
        respect to the network's scaled input, averaged over the pairs; and their means over the values of λ between 0
        and 1, `mean_miss`, `mean_loss_gradient` and `mean_logit_gradient`.
    """
    inputs = training.inputs
    if inputs.train.shape[1] < 2:
        raise UserError("a pair needs two training examples", where="evaluate.in_between")
    training.model.eval()
    grid = torch.linspace(0, 1, points)
    totals = torch.zeros(len(MEASURES), points, len(training.seeds), dtype=torch.float64, device=training.device)
    for (x, y), (other_x, other_y) in _pairs(inputs, training.seeds, pairs):
        for k, ratio in enumerate(grid.tolist()):
            found = _measure(training, ratio * x + (1 - ratio) * other_x, y, other_y, ratio)
            totals[:, k] += found.sum(-1)
    lam = [round(value, 6) for value in grid.tolist()]
    return [
        {"seed": seed, "lam": lam, **_summary(totals[..., member] / pairs)}
        for member, seed in enumerate(training.seeds)
    ]


def _pairs(
    inputs: Inputs, seeds: list[int], pairs: int
) -> Iterator[tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
    """Yield network inputs and labels of the first and second examples of the pairs, in chunks."""
    count = inputs.train.shape[1]
    sources = [generator(seed, "pairs") for seed in seeds]
    first = torch.stack([torch.randint(count, (pairs,), generator=source) for source in sources])
    apart = torch.stack([torch.randint(1, count, (pairs,), generator=source) for source in sources])
    sides = []
    for positions in (first, (first + apart) % count):
        chosen = positions.to(inputs.train.device)
        rows, labels = inputs.train.gather(1, chosen), inputs.train_labels.gather(1, chosen)
        sides.append(labelled_batches(inputs, rows, labels, ROWS))
    for (x, y), (other_x, other_y) in zip(*sides, strict=True):
        yield (inputs.scale(x), y), (inputs.scale(other_x), other_y)


def _measure(training: SupervisedTrainer, x: Tensor, y: Tensor, other_y: Tensor, ratio: float) -> Tensor:
    """Return miss (percent) and the norms of both gradients of each example: (3, members, n), float64."""
    x = x.requires_grad_()
    outputs = training.forward(x).double()
    logs = outputs.log_softmax(-1)
    loss = -ratio * _at(logs, y) - (1 - ratio) * _at(logs, other_y)
    top, predicted = outputs.max(-1)
    (loss_gradient,) = torch.autograd.grad(loss.sum(), x, retain_graph=True)
    (logit_gradient,) = torch.autograd.grad(top.sum(), x)
    missed = 100 * ((predicted != y) & (predicted != other_y)).double()
    missed = torch.where(outputs.isfinite().all(-1), missed, torch.nan)
    return torch.stack([missed.detach(), _length(loss_gradient), _length(logit_gradient)])


def _at(values: Tensor, y: Tensor) -> Tensor:
    return values.gather(-1, y.unsqueeze(-1)).squeeze(-1)


def _length(gradient: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(gradient.flatten(2), dim=2, dtype=torch.float64)
    return length


def _summary(curves: Tensor) -> dict[str, Any]:
    """Summarize the curves (3, points) of one member."""
    names = [*MEASURES, *(f"mean_{name}" for name in MEASURES)]
    if not bool(curves.isfinite().all()):
        return dict.fromkeys(names)
    return dict(zip(names, [*curves.tolist(), *curves[:, 1:-1].mean(1).tolist()], strict=True))
