"""The names of metrics: what training records, and what evaluations measure afterwards."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, WithJsonSchema

from remixup.config import registry
from remixup.errors import did_you_mean

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
"""What training records epoch by epoch; a run has those of the first three, and of the others, that apply to it."""
QUANTITIES: tuple[str, ...] = get_args(Quantity)
FROM_HISTORY = "speed"
"""The reduction that is computed from the history of a run when results are read, and is not stored."""
REDUCTIONS = ("last", "median10", "best", "chosen", FROM_HISTORY)


def evaluated_values() -> dict[str, list[str]]:
    """The evaluations whose results are numbers, and the numbers' names."""
    found = registry.catalogue()["kinds"]["evaluation"].items()
    return {name: entry["values"] for name, entry in found if entry["values"]}


def _metric(value: str) -> str:
    source, _, name = value.partition(".")
    known = {**dict.fromkeys(QUANTITIES, REDUCTIONS), **evaluated_values()}
    if source not in known:
        raise ValueError(f"unknown quantity or evaluation {source!r}; {did_you_mean(source, known)}")
    if name not in known[source]:
        raise ValueError(f"{source} has no {name!r}; {did_you_mean(name, known[source])}")
    return value


def metric_names() -> list[str]:
    """All metrics: `<quantity>.<reduction>` of training, `<evaluation>.<value>` of what is measured afterwards."""
    recorded = [f"{quantity}.{reduction}" for quantity in QUANTITIES for reduction in REDUCTIONS]
    return recorded + [f"{name}.{value}" for name, values in evaluated_values().items() for value in values]


Metric = Annotated[str, AfterValidator(_metric), WithJsonSchema({"definition": "metric"})]
