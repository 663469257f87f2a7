"""A bundle from end to end: packed here, run by another Python and torch without network and git, collected here."""

import json
import os
import shutil
import signal
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from remixup.files import extract
from remixup.store.blocks import SeedBlock
from tests.workflow.conftest import BIN, CONVOLUTIONAL, ROOT, SMALL, Project, descendants, make_project, wait_for

TORCH = "2.11.0"
NOT_FETCHED = ("Failed to fetch", "Failed to download", "was not found in the")
"""What uv says where the packages cannot be had; any other failure of uv is a fault."""
LIMITS = ("--minutes", "9", "--max-mib", "4")
LONG = {**CONVOLUTIONAL, "id": "long", "title": "Long", "run": {**CONVOLUTIONAL["run"], "epochs": 400}, "seeds": 1}
QUEUE = {
    "gpu": [
        {"experiment": "convolutional", "scale": "reduced", "rows": ["*"], "seeds": 1},
        {"experiment": "small", "scale": "paper", "rows": ["mixup"]},
        {"experiment": "long", "scale": "reduced", "rows": ["erm"]},
    ]
}


def uv(*arguments):
    done = subprocess.run([BIN / "uv", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in NOT_FETCHED):
        pytest.skip(f"no other Python with torch {TORCH}: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def other_python(tmp_path_factory):
    """Python 3.12 with an older torch and some of what training needs; uv's cache makes the second time quick."""
    programs = sorted(Path.home().glob(".pyenv/versions/3.12.*/bin/python"))
    if not programs:
        pytest.skip("pyenv has no Python 3.12")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a process without a network needs root")
    folder = tmp_path_factory.mktemp("other")
    # Everything but torch in the lock's versions, so that little is fetched.
    names = ("torch", "torchvision", "triton", "cuda-toolkit")
    lines = [line.removesuffix(" \\") for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    lines = [line for line in lines if line.partition("==")[0] not in names and not line.startswith(" ")]
    (folder / "versions.txt").write_text("\n".join([*lines, "triton; sys_platform == 'never'"]))
    python = folder / "env/bin/python"
    uv("venv", "--quiet", "--python", programs[-1], folder / "env")
    there = ("numpy", "scipy", "scikit-learn", "pillow", "pyyaml")
    uv("pip", "install", "--python", python, f"torch=={TORCH}", *there, "--override", folder / "versions.txt")
    return python


class Machine:
    """Another machine: its Python, no network, no git, and a folder in which the bundle arrives."""

    def __init__(self, folder, python):
        self.folder, self.python, self.inbox = folder, python, folder / "inbox"
        for path in (self.inbox, folder / "bin", folder / "tmp"):
            path.mkdir(parents=True)
        (folder / "bin/sh").symlink_to("/bin/sh")

    def bring(self, bundle, names=None):
        """Copy files of a bundle; those that came before are gone."""
        shutil.rmtree(self.inbox)
        shutil.copytree(bundle, self.inbox, ignore=lambda _, found: [] if names is None else set(found) - set(names))

    def start(self, minutes):
        environment = {"PATH": str(self.folder / "bin"), "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")}
        words = [shutil.which("unshare"), "-n", self.python, "run.py", "--minutes", str(minutes)]
        words += ["--results", str(self.folder / "results")]
        return subprocess.Popen(words, cwd=self.inbox, env=environment, stdout=-1, stderr=subprocess.STDOUT, text=True)

    def run(self, minutes=30):
        """Make a call; return the exit status and what it printed."""
        process = self.start(minutes)
        said = process.communicate(timeout=900)[0]
        return process.returncode, said

    @property
    def tree(self):
        return next((self.folder / "tmp").glob("remixup-*/unpacked/tree"), self.folder / "no tree")


@pytest.fixture(scope="module")
def project(tmp_path_factory, other_python):
    """A committed project and its bundle, in parts of 4 MiB."""
    project = make_project(tmp_path_factory.mktemp("bundle") / "project", CONVOLUTIONAL, SMALL, LONG)
    (project.folder / "evidence.yaml").write_text(yaml.safe_dump(QUEUE))
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "start")
    there = project.folder.parent / "there.txt"
    there.write_text(uv("pip", "freeze", "--python", other_python))
    target = ("--installed", there, "--python", "3.12", "--tflops", "0.05")
    done = project.remixup("bundle", *LIMITS, *target, check=False)
    if "is there a network?" in done.stderr:
        pytest.skip("the wheels cannot be fetched")
    assert done.returncode == 0, done.stderr
    project.said = done.stdout.splitlines()
    return project


@pytest.fixture(scope="module")
def collected(project, tmp_path_factory, other_python):
    """What came of a bundle whose parts arrived in two calls, of which the second was cut off in a long run."""
    machine, bundle = Machine(tmp_path_factory.mktemp("machine"), other_python), project.folder / ".remixup/bundle"
    parts = sorted(path.name for path in bundle.glob("part-*"))
    machine.bring(bundle, ["run.py", "bundle.json", *parts[:2]])
    machine.first = machine.run()
    machine.bring(bundle, ["run.py", "bundle.json", *parts[2:]])
    process = machine.start(30)
    points = ".remixup/resume/*/seeds-0-0.safetensors"
    wait_for(lambda: list(machine.tree.glob(points)) or process.poll() is not None, 400)
    assert process.poll() is None, process.communicate()[0]
    for pid in [process.pid, *descendants(process.pid)]:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=30)
    machine.cut = datetime.now(UTC).isoformat(timespec="seconds")
    shutil.copytree(machine.folder / "results", machine.folder / "cut")
    machine.last = machine.run()
    return machine


