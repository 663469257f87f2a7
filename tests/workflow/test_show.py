"""`remixup show`: the resolved run of a row, and the command that trains exactly it."""

import pytest
import yaml
from typer.testing import CliRunner

from remixup.cli import app
from tests.workflow.conftest import CONVOLUTIONAL, SMALL, call, make_project
from tests.workflow.test_faults import one_message


@pytest.fixture
def both(tmp_path, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path / "project", SMALL, CONVOLUTIONAL).folder)
    return tmp_path / "project"


def test_the_run_of_a_row(both):
    said = yaml.safe_load(CliRunner().invoke(app, ["show", "mixup", "--experiment", "small"]).stdout)
    assert said["run"]["mixing"] == {"ratio": {"name": "beta", "alpha": 1.0}}
    assert (said["scale"], said["counts_as"], said["seeds"], said["records"]) == ("embedded", "paper", 3, {})
    assert said["dataset"] == {"name": "iris", "version": "scikit-learn", "available": True}
    assert said["key"].endswith(said["hash"])
    assert said["train"] == "remixup train small --row mixup --set scale=embedded"


def test_the_command_that_is_printed_trains_that_run(both):
    said = yaml.safe_load(CliRunner().invoke(app, ["show", "erm", "--experiment", "small"]).stdout)
    for command in (["prepare", "iris", "--version", "scikit-learn"], said["train"].split()[1:]):
        assert CliRunner().invoke(app, command).exit_code == 0
    assert [path.name for path in (both / "results/runs").iterdir()] == [said["key"]]


def test_a_row_that_is_unknown_or_in_several_experiments(here):
    assert one_message(call("show", "emr")) == "error: argument ROW: unknown row 'emr' (did you mean 'erm'?)"
    here.write(CONVOLUTIONAL)
    assert "--experiment: convolutional, small" in one_message(call("show", "erm"))
