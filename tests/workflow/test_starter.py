"""Commands that are forked from one start-up are what they would be alone."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from remixup import starter
from tests.workflow.conftest import SMALL, children, make_project, wait_for

SOCKET = ".remixup/starter"
PAST_THE_THRESHOLD = 10
"""Experiments, each with a job to train and one to collect."""


def at_work(pid):
    """Whether a command that this process has forked holds the lock on a run."""
    for child in children(pid):
        with contextlib.suppress(FileNotFoundError):
            files = [os.readlink(f"/proc/{child}/fd/{name}") for name in os.listdir(f"/proc/{child}/fd")]
            if any(path.endswith(".lock") for path in files):
                return True
    return False


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A project, and a process that listens in it."""
    long = {**SMALL, "id": "long", "run": {**SMALL["run"], "epochs": 20_000}}
    project = make_project(tmp_path_factory.mktemp("served") / "project", SMALL, long)
    project.remixup("prepare", "iris", "--version", "scikit-learn")
    (project.folder / ".remixup").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.chdir(project.folder)
        process = starter.begin(SOCKET)
    project.run(*asking("plan", "--json"))  # which waits until it listens
    yield project, process
    process.communicate(timeout=10)  # closes its standard input
    assert process.returncode == 0
    assert not (project.folder / SOCKET).exists()


def asking(*arguments, socket=SOCKET):
    return [sys.executable, "-I", "-S", starter.__file__, socket, *arguments]


def test_it_has_no_threads_that_a_fork_would_lose(served):
    assert len(os.listdir(f"/proc/{served[1].pid}/task")) == 1


def test_nobody_else_can_ask(served):
    project, _ = served
    assert (project.folder / SOCKET).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--json"),
        ("train", "smal"),  # a user's mistake: one line, status 2
        ("train", "--nonsense"),
        ("collect", "small", "--config", "nowhere.yaml"),
    ],
)
def test_output_and_status_are_those_of_a_command_alone(served, arguments):
    project, _ = served
    alone = project.remixup(*arguments, check=False)
    asked = project.run(*asking(*arguments), check=False)
    assert asked.returncode == alone.returncode
    assert asked.stdout == alone.stdout
    if arguments[1] == "smal":
        assert asked.stderr == alone.stderr != ""


def test_the_environment_is_the_callers(served, tmp_path):
    project, _ = served
    wanted = {"REMIXUP_MIRROR": str(tmp_path / "no-mirror")}
    asked = project.run(*asking("prepare", "mnist", "--version", "idx"), env=wanted, check=False)
    assert asked.returncode == 2
    assert "no-mirror" in asked.stderr


def test_the_folder_is_the_callers(served, tmp_path):
    project, process = served
    socket = str((project.folder / SOCKET).resolve())
    if len(socket) > 100:
        socket = f"/proc/{process.pid}/cwd/{SOCKET}"
    done = subprocess.run(
        asking("collect", "small", socket=socket), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "config.yaml" in done.stderr


def test_a_run_has_the_same_bits(served):
    project, _ = served
    project.run(*asking("train", "small"))
    [forked] = (project.folder / "results/runs").glob("iris-mlp-mix-*/seeds-*/history.csv")
    found = forked.read_bytes()
    project.run("rm", "-r", "results/runs")
    project.remixup("train", "small")
    assert forked.read_bytes() == found


def test_who_ends_the_client_ends_the_command(served):
    project, process = served
    client = subprocess.Popen(asking("train", "long", "--row", "erm"), cwd=project.folder)
    wait_for(lambda: at_work(process.pid))
    [command] = children(process.pid)
    client.send_signal(signal.SIGTERM)
    assert client.wait(10) != 0
    wait_for(lambda: not children(process.pid))
    assert not os.path.exists(f"/proc/{command}")


def test_a_command_that_is_killed_fails(served):
    project, process = served
    client = subprocess.Popen(
        asking("train", "long", "--row", "erm"), cwd=project.folder, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: at_work(process.pid))
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, said = client.communicate(timeout=10)
    assert client.returncode == 1
    assert "`remixup train long --row erm` was killed" in said


def test_where_nobody_listens_the_command_runs_by_itself(project):
    done = project.run(*asking("train", "smal", socket=".remixup/nobody"), check=False)
    assert done.returncode == 2
    assert "did you mean 'small'" in done.stderr


@pytest.fixture
def held(project):
    """A process that is stopped before it serves, and one that asks it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        (project.folder / ".remixup").mkdir(exist_ok=True)
        server = starter.begin(SOCKET)
        server.send_signal(signal.SIGSTOP)
        client = subprocess.Popen(asking("train", "smal"), stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    assert client.poll() is None
    assert starter.__file__ in read(f"/proc/{client.pid}/cmdline")  # it has not begun by itself
    yield server, client
    server.kill()
    server.communicate()


def test_who_asks_before_it_is_ready_waits(held):
    """Fails, tried out: where the socket is there only after the imports."""
    server, client = held
    server.send_signal(signal.SIGCONT)
    wait_for(lambda: children(server.pid) or client.poll() is not None)
    _, said = client.communicate(timeout=60)
    assert client.returncode == 2
    assert "did you mean 'small'" in said


def test_where_it_ends_before_it_is_ready_the_command_runs_by_itself(held):
    server, client = held
    server.kill()
    server.wait()
    _, said = client.communicate(timeout=60)
    assert client.returncode == 2
    assert "did you mean 'small'" in said


@pytest.fixture
def many(tmp_path):
    documents = [{**SMALL, "id": f"small{k}", "order": 50 + k} for k in range(PAST_THE_THRESHOLD)]
    return make_project(tmp_path / "project", *documents)


def started(project):
    """Snakemake with many jobs, as soon as they can share a start-up, and the process that they are forked from."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "results/embedded/replication.json"]
    snakemake = subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list((project.folder / ".remixup").glob("starter-*")))
    [socket] = (project.folder / ".remixup").glob("starter-*")
    [server] = [pid for pid in children(snakemake.pid) if socket.name in read(f"/proc/{pid}/cmdline")]
    return snakemake, socket, server


def runs(pid):
    """Whether a process is there, and not one that has ended and nobody has asked about."""
    try:
        return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def read(path):
    with open(path) as file:
        return file.read()


def test_many_jobs_share_a_start_and_nothing_is_left_of_it(many):
    snakemake, socket, server = started(many)
    wait_for(lambda: children(server) or snakemake.poll() is not None)  # a job is forked from it
    assert snakemake.wait(300) == 0
    wait_for(lambda: not runs(server) and not socket.exists(), 10)
    entries = many.json("results/embedded/replication.json")["entries"]
    assert {entry["replicated"]["n"] for entry in entries} == {3}
    assert "Nothing to be done" in many.snakemake("--cores", "2", "results/embedded/replication.json").stderr


def test_it_ends_with_a_snakemake_that_is_killed(many):
    snakemake, socket, server = started(many)
    snakemake.kill()
    snakemake.wait(10)
    wait_for(lambda: not socket.exists() and not runs(server))  # it may be importing
