"""`remixup evidence`: what is missing, in its order, seed by seed; stopped and gone on with; held to its histories."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from remixup.store.blocks import SeedBlock
from tests.workflow.conftest import CONVOLUTIONAL, SMALL, Project, descendants, make_project, wait_for

QUEUE = {
    "cpu": [
        {"experiment": "convolutional", "scale": "reduced", "rows": ["*"], "seeds": 2},
        {"experiment": "small", "scale": "paper", "rows": ["mixup"]},
    ]
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A committed project of which everything was put on record, in two goes."""
    project = make_project(tmp_path_factory.mktemp("evidence") / "project", CONVOLUTIONAL, SMALL)
    (project.folder / "evidence.yaml").write_text(yaml.safe_dump(QUEUE))
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


def test_tasks_in_their_order_and_none_twice(project):
    listed = [
        "convolutional at reduced scale, erm: seed 0",
        "convolutional at reduced scale, mixup: seed 0",
        "convolutional at reduced scale, erm: seed 1",
        "convolutional at reduced scale, mixup: seed 1",
        "small at paper scale, mixup: seeds 0-2",
    ]
    head, *lines = project.first.stdout.splitlines()
    assert head == "5 evidence tasks for a CPU, 5 of them not on record"
    unknown = "time not known"
    assert lines[:6] == [*(f"  {each}, {unknown}" for each in listed), f"  all of them: {unknown}"]
    assert lines[6] == "the time is over; the next call continues from here"
    done = [line for line in project.second.stdout.splitlines() if line.startswith("on record: ")]
    assert done == [f"on record: {each}" for each in listed]
    before = project.blocks()
    assert "5 evidence tasks for a CPU, 0 of them not on record" in project.remixup("evidence").stdout
    assert project.blocks() == before


def recorded(project):
    """The seed blocks on record, by file."""
    home = project.folder / "records/runs"
    return {str(path.relative_to(home)): SeedBlock.read(path) for path in home.glob("*/*.json")}


def test_records_are_the_blocks_of_the_store(project):
    found = recorded(project)
    assert sorted(len(block.seeds) for block in found.values()) == [1, 1, 1, 1, 3]
    for name in found:
        stored, copied = (project.folder / home / name for home in ("results/runs", "records/runs"))
        assert copied.read_bytes() == stored.read_bytes()
    assert project.remixup("verify").returncode == 0


def measured(project):
    """The results on record: values and histories."""
    return {name: (block.values, block.history) for name, block in recorded(project).items()}


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


def test_seeds_trained_on_two_machines_are_those_of_one(project, tmp_path):
    """The second machine has no other seed of its runs, neither stored nor on record."""
    clones = [without_results(project, tmp_path / str(seed)) for seed in (0, 1)]
    for seed, clone in enumerate(clones):
        said = clone.remixup("evidence", "--seeds", str(seed), "--workers", "1").stdout.splitlines()
        assert said[0] == "2 evidence tasks for a CPU, 2 of them not on record"
        assert {Path(name).name for name in recorded(clone)} == {f"seeds-{seed}-{seed}.json"}
    one_by_one = {name: found for name, found in measured(project).items() if "preact" in name}
    assert {**measured(clones[0]), **measured(clones[1])} == one_by_one


def test_no_task_is_begun_that_would_not_end_in_time(project, tmp_path):
    """The records of the first seeds say that each took an hour."""
    clone = without_results(project, tmp_path / "clone")
    (clone.folder / "records/runs").mkdir()
    for folder in (project.folder / "records/runs").glob("*preact*"):
        block = SeedBlock.read(folder / "seeds-0-0.json")
        slow = block.provenance.model_copy(update={"seconds": 3600.0})
        target = clone.folder / "records/runs" / folder.name
        target.mkdir()
        block.model_copy(update={"provenance": slow}).write(target / "seeds-0-0.json")
    said = clone.remixup("evidence", "--workers", "1", "--minutes", "20", "--whole").stdout.splitlines()
    assert said.count("not started: it would end after the time is over") == 2
    assert said[-1] == "on record: small at paper scale, mixup: seeds 0-2"
    assert not any("preact" in name for name in clone.blocks())


