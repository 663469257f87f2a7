"""The workflow through profiles/slurm, on a real Slurm of one node (`tests/workflow/slurm`); what goes wrong there."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from tests.workflow.conftest import (
    CONVOLUTIONAL,
    JOINT,
    ROOT,
    SMALL,
    SURFACE,
    Project,
    at_work_in,
    make_project,
    training_of,
)
from tests.workflow.forks import results_of

SCRIPT = Path(__file__).with_name("slurm")
PROFILE = ("--profile", ROOT / "profiles/slurm")
# Without a database of past jobs Slurm knows them by squeue alone. Ten seconds are what a small job takes.
HERE = (*PROFILE, "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "10")
TARGET = "results/embedded/replication.json"
# Long enough to be met in the middle, and to leave a resume point there.
LONG = {**SMALL, "id": "long", "seeds": 2, "run": {**SMALL["run"], "epochs": 2500}, "rows": SMALL["rows"][1:]}


class Job(NamedTuple):
    id: str
    state: str
    restarts: int


def slurm(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def jobs(rule):
    """The jobs that Slurm knows of a rule (or of those of its wildcards that begin so), oldest first."""
    fields = "JobID:20,State:20,RestartCnt:20,Comment:200"
    lines = slurm("squeue", "--states=all", "--noheader", "--sort=i", f"--Format={fields}").splitlines()
    found = [line.split() for line in lines]
    return [Job(id, state, int(count)) for id, state, count, comment in found if comment.startswith(f"rule_{rule}")]


def node(state):
    name = slurm("sinfo", "--noheader", "--format=%n").strip()
    slurm("scontrol", "update", f"NodeName={name}", f"State={state}", "Reason=test")


def wait_for(what, run, seconds=600):
    """Waits until what() is true; fails where the run ends or time passes before."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert run.poll() is None, f"snakemake ended early:\n{run.log.read_text()}"
        assert time.monotonic() < deadline, f"waited in vain\n{slurm('squeue', '--states=all')}{run.log.read_text()}"
        time.sleep(0.1)
    return found


@pytest.fixture
def cluster():
    """A Slurm of one node: one on this host at a time, however many run tests."""
    with FileLock(Path(tempfile.gettempdir()) / "remixup-test-slurm.lock"), tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True, check=False)
        try:
            assert done.returncode == 0, done.stderr
            yield
        finally:
            subprocess.run([SCRIPT, "stop"], check=True)


@contextmanager
def submitted(project, *arguments):
    """A Snakemake that submits to the cluster; interrupted where the test fails, so that nothing is left running."""
    log = project.folder / "snakemake.log"
    command = [sys.executable, "-m", "snakemake", TARGET, *HERE, *arguments]
    with log.open("w") as file:
        run = subprocess.Popen(command, cwd=project.folder, stdout=file, stderr=subprocess.STDOUT)
    run.log = log
    try:
        yield run
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGINT)
            run.wait(300)


def ended(run, status=0):
    """The log of a run that has ended as expected."""
    assert run.wait(900) == status, run.log.read_text()
    return run.log.read_text()


def computed(project: Project):
    """Every byte that was computed: histories, metrics, weights, evaluations."""
    places = ("results/runs", "results/evaluations", "checkpoints")
    files = [path for place in places for path in (project.folder / place).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(project.folder)): results_of(path) if "results" in path.parts else path.read_bytes()
        for path in files
        if path.suffix != ".lock"
    }


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What the experiments give here, without Slurm."""
    project = make_project(tmp_path_factory.mktemp("local") / "p", SMALL, CONVOLUTIONAL, SURFACE, LONG)
    project.snakemake("--cores", "1", TARGET)
    return computed(project)


def same(project: Project, reference):
    """Whether a project has results for all of its rows, and each byte of them is the reference's."""
    found = computed(project)
    complete = all(entry["replicated"] for entry in project.json(TARGET)["entries"])
    return complete and found == {name: reference.get(name) for name in found}


