"""`remixup evidence`: what is missing, in its order, seed by seed; stopped and gone on with; held to its histories."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from remixup.analysis.records import digest
from tests.workflow.conftest import CONVOLUTIONAL, SMALL, Project, children, make_project, wait_for

pytestmark = pytest.mark.slow
AGENDA = {
    "cpu": [
        {"experiment": "convolutional", "scale": "reduced", "rows": ["*"], "seeds": 2},
        {"experiment": "small", "scale": "paper", "rows": ["mixup"]},
    ]
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A committed project of which everything was put on record, in two goes."""
    project = make_project(tmp_path_factory.mktemp("evidence") / "project", CONVOLUTIONAL, SMALL)
    (project.folder / "evidence.yaml").write_text(yaml.safe_dump(AGENDA))
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "start")
    project.first = project.remixup("evidence", "--workers", "1", "--minutes", "0")
    project.second = project.remixup("evidence", "--workers", "1")
    return project


def without_results(project, folder):
    """The project as a clone has it, with nothing on record."""
    clone = Project(folder)
    shutil.copytree(project.folder, clone.folder, ignore=shutil.ignore_patterns("results", "checkpoints", ".remixup"))
    clone.git("rm", "-q", "-r", "--cached", "--ignore-unmatch", "records")
    shutil.rmtree(clone.folder / "records")
    (clone.folder / "records").mkdir()
    return clone


def test_pieces_in_their_order_and_none_twice(project):
    listed = [
        "convolutional at reduced scale, erm: seed 0",
        "convolutional at reduced scale, mixup: seed 0",
        "convolutional at reduced scale, erm: seed 1",
        "convolutional at reduced scale, mixup: seed 1",
        "small at paper scale, mixup: seeds 0-2",
    ]
    head, *lines = project.first.stdout.splitlines()
    assert head == "5 pieces of evidence for a CPU, 5 of them not on record"
    unknown = "time not known"
    assert lines[:6] == [*(f"  {each}, {unknown}" for each in listed), f"  all of them: {unknown}"]
    assert lines[6] == "0 minutes are over; the next call goes on from here"
    done = [line for line in project.second.stdout.splitlines() if line.startswith("on record: ")]
    assert done == [f"on record: {each}" for each in listed]
    before = project.blocks()
    assert "5 pieces of evidence for a CPU, 0 of them not on record" in project.remixup("evidence").stdout
    assert project.blocks() == before


def test_a_record_holds_the_seeds_and_their_histories(project):
    found = {path.stem: json.loads(path.read_text()) for path in (project.folder / "records").glob("*.json")}
    assert sorted(len(record["seeds"]) for record in found.values()) == [2, 2, 3]
    for run in found:
        kept = sorted((project.folder / "records/histories" / run).glob("*.csv"))
        assert len(kept) == (0 if "mlp" in run else 2)
    assert project.remixup("verify").returncode == 0


def measured(project):
    """What was measured, and the digests of the histories that it follows from."""
    found = {path.name: json.loads(path.read_text()) for path in (project.folder / "records").glob("*.json")}
    return {
        name: (record["seeds"], record["values"], [block["history_sha256"] for block in record["provenance"]])
        for name, record in found.items()
    }


def test_two_workers_measure_what_one_does(project, tmp_path):
    both = without_results(project, tmp_path / "both")
    said = both.remixup("evidence", "--workers", "2").stdout.splitlines()
    done = [line.removeprefix("on record: ") for line in said if line.startswith("on record: ")]
    assert sorted(done) == sorted(line.strip().partition(", time not")[0] for line in said[1:6])
    for row in "erm", "mixup":
        seeds = [line for line in done if line.startswith(f"convolutional at reduced scale, {row}:")]
        assert [line[-1] for line in seeds] == ["0", "1"]
    assert measured(both) == measured(project)
    assert both.remixup("verify").returncode == 0


