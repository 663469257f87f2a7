"""C-Mixup's training against a plain reimplementation: one network after another, minibatch by minibatch."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.errors import UserError
from remixup.mixing.partner.training_set import TrainingSet, label_kernel, uniform
from remixup.mixing.ratio import beta
from remixup.randomness import derive, generator
from remixup.store.blocks import columns, summarize

from .samples import finished, start

KERNEL = {"ratio": {"name": "beta", "alpha": 2.0}, "partner": {"name": "label_kernel", "bandwidth": 0.5}}
UNIFORM = {"ratio": {"name": "beta", "alpha": 2.0}, "partner": "uniform"}
RUN = {
    "dataset": {"name": "airfoil", "holdout": 9, "validation": 12},
    "normalization": "raw",
    "model": {"name": "mlp", "hidden": [16, 16], "negative_slope": 0.1},
    "optimizer": {"name": "adam", "lr": 0.01},
    "epochs": 4,
    "batch_size": 8,
    "drop_last": True,
    "choose_epoch": True,
}
EPOCHS, BATCH = RUN["epochs"], RUN["batch_size"]


def spec(**changes):
    return RunSpec.model_validate({**RUN, **changes})


def table(rows=61, features=5, seed=0):
    source = np.random.default_rng(seed)
    x = source.uniform(size=(rows, features)).astype(np.float32)
    y = (x @ np.arange(features) + source.normal(0, 0.3, rows)).astype(np.float32)
    return Prepared(tensors={"x": torch.from_numpy(x), "y": torch.from_numpy(y)}, manifest={"classes": 1, "sha256": ""})


def plainly(run, data, seed):
    """The rows of a seed's history, from a network of `nn.Linear` that is trained in the order of the random draws."""
    x, y = data.tensors["x"], data.tensors["y"]
    order = torch.randperm(len(y), generator=generator(seed, "split"))
    test, rest = order[:9], order[9:]
    held = torch.randperm(len(rest), generator=generator(seed, "validation"))
    validation, train = rest[held[:12].sort().values], rest[held[12:].sort().values]
    torch.manual_seed(derive(seed, "initialisation", 0))
    first, second, last = nn.Linear(5, 16), nn.Linear(16, 16), nn.Linear(16, 1)
    slope = nn.functional.leaky_relu
    head = lambda hidden: last(slope(second(hidden), 0.1)).squeeze(1)  # noqa: E731
    weights = [weight for layer in (first, second, last) for weight in layer.parameters()]
    optimizer = torch.optim.Adam(weights, lr=0.01)
    examples, steps, history = TrainingSet(x[train], y[train]), len(train) // BATCH, []
    for epoch in range(EPOCHS):
        shuffled = torch.randperm(len(train), generator=generator(seed, "order", epoch if run.reshuffle else 0))
        shuffled = shuffled[: steps * BATCH]
        if run.mixing.ratio is not None:
            ratios = beta((steps,), alpha=2.0, generator=generator(seed, "ratio", epoch))
            source = generator(seed, "partner", epoch)
            kernel = run.mixing.partner["name"] == "label_kernel"
            draw = (lambda *a, **k: label_kernel(*a, bandwidth=0.5, **k)) if kernel else uniform
            partners = draw(examples, shuffled, generator=source)
        for step in range(steps):
            one = train[shuffled[step * BATCH : (step + 1) * BATCH]]
            inputs, labels = x[one], y[one]
            if run.mixing.ratio is None:
                predicted = head(slope(first(inputs), 0.1))
            else:
                other, share = train[partners[step * BATCH : (step + 1) * BATCH]], float(ratios[step])
                labels = share * labels + (1 - share) * y[other]
                if run.mixing.cut == 2:
                    hidden = share * slope(first(inputs), 0.1) + (1 - share) * slope(first(x[other]), 0.1)
                else:
                    hidden = slope(first(share * inputs + (1 - share) * x[other]), 0.1)
                predicted = head(hidden)
            loss = ((predicted - labels) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            errors = {
                name: head(slope(first(x[part]), 0.1)) - y[part]
                for name, part in (("test", test), ("validation", validation))
            }
        history.append({f"{name}_error": float((error**2).mean().sqrt()) for name, error in errors.items()})
        history[-1]["test_mape"] = float(100 * (errors["test"].abs() / y[test].abs()).mean())
    return history


@pytest.mark.parametrize(
    "changes",
    [{}, {"mixing": UNIFORM}, {"mixing": {**KERNEL, "cut": 2}}, {"mixing": KERNEL, "reshuffle": False}],
    ids=["erm", "mixup", "c-mixup after layer 1", "c-mixup, one order"],
)
def test_training_is_that_of_the_released_procedure(changes):
    data, run = table(), spec(**changes)
    training = finished(run, data, seeds=(0, 3))
    for seed in (0, 3):
        found = [row for row in training.history if row["seed"] == seed]
        expected = plainly(run, data, seed)
        for row, other in zip(found, expected, strict=True):
            assert {name: row[name] for name in other} == pytest.approx(other, rel=2e-4)
        least = min(range(EPOCHS), key=lambda epoch: expected[epoch]["validation_error"])
        values = summarize([0, 3], columns(training.history), choose_epoch=True)[1]
        assert values["test_error.chosen"][(0, 3).index(seed)] == pytest.approx(expected[least]["test_error"], rel=2e-4)


def test_an_incomplete_minibatch_is_left_out():
    """45 training examples make five minibatches of 8."""
    data = table(rows=66)  # 45 to train on
    training = start(spec(), data)
    seen = []
    loss = training.loss
    training.loss = lambda x, y, *draws: seen.append(y.shape[1]) or loss(x, y, *draws)
    training.run(lambda _: None)
    assert seen == [8] * 5 * EPOCHS


def test_without_a_complete_minibatch_nothing_can_be_trained():
    with pytest.raises(UserError, match="no minibatch would be complete"):
        start(spec(batch_size=64), table())


def test_counts_and_shares_split_alike():
    by_count, by_share = (
        start(spec(dataset={"name": "airfoil", "holdout": held, "validation": 0.25}), table(60)).inputs
        for held in (15, 0.25)
    )
    assert torch.equal(by_count.test, by_share.test)
    assert by_count.test.shape == (1, 15)


@pytest.mark.parametrize("held", [0, 1, 1.5, -0.2])
def test_an_amount_is_a_fraction_or_a_whole_number(held):
    with pytest.raises(ValueError, match="a fraction between 0 and 1, or a whole number"):
        spec(dataset={"name": "airfoil", "holdout": held})


def test_the_kernel_measures_labels_as_the_dataset_has_them():
    """Standardized labels change the loss, not who is similar."""
    plain, standardized = (
        start(spec(dataset={**RUN["dataset"], "standardize_labels": on}), table()) for on in (False, True)
    )
    assert torch.equal(plain.training_sets[0].labels, standardized.training_sets[0].labels)
    y = table().tensors["y"]
    assert (standardized.inputs.task.mean, standardized.inputs.task.std) == pytest.approx(
        (float(y.mean()), float(y.std()))
    )


def test_the_worst_domain_has_the_largest_error():
    source = np.random.default_rng(0)
    parts = {"train": 40, "validation": 10, "test": 12}
    x = {f"{part}_x": torch.from_numpy(source.uniform(size=(n, 4)).astype(np.float32)) for part, n in parts.items()}
    y = {f"{part}_y": x[f"{part}_x"].sum(1) for part in parts}
    domain = torch.tensor([7, 7, 7, 7, 2, 2, 2, 2, 2, 5, 5, 5])
    y["test_y"] = y["test_y"] + 3.0 * (domain == 5)  # one domain is off
    data = Prepared(tensors={**x, **y, "test_domain": domain}, manifest={"classes": 1, "sha256": ""})
    training = finished(spec(dataset={"name": "skillcraft"}), data, seeds=(0, 1))
    inputs, last = training.inputs, training.history[-2:]
    for member, row in enumerate(last):
        predicted = training.logits(inputs.examples(inputs.test))[member, :, 0]
        squared = (predicted - y["test_y"]) ** 2
        errors = {each: math.sqrt(squared[domain == each].mean()) for each in (2, 5, 7)}
        assert max(errors, key=errors.get) == 5
        assert row["test_worst_error"] == pytest.approx(errors[5], rel=1e-4)
        assert row["test_error"] == pytest.approx(math.sqrt(squared.mean()), rel=1e-4)
