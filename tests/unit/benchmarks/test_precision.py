import json
import math
from types import SimpleNamespace

import pytest
import torch
from remixup_benchmarks import precision
from remixup_benchmarks.documents import header, write
from remixup_benchmarks.precision import FAMILIES, NARROW, compare, document, spec

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import finished, images

CPU = torch.device("cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_differs_is_the_precision_and_nothing_else(family):
    wide, narrow = (spec(FAMILIES[family], each).model_dump() for each in (False, True))
    assert {name for name in wide if wide[name] != narrow[name]} == set(NARROW)
    assert wide["precision"] == "float32"
    assert wide["model"]["name"] == FAMILIES[family]["name"]


ERRORS = {"float32": [10.0, 12.0, 14.0], "bfloat16": [11.0, 12.0, 17.0]}


@pytest.fixture
def made_up(monkeypatch):
    """Trainings whose last test error is made up; the runs that were started, by precision and seed."""
    started = []

    def start(run, seeds, inputs, device):
        (seed,) = seeds
        started.append((run.precision, seed))
        history = [{"test_error": 99.0}, {"test_error": ERRORS[run.precision][seed]}]
        return SimpleNamespace(run=lambda report: None, history=history)

    monkeypatch.setattr(precision, "start", start)
    monkeypatch.setattr(precision, "make_inputs", lambda *arguments: None)
    return started


def test_differences_are_paired_by_seed(made_up):
    found = compare(FAMILIES["LeNet"], Prepared(tensors={}, manifest={}), 3, CPU)
    assert made_up == [(each, seed) for seed in range(3) for each in ("float32", "bfloat16")]
    assert {name: found[name] for name in ERRORS} == ERRORS
    # Differences of 1, 0 and 3: mean 4/3, variance 7/3, and 4.302653 is the 97.5 % quantile of t with 2 degrees.
    half = 4.302653 * math.sqrt(7 / 3 / 3)
    assert found["difference"] == pytest.approx(4 / 3)
    assert found["ci95"] == pytest.approx((4 / 3 - half, 4 / 3 + half))
    assert found["std"] == pytest.approx(2)


def test_each_family_has_its_own_run_in_what_is_written(made_up, tmp_path):
    results = {family: compare(model, Prepared(tensors={}, manifest={}), 2, CPU) for family, model in FAMILIES.items()}
    path = write(document(CPU, 2, results), tmp_path / "precision")
    written = json.loads(path.read_text())
    origin = header(CPU)
    assert {name: written[name] for name in origin} == origin
    assert set(written) - set(origin) == {"narrow", "seeds", "families"}
    assert (written["narrow"], written["seeds"]) == (NARROW, 2)
    models = {family: found["spec"]["run"]["model"] for family, found in written["families"].items()}
    expected = {family: RunSpec.model_validate(RUN | {"model": model}).model for family, model in FAMILIES.items()}
    assert models == expected
    assert written["families"]["LeNet"]["bfloat16"] == ERRORS["bfloat16"][:2]


RUN = {"dataset": {"name": "digits"}, "optimizer": "adam", "epochs": 1, "batch_size": 16}


def test_both_are_really_trained_on_the_same_data(monkeypatch):
    def small(model, narrow):
        changes = {"model": model, "mixing": {"ratio": {"name": "beta", "alpha": 1.0}}}
        return RunSpec.model_validate({**RUN, **changes, **(NARROW if narrow else {})})

    begun = []
    original = SupervisedTrainer.run

    def noted(training, report):
        weights = {name: value.clone() for name, value in training.model.state_dict().items()}
        begun.append((training.spec.precision, training.seeds, weights, training.inputs))
        original(training, report)

    monkeypatch.setattr(precision, "spec", small)
    monkeypatch.setattr(SupervisedTrainer, "run", noted)
    data, model = images(train=32, test=9, side=16), FAMILIES["LeNet"]
    found = compare(model, data, 2, CPU)
    assert [each[:2] for each in begun] == [(each, [seed]) for seed in (0, 1) for each in ("float32", "bfloat16")]
    for (*_, wide, seen), (*_, narrow, same) in (begun[:2], begun[2:]):
        assert all(torch.equal(wide[name], narrow[name]) for name in wide)
        assert torch.equal(seen.examples(seen.train), same.examples(same.train))
    alone = finished(small(model, narrow=True), data, seeds=(1,))
    assert found["bfloat16"][1] == alone.history[-1]["test_error"]
