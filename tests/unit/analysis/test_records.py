"""What is on record for a row, how it is read, and what recording adds."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tests.experiments import committed
from tests.unit.config.sample_experiment import plan
from tests.unit.store.samples import measurement, provenance

from remixup.analysis import freezes, records
from remixup.analysis.on_record import OnRecord
from remixup.analysis.records import RecordedResults, protocol
from remixup.config import registry
from remixup.config.run import Execution, RunSpec
from remixup.config.settings import SCALES, Config
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.planning.plan import Plan, PlannedRow, plan_experiment
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.provenance import Code, Measurement, Provenance
from remixup.store.run_store import Store, faults

METRICS = {"test_error.last": {"label": "x"}, "probe.top1": {"label": "x"}, "probe.top5": {"label": "x"}}
ROWS = [{"id": "probed", "label": "x", "evaluate": ["probe"]}, {"id": "other", "label": "x", "run": {"epochs": 3}}]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Two rows, of which the first is evaluated; nothing is stored or on record."""
    catalog = json.loads(json.dumps(registry.load_registry()))
    entry = {"numerics": 1, "summary": "", "weights": True, "parameters": {}, "values": ["top1", "top5"]}
    catalog["kinds"]["evaluation"]["probe"] = entry | {"objectives": ["supervised"], "classes": 0}
    monkeypatch.setattr(registry, "load_registry", lambda: catalog)
    monkeypatch.setattr(records, "HOME", tmp_path / "records")
    records._runs_by_protocol.cache_clear()
    return plan(tmp_path, "paper", rows=ROWS, metrics=METRICS, claims=[])


def train(store: Store, spec: RunSpec, errors: dict[int, float], *, loss: float = 1.0, **changes: Any) -> SeedBlock:
    """Store a block of seeds with these test errors, some with a loss that is not finite."""
    base = {"rate": 0.1, "test_loss": 2.0}
    history = [
        {"seed": seed, "epoch": epoch, **base, "train_loss": loss, "test_error": error}
        for epoch in (1, 2)
        for seed, error in errors.items()
    ]
    return store.publish(spec, list(errors), history, provenance(**changes))


def probe(
    store: Store, planned: Plan, block: SeedBlock, made: Measurement | None = None, **values: list[float | None]
) -> None:
    """Store what the evaluation of the first row measured on a block."""
    row = planned.rows[0]
    wanted = planned.evaluation(row, row.evaluate[0])
    assert wanted is not None
    measured = [
        {"seed": seed, **{name: each[place] for name, each in values.items()}} for place, seed in enumerate(block.seeds)
    ]
    evaluated = EvaluatedBlock(
        evaluation=wanted.part, runs=wanted.runs, block=block.digest, measured=measured, provenance=made
    )
    evaluated.write(storage.path(store, wanted, block))


def recorded(planned: Plan, metric: str, row: int = 0) -> list[tuple[str, list[float], str]]:
    found = OnRecord(planned.path, planned.experiment, Config()).numbers(planned.experiment.rows[row], metric)
    return [(each.scale, each.replicated.values, each.verdict) for each in found]


def test_a_record_counts_once_for_each_scale_of_its_row_alone(planned: Plan) -> None:
    train(Store(records.HOME), planned.rows[0].run, {0: 4.0, 1: 6.0})
    both = [(scale, [4.0, 6.0], "no published number") for scale in ("reduced", "paper")]
    assert recorded(planned, "test_error.last") == both
    assert recorded(planned, "test_error.last", row=1) == []


def test_a_record_says_where_it_is_from(planned: Plan) -> None:
    spec = planned.rows[0].run.model_copy(update={"threads": 2})
    train(Store(records.HOME), spec, {0: 4.0})
    (found,) = {
        each.run: each
        for each in OnRecord(planned.path, planned.experiment, Config()).numbers(
            planned.experiment.rows[0], "test_error.last"
        )
    }.values()
    assert (found.run, found.hardware, found.date, found.code.commit) == (spec.key(), "a card", "2026-01-02", "c")
    assert (found.dataset_version, found.precision) == (f"iris {spec.dataset.version}", "float32")


def test_a_run_counts_whatever_executed_it_and_the_one_with_most_seeds_is_chosen(planned: Plan) -> None:
    spec = planned.rows[0].run
    train(Store(records.HOME), spec, {0: 4.0})
    train(Store(records.HOME), spec.model_copy(update={"precision": "bfloat16"}), {0: 5.0, 1: 6.0})
    train(Store(records.HOME), spec.model_copy(update={"epochs": 7}), {0: 1.0, 1: 1.0, 2: 1.0})
    assert {tuple(values) for _, values, _ in recorded(planned, "test_error.last")} == {(5.0, 6.0)}


