"""Numbers that only some rows have: quantities that not every run records, and values of evaluations."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.config.sample_experiment import plan
from tests.unit.store.samples import provenance

from remixup.analysis.run_results import RunResults
from remixup.config import registry
from remixup.config.experiment import Published
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.planning.plan import PlannedRow
from remixup.store.blocks import EvaluatedBlock
from remixup.store.manifest import JobManifest

METRICS = {
    "test_error.last": {"label": "x"},
    "validation_error.last": {"label": "x"},
    "test_top5_error.best": {"label": "x"},
    "probe.top1": {"label": "x"},
}
ROWS = [
    {"id": "plain", "label": "x"},
    {
        "id": "printed",
        "label": "x",
        "published": {"validation_error.last": {"value": 3.0, "standard_deviation": 0.4}, "probe.top1": 9.0},
    },
    {"id": "probed", "label": "x", "run": {"epochs": 3}, "evaluate": ["probe"]},
    {"id": "not-yet", "label": "x", "run": {"epochs": 4}, "evaluate": ["probe"]},
]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunResults:
    """A store with seeds 0 and 1 of two runs (the second has two blocks, and diverged once), not of the third."""
    catalog = json.loads(json.dumps(registry.load_registry()))
    entry = {"numerics": 1, "summary": "", "weights": True, "parameters": {}, "values": ["top1"]}
    catalog["kinds"]["evaluation"]["probe"] = entry | {"objectives": ["supervised"], "classes": 0}
    monkeypatch.setattr(registry, "load_registry", lambda: catalog)
    config = Config(results=str(tmp_path / "results"))
    found = RunResults(config, plan(tmp_path, config=config, rows=ROWS, metrics=METRICS, claims=[], seeds=2))
    store = found.store
    store.publish(row(found, "plain").run, [0, 1], history([0, 1]), provenance())
    for seed in (0, 1):
        store.publish(
            row(found, "probed").run,
            [seed],
            history([seed], loss=math.nan if seed else 1.0, validation_error=7.0),
            provenance(),
        )
    return found


def test_speed_is_read_from_histories(results: RunResults) -> None:
    """The test error is 10 and 20 (11 and 21) over two epochs: the first is far from the last."""
    plain, probed = row(results, "plain"), row(results, "probed")
    assert results.measured(plain, "test_error.speed") == {0: 50.0, 1: 50.0}
    assert results.measured(plain, "train_loss.speed") == {0: 0.0, 1: 0.0}, "it never changes"
    assert results.measured(probed, "test_error.speed") == {0: 50.0, 1: None}, "the second diverged"
    assert results.measured(plain, "validation_error.speed") == {}
    assert results.has(plain, "test_error.speed")
    assert not results.has(plain, "validation_error.speed")


def test_a_block_is_the_one_that_its_job_lists(results: RunResults) -> None:
    key = row(results, "plain").key
    (block,) = results.blocks(row(results, "plain"))
    found = RunResults(results.config, replace(results.plan, jobs=("job",)))
    path = found.config.job_manifest("job")
    path.parent.mkdir(parents=True, exist_ok=True)
    JobManifest(runs={key: {block.name: block.digest}}, failed={"other": "log"}).write(path)
    assert found.failed == {"other": "log"}
    JobManifest(runs={key: {block.name: "0" * 64}}).write(path)
    with pytest.raises(UserError, match="is not the listed block"):
        _ = RunResults(results.config, found.plan).failed


def row(found: RunResults, name: str) -> PlannedRow:
    return next(each for each in found.plan.rows if each.row.id == name)


def history(seeds: list[int], loss: float = 1.0, **more: float) -> list[dict[str, float]]:
    base = {"rate": 0.1, "train_loss": loss, "test_loss": 2.0}
    return [
        {"seed": seed, "epoch": epoch, **base, "test_error": 10.0 * epoch + seed, **more}
        for epoch in (1, 2)
        for seed in seeds
    ]


def measure(found: RunResults, values: list[float | None]) -> None:
    """Keeps an evaluation of each block of the probed row."""
    probed = row(found, "probed")
    wanted = found.plan.evaluation(probed, probed.evaluate[0])
    assert wanted is not None
    for block, value in zip(found.blocks(probed), values, strict=True):
        measured = [{"seed": block.seeds[0], "top1": value}]
        evaluated = EvaluatedBlock(evaluation=wanted.part, runs=wanted.runs, block=block.digest, measured=measured)
        evaluated.write(storage.path(found.store, wanted, block))


@pytest.mark.parametrize(
    ("name", "metric", "expected"),
    [
        ("plain", "test_error.last", True),
        ("plain", "validation_error.last", False),  # its runs have no validation part
        ("plain", "test_top5_error.best", False),
        ("plain", "probe.top1", False),  # it is not asked for
        ("printed", "validation_error.last", True),  # the paper prints it: it counts as not run
        ("printed", "probe.top1", True),
        ("probed", "validation_error.last", True),
        ("probed", "probe.top1", True),
        ("not-yet", "validation_error.last", True),  # nobody knows before it is run
        ("not-yet", "probe.top1", True),
    ],
)
def test_which_numbers_a_row_has(results: RunResults, name: str, metric: str, expected: bool) -> None:
    assert results.has(row(results, name), metric) is expected


def test_quantities_by_seed_with_those_that_diverged(results: RunResults) -> None:
    assert results.measured(row(results, "plain"), "test_error.last") == {0: 20.0, 1: 21.0}
    assert results.measured(row(results, "plain"), "validation_error.last") == {}
    assert results.measured(row(results, "probed"), "validation_error.last") == {0: 7.0, 1: None}
    assert results.measured(row(results, "not-yet"), "test_error.last") == {}


def test_a_published_number_that_nothing_gives_was_not_run(results: RunResults) -> None:
    for metric, published, deviation in (("validation_error.last", 3.0, 0.4), ("probe.top1", 9.0, None)):
        entry = results.entry(row(results, "printed"), metric, [])
        assert (entry.published, entry.published_standard_deviation) == (published, deviation)
        assert (entry.replicated, entry.verdict) == (None, "not run")


def test_a_number_that_is_not_transcribed_has_a_place_and_no_verdict(results: RunResults) -> None:
    """A run of it says "not transcribed"; without one it was not run. Either way the entry is marked."""
    plain, waiting = row(results, "plain"), row(results, "not-yet")
    unread = {"test_error.last": Published(value=None, where="Table 7, not read")}
    for each, verdict in ((plain, "not transcribed"), (waiting, "not run")):
        each = replace(each, row=each.row.model_copy(update={"published": unread}))
        entry = results.entry(each, "test_error.last", [])
        assert (entry.published, entry.transcribed, entry.tolerance) == (None, False, None)
        assert (entry.where, entry.verdict) == ("Table 7, not read", verdict)
    assert results.entry(plain, "test_error.last", []).transcribed, "the paper prints nothing here"


def test_values_of_evaluations_by_seed(results: RunResults) -> None:
    probed = row(results, "probed")
    assert results.measured(probed, "probe.top1") == {}
    measure(results, [4.0, 6.0])
    assert results.measured(probed, "probe.top1") == {0: 4.0, 1: 6.0}
    entry = results.entry(probed, "probe.top1", [])
    assert entry.replicated is not None
    assert (entry.replicated.mean, entry.replicated.seeds, entry.verdict) == (5.0, [0, 1], "no published number")
    measure(results, [4.0, None])
    assert results.measured(probed, "probe.top1") == {0: 4.0, 1: None}
    assert results.measured(row(results, "plain"), "probe.top1") == {}


@pytest.mark.parametrize(
    ("values", "found", "verdict"),
    [
        ([None, 6.0], [6.0], "no value"),  # seed 0 was trained to the end, seed 1 diverged
        ([4.0, None], [4.0], "diverged"),
        ([None, None], None, "diverged"),
    ],
)
def test_a_value_is_missing_for_want_of_it_or_because_the_run_diverged(
    results: RunResults, values: list[float | None], found: list[float] | None, verdict: str
) -> None:
    measure(results, values)
    entry = results.entry(row(results, "probed"), "probe.top1", [])
    assert (entry.replicated.values if entry.replicated else None, entry.verdict) == (found, verdict)


def test_what_was_measured_on_another_block_does_not_count(results: RunResults) -> None:
    measure(results, [4.0, 6.0])
    probed = row(results, "probed")
    changed = [{**row, "test_error": 50.0} for row in history([0])]
    results.store.publish(probed.run, [0], changed, provenance())
    later = RunResults(results.config, results.plan)
    assert later.measured(probed, "probe.top1") == {1: 6.0}


def test_curves_are_those_of_what_was_recorded(results: RunResults) -> None:
    assert set(results.curves(row(results, "plain"))) == {"test_error", "test_loss", "train_loss"}
    probed = results.curves(row(results, "probed"))
    assert set(probed) == {"test_error", "test_loss", "train_loss", "validation_error"}
    assert probed["test_error"].mean == [10.0, 20.0]  # of the seed that did not diverge


def test_what_a_row_contributes_to_claims(results: RunResults) -> None:
    measure(results, [4.0, 6.0])
    plain, printed, probed = (row(results, name) for name in ("plain", "printed", "probed"))
    found = {each.row.id: results.evidence(each, METRICS) for each in (plain, printed, probed)}
    assert found["plain"].values["test_error.last"] == {0: 20.0, 1: 21.0}
    assert found["plain"].origins["test_error.last"] == found["printed"].origins["test_error.last"] == plain.key
    wanted = results.plan.evaluation(probed, probed.evaluate[0])
    assert wanted is not None
    assert found["probed"].origins["probe.top1"] == wanted.key
    assert found["probed"].origins["test_error.last"] == probed.key


def test_a_seed_that_has_no_value_is_named_and_one_that_diverged_is_apart(results: RunResults) -> None:
    probed = row(results, "probed")
    for values, lacking in (([None, None], [0]), ([4.0, None], [])):  # seed 1 diverged
        measure(results, values)
        found = results.evidence(probed, METRICS)
        assert (found.without_value["probe.top1"], found.diverged) == (lacking, [1])


def test_the_verdicts_on_published_numbers_are_those_of_the_published_protocol(results: RunResults) -> None:
    plain = row(results, "plain")
    number = {"test_error.last": Published(value=90.0), "validation_error.last": Published(value=3.0)}
    known = replace(plain, row=plain.row.model_copy(update={"published": number}))
    found = results.evidence(known, METRICS)
    assert found.published == {"test_error.last": "not replicated"}, "nothing was measured of the other"
    assert results.evidence(replace(known, surrogate="digits"), METRICS).published == {}
    assert results.evidence(replace(known, scale="reduced"), METRICS).published == {}
    unread = {"test_error.last": Published(value=None, where="Table 7, not read")}
    known = replace(plain, row=plain.row.model_copy(update={"published": unread}))
    assert results.evidence(known, METRICS).published == {}
