"""Numbers that the text of a paper derives from two rows: ratios of accuracies, seed by seed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tests.unit.config.sample_experiment import plan, write
from tests.unit.store.samples import provenance

from remixup.analysis import records
from remixup.analysis.derived import accuracy_ratios, differences, differences_by_seed, entries
from remixup.analysis.on_record import OnRecord
from remixup.analysis.result_schema import Entry
from remixup.analysis.run_results import RunResults
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config, Scale
from remixup.errors import UserError
from remixup.store.run_store import Store

METRIC = "test_error.last"
ERM = {0: 80.0, 1: 75.0, 2: 70.0, 3: 75.0, 4: 80.0}
MIXUP = {0: 60.0, 1: 50.0, 2: 40.0, 3: 50.0, 4: 60.0}
"""Accuracies 20, 25, 30, 25, 20 and twice as many."""
RATIO = {
    "id": "ratio",
    "label": "mixup over ERM",
    "where": "section 3.5",
    "kind": "accuracy_ratio",
    "metric": METRIC,
    "baseline": "erm",
    "treatment": "mixup",
    "published": 2.0,
    "tolerance": 0.1,
}


def test_a_ratio_by_hand() -> None:
    """90.7 % against 75.2 %: 24.8 / 9.3; seed 1 has no baseline error, seed 2 a baseline that is never right."""
    found = accuracy_ratios({0: 90.7, 1: None, 2: 100.0, 3: 50.0}, {0: 75.2, 1: 50.0, 2: 50.0, 4: 1.0})
    assert found == {0: pytest.approx(24.8 / 9.3), 1: None, 2: None}


def history(errors: dict[int, float], loss: float = 1.0) -> list[dict[str, float]]:
    base = {"rate": 0.1, "train_loss": loss, "test_loss": 2.0}
    return [
        {"seed": seed, "epoch": epoch, **base, "test_error": error}
        for epoch in (1, 2)
        for seed, error in errors.items()
    ]


def collected(
    tmp_path: Path,
    erm: dict[int, float],
    mixup: dict[int, float],
    *,
    loss: float = 1.0,
    scale: Scale = "paper",
    **changes: Any,
) -> Entry:
    """The derived number after both rows were trained, as far as there are errors."""
    tmp_path.mkdir(exist_ok=True)
    config = Config(results=str(tmp_path / "results"), scale=scale)
    planned = plan(tmp_path, scale, config=config, derived=[RATIO], seeds=5, **changes)
    results = RunResults(config, planned)
    for row, errors in zip(planned.rows, (erm, mixup), strict=True):
        if errors:
            results.store.publish(row.run, list(errors), history(errors, loss), provenance())
    on_record = OnRecord(planned.path, planned.experiment, config)
    (found,) = entries(results, on_record)
    return found


@pytest.fixture(autouse=True)
def _no_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "HOME", tmp_path / "records")


def test_the_ratio_is_paired_by_seed_and_judged_like_any_number(tmp_path: Path) -> None:
    found = collected(tmp_path, ERM, MIXUP)
    assert found.replicated is not None
    assert found.replicated.values == pytest.approx([2.0] * 5)
    assert (found.row, found.metric, found.published, found.verdict) == ("ratio", "accuracy_ratio", 2.0, "replicated")
    assert (found.where, found.tolerance, found.unit, len(found.runs)) == ("section 3.5", 0.1, "", 2)


def test_another_ratio_is_not_replicated(tmp_path: Path) -> None:
    found = collected(tmp_path, {0: 80.0, 1: 75.0, 2: 70.0}, {0: 80.0, 1: 75.0, 2: 70.1})
    assert found.verdict == "not replicated"


def test_only_seeds_of_both_count(tmp_path: Path) -> None:
    found = collected(tmp_path, {0: 80.0}, {0: 60.0, 1: 50.0})
    assert found.replicated is not None
    assert (found.replicated.seeds, found.verdict) == ([0], "inconclusive")


def test_what_was_not_run_or_diverged_says_so(tmp_path: Path) -> None:
    assert collected(tmp_path / "a", {0: 80.0}, {}).verdict == "not run"
    assert collected(tmp_path / "b", {0: 80.0}, {0: 60.0}, loss=math.nan).verdict == "diverged"
    assert collected(tmp_path / "c", {0: 100.0, 1: 80.0}, {0: 60.0, 1: 50.0}).verdict == "no value"


def test_a_surrogate_is_not_compared(tmp_path: Path) -> None:
    embedded = {"surrogate": "digits for iris"}
    found = collected(tmp_path, {0: 80.0}, {0: 60.0}, scale="embedded", scales={"embedded": embedded})
    assert (found.verdict, found.scale) == ("surrogate", "embedded")
    assert (found.surrogate or "").startswith("digits for iris")


def test_records_give_it_too(tmp_path: Path) -> None:
    planned = plan(tmp_path, derived=[RATIO])
    for row, errors in zip(planned.rows, (ERM, MIXUP), strict=True):
        Store(records.HOME).publish(row.run, list(errors), history(errors), provenance())
    found = collected(tmp_path, {}, {})
    assert found.verdict == "not run"
    assert {each.scale for each in found.recorded} == {"reduced", "paper"}
    for each in found.recorded:
        assert (each.replicated.values, each.verdict) == (pytest.approx([2.0] * 5), "replicated")


def test_differences_by_hand() -> None:
    assert differences_by_seed({0: 5.0, 1: None, 2: 3.0}, {0: 4.0, 1: 2.0, 3: 1.0}) == {0: 1.0, 1: None}


def test_a_published_difference_has_a_verdict_under_each_convention(tmp_path: Path) -> None:
    """ERM at 21.3 as published; mixup 1.3 better in its best epoch, as published, and 0.3 in the last."""
    config = Config(results=str(tmp_path / "results"), scale="paper")
    planned = plan(tmp_path, "paper", config=config, counterparts={"erm": "mixup"}, seeds=5)
    mixup = planned.experiment.rows[1]
    mixup.published[METRIC] = 20.0
    results = RunResults(config, planned)
    for row, errors in zip(planned.rows, ([21.3, 21.3], [20.0, 21.0]), strict=True):
        base = {"rate": 0.1, "train_loss": 1.0, "test_loss": 2.0}
        told = [{"seed": s, "epoch": e + 1, **base, "test_error": errors[e]} for e in (0, 1) for s in range(5)]
        results.store.publish(row.run, list(range(5)), told, provenance())
    (found,) = differences(results, OnRecord(planned.path, planned.experiment, config))
    assert (found.baseline, found.row, found.metric) == ("erm", "mixup", METRIC)
    assert (found.published, found.tolerance) == (pytest.approx(1.3), pytest.approx(0.325))
    assert found.replicated is not None
    assert (found.replicated.mean, found.verdict) == (pytest.approx(0.3), "not replicated")
    assert {name: (each.difference, each.verdict) for name, each in found.by_convention.items()} == {
        "last": (pytest.approx(-1.0), "not replicated"),
        "median10": (pytest.approx(-0.5), "not replicated"),  # the median of both epochs
        "best": (pytest.approx(0.0), "replicated"),
    }
    assert found.best_fit == "best"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": "emr"}, "derived number ratio: unknown row 'emr'"),
        ({"metric": "test_loss.last"}, "derived number ratio: metric 'test_loss.last' is not described"),
        ({"id": "erm"}, "duplicate row or derived number id 'erm'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_experiment(write(tmp_path, derived=[RATIO | changes]))
