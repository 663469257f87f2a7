from __future__ import annotations

from typing import Any

import pytest
from tests.unit.reporting.sample_results import entry, recorded

from remixup.analysis.conventions import best_fit, by_convention, count
from remixup.analysis.numbers import Target, verdict
from remixup.analysis.result_schema import Compared, Entry, Replicated, Verdict
from remixup.analysis.statistics import summarize

PUBLISHED = Target(4.2, 0.3, 0.05)
MEASURED = {"test_error.last": [5.2], "test_error.median10": [4.7], "test_error.best": [4.1]}


def number(metric: str) -> tuple[Replicated | None, Verdict]:
    values = MEASURED[metric] * 5
    return summarize(values, range(5)), verdict(values, PUBLISHED, surrogate=None)


def test_the_verdict_had_the_paper_meant_another_convention() -> None:
    found = by_convention("test_error.last", 4.2, number)
    assert {name: (each.mean, each.n, each.verdict) for name, each in found.items()} == {
        "last": (5.2, 5, "not replicated"),
        "median10": (4.7, 5, "not replicated"),
        "best": (4.1, 5, "replicated"),
    }
    assert found["best"].difference == pytest.approx(-0.1)
    assert best_fit(found) == "best"


@pytest.mark.parametrize("metric", ["test_error.speed", "test_error.chosen", "attack.top1", "accuracy_ratio"])
def test_what_has_no_conventions(metric: str) -> None:
    assert by_convention(metric, 4.2, number) == {}


def test_only_what_is_judged_is_compared() -> None:
    assert by_convention("test_error.last", None, number) == {}
    for lack in ("surrogate", "diverged"):
        assert by_convention("test_error.last", 4.2, lambda metric, lack=lack: (number(metric)[0], lack)) == {}  # type: ignore[misc]
    partly: dict[str, Any] = {"test_error.median10": (None, "not run")}
    assert set(by_convention("test_error.last", 4.2, lambda m: partly.get(m) or number(m))) == {"last", "best"}


def compared(difference: float, decided: Verdict = "inconclusive") -> Compared:
    return Compared(mean=4.2 + difference, difference=difference, n=5, verdict=decided)


def test_equally_near_conventions_fit_equally() -> None:
    assert best_fit({}) is None
    assert best_fit({"last": compared(0.1)}) is None, "nothing to choose from"
    assert best_fit({"last": compared(0.1), "best": compared(-0.1)}) is None
    assert best_fit({"last": compared(0.1), "best": compared(-0.1), "median10": compared(0.05)}) == "median10"


def test_counts_over_numbers() -> None:
    sample = summarize([4.2] * 5, range(5))
    first = {"last": compared(1.0, "not replicated"), "best": compared(0.0, "replicated")}
    second = {"last": compared(0.2), "best": compared(0.5)}
    numbers: list[Entry] = [
        entry("a", "test_error.last", 4.2, sample, by_convention=first, best_fit="best"),
        entry("c", "attack.top1", 4.2, sample),
    ]
    record = recorded(sample, by_convention=second, best_fit="last")
    found = count([*numbers, record])
    assert {name: (each.compared, each.compatible, each.best_fit) for name, each in found.items()} == {
        "last": (2, 1, 1),
        "best": (2, 2, 1),
    }
    assert found["last"].by_verdict == {"not replicated": 1, "inconclusive": 1}
    assert count(numbers[1:]) == {}