def test_a_value_that_a_record_lacks_is_no_divergence(planned: Plan) -> None:
    records_store = Store(records.HOME)
    block = train(records_store, planned.rows[0].run, {0: 4.0, 1: 6.0})
    probe(records_store, planned, block, top1=[2.0, None], top5=[None, None])
    assert recorded(planned, "probe.top1") == [(scale, [2.0], "no value") for scale in ("reduced", "paper")]
    assert recorded(planned, "probe.top5") == []


def test_a_seed_that_diverged_is_called_so(planned: Plan) -> None:
    records_store = Store(records.HOME)
    train(records_store, planned.rows[0].run, {0: 4.0})
    block = train(records_store, planned.rows[0].run, {1: 6.0}, loss=math.nan)
    probe(records_store, planned, block, top1=[None], top5=[None])
    assert recorded(planned, "test_error.last") == [(scale, [4.0], "diverged") for scale in ("reduced", "paper")]


def test_a_row_is_complete_with_its_seeds_and_what_is_measured_on_them(planned: Plan) -> None:
    row, records_store = planned.rows[0], Store(records.HOME)
    assert not records.complete(RecordedResults(planned), row, range(1))
    first = train(records_store, row.run, {0: 4.0})
    second = train(records_store, row.run, {1: 6.0})
    records._runs_by_protocol.cache_clear()
    assert not records.complete(RecordedResults(planned), row, range(1))
    probe(records_store, planned, first, top1=[1.0], top5=[None])
    assert records.complete(RecordedResults(planned), row, range(1))
    assert not records.complete(RecordedResults(planned), row, range(2))
    probe(records_store, planned, second, top1=[1.0], top5=[None])
    assert records.complete(RecordedResults(planned), row, range(2))
    assert not records.complete(RecordedResults(planned), row, range(3))


def test_recording_copies_what_is_missing_and_changes_nothing(tmp_path: Path, planned: Plan) -> None:
    config = Config(results=str(tmp_path / "results"))
    store, row = Store(tmp_path / "results"), planned.rows[0]
    block = train(store, row.run, {0: 4.0})
    assert records.write(config, planned, planned.rows[1].key) == []
    (copied,) = records.write(config, planned, row.key)
    assert copied.read_bytes() == store.path(block).read_bytes()
    probe(store, planned, block, top1=[2.0], top5=[None])
    (measured,) = records.write(config, planned)
    assert measured.parent.parent == records.HOME / "evaluations"
    assert records.write(config, planned) == []
    assert list(faults(Store(records.HOME))) == [None, None]


def test_seeds_that_were_trained_again_are_a_new_file_and_count(tmp_path: Path, planned: Plan) -> None:
    """To the same results they add nothing; to others they replace what was measured on the older network, too."""
    config = Config(results=str(tmp_path / "results"))
    store, row = Store(tmp_path / "results"), planned.rows[0]
    block = train(store, row.run, {0: 4.0})
    probe(store, planned, block, top1=[2.0], top5=[3.0])
    train(store, row.run, {1: 6.0})
    before = {path: path.read_bytes() for path in records.write(config, planned)}
    train(store, row.run, {0: 4.0}, started="2026-03-01T00:00:00+00:00", hardware="another card")
    assert records.write(config, planned) == []
    again = train(store, row.run, {0: 5.0}, started="2026-03-01T00:00:00+00:00")
    (added,) = records.write(config, planned)
    assert added.name == f"seeds-0-0.{again.digest[:8]}.json"
    assert {path: path.read_bytes() for path in before} == before
    assert recorded(planned, "test_error.last")[0][1] == [5.0, 6.0]
    assert recorded(planned, "probe.top1") == []
    probe(store, planned, again, top1=[7.0], top5=[8.0])
    records.write(config, planned)
    assert recorded(planned, "probe.top1")[0][1] == [7.0]


def test_an_older_block_that_shares_a_seed_does_not_count_at_all(planned: Plan) -> None:
    """Seeds 0 and 1 were trained together, and seed 1 again: nothing else proves seed 0."""
    train(Store(records.HOME), planned.rows[0].run, {0: 4.0, 1: 6.0})
    train(Store(records.HOME), planned.rows[0].run, {1: 7.0}, started="2026-03-01T00:00:00+00:00")
    assert recorded(planned, "test_error.last")[0][1] == [7.0]


