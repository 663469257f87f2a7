"""`precision: bfloat16` and `fast: true`: what they change, where, and on what ground."""

import json
from pathlib import Path

import pytest

from remixup.config.settings import Config
from remixup.planning.plan import DEEP, FAST, comparable, plan_experiment
from tests.experiments import committed

ROOT = Path(__file__).parents[3]


def planned(name, scale, **settings):
    return plan_experiment(*committed()[name], Config(**settings), scale).rows


@pytest.mark.parametrize(("name", "scale"), [("cifar", "paper"), ("corruption", "paper"), ("cifar", "reduced")])
def test_precision_changes_precision_and_nothing_else(name, scale):
    for row, other in zip(planned(name, scale), planned(name, scale, precision="bfloat16"), strict=True):
        assert other.run.precision == "bfloat16"
        assert comparable(other.run) == comparable(row.run)
        assert other.run.model_copy(update={"precision": row.run.precision}) == row.run
        assert (other.scale, other.surrogate) == (row.scale, row.surrogate)
        assert (other.key != row.key) == (row.run.precision == "float32")


@pytest.mark.parametrize("name", ["cifar", "corruption", "speech", "uci", "k-mixup", "imagenet"])
@pytest.mark.parametrize("scale", ["reduced", "paper"])
def test_fast_changes_how_a_run_is_executed_and_nothing_else(name, scale):
    for row, fast in zip(planned(name, scale), planned(name, scale, fast=True), strict=True):
        assert fast.key == row.key
        assert fast.run.model_copy(update={"execution": row.run.execution}) == row.run
        deep = row.run.model["name"] in DEEP and not row.run.vectorized
        changed = {**row.run.execution.model_dump(), **FAST, "compile": deep}
        assert fast.run.execution.model_dump() == changed


@pytest.mark.parametrize(
    ("name", "scale", "why"),
    [
        ("speech", "paper", "LeNet errs more in bfloat16"),
        ("uci", "paper", "its networks are small"),
        ("cifar", "embedded", "on a CPU it gains nothing"),
        ("cifar", "reduced-cpu", "on a CPU it gains nothing"),
    ],
)
def test_these_keep_the_precision_of_their_files(name, scale, why):
    assert planned(name, scale) == planned(name, scale, precision="bfloat16"), why


@pytest.mark.parametrize("scale", ["embedded", "reduced-cpu"])
def test_on_a_cpu_nothing_is_executed_in_another_way(scale):
    assert planned("cifar", scale) == planned("cifar", scale, fast=True)


def test_private_training_stays_as_it_is():
    both = (planned("dp-mix", "paper", **settings) for settings in ({}, {"precision": "bfloat16", "fast": True}))
    found = [(row, fast) for row, fast in zip(*both, strict=True) if row.row.id != "erm"]
    assert found
    assert all(row == fast and row.run.objective["name"] == "dp_sgd" for row, fast in found)


def test_the_models_are_those_whose_errors_were_shown_to_be_alike():
    shown = {}
    for path in (ROOT / "remixup_benchmarks/precision").glob("*.json"):
        for each in json.loads(path.read_text())["families"].values():
            low, high = each["ci95"]
            shown.setdefault(each["spec"]["run"]["model"]["name"], []).append(low <= 0 <= high)
    assert {name for name, alike in shown.items() if all(alike)} == set(DEEP)
    assert not all(shown["lenet"])
