"""Numbers that only some rows have: quantities that not every run records, and values of evaluations."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.config.sample_experiment import plan

from remixup.analysis.run_results import Harvest
from remixup.config import registry
from remixup.config.experiment import Published
from remixup.config.settings import Config
from remixup.evaluation import storage
from remixup.planning.plan import PlannedRow
from remixup.store.run_store import write_json

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
        "published": {"validation_error.last": {"value": 3.0, "sd": 0.4}, "probe.top1": 9.0},
    },
    {"id": "probed", "label": "x", "run": {"epochs": 3}, "evaluate": ["probe"]},
    {"id": "not-yet", "label": "x", "run": {"epochs": 4}, "evaluate": ["probe"]},
]


@pytest.fixture
def harvest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harvest:
    """A store with seeds 0 and 1 of two runs (the second has two blocks, and diverged once), not of the third."""
    catalogue = json.loads(json.dumps(registry.catalogue()))
    entry = {"numerics": 1, "summary": "", "weights": True, "parameters": {}, "values": ["top1"]}
    catalogue["kinds"]["evaluation"]["probe"] = entry
    monkeypatch.setattr(registry, "catalogue", lambda: catalogue)
    config = Config(results=str(tmp_path / "results"))
    found = Harvest(config, plan(tmp_path, config=config, rows=ROWS, metrics=METRICS, claims=[], seeds=2))
    store = found.store
    store.publish(row(found, "plain").run, [0, 1], history([0, 1]), {})
    for seed in (0, 1):
        store.publish(
            row(found, "probed").run, [seed], history([seed], loss=math.nan if seed else 1.0, validation_error=7.0), {}
        )
    return found


def test_speed_is_read_from_histories(harvest: Harvest) -> None:
    """The test error is 10 and 20 (11 and 21) over two epochs: the first is far from the last."""
    plain, probed = row(harvest, "plain"), row(harvest, "probed")
    assert harvest.samples(plain, "test_error.speed") == ({0: 50.0, 1: 50.0}, [])
    assert harvest.samples(plain, "train_loss.speed") == ({0: 0.0, 1: 0.0}, []), "it never changes"
    assert harvest.samples(probed, "test_error.speed") == ({0: 50.0}, [1]), "the second diverged"
    assert harvest.samples(plain, "validation_error.speed") == ({}, [])
    assert harvest.has(plain, "test_error.speed")
    assert not harvest.has(plain, "validation_error.speed")


def row(found: Harvest, name: str) -> PlannedRow:
    return next(each for each in found.plan.rows if each.row.id == name)


def history(seeds: list[int], loss: float = 1.0, **more: float) -> list[dict[str, float]]:
    base = {"rate": 0.1, "train_loss": loss, "test_loss": 2.0}
    return [
        {"seed": seed, "epoch": epoch, **base, "test_error": 10.0 * epoch + seed, **more}
        for epoch in (1, 2)
        for seed in seeds
    ]


def measure(found: Harvest, values: list[float | None]) -> None:
    """Keeps an evaluation of each block of the probed row."""
    probed = row(found, "probed")
    wanted = found.plan.evaluation(probed, probed.evaluate[0])
    assert wanted is not None
    for block, value in zip(found.blocks(probed), values, strict=True):
        content = {"block": block.digest, "measured": [{"seed": block.first, "top1": value}]}
        write_json(storage.path(found.results, wanted, block), content)


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
def test_which_numbers_a_row_has(harvest: Harvest, name: str, metric: str, expected: bool) -> None:
    assert harvest.has(row(harvest, name), metric) is expected


def test_quantities_by_seed_with_those_that_diverged(harvest: Harvest) -> None:
    assert harvest.samples(row(harvest, "plain"), "test_error.last") == ({0: 20.0, 1: 21.0}, [])
    assert harvest.samples(row(harvest, "plain"), "validation_error.last") == ({}, [])
    assert harvest.samples(row(harvest, "probed"), "validation_error.last") == ({0: 7.0}, [1])
    assert harvest.samples(row(harvest, "not-yet"), "test_error.last") == ({}, [])


def test_a_published_number_that_nothing_gives_was_not_run(harvest: Harvest) -> None:
    for metric, published, deviation in (("validation_error.last", 3.0, 0.4), ("probe.top1", 9.0, None)):
        entry = harvest.entry(row(harvest, "printed"), metric, [])
        assert (entry.published, entry.published_sd) == (published, deviation)
        assert (entry.replicated, entry.verdict) == (None, "not run")


def test_a_number_that_is_not_transcribed_has_a_place_and_no_verdict(harvest: Harvest) -> None:
    """A run of it says "not transcribed"; without one it was not run. Either way the entry is marked."""
    plain, waiting = row(harvest, "plain"), row(harvest, "not-yet")
    unread = {"test_error.last": Published(value=None, where="Table 7, not read")}
    for each, verdict in ((plain, "not transcribed"), (waiting, "not run")):
        each = replace(each, row=each.row.model_copy(update={"published": unread}))
        entry = harvest.entry(each, "test_error.last", [])
        assert (entry.published, entry.transcribed, entry.tolerance) == (None, False, None)
        assert (entry.where, entry.verdict) == ("Table 7, not read", verdict)
    assert harvest.entry(plain, "test_error.last", []).transcribed, "the paper prints nothing here"


def test_values_of_evaluations_by_seed(harvest: Harvest) -> None:
    probed = row(harvest, "probed")
    assert harvest.samples(probed, "probe.top1") == ({}, [])
    measure(harvest, [4.0, 6.0])
    assert harvest.samples(probed, "probe.top1") == ({0: 4.0, 1: 6.0}, [])
    entry = harvest.entry(probed, "probe.top1", [])
    assert entry.replicated is not None
    assert (entry.replicated.mean, entry.replicated.seeds, entry.verdict) == (5.0, [0, 1], "no published number")
    measure(harvest, [4.0, None])
    assert harvest.samples(probed, "probe.top1") == ({0: 4.0}, [1])
    assert harvest.samples(row(harvest, "plain"), "probe.top1") == ({}, [])


@pytest.mark.parametrize(
    ("values", "found", "verdict"),
    [
        ([None, 6.0], [6.0], "no value"),  # seed 0 was trained to the end, seed 1 diverged
        ([4.0, None], [4.0], "diverged"),
        ([None, None], None, "diverged"),
    ],
)
def test_a_value_is_missing_for_want_of_it_or_because_the_run_diverged(
    harvest: Harvest, values: list[float | None], found: list[float] | None, verdict: str
) -> None:
    measure(harvest, values)
    entry = harvest.entry(row(harvest, "probed"), "probe.top1", [])
    assert (entry.replicated.values if entry.replicated else None, entry.verdict) == (found, verdict)


def test_what_was_measured_on_another_block_does_not_count(harvest: Harvest) -> None:
    measure(harvest, [4.0, 6.0])
    probed = row(harvest, "probed")
    provenance = harvest.blocks(probed)[0].folder / "provenance.json"
    provenance.write_text(provenance.read_text() + "\n")
    assert harvest.samples(probed, "probe.top1") == ({1: 6.0}, [])


def test_curves_are_those_of_what_was_recorded(harvest: Harvest) -> None:
    assert set(harvest.curves(row(harvest, "plain"))) == {"test_error", "test_loss", "train_loss"}
    probed = harvest.curves(row(harvest, "probed"))
    assert set(probed) == {"test_error", "test_loss", "train_loss", "validation_error"}
    assert probed["test_error"].mean == [10.0, 20.0]  # of the seed that did not diverge
