"""How much a run computes: what passes through its network, and the operations that this takes; known without data."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from remixup import models
from remixup.config import registry
from remixup.config.registry import Part
from remixup.config.run import RunSpec, amount
from remixup.data.catalog.registry import REGISTRY


def parameter(kind: str, part: Part, name: str) -> Any:
    """A parameter of a part: as it is given, else its default."""
    return part.get(name, registry.catalogue()["kinds"][kind][part["name"]]["parameters"][name].get("default"))


@dataclass(frozen=True)
class Examples:
    """How many examples a seed trains on, and how many each epoch tests."""

    train: int
    test: int
    validation: int


def examples(spec: RunSpec) -> Examples:
    """The parts of a run's data, split as `make_inputs` splits them."""
    size, asked = REGISTRY[spec.dataset.name].size, spec.dataset
    train, test, validation = size.train, size.test, size.validation
    if asked.holdout is not None:
        test = amount(train, asked.holdout)
        train -= test
    train = asked.subset or train
    if asked.validation is not None:
        validation = amount(train, asked.validation)
        train -= validation
    return Examples(train, test, validation)


def shape(spec: RunSpec) -> tuple[int, ...]:
    """Shape of one example as the network gets it."""
    if spec.dataset.decode is None:
        held = REGISTRY[spec.dataset.name].size.shape
        return (2 * held[0], *held[1:]) if spec.dataset.second_view else held
    side = parameter("decode", spec.dataset.decode, "size")
    return (3, side, side)


def classes(spec: RunSpec) -> int:
    """Outputs of the network: one for each class, one for a number."""
    found: int = registry.catalogue()["datasets"][spec.dataset.name]["classes"]
    return found


@dataclass(frozen=True)
class Work:
    """What one seed's training passes through its network."""

    training: int
    """Training examples, over all epochs, or all views of them; of the game outer iterations."""
    evaluation: int
    """Examples of the evaluations after each epoch."""


def work(spec: RunSpec) -> Work:
    """What the training of one seed of a run passes through its network."""
    if spec.objective["name"] == "gan":
        return Work(spec.epochs * parameter("objective", spec.objective, "iterations"), 0)
    found = examples(spec)
    evaluated = found.test + found.validation + (found.train if spec.measure_training else 0)
    trained = found.train // spec.batch_size * spec.batch_size if spec.drop_last else found.train
    return Work(spec.epochs * spec.passes * trained * views(spec), spec.epochs * evaluated)


def views(spec: RunSpec) -> int:
    """How often an example passes through the network in a pass: once, or as often as its set has members."""
    if spec.objective["name"] != "private":
        return 1
    counted: int = sum(parameter("objective", spec.objective, f"{name}views") for name in ("", "pool_"))
    mixtures: int = parameter("objective", spec.objective, "self_mixtures")
    return counted + mixtures


@dataclass(frozen=True)
class Operations:
    """What one seed's network computes, and holds.

    A multiplication and the addition that follows it are two operations, as `torch.utils.flop_counter` has it, which
    counts convolutions and products of matrices alone, as they are carried out: zeros that fill up a vector included. A
    training pass is three forward passes.
    """

    training: float
    """Operations for each unit of `Work.training`."""
    evaluation: float
    """Operations for each example of an evaluation: a forward pass."""
    weights: int
    """Bytes of a checkpoint: parameters and buffers."""
    optimiser: int
    """Bytes of the optimiser's state."""


def operations(spec: RunSpec) -> Operations:
    """Operations and bytes of a run's network, from one that has shapes and no numbers."""
    network = _network(json.dumps(spec.model, sort_keys=True), shape(spec), classes(spec))
    momentum = 1 if spec.optimiser.get("momentum") else 0
    states = {"sgd": momentum, "adam": 2, "adamw": 2, "adam_of_sums": 3}[spec.optimiser["name"]]
    forward = network.forward
    if spec.objective["name"] == "gan":
        return Operations(_iteration(spec, *forward), 0.0, network.bytes, states * network.parameter_bytes)
    return Operations(3 * sum(forward), sum(forward), network.bytes, states * network.parameter_bytes)


def _iteration(spec: RunSpec, generator: float, discriminator: float) -> float:
    """Operations of an outer iteration of the game (`training.game`), from those of the players' forward passes."""
    steps: int = parameter("objective", spec.objective, "critic_steps")
    mixes, real_fake = spec.vicinity.ratio is not None, parameter("objective", spec.objective, "pairs") == "real-fake"
    shown, last, made = 2, 2, 1  # the ordinary game shows as many real examples as made ones
    if mixes and real_fake:
        shown, last = 1, 1  # they are mixed in pairs
    elif mixes:
        made = 2  # two such minibatches are mixed, where the discriminator moves
    # In the generator's step the discriminator passes gradients on, and has none of its own parameters.
    critic = steps * (made * generator + 3 * shown * discriminator)
    return spec.batch_size * (critic + 3 * generator + 2 * last * discriminator)


@dataclass(frozen=True)
class _Network:
    forward: tuple[float, ...]
    """Operations of an example's forward pass: of the whole, or of each of two players."""
    bytes: int
    parameter_bytes: int


@functools.cache
def _network(model: str, shape: tuple[int, ...], classes: int) -> _Network:
    """One member of the model, given as JSON; a population's lone member computes a companion, so two are halved."""
    named = json.loads(model)
    name = named.pop("name")
    members = 2 if models.family(name).POPULATION else 1
    with torch.device("meta"):
        built = [models.build(name, shape, classes, **named).eval() for _ in range(members)]
        whole = models.stack(built) if members > 1 else built[0]
        lead = (members, 1) if members > 1 else (1,)
        x = torch.empty(*lead, *shape)
        if name == "gan":
            latent = torch.empty(*lead, parameter("model", {"name": name, **named}, "latent"))
            passes = [_count(whole[0], latent), _count(whole[1], x)]
        else:
            passes = [_count(whole, x)]
    state = sum(tensor.nbytes for tensor in built[0].state_dict().values())
    weights = sum(tensor.nbytes for tensor in built[0].parameters())
    return _Network(tuple(each / members for each in passes), state, weights)


@torch.no_grad()
def _count(network: nn.Module, x: torch.Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        network(x)
    return float(counter.get_total_flops())
