"""The steps of docs/adding-a-dataset.md, executed in a copy of the project."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.test_adding_a_method import edit, read_steps

ROOT = Path(__file__).parents[3]
STEPS = read_steps((ROOT / "docs/adding-a-dataset.md").read_text())
PROGRAMS = {
    "make": [sys.executable, "-m", "remixup.config.build_registry"],
    ".venv/bin/python": [sys.executable],
    ".venv/bin/remixup": [sys.executable, "-m", "remixup"],
}


@pytest.fixture
def project(tmp_path):
    """A copy of the sources, experiments and the tests of data."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("src", "experiments", "tests/unit/data", "tests/workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.json"), *ROOT.glob("*.yaml"), *(ROOT / "tests").glob("*.py")):
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    return tmp_path


def run(project, *command):
    environment = {**os.environ, "PYTHONPATH": f"{project / 'src'}:{project}"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_module_and_its_test_are_all_that_a_dataset_needs():
    created = [step.file for step in STEPS if step.action == "create"]
    assert created == ["src/remixup/data/synthetic/two_spirals.py", "tests/unit/data/test_two_spirals.py"]
    assert [step.file for step in STEPS if step.action not in ("create", "run")] == ["experiments/mixup/uci.yaml"]


def test_the_steps_lead_from_a_module_to_a_row(project):
    for step in STEPS:
        if step.action != "run":
            edit(project, step)
            continue
        for line in step.text.splitlines():
            program, *arguments = shlex.split(line)
            command = PROGRAMS[program]
            run(project, *command, *([] if program == "make" else arguments))
    run(project, sys.executable, "-m", "ruff", "check", "src/remixup/data", "tests/unit/data/test_two_spirals.py")
    shown = run(
        project,
        sys.executable,
        "-c",
        "from pathlib import Path; from remixup.config.experiment import read_experiment\n"
        "experiment = read_experiment(Path('experiments/mixup/uci.yaml'))\n"
        "print([row.id for row in experiment.rows if row.id == 'spirals-erm'])",
    )
    assert shown == "['spirals-erm']\n"