def clone(project, folder):
    copy = Project(folder)
    shutil.copytree(project.folder, folder, symlinks=True)
    return copy


def records(folder):
    return {str(path.relative_to(folder)): SeedBlock.read(path) for path in folder.glob("records/runs/*/*.json")}


def test_the_bundle_has_what_the_other_machine_lacks(project):
    said = "\n".join(project.said)
    assert "note: torchvision needs torch==2.13.0, and 2.11.0 is there" in said
    assert sum("seed" in line and line.startswith("  ") for line in project.said) == 4
    bundle = project.folder / ".remixup/bundle"
    assert all(path.stat().st_size < 4 * 2**20 for path in bundle.iterdir())
    assert sum(path.stat().st_size for path in bundle.iterdir()) < 30 * 2**20
    assert project.git("status", "--porcelain").stdout == ""


def test_parts_are_kept_until_all_have_come(collected):
    status, said = collected.first
    assert status == 3
    assert "still to come: part-03" in said


def test_all_runs_come_home_from_another_python_and_torch(project, collected, tmp_path):
    assert collected.last[0] == 0, collected.last[1]
    home = clone(project, tmp_path / "home")
    home.remixup("collect-bundle", collected.folder / "results")
    found = records(home.folder)
    assert sorted(len(block.seeds) for block in found.values()) == [1] * 3 + [3]
    commit = home.git("rev-parse", "HEAD").stdout.strip()
    for block in found.values():
        made = block.provenance
        assert (made.code.commit, made.code.clean) == (commit, True)
        assert made.environment.python.startswith("3.12.")
        assert made.environment.versions["torch"].startswith(TORCH)
        assert made.environment.versions["snakemake"] is None
    assert home.remixup("verify").returncode == 0
    home.git("add", "-A")
    home.git("commit", "-q", "-m", "records")
    again = home.remixup("bundle", *LIMITS, "--installed", "evidence.yaml", "--tflops", "1", check=False)
    assert "none of 0 missing tasks fits" in again.stderr


def test_what_was_cut_off_left_whole_results_and_went_on(project, collected, tmp_path):
    home = clone(project, tmp_path / "home")
    home.remixup("collect-bundle", collected.folder / "cut")
    [long] = [block for block in records(collected.tree).values() if block.spec["epochs"] == 400]
    assert sorted(len(block.seeds) for block in records(home.folder).values()) == [1] * 2 + [3]
    assert long.provenance.started < collected.cut, "it went on from its resume point"
    assert collected.last[1].count("on record: ") == 1, "the others were done"


def test_a_tampered_record_is_refused(project, collected, tmp_path):
    """Whoever forges a record can compute all digests, too."""
    folder = tmp_path / "forged"
    with tarfile.open(collected.folder / "results/results.tar.gz") as archive:
        extract(archive, folder)
    path = next(folder.glob("records/runs/*preact*/seeds-0-0.json"))
    block = SeedBlock.read(path)
    block.model_copy(update={"values": {**block.values, "test_error.last": [1.0]}}).write(path)
    said = json.loads((folder / "results.json").read_text())
    digest = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    said["files"][str(path.relative_to(folder))] = digest
    (folder / "results.json").write_text(json.dumps(said))
    with tarfile.open(tmp_path / "results.tar.gz", "w:gz") as archive:
        archive.add(folder, ".")
    home = clone(project, tmp_path / "home")
    done = home.remixup("collect-bundle", tmp_path / "results.tar.gz", check=False)
    assert done.returncode == 2
    assert "does not follow from its history" in done.stderr
    assert home.git("status", "--porcelain").stdout == ""
    assert records(home.folder) == {}


def test_a_dirty_tree_is_not_packed(project, tmp_path):
    home = clone(project, tmp_path / "home")
    home.edit("small", title="Changed")
    done = home.remixup("bundle", *LIMITS, "--installed", "evidence.yaml", check=False)
    assert done.returncode == 2
    assert "clean work tree" in done.stderr
    assert "experiments/mixup/small.yaml" in done.stderr