@pytest.mark.parametrize(("scale", "gpus"), [("reduced-cpu", "gpu=0"), ("reduced", "gpu=1")])
def test_what_jobs_ask_for(tmp_path, scale, gpus):
    project = make_project(tmp_path / "p", JOINT)
    plan = project.snakemake(*PROFILE, "-n", "--config", f"scale={scale}").stdout
    asked = dict(re.findall(r"^(?:local)?rule (\w+):\n(?: .*\n)*?    resources: (.*)$", plan, re.MULTILINE))
    assert set(asked) == {
        "prepare_embedded",
        "train",
        "records",
        "collect",
        "draw",
        "article",
        "supplement",
        "page",
        "all",
    }
    assert {rule for rule, line in asked.items() if "gpu=" in line} == {"train"}
    assert {rule for rule, line in asked.items() if "runtime=" in line} == {"prepare_embedded", "train"}
    assert gpus in asked["train"].split(", ")
    assert "mem_mb=16000" in asked["train"].split(", ")


def test_the_same_report_from_a_cluster(cluster, reference, tmp_path):
    remote = make_project(tmp_path / "remote", SMALL, CONVOLUTIONAL, SURFACE)
    remote.snakemake(*HERE)
    assert same(remote, reference)
    assert (remote.folder / "results/embedded/supplement.pdf").stat().st_size > 0
    states = {rule: [job.state for job in jobs(rule)] for rule in ("prepare", "train")}
    assert states == {"prepare": ["COMPLETED"], "train": ["COMPLETED"]}
    assert len(slurm("squeue", "--states=all", "--noheader").splitlines()) == 2  # and none for what takes seconds


def test_a_cancelled_job_is_reported_and_the_next_call_goes_on(cluster, reference, tmp_path):
    remote = make_project(tmp_path / "remote", LONG, CONVOLUTIONAL)
    with submitted(remote, "--retries", "0") as run:
        canceled = wait_for(lambda: long_one(remote), run)
        slurm("scancel", canceled.id)
        log = ended(run, status=1)
    assert f"SLURM-job '{canceled.id}' failed, SLURM status is: 'CANCELLED'" in log
    assert "`remixup collect --plan results/embedded/plan.json` collects what there is" in log
    remote.remixup("collect", "--plan", "results/embedded/plan.json")
    assert (remote.folder / "results/embedded/experiments/convolutional.json").exists()
    verdicts = {entry["experiment"]: entry["verdict"] for entry in remote.json(TARGET)["entries"]}
    assert verdicts["long"] == "not run"
    before = remote.blocks()
    remote.snakemake(*HERE, "runs", TARGET)
    assert {name: remote.blocks()[name] for name in before} == before
    assert same(remote, reference)


def long_one(project):
    """The running job of the long training, once it has left a resume point."""
    if not list((project.folder / ".remixup/resume").rglob("*.safetensors")):
        return None
    return next((job for job in reversed(jobs("train_wildcards_long")) if job.state == "RUNNING"), None)


def test_a_job_past_its_time_limit_is_submitted_again_and_goes_on(cluster, reference, tmp_path):
    """The training is stopped as if it hung, so that Slurm's shortest limit, a minute, ends it; then it has an hour."""
    remote = make_project(tmp_path / "remote", LONG)
    with submitted(remote, "--set-resources", "train:runtime=1 if attempt == 1 else 60") as run:
        first = wait_for(lambda: long_one(remote), run)
        stopped = training_of(remote)
        os.kill(stopped, signal.SIGSTOP)
        wait_for(lambda: jobs("train")[0].state == "TIMEOUT", run)
        assert list((remote.folder / ".remixup/resume").rglob("*.safetensors"))
        log = ended(run)
    assert f"SLURM-job '{first.id}' failed, SLURM status is: 'TIMEOUT'" in log
    assert not Path(f"/proc/{stopped}").exists()
    assert [job.state for job in jobs("train")] == ["TIMEOUT", "COMPLETED"]
    assert same(remote, reference)


