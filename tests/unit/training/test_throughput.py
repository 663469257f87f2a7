import json

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.costs import throughput
from remixup.costs.throughput import StepTime, StepTimes, describe, kind, measure, time_steps
from remixup.errors import UserError
from remixup.training.supervised import Training

CPU = torch.device("cpu")
MIXUP = {"ratio": {"name": "beta", "alpha": 1.0}}
BASE = {
    "dataset": {"name": "digits"},
    "model": {"name": "preact_resnet", "width": 8, "blocks": [1]},
    "optimiser": {"name": "sgd", "lr": 0.1},
    "epochs": 9,
    "batch_size": 64,
}
TABLE = {
    "dataset": {"name": "iris", "version": "uci", "holdout": 0.5},
    "model": {"name": "mlp", "hidden": [8]},
    "optimiser": "adam",
    "epochs": 9,
    "batch_size": 10,
}


def spec(base=BASE, **changes):
    return RunSpec.model_validate({**base, **changes})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"epochs": 3, "schedule": {"name": "steps", "milestones": [2]}, "scaling": "raw"}),
        ({}, {"optimiser": {"name": "sgd", "lr": 0.3, "momentum": 0.9}}),
        ({}, {"vicinity": {"smoothing": 0.1}}),
        ({}, {"dataset": {"name": "digits", "label_noise": 0.5}}),
        ({"vicinity": MIXUP}, {"vicinity": {"ratio": {"name": "beta", "alpha": 0.2}, "warmup_epochs": 2}}),
        (
            {"vicinity": {"noise": {"name": "gaussian", "sigma": 1}}},
            {"vicinity": {"noise": {"name": "gaussian", "sigma": 2}}},
        ),
    ],
)
def test_runs_that_take_the_same_steps_are_of_one_kind(first, second):
    assert kind(spec(**first), 1) == kind(spec(**second), 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"vicinity": MIXUP},
        {"vicinity": {"noise": {"name": "gaussian", "sigma": 1}}},
        {"model": {"name": "preact_resnet", "width": 16, "blocks": [1]}},
        {"model": {"name": "preact_resnet", "width": 8, "blocks": [1], "dropout": 0.5}},
        {"batch_size": 32},
        {"micro_batch": 32},
        {"precision": "bfloat16"},
        {"memory_format": "channels_last"},
        {"compile": True},
        {"threads": 2},
        {"augmentation": ["horizontal_flip"]},
        {"optimiser": "adam"},
        {"dataset": {"name": "photo-digits"}},
        {"dataset": {"name": "digits", "subset": 100}},  # two steps an epoch are not timed as ten are
    ],
)
def test_what_changes_the_step_changes_the_kind(changes):
    assert kind(spec(**changes), 1) != kind(spec(), 1)


@pytest.mark.parametrize(
    "vicinity",
    [
        {**MIXUP, "cut": 1},
        {**MIXUP, "partner": "second_loader"},
        {"ratio": {"name": "dirichlet", "alpha": 1.0}},
        {**MIXUP, "noise": {"name": "gaussian", "sigma": 1}},
        {**MIXUP, "target": "nearer"},
    ],
)
def test_how_examples_are_mixed_changes_the_kind(vicinity):
    assert kind(spec(vicinity=vicinity), 1) != kind(spec(vicinity=MIXUP), 1)


def test_the_number_of_mixed_examples_changes_the_kind():
    three, four = ({"ratio": {"name": "dirichlet", "alpha": 1.0, "examples": n}} for n in (3, 4))
    assert kind(spec(vicinity=three), 1) != kind(spec(vicinity=four), 1)


def test_seeds_count_where_they_train_side_by_side():
    assert kind(spec(TABLE), 3) != kind(spec(TABLE), 4)
    assert kind(spec(), 3) == kind(spec(), 4)


def test_a_kind_is_described_in_a_line():
    said = describe(kind(spec(TABLE, vicinity=MIXUP), 3))
    assert said == "mlp hidden=[8], 4, 3 seeds, batch 10, ratio beta"