@pytest.mark.parametrize("dirty", [True, None])
def test_a_run_of_changed_sources_is_not_recorded(tmp_path: Path, planned: Plan, dirty: bool | None) -> None:
    code = Code(commit="c" if dirty else None, dirty=dirty)
    train(Store(tmp_path / "results"), planned.rows[0].run, {0: 4.0}, code=code)
    with pytest.raises(UserError, match="clean source tree"):
        records.write(Config(results=str(tmp_path / "results")), planned)


def test_what_changed_sources_measured_is_not_recorded(tmp_path: Path, planned: Plan) -> None:
    store = Store(tmp_path / "results")
    block = train(store, planned.rows[0].run, {0: 1.0})
    values: dict[str, list[float | None]] = {"top1": [3.0], "top5": [1.0]}
    probe(store, planned, block, measurement(code=Code(commit="c", dirty=True)), **values)
    with pytest.raises(UserError, match="was not measured from a clean source tree"):
        records.write(Config(results=str(tmp_path / "results")), planned)
    probe(store, planned, block, measurement(code=Code(commit="c", dirty=False)), **values)
    assert len(records.write(Config(results=str(tmp_path / "results")), planned)) == 1, "the block is there already"


def test_an_edited_record_is_found(planned: Plan) -> None:
    """By its digest; and where that was computed anew, by its history."""
    records_store = Store(records.HOME)
    block = train(records_store, planned.rows[0].run, {0: 4.0})
    path = records_store.path(block)
    text = path.read_text()
    path.write_text(text.replace('"test_error.last": [4.0]', '"test_error.last": [3.0]'))
    with pytest.raises(UserError, match="differs from its digest"):
        recorded(planned, "test_error.last")
    block.model_copy(update={"values": {**block.values, "test_error.last": [3.0]}}).write(path)
    records._runs_by_protocol.cache_clear()
    with pytest.raises(UserError, match="does not follow from its history"):
        recorded(planned, "test_error.last")


def row_of(error: float) -> dict[str, float]:
    return {"seed": 0, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 1.0, "test_error": error}


def one_epoch(error: float) -> dict[str, list[float]]:
    return {name: [value] for name, value in row_of(error).items()}


def test_speed_follows_from_the_histories_that_are_recorded(planned: Plan) -> None:
    """Seed 0 is near its final 4 after one of ten epochs. The history of seed 1 was not recorded."""
    records_store, spec = Store(records.HOME), planned.rows[0].run
    history = [{**row_of(4.0 if epoch > 1 else 9.0), "epoch": epoch} for epoch in range(1, 11)]
    records_store.publish(spec, [0], history, provenance())
    block = SeedBlock.of(spec, [1], {**one_epoch(6.0), "seed": [1]}, provenance())
    block.model_copy(update={"history": None, "history_sha256": "h"}).write(records_store.path(block))
    results = RecordedResults(planned)
    row = results.plan.rows[0]
    assert results.measured(row, "test_error.speed") == {0: 10.0}
    assert results.measured(row, "test_error.last") == {0: 4.0, 1: 6.0}


def test_core_hours_are_those_of_all_threads(planned: Plan) -> None:
    store, run = Store(records.HOME), planned.rows[0].run
    train(store, run, {0: 1.0}, seconds=1800.0, execution=Execution(threads=2))
    train(store, run, {1: 1.0}, seconds=900.0, execution=Execution(threads=1))
    assert records.core_hours(records.read_all()) == 1.25


def test_each_committed_record_counts_for_a_row_of_an_experiment_file() -> None:
    """A change of a row, or of the identity of runs, must not orphan a record."""
    rows: list[PlannedRow] = []
    for path, experiment in committed().values():
        for scale in SCALES:
            for each in experiment.with_earlier(scale):
                rows += plan_experiment(path, each, Config(), scale).rows
    protocols = {protocol(row.run, row.run.canonical().get("numerics", {})) for row in rows}
    blocks = list(records.read_all())
    orphans = {
        block.run
        for block in blocks
        if protocol(RunSpec.model_validate(block.spec), block.numerics) not in protocols
        or RunSpec.model_validate(block.spec).key() != block.run
    }
    assert orphans == set()
    assert len({block.run for block in blocks}) >= 400
    assert all(isinstance(block.provenance, Provenance) and block.provenance.code.clean for block in blocks)


def test_each_committed_freeze_has_the_digest_of_its_file() -> None:
    """Also those of schema version 1, whatever keys were added since."""
    written = {name: json.loads(freezes.path(name).read_text())["sha256"] for name in freezes.names()}
    assert {name: freezes.read(name).digest for name in freezes.names()} == written
    assert len(written) >= 15


def test_each_committed_record_is_what_its_digest_says() -> None:
    assert [fault for fault in faults(Store(records.HOME)) if fault] == []
