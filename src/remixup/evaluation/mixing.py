"""Distances of mixed points from the training examples."""

from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from remixup.data.inputs import Inputs, evenly_spaced
from remixup.errors import UserError
from remixup.evaluation.grids import rounded
from remixup.mixing import Mixing, take
from remixup.randomness import generator
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
CLASSES = 2
WEIGHTS = False
SCALARS = {"mixing": ("distance", "partner_distance", "other_class", "own", "beyond", "to_data")}
TYPICAL = 0.99
"""A mixed point that is farther away than this quantile of the test examples is beyond the data."""
DRAWN = 300
"""Number of examples, and of mixed points, stored for a figure."""


def mixing(training: SupervisedTrainer, *, examples: Annotated[int, Ge(1)] = 1000) -> list[dict[str, Any]]:
    """Measure where mixed points are (k-mixup; Greenewald et al., 2023, 2106.02933, sections 3 and 5).

    Minibatches of the training examples are mixed as in training, but without augmentation, and with a ratio for each
    example instead of one for the minibatch. The means are the same, with less variance. Distances are Euclidean,
    between scaled network inputs.

    Args:
        training: provides the data with classes and the mixing, of pairs of inputs within minibatches.
        examples: minimum number of training examples, and number of (evenly spaced) test examples.

    Returns:
        For each seed: the mean distance of an example from its mixture, `distance`, and from its partner,
        `partner_distance`; the percentages of examples whose partner has another class, `other_class`, and that are
        their own partners, `own`; `beyond`, the percentage of mixed points that are farther from the training examples
        than 99 % of the test examples are; `to_data`, the mean distance of a mixed point from the nearest training
        example. For inputs of two features also `points` [x, y, class] and `mixtures` [x, y] for a figure, else None.
    """
    inputs, size = training.inputs, training.spec.batch_size
    results = []
    for member, seed in enumerate(training.seeds):
        train, labels = inputs.train[member], inputs.train_labels[member]
        source = generator(seed, "pairs")
        size = min(size, len(train))
        count = -(-examples // size)
        rounds = -(-count // (len(train) // size))
        whole = len(train) // size * size
        orders = [torch.randperm(len(train), generator=source)[:whole].view(-1, size) for _ in range(rounds)]
        batches = torch.cat(orders)[:count].to(train.device)
        mixtures = [_mixed(inputs, training.mixing, train[rows], labels[rows], source) for rows in batches]
        x, other, mixed, same = (torch.cat(each) for each in zip(*mixtures, strict=True))
        tested = evenly_spaced(inputs.test[member : member + 1], examples)
        results.append({"seed": seed, **_measured(inputs, member, tested, x, other, mixed, same)})
    return results


def _mixed(
    inputs: Inputs, mixing: Mixing, rows: Tensor, labels: Tensor, source: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return inputs, partners' inputs and mixtures (n, features), and whether a partner has the same class (n,)."""
    x = inputs.scale(inputs.examples(rows.unsqueeze(0)).squeeze(0))
    if mixing.ratio is None:
        return x.flatten(1), x.flatten(1), x.flatten(1), torch.ones_like(labels, dtype=torch.bool)
    if mixing.cut or mixing.partner.scope != "batch" or mixing.mixes_several:
        raise UserError("mixing is measured for pairs of inputs in a minibatch only", where="evaluate.mixing")
    ratio = mixing.ratio(labels.shape, generator=source)
    partner = mixing.match(x, mixing.partner.sample(labels.cpu(), generator=source).to(labels.device))
    other, target = take(x, partner), inputs.task.target(labels, x.dtype)
    position = None
    if mixing.position_size:
        position = torch.rand((*labels.shape, mixing.position_size), generator=source).to(x.device)
    mixed, _ = mixing.mix_with(x, target, other, take(target, partner), ratio.to(x.device), position)
    return x.flatten(1), other.flatten(1), mixed.flatten(1), labels == labels[partner]


def _measured(
    inputs: Inputs, member: int, tested: Tensor, x: Tensor, other: Tensor, mixed: Tensor, same: Tensor
) -> dict[str, Any]:
    train = inputs.train[member]
    data = inputs.scale(inputs.examples(train.unsqueeze(0)).squeeze(0)).flatten(1)
    to_test = _to_nearest(inputs.scale(inputs.examples(tested).squeeze(0)).flatten(1), data)
    to_mixed = _to_nearest(mixed, data)
    away = torch.linalg.vector_norm(other - x, dim=1)
    found: dict[str, Any] = {
        "distance": _mean(torch.linalg.vector_norm(mixed - x, dim=1)),
        "partner_distance": _mean(away),
        "other_class": 100 * _mean(~same),
        "own": 100 * _mean(away == 0),
        "beyond": 100 * _mean(to_mixed > to_test.quantile(TYPICAL)),
        "to_data": _mean(to_mixed),
        "points": None,
        "mixtures": None,
    }
    if data.shape[1] == 2:
        labels = inputs.train_labels[member : member + 1]
        shown = evenly_spaced(torch.arange(len(train), device=train.device).unsqueeze(0), DRAWN).squeeze(0)
        points = torch.cat([data[shown], labels[0, shown].unsqueeze(1)], dim=1)
        found |= {"points": rounded(points.cpu(), 4), "mixtures": rounded(mixed[:DRAWN].cpu(), 4)}
    return found


def _to_nearest(x: Tensor, data: Tensor) -> Tensor:
    """Return the distance of each row (n, features) from the nearest row of `data` (m, features), (n,)."""
    return torch.cat([torch.cdist(some, data).amin(1) for some in x.split(1000)])


def _mean(values: Tensor) -> float:
    return float(values.double().mean())
