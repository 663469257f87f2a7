"""Memorization: training error on original and on corrupted labels."""

from typing import Any

import torch
from torch import Tensor

from remixup.data.inputs import portions
from remixup.data.tasks import Classification
from remixup.errors import UserError
from remixup.training.supervised import EVALUATION_ROWS, SupervisedTrainer

NUMERICS = 1
SCALARS = {"memorization": ("real", "corrupted")}


def memorization(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure the error on training examples with original and with corrupted labels (mixup paper, Table 2).

    The last network, on training examples that are neither mixed nor augmented, against the labels that it was trained
    on. Those whose random label happens to be the true one count among the replaced: where labels are drawn from all
    classes, a network that always says the true class is wrong on 1 - 1 / classes of them.

    Returns:
        for each seed errors in percent, `real` where the label is original and `corrupted` where it was replaced; None
        where there is no such example, or the network's outputs are not finite.

    Raises:
        UserError: labels that are no classes.
    """
    inputs = training.inputs
    if not isinstance(inputs.task, Classification):
        raise UserError("memorization needs classes, and this dataset has numbers", where="evaluate.memorization")
    wrong = _wrong(training)
    replaced = torch.zeros_like(inputs.train, dtype=torch.bool) if inputs.corrupted is None else inputs.corrupted
    return [
        {"seed": seed, "real": _percent(missed[~hit]), "corrupted": _percent(missed[hit])}
        for seed, missed, hit in zip(training.seeds, wrong, replaced, strict=True)
    ]


def _wrong(training: SupervisedTrainer) -> Tensor:
    """Return 1 for each misclassified training example, else 0; NaN if outputs are not finite: (seeds, n), float64."""
    inputs, count = training.inputs, training.inputs.train.shape[1]
    sizes = portions(count, EVALUATION_ROWS)
    found = []
    for x, y in zip(inputs.batches(inputs.train, sizes), inputs.train_labels.split(sizes, dim=1), strict=True):
        outputs = training.logits(x)
        finite = outputs.isfinite().all(-1)
        found.append(torch.where(finite, (outputs.argmax(-1) != y).double(), torch.nan))
    return torch.cat(found, dim=1)


def _percent(wrong: Tensor) -> float | None:
    share = float(wrong.mean())  # of nothing it is NaN too
    return None if share != share else 100 * share