def test_a_node_drained_in_mid_run_finishes_its_jobs_and_the_rest_waits(cluster, reference, tmp_path):
    remote = make_project(tmp_path / "remote", SURFACE)
    with submitted(remote) as run:
        wait_for(lambda: [job for job in jobs("prepare") if job.state == "RUNNING"], run)
        node("DRAIN")
        wait_for(lambda: jobs("train"), run)
        assert [job.state for job in jobs("prepare")] == ["COMPLETED"]
        time.sleep(5)  # a job that did not wait would have started by now
        assert [job.state for job in jobs("train")] == ["PENDING"]
        node("RESUME")
        ended(run)
    assert [job.restarts for job in jobs("prepare") + jobs("train")] == [0, 0]
    assert same(remote, reference)


def test_a_job_that_loses_its_node_starts_again_on_its_own(cluster, reference, tmp_path):
    remote = make_project(tmp_path / "remote", LONG)
    with submitted(remote, "--retries", "0") as run:
        lost = wait_for(lambda: long_one(remote), run)
        node("DOWN")
        wait_for(lambda: jobs("train")[0].state == "PENDING", run)
        node("RESUME")
        ended(run)
    for pid in at_work_in(remote):  # a lost node takes all its processes along; this one stands still
        os.kill(pid, signal.SIGKILL)
    assert jobs("train") == [Job(lost.id, "COMPLETED", 1)]
    assert same(remote, reference)


# What a job sees of its GPUs, and which of them it holds for a while.
DEVICES = """
import json, sys, time
from remixup.training.gpu_lock import devices, slots
found = {"visible": devices()}
with slots(int(sys.argv[2])) as found["held"]:
    found["began"] = time.time()
    time.sleep(8)
    found["ended"] = time.time()
json.dump(found, open(sys.argv[1], "w"))
"""
# Memory is named, because Slurm gives all of a node's to a job that names none.
SIX_GPUS_WANTED = """
rule all:
    input:
        expand("single-{i}.json", i=range(4)),
        "pair.json",
        "without.json",
rule single:
    output:
        "single-{i}.json",
    resources:
        gpu=1, mem_mb=1000, runtime=5,
    shell:
        "PYTHON devices.py {output} 1"
rule pair:
    output:
        "pair.json",
    resources:
        gpu=2, mem_mb=1000, runtime=5,
    shell:
        "PYTHON devices.py {output} 2"
rule without:
    output:
        "without.json",
    resources:
        gpu=0, mem_mb=1000, runtime=5,
    shell:
        "PYTHON devices.py {output} 1"
"""


def test_jobs_share_four_gpus_and_none_holds_anothers(cluster, tmp_path):
    (tmp_path / "devices.py").write_text(DEVICES)
    (tmp_path / "Snakefile").write_text(SIX_GPUS_WANTED.replace("PYTHON", sys.executable))
    project = Project(tmp_path)
    project.snakemake(*HERE, env={"TMPDIR": str(tmp_path)})
    without = project.json("without.json")
    assert (without["visible"], without["held"]) == ([], [])
    holders = [project.json(f"{name}.json") for name in ("single-0", "single-1", "single-2", "single-3", "pair")]
    assert [len(job["held"]) for job in holders] == [1, 1, 1, 1, 2]
    assert all(job["held"] == job["visible"] for job in holders)
    for job in holders:
        beside = [other for other in holders if other["began"] <= job["began"] < other["ended"]]
        used = [device for other in beside for device in other["held"]]
        assert len(used) == len(set(used)) <= 4
    # Whether the fourth is ever needed depends on the order in which Slurm starts the jobs.
    assert {device for job in holders for device in job["held"]} <= {"0", "1", "2", "3"}
