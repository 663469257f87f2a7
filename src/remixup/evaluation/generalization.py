"""Generalization gap: test error minus training error."""

import math
from typing import Any

from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
SCALARS = {"generalization": ("train_error", "test_error", "gap")}


def generalization(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure training error, test error and the gap between them (Zhang et al., 2021, 2010.04819, Figure 1b).

    The errors are those of the last network. Training examples are neither mixed nor augmented, and have the labels
    that the network was trained on, including label noise.

    Returns:
        For each seed `train_error`, `test_error` and `gap` (test minus training error): in percent for classes, for
        numbers in their unit.
    """
    inputs = training.inputs
    train, test = training.evaluate(inputs.train, inputs.train_labels), training.evaluate(inputs.test)
    results: list[dict[str, Any]] = []
    for member, seed in enumerate(training.seeds):
        seen, unseen = float(train["error"][member]), float(test["error"][member])
        # The argmax of NaN is still some class, so only the losses show that outputs are not finite.
        losses = float(train["loss"][member]), float(test["loss"][member])
        known = all(map(math.isfinite, (seen, unseen, *losses)))
        measured = {"train_error": seen, "test_error": unseen, "gap": unseen - seen}
        results.append({"seed": seed, **(measured if known else dict.fromkeys(measured))})
    return results