def alive(pid):
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_two_at_work_are_killed_and_gone_on_with(project, tmp_path, victim):
    """Fails, tried out: where a worker does not look after its parent (it goes on, and holds the run's lock)."""
    clone = without_results(project, tmp_path / "clone")
    run = {**CONVOLUTIONAL["run"], "epochs": 600}
    clone.edit("convolutional", run=run)
    (clone.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{**AGENDA["cpu"][0], "seeds": 1}]}))
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "longer")
    command = [sys.executable, "-m", "remixup", "evidence", "--workers", "2"]
    process = subprocess.Popen(command, cwd=clone.folder, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(list(clone.folder.glob(".remixup/resume/*/seeds-0-0.safetensors"))) == 2, 90)
    # Beside them there is a process that watches over semaphores.
    workers = [pid for pid in children(process.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(workers) == 2
    os.kill(process.pid if victim == "parent" else workers[0], signal.SIGKILL)
    said = process.communicate(timeout=30)[1]
    wait_for(lambda: not any(map(alive, workers)), 10)
    if victim == "worker":
        assert process.returncode == 2
        assert said.splitlines()[-1].startswith("error: a worker was killed (memory may have run out")
    assert clone.remixup("evidence", "--workers", "2").stdout.count("epoch 600/600") == 2
    assert len(measured(clone)) == 2


@pytest.mark.parametrize("forge", ["value", "history"])
def test_a_record_typed_by_hand_is_found(project, forge):
    path = next(each for each in (project.folder / "records").glob("*.json") if "preact" in each.name)
    history = project.folder / "records/histories" / path.stem / "seeds-0-0.csv"
    kept = path.read_text(), history.read_text()
    if forge == "value":
        record = json.loads(path.read_text())
        record["values"]["test_error.last"][0] -= 1
        path.write_text(json.dumps({**record, "sha256": digest(record)}))  # whoever forges can hash
    else:
        history.write_text(history.read_text().replace("0,1,", "0,2,", 1))
    try:
        done = project.remixup("verify", check=False)
    finally:
        path.write_text(kept[0])
        history.write_text(kept[1])
    assert done.returncode == 1
    assert path.name in done.stderr
    assert history.name in done.stderr


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"experiment": "smal", "scale": "paper", "rows": ["*"]}, "unknown experiment 'smal' (did you mean 'small'?)"),
        (
            {"experiment": "small", "scale": "paper", "rows": ["emr"]},
            "no row 'emr' at paper scale (did you mean 'erm'?)",
        ),
        ({"experiment": "small", "scale": "embedded", "rows": ["*"]}, "embedded is not a real scale"),
        ({"experiment": "small", "scale": "papre", "rows": ["*"]}, "scale"),
    ],
)
def test_a_mistake_in_the_agenda(project, item, expected):
    (project.folder / "wrong.yaml").write_text(yaml.safe_dump({"cpu": [item]}))
    done = project.remixup("evidence", "--agenda", "wrong.yaml", check=False)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_clone_trains_the_seeds_that_are_not_on_record_alone(project, tmp_path):
    """Fails, tried out: with all seeds up to the wanted one trained, of which two are on record."""
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder, ignore=shutil.ignore_patterns("results", "checkpoints", ".remixup"))
    (clone.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{**AGENDA["cpu"][0], "seeds": 3}]}))
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "records, and a third seed")
    clone.remixup("evidence")
    assert {name.split("/")[1] for name in clone.blocks()} == {"seeds-2-2"}
    for path in (project.folder / "records").glob("*preact*.json"):
        before, after = (json.loads((each.folder / "records" / path.name).read_text()) for each in (project, clone))
        assert after["seeds"] == [0, 1, 2]
        assert after["values"]["test_error.last"][:2] == before["values"]["test_error.last"]
        assert after["provenance"][:2] == before["provenance"]
    assert clone.remixup("verify").returncode == 0


def test_sources_that_differ_from_their_commit_are_refused_before_anything_is_trained(project):
    (project.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{**AGENDA["cpu"][1], "rows": ["erm"]}]}))
    before = project.blocks()
    project.edit("small", title="Changed")
    done = project.remixup("evidence", check=False)
    project.git("checkout", "-q", "experiments", "evidence.yaml")
    assert done.returncode == 2
    assert "clean source tree" in done.stderr
    assert project.blocks() == before
