"""Error of the naive forecast that repeats the last value."""

from typing import Any

from remixup.data.tasks import Regression
from remixup.errors import UserError
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
WEIGHTS = False
SCALARS = {"last_value": ("rmse", "mape")}


def last_value(training: SupervisedTrainer) -> list[dict[str, Any]]:
    """Measure the error of the forecast that each series stays at its last value.

    A learned forecast is useful only if its error is smaller.

    Args:
        training: provides the test examples: series (m, steps) with m numbers as labels.

    Returns:
        For each seed `rmse`, the root mean squared error in the unit of the labels, and `mape`, the mean absolute
        percentage error over the labels that are not 0.
    """
    inputs = training.inputs
    if inputs.y.ndim != 2 or inputs.shape[:1] != inputs.y.shape[1:]:
        what = f"dataset {training.spec.dataset.name} has no series with one label each"
        raise UserError(what, where="evaluate[last_value]")
    last, y = inputs.examples(inputs.test)[..., -1], inputs.y[inputs.test]
    task = Regression(inputs.classes)
    mean = {name: task.summarize(name, sums / y.shape[1]) for name, sums in task.measure(last, y).items()}
    columns = zip(training.seeds, mean["error"].tolist(), mean["mape"].tolist(), strict=True)
    return [{"seed": seed, "rmse": rmse, "mape": mape} for seed, rmse, mape in columns]
