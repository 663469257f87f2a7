"""Generalization gap: test error less training error."""

import math
from typing import Any

from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
SCALARS = {"generalization": ("train_error", "test_error", "gap")}


def generalization(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure training error, test error and the gap between them (Zhang et al., 2021, 2010.04819, Figure 1b).

    The last network; training examples neither mixed nor augmented, against the labels that it was trained on (noise
    included, where there is any).

    Returns:
        for each seed `train_error`, `test_error` and `gap` (test less training error): in percent, for numbers in
        their unit; None where the network's outputs are not finite.
    """
    inputs = training.inputs
    train = training.evaluate(inputs.train, inputs.train_labels)
    test = training.evaluate(inputs.test)
    columns = [train["loss"], train["error"], test["loss"], test["error"]]
    results: list[dict[str, Any]] = []
    for seed, values in zip(training.seeds, zip(*(column.tolist() for column in columns), strict=True), strict=True):
        _, seen, _, unseen = values
        measured = {"train_error": seen, "test_error": unseen, "gap": unseen - seen}
        # The argmax of NaN is still some class, so only the loss shows that outputs are not finite.
        sound = all(map(math.isfinite, values))
        results.append({"seed": seed, **(measured if sound else dict.fromkeys(measured))})
    return results
