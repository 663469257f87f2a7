"""Count the operations of a training run from its specification; no data is needed.

Forward passes of the networks of all rows are counted once, by `make schema`, so that the costs of a row are known
without torch.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from importlib import resources
from typing import Any, NamedTuple

from remixup.config import registry
from remixup.config.registry import Component
from remixup.config.run import RunSpec, amount
from remixup.data.catalog.registry import REGISTRY


class Examples(NamedTuple):
    """The numbers of examples in the three parts of a run's data."""

    train: int
    test: int
    validation: int


class Work(NamedTuple):
    """What the training of one seed passes through the network."""

    training: int
    """Examples (or views of them) in training passes, over all epochs; for a GAN the number of outer iterations."""
    evaluation: int
    """Examples in the forward passes of the evaluation after each epoch, over all epochs."""


class Operations(NamedTuple):
    """The floating-point operations of a network, for each unit of `Work`.

    A multiplication and the addition that follows it count as two. Only convolutions and matrix products are counted
    (`torch.utils.flop_counter`), with the zeros that pad a matrix. A training pass counts as three forward passes.
    """

    training: float
    evaluation: float


def training_operations(spec: RunSpec) -> float:
    """Count the operations that the training of one seed takes, with the evaluation after each epoch."""
    done, each = work(spec), operations(spec)
    return done.training * each.training + done.evaluation * each.evaluation


def examples(spec: RunSpec) -> Examples:
    """Count the examples of a run, split as `make_inputs` splits them."""
    size, dataset = REGISTRY[spec.dataset.name].size, spec.dataset
    train, test, validation = size.train, size.test, size.validation
    if dataset.holdout is not None:
        test = amount(train, dataset.holdout)
        train -= test
    train = dataset.subset or train
    if dataset.validation is not None:
        validation = amount(train, dataset.validation)
        train -= validation
    return Examples(train, test, validation)


def shape(spec: RunSpec) -> tuple[int, ...]:
    """Return the shape of one example at the network's input."""
    if spec.dataset.decode is not None:
        side = _parameter("decode", spec.dataset.decode, "size")
        return (3, side, side)
    stored = REGISTRY[spec.dataset.name].size.shape
    return (2 * stored[0], *stored[1:]) if spec.dataset.second_view else stored


def views(spec: RunSpec) -> int:
    """Count how often a pass over the data sends one example through the network: once, or once for each view."""
    if spec.objective["name"] != "dp_sgd":
        return 1
    counted: int = sum(_parameter("objective", spec.objective, name) for name in ("views", "pool_views"))
    mixtures: int = _parameter("objective", spec.objective, "self_mixtures")
    return counted + mixtures


def work(spec: RunSpec) -> Work:
    """Count what the training of one seed passes through the network."""
    if spec.objective["name"] == "gan":
        return Work(spec.epochs * _parameter("objective", spec.objective, "iterations"), 0)
    count = examples(spec)
    evaluated = count.test + count.validation + (count.train if spec.measure_training else 0)
    trained = count.train // spec.batch_size * spec.batch_size if spec.drop_last else count.train
    return Work(spec.epochs * spec.passes * trained * views(spec), spec.epochs * evaluated)


def operations(spec: RunSpec) -> Operations:
    """Count the operations of a run's network."""
    forward = _forward(_network(spec))
    if spec.objective["name"] == "gan":
        return Operations(_gan_iteration(spec, *forward), 0.0)
    return Operations(3 * sum(forward), sum(forward))


def _parameter(kind: str, part: Component, name: str) -> Any:
    """Return a parameter of a component as the specification gives it, else its default."""
    return part.get(name, registry.load_registry()["kinds"][kind][part["name"]]["parameters"][name].get("default"))


def _gan_iteration(spec: RunSpec, generator: float, discriminator: float) -> float:
    """Count the operations of an outer iteration (`training.gan`) from those of the two forward passes."""
    steps: int = _parameter("objective", spec.objective, "critic_steps")
    mixes, real_fake = spec.mixing.ratio is not None, _parameter("objective", spec.objective, "pairs") == "real-fake"
    shown, last, made = 2, 2, 1  # without mixing, the discriminator sees as many real examples as generated ones
    if mixes and real_fake:
        shown, last = 1, 1  # each real example is mixed with a generated one
    elif mixes:
        made = 2  # in the discriminator's steps two minibatches are mixed with each other
    # In the generator's step the discriminator's parameters get no gradients: two passes instead of three.
    critic = steps * (made * generator + 3 * shown * discriminator)
    return spec.batch_size * (critic + 3 * generator + 2 * last * discriminator)


def _network(spec: RunSpec) -> str:
    """Return what decides on the operations of a forward pass, as JSON: model, shape of one example and outputs."""
    outputs: int = registry.load_registry()["datasets"][spec.dataset.name]["classes"]
    return json.dumps([spec.model, shape(spec), outputs], sort_keys=True)


@functools.cache
def _counted() -> dict[str, list[float]]:
    text = resources.files("remixup.training").joinpath("forward_passes.json").read_text(encoding="utf-8")
    found: dict[str, list[float]] = json.loads(text)
    return found


def _forward(network: str) -> list[float]:
    """Return the operations of one example's forward pass; of a GAN those of the generator and of the discriminator."""
    if network in _counted():
        return _counted()[network]
    from remixup.training.forward_passes import count  # it imports torch

    return count(network)


def forward_passes(specs: Iterable[RunSpec]) -> dict[str, list[float]]:
    """Return the operations of the networks of some runs, the content of forward_passes.json."""
    return {network: _forward(network) for network in sorted({_network(spec) for spec in specs})}
