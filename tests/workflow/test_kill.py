"""kill -9 at any moment: after a restart the final weights and metrics are the same bits."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors import safe_open

from remixup.config.registry import load_registry
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.data import REGISTRY, prepare
from remixup.planning.plan import plan_experiment
from tests.experiments import committed
from tests.workflow.conftest import BIN, CONVOLUTIONAL, ROOT, SMALL, make_project
from tests.workflow.forks import finish, kept, start, train, unfinished, wipe

EPOCHS = 6
MOMENTS = 50
"""Over all methods."""


def method(run):
    """What tells one way of training from another: which parts a run is made of, whatever their numbers."""
    document = run.model_dump(exclude_defaults=True)
    mixing = document.get("mixing", {})
    mixing = {name: part["name"] if isinstance(part, dict) else "" for name, part in mixing.items()}
    others = set(document) - {"dataset", "model", "mixing", "optimizer", "schedule", "epochs", "batch_size"}
    return (
        run.model["name"],
        f"dropout={'dropout' in run.model}",
        run.optimizer["name"],
        *(f"{name}={part}" for name, part in sorted(mixing.items())),
        *sorted({"label_noise", "decode", "validation"} & set(document["dataset"])),
        *sorted(others - {"normalization", "augmentation", "execution", "objective"}),
        *(str(value) for value in run.objective.values() if isinstance(value, str)),
    )


def shrunk(run):
    """The same method on a few examples for a few epochs."""
    document = run.model_dump(exclude_defaults=True)
    small = {"epochs": EPOCHS, "batch_size": 16, "micro_batch": 8, "passes": 2, "fresh_weights": 2}
    document |= {name: value for name, value in small.items() if name in document}
    if REGISTRY[run.dataset.name].size.train > 100:
        document["dataset"]["subset"] = 200 if run.dataset.second_view else 32  # each has a partner of its class
    if (run.dataset.validation or 0) > 1:  # a number of examples, more than there are now
        document["dataset"]["validation"] = 0.25
    if run.dataset.decode is not None:  # all test images are decoded after each epoch
        document["epochs"] = 3
    if run.mixing.warmup_epochs:
        document["mixing"]["warmup_epochs"] = 2
    if run.objective["name"] == "gan":
        document["objective"]["iterations"] = 8
    return document


def methods():
    """Every way of training that an experiment file asks for at embedded scale, the first run of each."""
    found = {}
    for path, experiment in committed().values():
        for row in plan_experiment(path, experiment, Config(), "embedded").rows:
            dataset = row.run.dataset
            if load_registry()["datasets"][dataset.name]["versions"][dataset.version]["embedded"]:
                found.setdefault(method(row.run), (f"{experiment.id}/{row.row.id}", row.run))
    return list(found.values())


METHODS = methods()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    assert finish(wipe, tmp_path_factory.mktemp("nothing")) == 0  # the first process starts what the others come from
    return tmp_path_factory.mktemp("data")


def killed(moment, folder, data, document, processes=1, begun=False):
    """A training of a run, killed at a moment.

    It is counted in seconds from the start or, if asked, from the first resume point.
    False where it was over before.
    """
    process = start(train, folder, data, document, 2, processes)
    while begun and process.is_alive() and not list(folder.glob("scratch/resume/*/seeds-*.safetensors")):
        time.sleep(0.001)
    time.sleep(moment)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("index", range(len(METHODS)), ids=[name for name, _ in METHODS])
def test_killed_at_any_moment_and_started_again_gives_the_same_bits(index, data, tmp_path):
    """Fails, tried out: where a resume point leaves out the optimizer's state, or the epoch it was made after."""
    _, run = METHODS[index]
    document = shrunk(run)
    prepare(run.dataset.name, run.dataset.version, folder=data)
    began = time.monotonic()
    assert finish(train, tmp_path / "alone", data, document) == 0
    lasts = time.monotonic() - began
    moments = random.Random(index)
    folder = tmp_path / "killed"
    for kill in range(-(-MOMENTS // len(METHODS))):
        # Half of them at any moment, half of them after there is something to go on from.
        begun = (kill + index) % 2 == 1
        while not killed(moments.random() * lasts * (0.5 if begun else 1), folder, data, document, begun=begun):
            wipe(folder)
            lasts *= 0.8  # it took longer alone than now
    assert finish(train, folder, data, document) == 0
    assert kept(folder) == kept(tmp_path / "alone")
    assert len(kept(folder)) >= 3
    assert unfinished(folder) == []


@pytest.mark.parametrize("kill", range(2))
def test_two_processes_killed_and_started_again_give_the_same_bits(kill, data, tmp_path):
    """The first process is killed; the other dies with it, and the restart shares the run between two again."""
    prepare("digits", folder=data)
    document = {**CONVOLUTIONAL["run"], "mixing": SMALL["rows"][1]["run"]["mixing"]}
    document |= {"dataset": {"name": "digits", "version": "scikit-learn", "subset": 256}}
    document |= {"epochs": EPOCHS, "batch_size": 64, "micro_batch": 32}
    assert finish(train, tmp_path / "alone", data, document, 1, 2) == 0
    folder = tmp_path / "killed"
    while not killed(random.Random(kill).random() * 0.2, folder, data, document, processes=2, begun=True):
        wipe(folder)
    assert finish(train, folder, data, document, 1, 2) == 0
    assert kept(folder) == kept(tmp_path / "alone")
    assert unfinished(folder) == []


TABLE = {**SMALL["run"], "epochs": EPOCHS, "mixing": SMALL["rows"][1]["run"]["mixing"]}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def killed_while_it_writes(place, number, folder, data):
    """A training that dies when it writes something for the so-manieth time, after half of it."""
    from remixup.training import checkpoints

    save_file, replace, rename = checkpoints.save_file, os.replace, os.rename
    times = iter(range(1, 1000))

    def half(tensors, path, metadata):
        save_file(tensors, path, metadata)
        if place in str(path) and next(times) == number:
            os.truncate(path, os.path.getsize(path) // 2)
            die()

    def before(move):
        def moved(source, target):
            if place in str(target) and next(times) == number:
                die()
            move(source, target)

        return moved

    if place in ("resume", "checkpoints"):
        checkpoints.save_file = half
    else:
        os.replace, os.rename = before(replace), before(rename)
    train(folder, data, TABLE, seeds=1)


@pytest.mark.parametrize(
    ("place", "number", "epoch"),
    [
        pytest.param("resume", 1, None, id="the first resume point"),
        pytest.param("resume", 4, 3, id="a resume point over another"),
        pytest.param("checkpoints", 1, 5, id="the weights"),
        pytest.param("seeds-0-0.json", 1, 5, id="the digest of the weights"),
        pytest.param("runs", 1, 5, id="the finished block, before it is moved to its place"),
    ],
)
def test_what_was_half_written_at_the_kill_is_not_read_and_goes_away(place, number, epoch, data, tmp_path):
    """Fails, tried out: where `save` writes to the final place, and where `Store.lock` clears nothing away."""
    prepare("iris", "scikit-learn", folder=data)
    assert finish(train, tmp_path / "alone", data, TABLE, 1) == 0
    folder = tmp_path / "killed"
    assert finish(killed_while_it_writes, place, number, folder, data) == -signal.SIGKILL
    assert unfinished(folder) != []
    assert list(folder.glob("results/runs/*/seeds-*")) == []
    points = list(folder.glob("scratch/resume/*/seeds-*"))
    epochs = []
    for point in points:
        with safe_open(point, "pt") as file:  # raises where it is not whole
            epochs.append(file.metadata()["epoch"])
    assert epochs == ([] if epoch is None else [str(epoch)])
    assert finish(train, folder, data, TABLE, 1) == 0
    assert unfinished(folder) == []
    assert kept(folder) == kept(tmp_path / "alone")


def killed_before_its_resume_point_goes(folder, data):
    """A training that dies when its results are stored, and its resume point is still there."""
    unlink = Path.unlink
    Path.unlink = lambda path, **options: die() if path.match("resume/*/seeds-*") else unlink(path, **options)
    train(folder, data, TABLE, seeds=1)


def test_a_resume_point_that_outlived_its_run_goes_away(data, tmp_path):
    """Fails, tried out: where only a training that has just ended removes its resume point."""
    prepare("iris", "scikit-learn", folder=data)
    assert finish(killed_before_its_resume_point_goes, tmp_path, data) == -signal.SIGKILL
    assert len(unfinished(tmp_path)) == 1
    stored = kept(tmp_path)
    assert len(stored) >= 2
    assert finish(train, tmp_path, data, TABLE, 1) == 0
    assert unfinished(tmp_path) == []
    assert kept(tmp_path) == stored


@pytest.mark.parametrize("whole", [False, True], ids=["snakemake alone", "the whole tree"])
def test_snakemake_killed_and_started_again_gives_the_same_bits(whole, tmp_path):
    """Killed alone it leaves a trainer behind, for which the next call waits."""
    run = {**CONVOLUTIONAL["run"], "epochs": 10}
    documents = {**SMALL, "seeds": 2}, {**CONVOLUTIONAL, "run": run}
    alone, other = (make_project(tmp_path / each, *documents) for each in "ab")
    alone.snakemake("--cores", "2", "runs")
    shutil.copy(ROOT / "Makefile", other.folder)
    (other.folder / ".venv").symlink_to(BIN.parent)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "runs"]
    moments = random.Random(whole)
    kills = 0
    for _ in range(2):
        process = subprocess.Popen(
            command, cwd=other.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        before = len(other.blocks())
        deadline = time.monotonic() + 60
        while process.poll() is None and len(other.blocks()) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moments.random())
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGKILL) if whole else process.kill()
        process.wait()
        kills += 1
        other.run("make", "unlock")
    assert kills >= 1
    other.snakemake("--cores", "2", "runs")
    assert kept(other.folder) == kept(alone.folder)
    assert len(kept(alone.folder)) >= 8
    assert unfinished(other.folder / "results") == []
    assert other.remixup("verify").returncode == 0


def test_what_safetensors_had_begun_is_cleared_away(data, tmp_path):
    """It writes beside the file under a name of its own; killed there, it leaves that. Fails, tried out: without it."""
    prepare("iris", "scikit-learn", folder=data)
    run = RunSpec.model_validate(TABLE).key()
    left = [tmp_path / place / run / ".tmpaOGDx6" for place in ("checkpoints", "scratch/resume")]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half of it")
    assert finish(train, tmp_path, data, TABLE) == 0
    assert not any(path.exists() for path in left)
    assert len(kept(tmp_path)) >= 3
