"""Linear baselines, which a surrogate must beat."""

import json
import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import KFold
from torch import Tensor

from remixup.data.inputs import Inputs
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 2
CLASSES = 2
WEIGHTS = False
EXAMPLES = 5_000
"""Cap on the training examples of the logistic regression, so that a fit takes seconds."""
PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
"""The values of scikit-learn's C to choose from: its default 1 is the weakest penalty."""


_fitted: dict[str, float] = {}
"""Cache of test errors by data and seed: many runs of an experiment share their data."""


def logistic_regression(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure the test error of multinomial logistic regression on the tensors that the network trains on.

    Inputs are scaled as for the network, and images flattened. Cross-validation on the training part (three folds, the
    same for all seeds) chooses the penalty by accuracy, and the model is fitted again on all of it. Labels are those
    that the network is trained on, with label noise. At most the first 5,000 training examples of the split are used.

    Returns:
        For each seed `test_error` in percent.
    """
    dataset, results = training.spec.dataset, []
    # Without any of these settings, all seeds have the same examples and labels.
    choices = (dataset.holdout, dataset.subset, dataset.label_noise, dataset.validation, dataset.second_view or None)
    drawn = any(value is not None for value in choices)
    for member, seed in enumerate(training.seeds):
        identity = [dataset.model_dump(), training.spec.normalization, seed if drawn else None]
        key = json.dumps(identity, sort_keys=True)
        if key not in _fitted:
            _fitted[key] = _fit(training.inputs, member)
        results.append({"seed": seed, "test_error": _fitted[key]})
    return results


def _fit(inputs: Inputs, member: int) -> float:
    train, test = inputs.train[member, :EXAMPLES], inputs.test[member]
    # Without strata, because a class may have fewer examples than there are folds.
    folds = KFold(3, shuffle=True, random_state=0)
    model = LogisticRegressionCV(
        Cs=PENALTIES, l1_ratios=(0.0,), cv=folds, scoring="accuracy", max_iter=100, use_legacy_attributes=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit near the optimum is enough
        model.fit(_flat(inputs, train), inputs.train_labels[member, :EXAMPLES].cpu().numpy())
    wrong = model.predict(_flat(inputs, test)) != inputs.y[test].cpu().numpy()
    return float(100 * wrong.mean())


def _flat(inputs: Inputs, rows: Tensor) -> Any:
    return inputs.scale(inputs.examples(rows.unsqueeze(0)).squeeze(0)).flatten(1).cpu().numpy()
