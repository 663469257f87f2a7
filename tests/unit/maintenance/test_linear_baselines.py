"""Linear baselines of runs on record: measured from the data alone, recorded once, never overwritten."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from remixup.analysis import records
from remixup.analysis.measurements import linear_error
from remixup.analysis.records import RecordedResults
from remixup.cli.evidence import evidence_baselines
from remixup.config.settings import Config
from remixup.maintenance import linear_baselines
from remixup.maintenance.evidence_queue import write_queue
from remixup.planning.plan import Plan
from remixup.store import provenance as provenance_module
from remixup.store.blocks import SeedBlock
from remixup.store.run_store import Store, faults
from tests.unit.config.sample_experiment import plan
from tests.unit.store.samples import provenance


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """ERM and mixup on a surrogate with embedded data, of which nothing is on record; by committed sources."""
    monkeypatch.setattr(provenance_module, "code", lambda: provenance().code)
    monkeypatch.setattr(records, "HOME", tmp_path / "records")
    records._runs_by_protocol.cache_clear()
    data = {"name": "iris", "version": "scikit-learn", "holdout": 0.5}
    found = plan(tmp_path, "reduced", scales={"reduced": {"surrogate": "half of it"}}, run__dataset=data)
    monkeypatch.setattr(linear_baselines, "read_experiments", lambda: {"small": (found.path, found.experiment)})
    return found


def configuration(tmp_path: Path) -> Config:
    return Config(results=str(tmp_path / "results"), data={"folder": str(tmp_path / "data")})


def record(planned: Plan, row: int, errors: dict[int, float], **changes: str) -> SeedBlock:
    base = {"epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 1.0}
    history = [{"seed": seed, **base, "test_error": error} for seed, error in errors.items()]
    spec = planned.rows[row].run
    block = SeedBlock.of(
        spec, list(errors), {name: [each[name] for each in history] for name in history[0]}, provenance(**changes)
    )
    store = Store(records.HOME)
    records._copy(block, store.path(block), block.digest)
    records._runs_by_protocol.cache_clear()
    return block


def contents() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in records.HOME.rglob("*.json")}


def test_what_is_on_record_gets_its_linear_baseline_without_training(tmp_path: Path, planned: Plan) -> None:
    config = configuration(tmp_path)
    assert linear_baselines.missing(config) == []
    record(planned, 0, {0: 30.0, 1: 31.0})
    record(planned, 1, {0: 30.0, 1: 31.0})  # no baseline of a claim
    before = contents()
    (lacking,) = linear_baselines.missing(config)
    assert lacking.wanted.run == planned.rows[0].key
    assert list(linear_baselines.measure([lacking], config, until=0.0)) == []  # the time is over
    (line,) = linear_baselines.measure([lacking], config, until=None)
    assert line == f"{planned.rows[0].key}: linear baseline of 2 seeds"
    results = RecordedResults(planned)
    errors = linear_error(results, results.plan.rows[0])
    assert errors.keys() == {0, 1}
    assert all(0 <= error < 20 for error in errors.values())  # iris is nearly linear
    assert linear_baselines.missing(config) == []
    assert {path: content for path, content in contents().items() if path in before} == before
    assert not (tmp_path / "results" / "runs").exists()


def test_a_job_of_the_queue_measures_what_is_missing(
    tmp_path: Path, planned: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    record(planned, 0, {0: 30.0})
    queue = tmp_path / "queue.json"
    write_queue([], queue, configuration(tmp_path), None, 1, None, linear_baselines=True)
    assert json.loads(queue.read_text())["linear_baselines"]
    evidence_baselines(queue)
    assert capsys.readouterr().out == f"{planned.rows[0].key}: linear baseline of 1 seeds\n"
    assert linear_baselines.missing(configuration(tmp_path)) == []


def test_a_seed_that_was_trained_again_gets_a_file_of_its_own(tmp_path: Path, planned: Plan) -> None:
    config = configuration(tmp_path)
    record(planned, 0, {0: 30.0})
    list(linear_baselines.measure(linear_baselines.missing(config), config, until=None))
    before = contents()
    again = record(planned, 0, {0: 29.0}, started="2026-03-01T00:00:00+00:00")
    list(linear_baselines.measure(linear_baselines.missing(config), config, until=None))
    added = sorted(contents().keys() - before.keys())
    assert [path.name for path in added] == [f"seeds-0-0.{again.digest[:8]}.json"] * 2
    assert {path: content for path, content in contents().items() if path in before} == before
    assert [fault for fault in faults(Store(records.HOME)) if fault] == []


def test_a_run_whose_data_is_not_available_is_left_out(
    tmp_path: Path, planned: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was recorded with another version, which is neither embedded nor here."""
    monkeypatch.delenv("REMIXUP_MIRROR", raising=False)
    run = planned.rows[0].run
    elsewhere = run.model_copy(update={"dataset": run.dataset.model_copy(update={"version": "uci"})})
    planned.rows[0] = replace(planned.rows[0], run=elsewhere)
    record(planned, 0, {0: 30.0})
    assert linear_baselines.missing(configuration(tmp_path)) == []
