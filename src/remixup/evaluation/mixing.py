"""How far mixing takes the training examples, and whether they stay where the data is."""

from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from remixup.data.inputs import Inputs, evenly_spaced
from remixup.data.tasks import Classification
from remixup.errors import UserError
from remixup.evaluation.grids import rounded
from remixup.mixing import Vicinity, take
from remixup.randomness import generator
from remixup.training.supervised import Training

NUMERICS = 1
WEIGHTS = False
SCALARS = {"mixing": ("distance", "partner_distance", "other_class", "own", "beyond", "to_data")}
TYPICAL = 0.99
"""The share of test examples that are nearer to the training examples than what counts as beyond the data."""
DRAWN = 300
"""Examples, and mixed points, that are kept for a figure."""


def mixing(training: Training, *, examples: Annotated[int, Ge(1)] = 1000) -> list[dict[str, Any]]:
    """Where mixed points lie (k-mixup; Greenewald et al., 2023, 2106.02933, sections 3 and 5).

    Minibatches are drawn from the training part and mixed as in training, but for augmentation, and with a ratio for
    each example in place of one for the minibatch: the same on average, with less scatter. Distances are Euclidean, in
    network inputs as they are scaled.

    Args:
        training: its data and its vicinity; weights are not used.
        examples: whole minibatches are drawn until there are so many; and as many test examples, evenly spaced, say
            what is far from the data.

    Returns:
        for each seed `distance`, the mean distance of an example from its mixture, and `partner_distance` from its
        partner; in percent of the examples `other_class`, whose partner is of another class, and `own`, who are their
        own partners; `beyond`, the percentage of mixed points that are farther from all training examples than
        99 % of the test examples are, and `to_data`, the mean distance of a mixed point from the nearest of them. For
        a figure, with inputs of two features, `points` [x, y, class] and `mixtures` [x, y]; None otherwise.

    Raises:
        UserError: what is mixed is not two inputs of a minibatch with one ratio, or labels are no classes.
    """
    inputs, vicinity, size = training.inputs, training.vicinity, training.spec.batch_size
    if not isinstance(inputs.task, Classification):
        raise UserError("mixing is measured between classes, and this dataset has numbers", where="evaluate.mixing")
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
        parts = [_mixed(inputs, vicinity, train[rows], labels[rows], source) for rows in batches]
        x, other, mixed, same = (torch.cat(each) for each in zip(*parts, strict=True))
        tested = evenly_spaced(inputs.test[member : member + 1], examples)
        results.append({"seed": seed, **_measured(inputs, member, tested, x, other, mixed, same)})
    return results


def _mixed(
    inputs: Inputs, vicinity: Vicinity, rows: Tensor, labels: Tensor, source: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Inputs, partners' inputs and mixtures (n, features) of a minibatch, and who has a partner of its own class."""
    x = inputs.scale(inputs.examples(rows.unsqueeze(0)).squeeze(0))
    if vicinity.ratio is None:
        return x.flatten(1), x.flatten(1), x.flatten(1), torch.ones_like(labels, dtype=torch.bool)
    ratio = vicinity.ratio(labels.shape, generator=source)
    if vicinity.cut or vicinity.within_example or not vicinity.within_minibatch or ratio.ndim > 1:
        raise UserError("mixing is measured of two inputs of a minibatch", where="evaluate.mixing")
    drawn = vicinity.partner(labels.cpu(), generator=source).to(labels.device)
    partner = vicinity.paired(x, drawn)
    other, target = take(x, partner), inputs.task.target(labels, x.dtype)
    mixed, _ = vicinity.mix_with(x, target, other, take(target, partner), ratio.to(x.device))
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
    """The distance of each row (n, features) from the nearest of others (m, features), (n,)."""
    return torch.cat([torch.cdist(some, data).amin(1) for some in x.split(1000)])


def _mean(values: Tensor) -> float:
    return float(values.double().mean())