def test_a_task_that_fails_says_why(project, tmp_path):
    clone = without_results(project, tmp_path / "clone")
    source = clone.folder / "src/remixup/training/supervised.py"
    source.write_text(source.read_text() + "\n\nraise RuntimeError('the disk is on fire')\n")
    clone.git("commit", "-q", "-a", "-m", "broken")
    done = clone.remixup("evidence", "--workers", "1", check=False, env={"PYTHONPATH": str(clone.folder / "src")})
    assert done.returncode == 1
    assert "RuntimeError: the disk is on fire" in done.stderr


@pytest.mark.parametrize("victim", ["everything", "a task"])
def test_two_tasks_are_killed_and_gone_on_with(project, tmp_path, victim):
    clone = without_results(project, tmp_path / "clone")
    run = {**CONVOLUTIONAL["run"], "epochs": 600}
    clone.edit("convolutional", run=run)
    (clone.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{**QUEUE["cpu"][0], "seeds": 1}]}))
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "longer")
    command = [sys.executable, "-m", "remixup", "evidence", "--workers", "2"]
    process = subprocess.Popen(
        command, cwd=clone.folder, env=clone.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for(lambda: len(list(clone.folder.glob(".remixup/resume/*/seeds-0-0.safetensors"))) == 2)
    if victim == "everything":
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=600)
    else:
        started = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in descendants(process.pid)}
        tasks = [pid for pid, line in started.items() if "evidence-task" in line and "/bin/bash" not in line]
        os.kill(tasks[0], signal.SIGKILL)
        said = process.communicate(timeout=600)[1]
        assert process.returncode == 1
        assert said.splitlines()[-1] == "a task failed; the same command continues from there"
    left = 2 if victim == "everything" else 1
    assert clone.remixup("evidence", "--workers", "2").stdout.count("epoch 600/600") == left
    assert len(measured(clone)) == 2


@pytest.mark.parametrize("forge", ["value", "history"])
def test_a_record_typed_by_hand_is_found(project, forge):
    """Whoever forges a record can compute its digest, too."""
    path = next((project.folder / "records/runs").glob("*preact*/seeds-0-0.json"))
    before, block = path.read_text(), SeedBlock.read(path)
    if forge == "value":
        error = block.values["test_error.last"][0] - 1
        block.model_copy(update={"values": {**block.values, "test_error.last": [error]}}).write(path)
    else:
        errors = [error + 1 for error in block.history["test_error"]]
        block.model_copy(update={"history": {**block.history, "test_error": errors}}).write(path)
    try:
        done = project.remixup("verify", check=False)
    finally:
        path.write_text(before)
    assert done.returncode == 1
    assert str(path.relative_to(project.folder)) in done.stderr
    assert "does not follow from its history" in done.stderr


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
def test_a_mistake_in_the_queue_file(project, item, expected):
    (project.folder / "wrong.yaml").write_text(yaml.safe_dump({"cpu": [item]}))
    done = project.remixup("evidence", "--queue", "wrong.yaml", check=False)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_clone_trains_the_seeds_that_are_not_on_record_alone(project, tmp_path):
    """Fails, tried out: with all seeds up to the wanted one trained, of which two are on record."""
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder, ignore=shutil.ignore_patterns("results", "checkpoints", ".remixup"))
    (clone.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{**QUEUE["cpu"][0], "seeds": 3}]}))
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "records, and a third seed")
    clone.remixup("evidence")
    assert {name.split("/")[1] for name in clone.blocks()} == {"seeds-2-2"}
    for folder in (project.folder / "records/runs").glob("*preact*"):
        after = clone.folder / "records/runs" / folder.name
        assert sorted(path.name for path in after.iterdir()) == [f"seeds-{seed}-{seed}.json" for seed in range(3)]
        for path in folder.iterdir():
            assert (after / path.name).read_bytes() == path.read_bytes()
    assert clone.remixup("verify").returncode == 0


def test_sources_that_differ_from_their_commit_are_refused_before_anything_is_trained(project):
    (project.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{**QUEUE["cpu"][1], "rows": ["erm"]}]}))
    before = project.blocks()
    project.edit("small", title="Changed")
    done = project.remixup("evidence", check=False)
    project.git("checkout", "-q", "experiments", "evidence.yaml")
    assert done.returncode == 2
    assert "clean source tree" in done.stderr
    assert project.blocks() == before
