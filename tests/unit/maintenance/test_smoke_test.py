"""Smoke tests: which rows are included, how short they are, and that nothing of them is stored."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from remixup.cli import app
from remixup.config.experiment import Experiment
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.maintenance import smoke_test
from remixup.planning.plan import plan_experiment
from remixup.training.runner import Runner
from tests.experiments import committed
from tests.workflow.conftest import JOINT, SMALL

CONFIG = Config()


def plan_of(document):
    return plan_experiment(Path("some.yaml"), Experiment.model_validate(document), CONFIG, "reduced")


@pytest.fixture
def outcome_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(plan):
        def make(store):
            return Runner(store, Path("data"), torch.device("cpu"), lambda *_: None)

        return dict(smoke_test.run(CONFIG, plan, tmp_path / "home", make))

    return run


def test_one_epoch_of_one_seed_for_rows_that_are_named():
    (short,) = smoke_test.shortened([plan_of(SMALL)], ["mixup"], 1)
    ((run, seeds),) = short.runs().values()
    assert (run.epochs, seeds, run.mixing.ratio["alpha"]) == (1, 1, 1.0)
    assert [row.row.id for row in smoke_test.shortened([plan_of(SMALL)], [], 1)[0].rows] == ["erm", "mixup"]


def test_no_row_becomes_longer_than_it_is():
    assert {row.run.epochs for row in smoke_test.shortened([plan_of(SMALL)], [], 50)[0].rows} == {3}


def test_a_source_is_included_with_two_seeds(outcome_of, tmp_path):
    (short,) = smoke_test.shortened([plan_of({**JOINT, "seeds": 5})], ["mixup"], 1)
    assert {row.row.id: row.seeds for row in short.rows} == {"erm": 2, "mixup": 1}
    found = outcome_of(short)
    assert found.keys() == {"erm", "mixup"}
    assert all(each.keys() == {"seconds", "test_error", "test_top5_error"} for each in found.values())
    (attack,) = short.evaluations()
    assert [path.name for path in (tmp_path / "home/results/evaluations" / attack).iterdir()] == ["seeds-0-0.json"]


def test_a_row_that_breaks_does_not_stop_the_others(outcome_of, monkeypatch):
    trained = Runner.train

    def train(runner, spec, *others):
        if spec.mixing.ratio is None:
            raise RuntimeError("out of memory")
        return trained(runner, spec, *others)

    monkeypatch.setattr(Runner, "train", train)
    # Nor do evaluations that would have read it.
    found = outcome_of(smoke_test.shortened([plan_of(JOINT)], [], 1)[0])
    assert "out of memory" in found["erm"].read_text()
    assert found["mixup"]["test_error"] > 0


def test_rows_without_data_are_refused_by_name_and_otherwise_left_out():
    plan = plan_of(SMALL)
    without = replace(plan, rows=[replace(row, available=row.row.id == "erm") for row in plan.rows])
    with pytest.raises(UserError, match="the data of row mixup is not available"):
        smoke_test.shortened([without], ["mixup"], 1)
    assert [row.row.id for row in smoke_test.shortened([without], [], 1)[0].rows] == ["erm"]
    nothing = replace(plan, rows=[replace(row, available=False) for row in plan.rows])
    with pytest.raises(UserError, match="the data of none of these rows is available"):
        smoke_test.shortened([nothing], [], 1)


def test_an_unknown_row_gets_a_suggestion():
    with pytest.raises(UserError, match=r"unknown row 'mixp' .*mixup"):
        smoke_test.shortened([plan_of(SMALL)], ["mixp"], 1)


def test_the_command_says_how_many_rows_it_leaves_out(tmp_path, monkeypatch):
    root = Path.cwd()
    monkeypatch.chdir(tmp_path)
    for name in ("experiments", "config.yaml"):
        Path(name).symlink_to(root / name)
    monkeypatch.delenv("REMIXUP_MIRROR", raising=False)
    monkeypatch.setattr(smoke_test, "run", lambda *_: iter([]))
    said = CliRunner().invoke(app, ["smoke-test", "uci"])
    assert said.exit_code == 0, said.output
    rows = plan_experiment(*committed()["uci"], CONFIG).rows
    lacking = [row for row in rows if not row.available]
    assert lacking
    assert f"uci: the data of {len(lacking)} of {len(rows)} rows is not available" in said.output


def test_the_command_says_what_became_of_each_row_and_stores_nothing(tmp_path, monkeypatch):
    root = Path.cwd()
    monkeypatch.chdir(tmp_path)
    for name in ("experiments", "config.yaml"):
        Path(name).symlink_to(root / name)
    said = CliRunner().invoke(app, ["smoke-test", "uci", "toy", "--row", "iris-erm"])
    assert said.exit_code == 0, said.output
    assert [line.split(":")[0] for line in said.output.splitlines()][-1] == "uci, iris-erm"
    assert {path.name for path in Path().iterdir()} == {"experiments", "config.yaml", "data", ".remixup"}
    assert not list(Path(".remixup").glob("smoke-test-*"))


@pytest.mark.parametrize(("ended", "stays"), [(None, False), (KeyboardInterrupt, False), (RuntimeError, True)])
def test_the_folder_stays_where_it_broke_alone(tmp_path, monkeypatch, ended, stays):
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(KeyboardInterrupt, RuntimeError), smoke_test.scratch() as folder:
        (folder / "weights").touch()
        if ended is not None:
            raise ended
    assert folder.exists() == stays
