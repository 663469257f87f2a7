"""Memorization: training error on original and on corrupted labels."""

from typing import Any

import torch
from torch import Tensor

from remixup.evaluation.examples import labelled_batches
from remixup.training.supervised import EVALUATION_ROWS, SupervisedTrainer

NUMERICS = 1
CLASSES = 2
SCALARS = {"memorization": ("real", "corrupted")}


def memorization(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure the error on training examples with original and with corrupted labels (mixup paper, Table 2).

    The error is that of the last network on training examples that are neither mixed nor augmented, compared with the
    labels that it was trained on. An example whose random label happens to be the true one counts as corrupted. So if
    labels are drawn from all classes, a network that predicts the true class is wrong on 1 - 1 / classes of them.

    Returns:
        For each seed errors in percent: `real` on original labels and `corrupted` on replaced ones; None if there is no
        such example.
    """
    inputs, found = training.inputs, []
    for x, y in labelled_batches(inputs, inputs.train, inputs.train_labels, EVALUATION_ROWS):
        outputs = training.logits(x)
        finite = outputs.isfinite().all(-1)
        found.append(torch.where(finite, (outputs.argmax(-1) != y).double(), torch.nan))
    wrong = torch.cat(found, dim=1)  # (seeds, n)
    replaced = torch.zeros_like(inputs.train, dtype=torch.bool) if inputs.corrupted is None else inputs.corrupted
    return [
        {"seed": seed, "real": _percent(missed[~hit]), "corrupted": _percent(missed[hit])}
        for seed, missed, hit in zip(training.seeds, wrong, replaced, strict=True)
    ]


def _percent(wrong: Tensor) -> float | None:
    mean = float(wrong.mean())  # NaN if there are no examples
    return None if mean != mean else 100 * mean
