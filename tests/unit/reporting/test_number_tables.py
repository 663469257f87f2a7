"""The table that says how each number got its verdict."""

from __future__ import annotations

import re
from typing import Any

from remixup.analysis.result_schema import Difference, Replicated
from remixup.config.experiment import Experiment
from remixup.reporting.number_tables import verdicts_table

from .sample_results import DIGITS, entry, recorded, result_with
from .small_experiment import exactly, lines_of, small

FIVE = Replicated(mean=4.3, std=0.1, n=5, ci95=None, values=[4.2, 4.2, 4.3, 4.4, 4.4], seeds=list(range(5)))


def cells_of(table: str) -> list[list[str]]:
    return [[re.sub(r"\\num\{([^}]*)\}", r"\1", cell) for cell in line] for line in lines_of(table)]


def printed(*entries: Any, differences: Any = (), **row: Any) -> str:
    return verdicts_table(small(**row), result_with(experiment="small", entries=entries, differences=differences))


def test_a_number_by_hand() -> None:
    """The half-width of the 90 % interval of five runs is 2.13185 s / sqrt 5 = 0.0953 for s = 0.1."""
    stated: dict[str, Any] = {"published_standard_deviation": 0.2, "published_runs": 5, "published_convention": "last"}
    number = entry(
        "r", "test_error.last", 4.2, FIVE, tolerance=0.3, verdict="replicated", best_fit="median10", **stated
    )
    (cells,) = cells_of(printed(number))
    assert cells == [
        r"a\_b \& c",
        "4.2",
        r"$\pm$ 0.2, 5 runs, last",
        "4.30",
        "[4.20, 4.40]",
        "5",
        "0.3",
        r"\Replicated",
        "median of 10",
    ]


def test_the_best_sample_is_printed_and_marked_if_it_is_on_record() -> None:
    record = recorded(FIVE, scale="paper", verdict="not replicated", best_fit="best")
    here: dict[str, Any] = {"stand_in": DIGITS, "scale": "embedded", "verdict": "stand-in"}
    ((*_, mean, _, n, _, verdict, fit),) = cells_of(
        printed(entry("r", "test_error.last", 9.0, exactly(1.0, 0.1), tolerance=0.3, recorded=[record], **here))
    )
    assert (mean, n, verdict, fit) == ("4.30", r"5\recordmark{}", r"\NotReplicated", "best")


def test_only_what_was_compared_is_printed() -> None:
    surrogate = entry("r", "test_error.last", 4.2, FIVE, stand_in=DIGITS, verdict="stand-in")
    assert printed(surrogate) == ""
    assert printed(entry("r", "test_error.last", 4.2, None)) == ""
    assert printed(entry("r", "test_error.last", None, FIVE, verdict="no published number")) == ""


def test_differences_follow_the_numbers() -> None:
    number = entry("r", "test_error.last", 4.2, FIVE, tolerance=0.3)
    fields = {**number.model_dump(), "baseline": "erm", "published": 5.5 - 4.2, "tolerance": 0.325}
    table = printed(number, differences=[Difference.model_validate(fields)], group="g")
    first, second = cells_of(table)
    assert (first[0], second[0]) == (r"a\_b \& c", r"g: a\_b \& c")
    assert (second[1], second[6]) == ("1.3", "0.33"), "without the round-off of 5.5 - 4.2"
    assert r"\emph{Published differences, ERM minus the row: test error (\%)}" in table


def test_a_derived_number_has_the_label_of_its_own() -> None:
    derived = {
        "id": "ratio",
        "label": "mixup over ERM",
        "where": "w",
        "kind": "accuracy_ratio",
        "metric": "test_error.last",
    }
    derived |= {"baseline": "r", "treatment": "r", "published": 2.7, "tolerance": 0.4}
    stated = Experiment.model_validate({**small().model_dump(exclude_defaults=True), "derived": [derived]})
    number = entry("ratio", "accuracy_ratio", 2.7, FIVE, tolerance=0.4)
    ((label, published, *_),) = cells_of(verdicts_table(stated, result_with(experiment="small", entries=[number])))
    assert (label, published) == ("mixup over ERM", "2.7")