class Clock:
    """Time that passes in steps of training, a second each, and in forward passes of evaluations, half a second."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(throughput.time, "perf_counter", lambda: self.now)
        for name, seconds in (("loss", 1.0), ("logits", 0.5)):
            monkeypatch.setattr(Training, name, self.slow(getattr(Training, name), seconds))

    def slow(self, method, seconds):
        def slowed(*args):
            self.now += seconds
            return method(*args)

        return slowed


def test_a_step_is_given_the_time_that_it_takes(monkeypatch):
    Clock(monkeypatch)
    measured, timed = time_steps(spec(TABLE), 3, CPU)
    # 75 rows in minibatches of 10, each epoch whole: 8 steps; 75 rows are tested at once.
    assert timed == 75
    assert measured == StepTime(pytest.approx(8 / 75), pytest.approx(0.5 / 75))


def test_parts_of_a_minibatch_are_timed_as_they_are_trained(monkeypatch):
    Clock(monkeypatch)
    measured, timed = time_steps(spec(micro_batch=16), 1, CPU)
    # 600 images: 9 minibatches of 64 in four parts each, and one of 24 in two; 600 are tested in two.
    assert timed == 600
    assert measured == StepTime(pytest.approx(38 / 600), pytest.approx(2 * 0.5 / 600))


def test_a_cpu_times_fewer_examples_of_a_large_network(monkeypatch):
    Clock(monkeypatch)
    monkeypatch.setattr(throughput, "CPU_OPERATIONS", 5 * throughput.operations(spec()).training)
    measured, timed = time_steps(spec(micro_batch=16), 1, CPU)
    assert timed == 5
    assert measured == StepTime(pytest.approx(1 / 5), pytest.approx(0.5 / 15))  # an evaluation takes a third


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": {"name": "formant-words"}, "model": {"name": "lenet", "width": 2, "hidden": 8}, "scaling": "raw"},
        {"dataset": {"name": "waves"}, "model": {"name": "mlp", "hidden": [8]}},
        {"vicinity": {**MIXUP, "partner": "nearest", "cut": 1}, "augmentation": ["random_crop"]},
        {"vicinity": {"noise": {"name": "gaussian", "sigma": 0.1, "of": "pixels"}}, "precision": "bfloat16"},
        {"optimiser": {"name": "sgd", "lr": 1e9}},
        {
            "dataset": {"name": "photo-digits-jpeg", "decode": {"name": "random_resized_crop", "size": 24}},
            "model": {"name": "resnet", "layers": [1, 1], "width": 8},
            "scaling": {"name": "given", "mean": [0.5], "std": [0.5]},
        },
    ],
)
def test_every_sort_of_data_can_be_timed(changes):
    measured, timed = time_steps(spec(**changes), 1, CPU)
    assert timed > 1
    assert 0 < measured.evaluation < 1
    assert 0 < measured.training < 1


def test_the_game_is_timed_by_its_iterations():
    game = {"model": {"name": "gan", "hidden": [8]}, "objective": "gan", "scaling": "raw", "optimiser": "adam"}
    asked = spec(dataset={"name": "ring-of-gaussians"}, **game)
    measured, timed = time_steps(asked, 2, CPU)
    assert timed == throughput.STEPS
    assert measured.training > 0
    assert measured.evaluation == 0
    assert kind(asked, 2) == kind(asked.model_copy(update={"objective": {"name": "gan", "iterations": 3}}), 2)


def test_what_was_measured_is_kept_and_not_measured_again(tmp_path, monkeypatch):
    asked, told = [], []

    def fake(spec, seeds, device):
        asked.append((spec.model["name"], seeds))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return StepTime(0.25, 0.125), 64

    monkeypatch.setattr(throughput, "time_steps", fake)
    runs = [(spec(TABLE), 3), (spec(), 1), (spec(epochs=2), 1)]
    with pytest.raises(KeyboardInterrupt):
        measure(runs, StepTimes("Some CPU, 2 cores", "cpu", tmp_path), told.append)
    assert told[0] == "2 kinds of steps to measure on Some CPU, 2 cores"
    assert (tmp_path / "some-cpu-2-cores.json").exists()  # after the first, though the second broke
    again = StepTimes("Some CPU, 2 cores", "cpu", tmp_path)
    measure(runs, again, told.append)
    assert asked == [("mlp", 3), ("preact_resnet", 1), ("preact_resnet", 1)]
    assert again.find(kind(spec(), 5)) == StepTimes.named("some-cpu-2-cores", tmp_path).find(kind(spec(), 5))
    assert again.find(kind(spec(), 5)) == StepTime(0.25, 0.125)
    assert again.find(kind(spec(TABLE), 4)) is None


def test_a_wrong_hardware_or_a_broken_file_is_told(tmp_path):
    StepTimes("Some GPU", "cuda", tmp_path).add({"batch_size": 1}, StepTime(1.0, 1.0), 1)
    assert StepTimes.named("Some GPU", tmp_path).device == "cuda"
    with pytest.raises(UserError, match="did you mean 'some-gpu'"):
        StepTimes.named("some-gpo", tmp_path)
    (tmp_path / "some-gpu.json").write_text(json.dumps({"schema_version": 2}))
    with pytest.raises(UserError, match="schema_version 2"):
        StepTimes.named("some-gpu", tmp_path)


def test_of_gpus_the_one_with_most_steps_comes_first(tmp_path):
    for name, device, steps in (("A", "cuda", 1), ("B", "cuda", 2), ("C", "cpu", 3)):
        times = StepTimes(name, device, tmp_path)
        for step in range(steps):
            times.add({"batch_size": step}, StepTime(1.0, 1.0), 1)
    assert [each.hardware for each in StepTimes.of_gpus(tmp_path)] == ["B", "A"]
    assert StepTimes.of_gpus(tmp_path / "nowhere") == []
