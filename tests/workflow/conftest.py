"""A small project in an empty folder: the repository's workflow over experiments that train in a blink."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from remixup import cli


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark all tests of this folder as slow: they start Snakemake, or processes that are killed."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SMALL = {
    "id": "small",
    "paper": "zhang2018mixup",
    "title": "Small",
    "where": "Table 0",
    "summary": "A small experiment.",
    "seeds": 3,
    "run": {
        "dataset": {"name": "iris", "version": "scikit-learn", "holdout": 0.5},
        "model": {"name": "mlp", "hidden": [8]},
        "optimizer": "adam",
        "epochs": 3,
        "batch_size": 16,
    },
    "scales": {"embedded": {"counts_as": "paper"}, "reduced": {"counts_as": "paper"}},
    "metrics": {"test_error.last": {"label": "Test error"}},
    "rows": [
        {"id": "erm", "label": "ERM", "published": {"test_error.last": 21.3}},
        {"id": "mixup", "label": "mixup", "run": {"mixing": {"ratio": {"name": "beta", "alpha": 1.0}}}},
    ],
    "tables": [{"id": "errors", "caption": "Errors."}],
    "figures": [{"id": "curves", "caption": "Curves.", "draw": "error_curves"}],
}
# One network of each kind: a population, and a convolutional one whose seeds are blocks of their own.
CONVOLUTIONAL = {
    **SMALL,
    "id": "convolutional",
    "title": "Convolutional",
    "run": {
        "dataset": {"name": "digits"},
        "model": {"name": "preact_resnet", "width": 2, "blocks": [1]},
        "optimizer": {"name": "sgd", "lr": 0.05},
        "epochs": 1,
        "batch_size": 64,
    },
}

# One whose evaluation reads the trained weights.
SURFACE = {
    **SMALL,
    "id": "surface",
    "title": "Surface",
    "seeds": 1,
    "run": {**SMALL["run"], "dataset": {"name": "blob-and-ring", "holdout": 0.5}, "normalization": "raw"},
    "rows": [{"id": "erm", "label": "ERM", "evaluate": ["decision_surface"]}],
    "figures": [{"id": "surface", "caption": "Surface.", "draw": "decision_surfaces"}],
}

# One whose evaluation reads the networks of two rows: two jobs, but at embedded scale.
JOINT = {
    **CONVOLUTIONAL,
    "id": "joint",
    "title": "Joint",
    "seeds": 2,
    "rows": [
        SMALL["rows"][0],
        {
            **SMALL["rows"][1],
            "evaluate": [{"name": "attack", "method": "fgsm", "source": "erm", "eps": 0.1, "examples": 20}],
        },
    ],
    "scales": {"reduced": {"counts_as": "paper"}, "reduced-cpu": {"counts_as": "paper"}},
}


def wait_for(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def at_work_in(project):
    """The processes in a project's folder, and the words of their commands."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == project.folder.resolve():
                found[int(entry.name)] = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
    return found


def descendants(pid):
    """The processes that a process has started, from any of its threads, and those that they have."""
    own = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return [each for child in own for each in (child, *descendants(child))]


def training_of(project, job=""):
    """The process that trains in a project's folder (a job whose name begins so), the innermost of a job's, or None."""
    at_work = at_work_in(project).items()
    training = {pid: words for pid, words in at_work if words[2:3] == ["train"] and words[1].endswith("/remixup")}
    return next((pid for pid, words in training.items() if words[words.index("--job") + 1].startswith(job)), None)


class Project:
    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def environment(self):
        """The surroundings of its commands, which run the folder's own code."""
        return {**os.environ, "PYTHONPATH": str(self.folder / "src")}

    def write(self, document, name=None):
        path = self.folder / "experiments/mixup" / f"{name or document['id']}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document))

    def edit(self, name, **changes):
        path = self.folder / "experiments/mixup" / f"{name}.yaml"
        self.write({**yaml.safe_load(path.read_text()), **changes}, name)

    def run(self, *command, check=True, env=None, **options):
        done = subprocess.run(
            [str(each) for each in command],
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def snakemake(self, *arguments, **options):
        return self.run(sys.executable, "-m", "snakemake", *arguments, **options)

    def remixup(self, *arguments, **options):
        return self.run(sys.executable, "-m", "remixup", *arguments, **options)

    def dvc(self, *arguments, **options):
        return self.run(BIN / "dvc", *arguments, **options)

    def git(self, *arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        return self.run("git", *identity, *arguments)

    def blocks(self):
        """Every block of the run store, with the time at which it was published."""
        found = (self.folder / "results/runs").glob("*/seeds-*.json")
        return {f"{path.parent.name}/{path.stem}": path.stat().st_mtime_ns for path in found}

    def json(self, path):
        return json.loads((self.folder / path).read_text())


@dataclass
class Ended:
    """What a command that ran in this process said, as `subprocess.run` would return it."""

    returncode: int
    stdout: str
    stderr: str


def call(*arguments: str) -> Ended:
    """Run the command line in this process, in the working folder; starting one takes seconds."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["remixup", *arguments])
        patch.setattr(cli, "check_code", lambda: None)  # this process has the code of another folder
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code
    return Ended(status, out.getvalue(), err.getvalue())


def make_project(folder: Path, *documents) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("workflow", "profiles", "paper", "src"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info")
        )  # with compiled modules
    for name in (
        "Snakefile",
        "README.md",
        "config.yaml",
        "requirements.lock",
        "pyproject.toml",
        "dvc.yaml",
        ".gitignore",
        ".dvcignore",
    ):
        shutil.copy(ROOT / name, folder / name)
    for name in ("records", "protocols"):
        (folder / name).mkdir()
        (folder / name / ".gitkeep").touch()
    project = Project(folder)
    for document in documents:
        project.write(document)
    return project


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project", SMALL)


@pytest.fixture
def here(project, monkeypatch):
    """The project as the working folder of commands that run in this process."""
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def whole_project(tmp_path):
    """A copy of the sources with all experiments and tests."""
    project = make_project(tmp_path / "project")
    for name in ("experiments", "tests", "docs"):
        shutil.copytree(ROOT / name, project.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "config.schema.json", "evidence.schema.json"):
        shutil.copy(ROOT / name, project.folder / name)
    (project.folder / ".venv").symlink_to(BIN.parent)
    return project
