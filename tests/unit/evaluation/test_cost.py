import functools
import random
from types import SimpleNamespace

import pytest
import torch

from remixup.evaluation import cost as module
from remixup.evaluation.cost import cost
from remixup.mixing import blend
from remixup.mixing.partner import minibatch, training_set
from remixup.training import supervised
from tests.unit.evaluation.fixed_networks import start
from tests.unit.training.samples import MIXUP, image_spec, images, table, table_spec

PAUSE = 0.05


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The time that is measured: not this machine's, so that the load of the machine has no part in it."""
    moment, ticks = [0.0], random.Random(0)

    def read():
        moment[0] += ticks.uniform(1e-6, 2e-6)
        return moment[0]

    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=read))
    return moment


@pytest.fixture
def slow(clock, monkeypatch):
    """Makes a function of a module take longer."""

    def replace(owner, name, pause=PAUSE):
        quick = getattr(owner, name)

        @functools.wraps(quick)
        def dawdle(*args, **named):
            clock[0] += pause
            return quick(*args, **named)

        monkeypatch.setattr(owner, name, dawdle)

    return replace


@pytest.fixture(autouse=True)
def _a_network_takes_some_time(slow):
    slow(supervised.SupervisedTrainer, "_stages", PAUSE / 10)


def measured(steps=3, make=image_spec, data=None, **changes):
    return cost(start(make(**{"mixing": MIXUP, **changes}), data or images()), steps=steps)[0]


def test_a_share_of_the_step():
    found = measured(steps=10)
    assert 0 < found["mixing"] < found["step"]
    assert found["share"] == pytest.approx(100 * found["mixing"] / found["step"])


def test_nothing_is_mixed_without_a_ratio(slow):
    slow(blend, "linear")
    found = measured(mixing={})
    assert found["share"] == found["mixing"] == 0
    assert found["step"] > 0


def test_a_slow_blend_counts_in_the_step_and_in_the_mixing(slow):
    slow(blend, "linear")
    found = measured()
    assert PAUSE < found["mixing"] < found["step"]
    assert found["share"] > 50


def test_each_part_of_a_minibatch_is_mixed(slow):
    slow(blend, "linear")
    assert measured(micro_batch=4)["mixing"] > 4 * PAUSE
    assert measured(mixing={"ratio": {"name": "dirichlet", "alpha": 1.0, "examples": 3}})["mixing"] > 2 * PAUSE


def test_a_slow_network_does_not(slow):
    for cut in (0, 1):
        training = image_spec(mixing={**MIXUP, "cut": cut})
        slow(supervised.SupervisedTrainer, "_stages")
        found = cost(start(training, images()), steps=3)[0]
        assert found["step"] > PAUSE
        assert found["mixing"] < PAUSE


def test_drawing_partners_is_shared_out_among_the_steps_of_an_epoch(slow):
    slow(minibatch, "permutation")
    # 50 examples: three minibatches of 16 are drawn together, one of 2 by itself.
    found = measured()
    assert 2 * PAUSE / 4 < found["mixing"] < PAUSE
    assert found["step"] > found["mixing"]


def test_partners_from_the_training_set_are_paid_for(slow):
    slow(supervised.SupervisedTrainer, "_partners")
    assert measured(mixing={**MIXUP, "partner": "second_loader"})["mixing"] > PAUSE
    slow(training_set, "second_loader")
    assert measured(mixing={**MIXUP, "partner": "second_loader"})["mixing"] > PAUSE * (1 + 1 / 4)
    found = measured(mixing={**MIXUP, "partner": {"name": "nearest", "k": 3}, "cut": 1}, augmentation=["random_crop"])
    assert PAUSE < found["mixing"] < found["step"]


def test_mixing_after_a_warm_up_is_what_is_timed(slow):
    slow(blend, "linear")
    assert measured(mixing={**MIXUP, "warmup_epochs": 2})["mixing"] > PAUSE


def test_a_population_takes_its_steps_together():
    found = cost(start(table_spec(mixing=MIXUP), table(), (2, 4)), steps=3)
    assert [each.pop("seed") for each in found] == [2, 4]
    assert found[0] != found[1], "each seed has a timing of its own"
    assert 0 < found[0]["share"] < 100


def test_nothing_is_disturbed():
    training = start(image_spec(mixing=MIXUP), images())
    training._train_epoch()
    training.epoch += 1
    state = {name: value.clone() for name, value in training.model.state_dict().items()}
    momenta = [each["momentum_buffer"].clone() for each in training.optimizer.state.values()]
    drawn = torch.get_rng_state()
    cost(training, steps=2)
    assert torch.equal(drawn, torch.get_rng_state())
    assert all(torch.equal(value, state[name]) for name, value in training.model.state_dict().items())
    kept = [each["momentum_buffer"] for each in training.optimizer.state.values()]
    assert all(map(torch.equal, momenta, kept))
    assert training.epoch == 1


@pytest.mark.parametrize("timing", [False, True])
def test_the_step_is_the_step_of_training(timing):
    # Of all examples, so that an epoch is one step.
    spec, data = image_spec(mixing=MIXUP, batch_size=64), images()
    training = start(spec, data)
    timed = module._TimedTrainer(spec, [0], training.inputs, training.device)
    timed.timing = timing
    for each in (training, timed):
        torch.manual_seed(0)
        each.optimize()
    for a, b in zip(training.model.state_dict().values(), timed.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert (timed.mixing_seconds > 0) == timing
