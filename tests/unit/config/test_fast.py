"""`fast: true`: what it changes, where, and on what ground."""

import json
from pathlib import Path

import pytest

from remixup.config.experiment import read_experiments
from remixup.config.settings import Config
from remixup.planning.plan import FAST, SHOWN_ALIKE, comparable, merge, plan_experiment

ROOT = Path(__file__).parents[3]
EXPERIMENTS = read_experiments(ROOT / "experiments")


def both(name, scale):
    """The rows of an experiment as its file has them, and fast."""
    return [plan_experiment(*EXPERIMENTS[name], Config(fast=fast), scale).rows for fast in (False, True)]


@pytest.mark.parametrize(("name", "scale"), [("cifar", "paper"), ("corruption", "paper"), ("cifar", "reduced")])
def test_it_changes_how_a_run_is_carried_out_and_nothing_else(name, scale):
    for row, fast in zip(*both(name, scale), strict=True):
        changed = fast.run.model_dump()
        assert merge(changed, FAST) == changed
        assert comparable(fast.run) == comparable(row.run)
        undone = fast.run.model_copy(update={key: getattr(row.run, key) for key in FAST})
        assert undone == row.run
        assert (fast.scale, fast.stand_in) == (row.scale, row.stand_in)
        assert (fast.key != row.key) == (row.run.precision == "float32")


@pytest.mark.parametrize(
    ("name", "scale", "why"),
    [
        ("speech", "paper", "LeNet errs more in bfloat16"),
        ("uci", "paper", "a population is not compiled"),
        ("cifar", "embedded", "on a CPU it gains nothing"),
        ("cifar", "reduced-cpu", "on a CPU it gains nothing"),
    ],
)
def test_these_stay_as_their_files_have_them(name, scale, why):
    rows, fast = both(name, scale)
    assert rows == fast, why


def test_private_training_stays_as_it_is():
    found = [(row, fast) for row, fast in zip(*both("dp-mix", "paper"), strict=True) if row.row.id != "erm"]
    assert found
    assert all(row == fast and row.run.objective["name"] == "dp_sgd" for row, fast in found)


def test_the_models_are_those_whose_errors_were_shown_to_be_alike():
    shown = {}
    for path in (ROOT / "benchmarks/precision").glob("*.json"):
        for each in json.loads(path.read_text())["families"].values():
            low, high = each["ci95"]
            shown.setdefault(each["spec"]["run"]["model"]["name"], []).append(low <= 0 <= high)
    assert {name for name, alike in shown.items() if all(alike)} == set(SHOWN_ALIKE)
    assert not all(shown["lenet"])
