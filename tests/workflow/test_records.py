"""Evidence is written from clean sources, found again by what was run, and not edited unnoticed."""

import json
import shutil

import pytest

from tests.workflow.conftest import SMALL, Project, call, make_project


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A project in a clean repository with one experiment on record."""
    project = make_project(tmp_path_factory.mktemp("recorded") / "project", SMALL)
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "start")
    project.remixup("prepare", "iris", "--version", "scikit-learn")
    project.remixup("train", "small")
    project.remixup("record", "small")
    return project.folder


@pytest.fixture
def recorded(original, tmp_path, monkeypatch):
    """A copy of it, the working folder."""
    monkeypatch.chdir(shutil.copytree(original, tmp_path / "project", symlinks=True))
    return Project(tmp_path / "project")


def collected(project):
    assert call("collect", "small").returncode == 0
    return project.json("results/embedded/experiments/small.json")


def test_a_record_is_printed_where_nothing_was_run(recorded):
    assert len(list((recorded.folder / "records/runs").glob("*/seeds-0-2.json"))) == 2
    recorded.run("rm", "-r", "results", "data")
    # At paper scale the row's default data, the publisher's file, is another version: the evidence still counts.
    rows = [{**row, "run": {**row.get("run", {}), "dataset": {"version": "uci"}}} for row in SMALL["rows"]]
    recorded.edit("small", rows=rows)
    entry = collected(recorded)["entries"][0]
    assert entry["verdict"] == "not run"
    (found,) = entry["recorded"]
    assert (found["scale"], found["dataset_version"], found["replicated"]["n"]) == ("paper", "iris scikit-learn", 3)
    assert found["code"]["dirty"] is False
    # ... unless the row does not accept it, or trains otherwise.
    recorded.edit("small", accepts=["uci"])
    assert collected(recorded)["entries"][0]["recorded"] == []
    recorded.edit("small", accepts=None, run={**SMALL["run"], "epochs": 4})
    assert collected(recorded)["entries"][0]["recorded"] == []


def test_an_edited_record_is_named(recorded):
    path = next((recorded.folder / "records/runs").glob("*erm*/*.json"))
    record = json.loads(path.read_text())
    record["values"]["test_error.last"][0] += 1
    path.write_text(json.dumps(record))
    done = call("verify")
    assert done.returncode == 1
    assert path.name in done.stderr
    done = call("collect", "small")
    assert done.returncode == 2
    assert path.name in done.stderr
