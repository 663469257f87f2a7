"""Evaluations of stored runs: which networks they are given, and what is kept."""

import json
from contextlib import nullcontext
from datetime import datetime
from types import SimpleNamespace

import pytest
import torch

from remixup.evaluation import runner, storage
from remixup.planning.plan import Evaluation
from remixup.store.provenance import code, environment, processor
from remixup.store.run_store import Store
from remixup.training import objectives
from tests.unit.store.samples import provenance
from tests.unit.training.samples import image_spec, images, start

NAME = "memorization"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Three stored seeds of one run; the weights that are asked for are noted."""
    loaded, measured = [], []
    store, spec = Store(tmp_path / "results"), image_spec()
    row = {"epoch": 1, "train_loss": 1.0, "test_error": 5.0}
    for seed in range(3):
        store.publish(spec, [seed], [{"seed": seed, **row}], provenance())
    monkeypatch.setattr(store, "checkpoint", lambda run, seeds: (run, seeds))
    data = images()
    runs = SimpleNamespace(
        store=store,
        first_seeds=range,
        inputs=lambda spec, seeds: start(spec, data, seeds).inputs,
        device=torch.device("cpu"),
        naming_row=nullcontext,
    )
    monkeypatch.setattr(runner.checkpoints, "load_weights", lambda path, training: loaded.append(path))

    def probe(training, *, others=None, **parameters):
        measured.append((training.seeds, others and others.seeds, parameters))
        return [{"seed": seed} for seed in training.seeds]

    monkeypatch.setattr(runner, "find", lambda name: probe)
    return SimpleNamespace(runs=runs, loaded=loaded, measured=measured)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_other_network_is_of_another_seed(store, seeds):
    spec, source = image_spec(), image_spec(epochs=9)
    wanted = Evaluation(spec.key(), {"name": NAME, "eps": 1.0}, 3, source.key())
    files = runner.evaluate(store.runs, wanted, (spec, 3), (source, seeds))
    assert len(files) == 3
    for seed, (own, others, parameters) in enumerate(store.measured):
        assert own == [seed]
        assert others == [(seed + 1) % seeds]
        assert others != own
        assert parameters == {"eps": 1.0}
    assert store.loaded[:2] == [(spec.key(), [0]), (source.key(), [1])]


def test_networks_of_a_freeze_attack_one_another(store):
    spec, source = image_spec(), image_spec(epochs=9)
    store.runs.first_seeds = lambda count: range(1, 1 + count)
    runner.evaluate(store.runs, Evaluation(spec.key(), {"name": NAME}, 2, source.key()), (spec, 2), (source, 2))
    assert [each[:2] for each in store.measured] == [([1], [2]), ([2], [1])]


def test_without_a_source_there_is_no_other_network_and_nothing_is_measured_twice(store):
    spec = image_spec()
    wanted = Evaluation(spec.key(), {"name": NAME}, 2)
    files = runner.evaluate(store.runs, wanted, (spec, 3))
    assert [each[:2] for each in store.measured] == [([0], None), ([1], None)]  # as many seeds as are asked for
    assert json.loads(files[1].read_text())["measured"] == [{"seed": 1}]
    assert storage.path(store.runs.store, wanted, store.runs.store.blocks(spec.key())[1]) == files[1]
    assert runner.evaluate(store.runs, wanted, (spec, 3)) == files
    assert len(store.measured) == 2


def test_what_is_measured_says_by_what_sources_and_where(store):
    spec = image_spec()
    wanted = Evaluation(spec.key(), {"name": NAME}, 1)
    runner.evaluate(store.runs, wanted, (spec, 3))
    found = storage.find(store.runs.store, wanted, store.runs.store.blocks(spec.key())[0])
    assert found.provenance.code == code()
    assert found.provenance.environment == environment()
    assert (found.provenance.hardware, found.provenance.device) == (processor(), "cpu")
    assert found.provenance.seconds >= 0
    assert datetime.fromisoformat(found.provenance.started).tzinfo is not None


def test_what_needs_no_weights_is_given_none(store):
    spec = image_spec()
    runner.evaluate(store.runs, Evaluation(spec.key(), {"name": "logistic_regression"}, 1), (spec, 3))
    assert store.loaded == []
    assert len(store.measured) == 1


def test_the_network_is_that_of_the_objective(store, monkeypatch):
    chosen = []
    supervised = objectives.supervised
    monkeypatch.setattr(objectives, "supervised", lambda *args: chosen.append(args[1]) or supervised(*args))
    spec = image_spec()
    runner.evaluate(store.runs, Evaluation(spec.key(), {"name": NAME}, 1), (spec, 3))
    assert chosen == [[0]]


def test_an_evaluation_without_stored_seeds_says_so(store, capsys):
    trained, untrained = image_spec(), image_spec(epochs=9)
    wanted = [Evaluation(spec.key(), {"name": NAME}, 1) for spec in (trained, untrained)]
    done = runner.evaluate_all(store.runs, wanted, {spec.key(): (spec, 1) for spec in (trained, untrained)})
    assert len(done) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(f"{NAME} of {trained.key()}")
    assert second.endswith(f"{NAME} of {untrained.key()}: not made, since no seed is stored")


def test_the_means_of_what_is_measured_are_printed(store, monkeypatch, capsys):
    def probe(training):
        errors = {0: 10.0, 1: None, 2: 30.5}
        return [{"seed": seed, "error": errors[seed], "modes": seed, "curve": [1.0, 2.0]} for seed in training.seeds]

    monkeypatch.setattr(runner, "find", lambda name: probe)
    spec = image_spec()
    runner.evaluate_all(store.runs, [Evaluation(spec.key(), {"name": NAME}, 3)], {spec.key(): (spec, 3)})
    assert capsys.readouterr().out.endswith(f"{NAME} of {spec.key()}: error 20.25, modes 1\n")
