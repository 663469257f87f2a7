"""Classifiers that a stand-in must beat before it may decide anything."""

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from remixup.training.inputs import Inputs
from remixup.training.loop import Training

NUMERICS = 1
WEIGHTS = False
EXAMPLES = 5_000
"""Training examples that the baseline sees at most: enough to be beaten, few enough to fit in seconds."""


def logistic_regression(training: Training) -> list[dict[str, Any]]:
    """Test error of multinomial logistic regression on the very tensors that the network trains on.

    Returns:
        for each seed `test_error` in percent. The penalty is scikit-learn's default (C = 1), on inputs as scaled for
        the network, images flattened; of more than 5,000 training examples the first 5,000 of the split are used.
    """
    inputs, results = training.inputs, []
    for seed, train, test in zip(training.seeds, inputs.train, inputs.test, strict=True):
        (x, y), (test_x, test_y) = _examples(inputs, train[:EXAMPLES]), _examples(inputs, test)
        model = LogisticRegression(max_iter=300)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline near its optimum is baseline enough
            model.fit(x, y)
        wrong = (model.predict(test_x) != test_y).mean()
        results.append({"seed": seed, "test_error": float(100 * wrong)})
        if _same_split(training):
            return [{**results[0], "seed": each} for each in training.seeds]
    return results


def _examples(inputs: Inputs, rows: Tensor) -> tuple[Any, Any]:
    return inputs.scale(inputs.x[rows]).flatten(1).cpu().numpy(), inputs.y[rows].cpu().numpy()


def _same_split(training: Training) -> bool:
    """Whether every seed trains and tests on the same rows, so that one fit serves them all."""
    return training.spec.dataset.holdout is None and training.spec.dataset.subset is None
