"""The steps of docs/adding-an-evaluation.md, carried out in a copy of the files that they change."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

import remixup.evaluation
from remixup.config import build_registry, registry
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config
from remixup.evaluation.runner import find
from remixup.planning.plan import plan_experiment
from tests.workflow.test_adding_a_method import edit, read_steps

ROOT = Path(__file__).parents[3]
STEPS = read_steps((ROOT / "docs/adding-an-evaluation.md").read_text())
EDITS = [step for step in STEPS if step.action != "run"]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A folder with the edits of the page, and a registry generated from it."""
    for step in EDITS:
        target = tmp_path / step.file
        target.parent.mkdir(parents=True, exist_ok=True)
        if step.action == "row" and not target.exists():
            shutil.copy(ROOT / step.file, target)
        edit(tmp_path, step)
    folders = [*remixup.evaluation.__path__, str(tmp_path / "src/remixup/evaluation")]
    monkeypatch.setattr(remixup.evaluation, "__path__", folders)
    monkeypatch.setattr(build_registry, "KINDS", {"evaluation": "remixup.evaluation"})
    known = registry.load_registry()
    generated = {**known, "kinds": {**known["kinds"], **build_registry.generate()["kinds"]}}
    monkeypatch.setattr(registry, "load_registry", lambda: generated)
    monkeypatch.setattr("remixup.evaluation.runner.load_registry", lambda: generated)
    return tmp_path


def test_an_evaluation_is_a_module_its_test_and_entries_of_one_experiment_file():
    assert [step.file for step in EDITS if step.action == "create"] == [
        "src/remixup/evaluation/confidence.py",
        "tests/unit/evaluation/test_confidence.py",
    ]
    assert {step.file for step in EDITS if step.action != "create"} == {"experiments/mixup/uci.yaml"}


def test_the_steps_lead_from_a_module_to_a_row(copy):
    path = copy / "experiments/mixup/uci.yaml"
    plan = plan_experiment(path, read_experiment(path), Config(), "embedded")
    rows = {row.row.id: row for row in plan.rows}
    row = rows["iris-erm-confidence"]
    assert row.evaluate == [{"name": "confidence"}]
    assert row.run == rows["iris-erm"].run
    assert plan.evaluation(row, row.evaluate[0]).key in plan.evaluations()
    assert find("confidence").__module__ == "remixup.evaluation.confidence"


def test_the_test_of_the_page_passes(copy):
    specification = importlib.util.spec_from_file_location("page", copy / "tests/unit/evaluation/test_confidence.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    tests = [getattr(module, name) for name in dir(module) if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        test()


def test_commands_name_files_and_rows_of_the_page():
    commands = "".join(step.text for step in STEPS if step.action == "run")
    assert re.findall(r"pytest (\S+)", commands) == ["tests/unit/evaluation/test_confidence.py"]
    assert re.findall(r"--row (\S+)", commands) == ["iris-erm-confidence"]
