"""What experiments take, and the table of `remixup plan`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remixup.analysis import records
from remixup.cli import app
from remixup.config.settings import Config
from remixup.costs import rates
from remixup.costs.estimate import plan_costs, seed_costs
from remixup.costs.rates import Trained
from remixup.costs.sample_size import Needed
from remixup.reporting.cost_table import most_seeds, number
from remixup.store.run_store import Store
from remixup.training.flops import operations
from tests.unit.config.sample_experiment import SMALL, plan
from tests.unit.store.samples import provenance

ROOT = Path(__file__).parents[3]
CONVOLUTIONAL = {
    "dataset": {"name": "digits"},
    "model": {"name": "preact_resnet", "width": 8, "blocks": [1]},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "epochs": 2,
    "batch_size": 64,
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Config(results="results", scale="paper")


def publish(spec, seeds, seconds=1.0, hardware="elsewhere"):
    """Store seeds of a run that took some time."""
    fields = {"epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 2.0, "test_error": 3.0}
    history = [{"seed": seed, **fields} for seed in seeds]
    Store(Path("results")).publish(spec, seeds, history, provenance(seconds=seconds, hardware=hardware))


def test_operations_are_those_of_all_seeds_and_epochs(config, tmp_path):
    planned = plan(tmp_path, config=config)
    found = plan_costs(config, [planned]).experiments[0]
    assert (found.runs, found.seeds, found.seeds_stored, found.hours) == (2, 6, 0, None)
    # Iris, half held out: 2 epochs of 75 training and 75 test examples, three seeds of two runs.
    each = operations(planned.rows[0].run)
    assert found.operations == pytest.approx(2 * 3 * 2 * 75 * (each.training + each.evaluation))


def test_hours_are_known_where_all_networks_were_trained_on_this_hardware(config, tmp_path):
    planned = plan(tmp_path, config=config, run=CONVOLUTIONAL)
    erm = planned.rows[0].run
    publish(erm, [0], seconds=36.0)
    assert plan_costs(config, [planned]).experiments[0].hours is None, "it was trained elsewhere"
    publish(erm, [1], seconds=72.0, hardware=rates.this_device("paper"))
    found = plan_costs(config, [planned]).experiments[0]
    assert (found.seeds, found.seeds_stored) == (6, 2)
    assert found.hours == pytest.approx(6 * 72.0 / 3600), "ERM and mixup train the same network"
    wider = plan(tmp_path, config=config, run=CONVOLUTIONAL, rows__1__run={"model": {"width": 16}})
    assert plan_costs(config, [wider]).experiments[0].hours is None


def test_a_run_that_experiments_share_counts_once_in_the_total(config, tmp_path):
    first = plan(tmp_path, config=config, seeds=2)
    second = plan(tmp_path, config=config, id="other", seeds=3)
    both = plan_costs(config, [first, second])
    assert [each.seeds for each in both.experiments] == [4, 6]
    alone = plan_costs(config, [second]).total
    assert both.total == alone == plan_costs(config, [second, first]).total


def test_rows_without_data_are_counted_and_named(config, tmp_path):
    planned = plan(tmp_path, config=config, run__dataset={"name": "iris", "version": "uci", "holdout": 0.5})
    assert not planned.runnable
    found = plan_costs(config, [planned]).experiments[0]
    assert (found.rows_without_data, found.runs) == (2, 2)


def test_costs_of_a_seed_are_those_of_the_hardware_with_the_most_records(config, tmp_path, monkeypatch):
    planned = plan(tmp_path, config=config, run=CONVOLUTIONAL, rows__1__run={"model": {"width": 16}})
    erm, mixup = (row.run for row in planned.rows)
    found = seed_costs([planned])
    assert (found.seconds, found.hardware) == ({}, "")
    monkeypatch.setattr(rates, "recorded", lambda: [Trained(erm, 1, 36.0, "a"), *2 * [Trained(erm, 1, 72.0, "b")]])
    found = seed_costs([planned])
    assert found.hardware == "b"
    assert found.seconds == {erm.key(): pytest.approx(72.0)}
    assert found.operations.keys() == {erm.key(), mixup.key()}


def test_numbers_have_two_digits():
    printed = [number(value) for value in (0, 0.01234, 1.26, 9.96, 12.6, 123_456.7)]
    assert printed == ["0", "0.012", "1.3", "10", "13", "123,457"]


def test_the_most_seeds_that_any_verdict_needs():
    def numbers(*seeds):
        return [Needed(what="number", id="n", seeds=each) for each in seeds]

    assert most_seeds(numbers(None), "number") == "1 unknown"
    assert most_seeds(numbers(3, 12, None), "number") == "12, 1 unknown"
    assert most_seeds(numbers("> 1000", 12, None), "number") == "> 1000, 1 unknown"
    assert most_seeds(numbers(3), "claim") == "-"


@pytest.fixture
def project(config, tmp_path):
    """A folder with the small experiment."""
    Path("experiments/paper").mkdir(parents=True)
    Path("experiments/paper/small.yaml").write_text(SMALL)
    Path("config.yaml").write_text("scale: embedded\n")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *arguments])


def test_table_and_json_agree(project):
    (erm, _) = (row.run for row in plan(project).rows)
    publish(erm, [0, 1, 2], seconds=9000.0, hardware=rates.this_device("paper"))
    printed, said = run("--scale", "paper"), json.loads(run("--scale", "paper", "--json").stdout)
    assert (said["scale"], said["hardware"]) == ("paper", rates.this_device("paper"))
    (found,), total = said["experiments"], said["total"]
    lines = {line.split()[0]: line.split() for line in printed.stdout.splitlines() if line.split()}
    for cells, each in ((lines["small"], found), (lines["total"], total)):
        assert cells[1:4] == [str(each[name]) for name in ("runs", "seeds", "seeds_stored")] == ["2", "6", "3"]
        assert float(cells[4]) == pytest.approx(each["operations"] / 1e15, rel=0.05)
        assert float(cells[5]) == each["hours"] == pytest.approx(5.0)
    assert {each["id"]: each["seeds"] for each in found["needed"]} == {"erm test_error.last": 5, "lower": None}


def test_hours_that_are_unknown_are_a_dash(project):
    line = next(line for line in run("--scale", "paper").stdout.splitlines() if "small" in line)
    assert line.split()[5] == "-"


def test_an_unknown_scale_is_refused(project):
    result = run("--scale", "papre")
    assert result.exit_code == 2
    assert "'papre' is not one of 'embedded', 'reduced-cpu'" in " ".join(result.output.replace("│", "").split())


def test_the_experiments_here_can_be_planned(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert next(iter(records.read_all()), None) is not None
    for scale in ("embedded", "paper"):
        result = run("--scale", scale, "--json", "--set", "experiments=[uci, gan, toy]")
        assert result.exit_code == 0, result.output
        found = {each["experiment"]: each for each in json.loads(result.stdout)["experiments"]}
        assert list(found) == ["uci", "gan", "toy"]
        assert all(each["operations"] > 0 for each in found.values())
