import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from remixup.config.run import RunSpec
from remixup.data.inputs import make_inputs
from remixup.training import flops
from remixup.training.flops import Examples, Work, examples, operations, shape, training_operations, work
from remixup.training.forward_passes import count
from tests.unit.training.samples import CPU, images, table
from tests.unit.training.test_gan import FORMS
from tests.unit.training.test_gan import spec as gan_spec
from tests.unit.training.test_gan import start as start_gan


def spec(dataset, model="mlp", **changes):
    base = {"dataset": dataset, "model": model, "optimizer": "adam", "epochs": 7, "batch_size": 16}
    return RunSpec.model_validate({**base, **changes})


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ({"name": "cifar10"}, Examples(50_000, 10_000, 0)),
        ({"name": "cifar10", "subset": 500}, Examples(500, 10_000, 0)),
        ({"name": "cifar10", "validation": 0.1}, Examples(45_000, 10_000, 5_000)),
        ({"name": "speech-commands"}, Examples(51_088, 6_835, 6_798)),
        ({"name": "iris", "holdout": 0.2}, Examples(120, 30, 0)),
        ({"name": "abalone", "holdout": 0.3, "subset": 100}, Examples(100, 1_253, 0)),
    ],
)
def test_examples_are_counted_by_hand(dataset, expected):
    assert examples(spec(dataset)) == expected


@pytest.mark.parametrize(
    ("data", "dataset"),
    [
        (table(rows=150, features=4), {"name": "iris", "version": "uci", "holdout": 0.3}),
        (table(rows=150, features=4), {"name": "iris", "version": "uci", "holdout": 0.35, "subset": 41}),
        (table(rows=150, features=4), {"name": "iris", "version": "uci", "holdout": 0.3, "validation": 0.23}),
        (images(train=600, test=600), {"name": "digits", "validation": 0.1}),
    ],
)
def test_examples_are_those_that_a_training_gets(data, dataset):
    asked = spec(dataset)
    inputs = make_inputs(asked, [0], data, CPU)
    validation = 0 if inputs.validation is None else inputs.validation.shape[1]
    assert examples(asked) == Examples(inputs.train.shape[1], inputs.test.shape[1], validation)
    assert shape(asked) == inputs.shape


def test_work_is_examples_times_epochs_and_for_a_gan_its_iterations():
    assert work(spec({"name": "speech-commands"})) == Work(7 * 51_088, 7 * (6_835 + 6_798))
    gan = {"model": "gan", "objective": {"name": "gan", "iterations": 30}}
    assert work(spec({"name": "ring-of-gaussians"}, **gan)) == Work(210, 0)


def test_image_files_are_as_large_as_they_are_cropped():
    crop = {"name": "random_resized_crop"}
    assert shape(spec({"name": "imagenet", "decode": crop})) == (3, 224, 224)
    assert shape(spec({"name": "imagenet", "decode": {**crop, "size": 56}})) == (3, 56, 56)


def test_operations_of_linear_layers_are_counted_by_hand():
    found = operations(spec({"name": "arcene", "holdout": 0.2}, {"name": "mlp", "hidden": [32]}))
    # Rows of 10,000 to 32 to 2, which is filled up to 16: a multiplication and an addition for each weight.
    assert found.evaluation == 2 * (10_000 * 32 + 32 * 16)
    assert found.training == 3 * found.evaluation


def test_a_training_is_its_passes_and_those_of_its_evaluations():
    asked = spec({"name": "arcene", "holdout": 0.2}, {"name": "mlp", "hidden": [32]}, epochs=3)
    each = operations(asked)
    assert training_operations(asked) == 3 * (160 * each.training + 40 * each.evaluation)


def test_operations_of_a_convolution_grow_with_the_image():
    small, large = (
        operations(spec({"name": "imagenet", "decode": {"name": "random_resized_crop", "size": side}}, "resnet"))
        for side in (64, 224)
    )
    # ResNet-50: 4.09 billion multiplications (He et al., 2016, Table 1, have 3.8).
    assert large.evaluation == pytest.approx(2 * 4.09e9, rel=0.01)
    assert small.evaluation == pytest.approx(large.evaluation * (64 / 224) ** 2, rel=0.01)


@pytest.mark.parametrize("form", FORMS)
def test_operations_of_a_gan_are_those_of_an_iteration(form):
    asked = gan_spec(form, objective={"critic_steps": 3}, model={"name": "gan", "hidden": [64, 64]}, batch_size=16)
    gan = start_gan(asked)
    iteration = gan.draw_epoch()[0]
    with FlopCounterMode(display=False) as counter:
        gan.iterate(iteration)
    # Not exactly three forward passes: the first layer's gradient with respect to its input is not computed.
    assert operations(asked).training == pytest.approx(counter.get_total_flops(), rel=0.1)


def test_counting_draws_no_random_numbers():
    before = torch.random.get_rng_state()
    count.__wrapped__(json.dumps([{"name": "resnet"}, [3, 64, 64], 10]))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.slow
def test_the_committed_counts_are_those_of_the_networks():
    """After a change of a network: remove its line, and run `make schema`."""
    counted = flops._counted()
    assert len(counted) >= 127
    assert {network: count(network) for network in counted} == counted
