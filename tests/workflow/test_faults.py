"""Mistakes and failures as a user meets them: one message, status 2, nothing half-written."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.workflow.conftest import CONVOLUTIONAL, JOINT, SMALL, SURFACE, call, make_project, training_of, wait_for
from tests.workflow.forks import results_of


def one_message(done):
    """The message, after making sure that it is one line, without a traceback (Snakemake names its profile before)."""
    profile = "Using workflow specific profile"
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(profile)]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rwos": []}, "small.yaml: unknown key 'rwos'; did you mean 'rows'?"),
        ({"run": {**SMALL["run"], "dataset": {"name": "irsi"}}}, "unknown dataset 'irsi'; did you mean 'iris'?"),
    ],
)
def test_a_mistake_in_an_experiment_file(here, change, expected):
    here.edit("small", **change)
    for done in (here.snakemake("--cores", "1", "-n", check=False), call("train", "small")):
        assert expected in one_message(done)
    assert not (here.folder / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("prepare", "mnits"), "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        (("prepare", "abalone"), "data.mirror"),
        (("train", "smal"), "unknown experiment 'smal' (did you mean 'small'?)"),
        (("train", "small", "--row", "emr"), "unknown row 'emr' (did you mean 'erm'?)"),
        (("plan", "--set", "scale=papre"), "scale"),
        (("plan", "--set", "data.mirror=/no/such/mirror"), "the mirror folder /no/such/mirror does not exist"),
        (("plan", "--config", "missing.yaml"), "missing.yaml: no such file"),
        (("supplement",), "results/embedded/experiments/small.json: not there yet"),
    ],
)
def test_a_mistake_on_the_command_line(here, arguments, expected):
    assert expected in one_message(call(*arguments))


def test_a_missing_mirror_is_told_when_the_workflow_is_read(project):
    done = project.snakemake("--cores", "1", "-n", env={"REMIXUP_MIRROR": "/no/such/mirror"}, check=False)
    assert "environment variable REMIXUP_MIRROR: the mirror folder /no/such/mirror does not exist" in one_message(done)


def test_the_configuration_as_people_type_it(project):
    done = project.snakemake("-n", "--config", "experiments=small", "scale=embedded", check=False)
    assert "--config, experiments: `all`, or a list of ids such as [small], not 'small'" in one_message(done)
    typed = ("results=./20251128//", "data={mirror: null, folder: data/}", "experiments=[small]")
    planned = project.snakemake("-n", "--cores", "1", "--quiet", "host", "--config", *typed).stdout
    outputs = {
        word.strip(",") for line in planned.splitlines() if line.startswith("    output: ") for word in line.split()
    }
    assert {"20251128/embedded/replication.json", "data/prepared/iris-scikit-learn/manifest.json"} <= outputs


def test_a_dataset_that_cannot_be_got_leaves_its_rows_not_run(project):
    """With a mirror that lacks it; with a publisher that is not reached; and again, where the data is there at last."""
    abalone = {"id": "abalone", "label": "abalone", "run": {"dataset": {"name": "abalone", "version": "uci"}}}
    project.edit("small", rows=[*SMALL["rows"], abalone])
    target = "results/embedded/experiments/small.json"
    (project.folder / "mirror/other").mkdir(parents=True)
    nowhere = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}

    def verdicts(*arguments, **env):
        said = project.snakemake("--cores", "2", target, *arguments, env=env).stderr
        entries = project.json(target)["entries"]
        assert [entry["replicated"]["n"] for entry in entries[:2]] == [3, 3]
        return entries[2]["verdict"], "rows that need it are not run" in said

    assert verdicts(REMIXUP_MIRROR="mirror") == ("not run", False)
    download = ("--config", "data={download: true}")
    for _ in range(2):
        assert verdicts(*download, **nowhere) == ("not run", True)
        assert not (project.folder / "data/prepared/abalone-uci/manifest.json").exists()
    (project.folder / "mirror/uci/abalone").mkdir(parents=True)
    (project.folder / "mirror/uci/abalone/abalone.data").write_text("not the published file")
    assert verdicts(REMIXUP_MIRROR="mirror") == ("not run", True)


NO_SOCKETS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int bind(int handle, const struct sockaddr *address, socklen_t size) {
    if (address->sa_family == AF_UNIX && size > sizeof(sa_family_t) && address->sa_data[0]) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return ((int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind"))(handle, address, size);
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="a library of its own needs a compiler")
def test_a_file_system_without_unix_sockets(project, tmp_path):
    """As folders of Windows are in WSL, and of the host in some containers."""
    (tmp_path / "bind.c").write_text(NO_SOCKETS)
    library = tmp_path / "bind.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "bind.c", "-ldl"], check=True)
    bind = "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
    tried = project.run(sys.executable, "-c", bind, env={"LD_PRELOAD": str(library)}, check=False)
    assert "Operation not supported" in tried.stderr
    target = "results/embedded/experiments/small.json"
    project.snakemake("--cores", "2", target, env={"LD_PRELOAD": str(library)})
    assert [entry["replicated"]["n"] for entry in project.json(target)["entries"]] == [3, 3]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"model": {"name": "wide_resnet", "depth": 17}}, "run.model.depth: a wide ResNet of depth 17 does not exist"),
        ({"mixing": {"ratio": {"name": "beta", "alpha": 1.0}, "cut": 9}}, "run.mixing.cut: preact_resnet has "),
    ],
)
def test_a_setting_that_the_network_rejects_is_named_with_its_row(tmp_path, change, expected):
    bad = {"id": "bad", "label": "bad", "run": change}
    project = make_project(tmp_path / "p", {**CONVOLUTIONAL, "rows": [bad]})
    project.remixup("prepare", "digits")
    place = "error: experiments/mixup/convolutional.yaml, rows[bad] at embedded scale, "
    assert one_message(project.remixup("train", "convolutional", check=False)).startswith(place + expected)


def test_damaged_data_is_named(project):
    project.remixup("prepare", "iris", "--version", "scikit-learn")
    tensors = project.folder / "data/prepared/iris-scikit-learn/tensors.safetensors"
    content = bytearray(tensors.read_bytes())
    content[-3] ^= 1
    tensors.write_bytes(content)
    assert "tensors.safetensors" in one_message(project.remixup("train", "small", check=False))
    assert project.blocks() == {}
    done = project.remixup("verify", check=False)
    assert done.returncode == 1
    assert "tensors.safetensors differs" in done.stderr


def test_a_damaged_block_is_put_aside_and_trained_again(project):
    project.remixup("prepare", "iris", "--version", "scikit-learn")
    project.remixup("train", "small")
    block = next((project.folder / "results/runs").glob("*erm*/seeds-0-2.json"))
    results = results_of(block)
    block.write_text(block.read_text().replace('"seconds": ', '"seconds": 1'))
    assert "differs from its digest" in project.remixup("verify", check=False).stderr
    assert "differs from its digest" in project.remixup("train", "small").stdout
    assert results_of(block) == results
    assert project.remixup("verify").returncode == 0


def test_damaged_weights_are_trained_again(tmp_path):
    project = make_project(tmp_path / "p", SURFACE)
    project.remixup("prepare", "blob-and-ring")
    project.remixup("train", "surface")
    weights = next((project.folder / "checkpoints").rglob("*.safetensors"))
    original = weights.read_bytes()
    weights.write_bytes(original[:-2] + bytes([original[-2] ^ 1, original[-1]]))
    assert f"{weights.name} differs" in project.remixup("verify", check=False).stderr
    before = project.blocks()
    assert "trained again for its weights" in project.remixup("train", "surface").stdout
    assert weights.read_bytes() == original
    assert project.blocks() == before


def test_a_result_edited_by_hand_is_not_collected(project):
    project.snakemake("--cores", "2", "runs")
    block = next((project.folder / "results/runs").glob("*erm*/seeds-0-2.json"))
    block.write_text(block.read_text().replace('"seconds": ', '"seconds": 1'))
    assert "differs from its digest" in one_message(project.remixup("collect", "small", check=False))


def test_a_run_that_diverges_is_a_result(tmp_path):
    wild = {**CONVOLUTIONAL["run"], "optimizer": {"name": "sgd", "lr": 1e30}}
    rows = [SMALL["rows"][0], {**SMALL["rows"][1], "run": {"optimizer": {"name": "sgd", "lr": 0.05}}}]
    project = make_project(tmp_path / "p", {**CONVOLUTIONAL, "run": wild, "rows": rows, "seeds": 1})
    project.remixup("prepare", "digits")
    assert project.remixup("train", "convolutional", check=False).returncode == 3
    project.snakemake("--cores", "2", "results/embedded/experiments/convolutional.json")
    entries = project.json("results/embedded/experiments/convolutional.json")["entries"]
    assert [entry["verdict"] for entry in entries] == ["diverged", "no published number"]
    assert entries[0]["replicated"] is None
    assert entries[1]["replicated"]["n"] == 1


def test_what_would_read_a_run_that_broke_is_not_measured(tmp_path):
    """An attack made on the networks of a row whose training fails: the attacked row keeps its own results."""
    source, attacked = JOINT["rows"]
    huge = {**source, "run": {"model": {"width": 10**10}}}
    project = make_project(tmp_path / "p", {**JOINT, "rows": [huge, attacked]})
    target = "results/embedded/experiments/joint.json"
    done = project.snakemake("--cores", "1", target, check=False)
    assert (done.returncode, "failed, see" in done.stderr) == (3, True)
    verdicts = {entry["row"]: entry["verdict"] for entry in project.json(target)["entries"]}
    assert verdicts == {"erm": "failed", "mixup": "no published number"}
    assert not list((project.folder / "results/evaluations").glob("*"))


def test_a_run_that_breaks_is_named_and_tried_again(project):
    """A network larger than any memory breaks one run; the others are unharmed and the results are collected."""
    huge = {"id": "huge", "label": "huge", "run": {"model": {"hidden": [10**13]}}}
    project.edit("small", rows=[*SMALL["rows"], huge])
    target = "results/embedded/experiments/small.json"
    done = project.snakemake("--cores", "2", target, check=False)
    assert done.returncode == 3
    entries = project.json(target)["entries"]
    assert entries[0]["replicated"]["n"] == 3
    assert [entry["verdict"] for entry in entries[1:]] == ["no published number", "failed"]
    assert "allocate" in (project.folder / entries[2]["log"]).read_text()
    assert f"failed, see {entries[2]['log']}" in done.stderr + done.stdout
    before = project.blocks()
    for _ in range(2):  # and again: what breaks twice is tried a third time
        assert "failed, see" in project.snakemake("--cores", "2", target, check=False).stderr
    project.edit("small", rows=SMALL["rows"])
    project.snakemake("--cores", "2", target)
    assert project.blocks() == before


def test_a_training_that_is_killed_is_named_and_the_rest_is_collected(tmp_path):
    """As the kernel kills the process that needs the most memory. The row that attacks it keeps its own results."""
    project = make_project(tmp_path / "p", JOINT)
    key = project.remixup("show", "erm", "--set", "scale=reduced-cpu").stdout.split("key: ")[1].split("\n")[0]
    target = "results/reduced-cpu/experiments/joint.json"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", target, "--config", "scale=reduced-cpu"]
    running = subprocess.Popen(
        command, cwd=project.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    wait_for(lambda: training_of(project, key))
    os.kill(training_of(project, key), signal.SIGKILL)
    said = running.communicate()[1]
    assert running.returncode == 3, said
    entries = {entry["row"]: entry for entry in project.json(target)["entries"]}
    assert {row: entry["verdict"] for row, entry in entries.items()} == {
        "erm": "failed",
        "mixup": "no published number",
    }
    assert entries["mixup"]["replicated"]["n"] == 2
    assert f"{key} failed, see {entries['erm']['log']}" in said
    assert "killed by signal 9" in (project.folder / entries["erm"]["log"]).read_text()
    before = project.blocks()
    project.run(*command)
    assert {name: project.blocks()[name] for name in before} == before
    assert {entry["row"]: entry["replicated"]["n"] for entry in project.json(target)["entries"]} == {
        "erm": 2,
        "mixup": 2,
    }
    assert list((project.folder / "results/evaluations").glob("attack-*/*"))
