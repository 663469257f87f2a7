"""Names of metrics: quantities recorded in training, and values of evaluations."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, WithJsonSchema

from remixup.config import registry
from remixup.errors import did_you_mean, require_known

Quantity = Literal[
    "test_error",
    "test_loss",
    "train_loss",
    "original_loss",
    "original_error",
    "test_top5_error",
    "validation_error",
    "validation_loss",
    "validation_top5_error",
    "test_f1_error",
    "test_mape",
    "test_worst_error",
    "validation_f1_error",
    "epsilon",
]
"""Quantities that training records in each epoch. A run has those that apply to it."""
QUANTITIES: tuple[str, ...] = get_args(Quantity)
FROM_HISTORY = "speed"
"""The reduction that is not stored, but computed from a run's history when results are read."""
Convention = Literal["last", "median10", "best"]
"""The epoch of a published error: the last, the median of the last ten, or the best one on the test set."""
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
REDUCTIONS = ("last", "median10", "best", "chosen", FROM_HISTORY)


def evaluated_values() -> dict[str, list[str]]:
    """Return the evaluations that have scalar values, and the names of the values."""
    found = registry.load_registry()["kinds"]["evaluation"].items()
    return {name: entry["values"] for name, entry in found if entry["values"]}


def _metric(value: str) -> str:
    source, _, name = value.partition(".")
    known = {**dict.fromkeys(QUANTITIES, REDUCTIONS), **evaluated_values()}
    require_known("quantity or evaluation", source, known)
    if name not in known[source]:
        raise ValueError(f"{source} has no {name!r}; {did_you_mean(name, known[source])}")
    return value


def metric_names() -> list[str]:
    """Return all metrics: `<quantity>.<reduction>` of training, `<evaluation>.<value>` of evaluations."""
    recorded = [f"{quantity}.{reduction}" for quantity in QUANTITIES for reduction in REDUCTIONS]
    return recorded + [f"{name}.{value}" for name, values in evaluated_values().items() for value in values]


Metric = Annotated[str, AfterValidator(_metric), WithJsonSchema({"definition": "metric"})]
