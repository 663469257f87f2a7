"""The smallest made-up experiment, and how a table is read back."""

from __future__ import annotations

import re
from typing import Any

from remixup.analysis.result_schema import ExperimentResult, Replicated
from remixup.config.experiment import Experiment


def exactly(mean: float, std: float | None, n: int = 5) -> Replicated:
    """A sample with these very statistics."""
    return Replicated(mean=mean, std=std, n=n, ci95=None, values=[mean] * n, seeds=list(range(n)))


def small(**row: Any) -> Experiment:
    """An experiment with one row and one metric."""
    return Experiment.model_validate(
        {
            "id": "small",
            "paper": "zhang2018mixup",
            "title": "t",
            "where": "w",
            "summary": "s",
            "metrics": {"test_error.last": {"label": "test error"}},
            "rows": [{"id": "r", "label": "a_b & c", **row}],
            "tables": [{"id": "all", "caption": "C."}],
        }
    )


def result_of(*entries: Any, claims: Any = ()) -> ExperimentResult:
    return ExperimentResult(
        scale="embedded",
        experiment="small",
        entries=list(entries),
        claims=list(claims),
        curves={},
        evaluations={},
        costs=[],
        sources=[],
    )


def body_of(table: str) -> str:
    """What stands below the head."""
    return table.rpartition("\\endlastfoot\n")[2]


def lines_of(table: str) -> list[list[str]]:
    """The cells of the lines below the head."""
    plain = [re.sub(r" \\\\\*?$", "", line) for line in body_of(table).splitlines() if re.search(r" \\\\\*?$", line)]
    lines = [line for line in plain if "&" in line and "multicolumn" not in line]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line)] for line in lines]
