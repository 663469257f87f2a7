"""What every training of a block of seeds has, whatever it trains towards."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import nn

from remixup import models
from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.mixing import Vicinity
from remixup.randomness import derive
from remixup.training import optimizers, schedules

HistoryRow = dict[str, float]


class BlockTraining(ABC):
    """A network, its optimiser and its history, epoch by epoch: what a runner, checkpoints and evaluations rely on."""

    model: nn.Sequential

    def __init__(self, spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> None:
        self.spec, self.seeds, self.inputs, self.device = spec, seeds, inputs, device
        self.model = initial_model(spec, seeds, inputs).to(device)
        if spec.memory_format == "channels_last":
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser: torch.optim.Optimizer = bind(optimizers, spec.optimiser)(self.model.parameters())
        self.base_rate = self.optimiser.param_groups[0]["lr"]
        self._factor = bind(schedules, spec.schedule)
        self.vicinity = vicinity(spec)
        self.epoch = 0
        self.history: list[HistoryRow] = []

    @property
    def diverged(self) -> list[bool]:
        """For each seed, whether some epoch's loss was not finite."""
        ill = {row["seed"] for row in self.history if not math.isfinite(row["train_loss"])}
        return [seed in ill for seed in self.seeds]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or nothing is left to train."""
        return self.epoch >= self.spec.epochs or all(self.diverged)

    def run(self, after_epoch: Callable[[Self], None]) -> None:
        """Trains the epochs that are left; `after_epoch` is called after each."""
        with _no_denormals():
            while not self.finished:
                self._train_epoch()
                self.epoch += 1
                after_epoch(self)

    @abstractmethod
    def _train_epoch(self) -> None:
        """Trains the epoch of number `epoch`, and adds a row for each seed to the history."""

    def _set_rate(self, progress: float) -> None:
        """The learning rate after so many epochs, parts of one included."""
        factor = self._factor(progress, self.spec.epochs)
        for group in self.optimiser.param_groups:
            group["lr"] = self.base_rate * factor

    def _record(self, columns: dict[str, list[float]]) -> None:
        """Adds to the history what an epoch gave: for each name a value for each seed."""
        rate = self.optimiser.param_groups[0]["lr"]
        for member, seed in enumerate(self.seeds):
            row = {name: column[member] for name, column in columns.items()}
            self.history.append({"seed": seed, "epoch": self.epoch + 1, "rate": rate, **row})


@contextmanager
def _no_denormals() -> Iterator[None]:
    """Has a CPU take numbers below 1e-38 for zeros.

    Moments of Adam end there where a weight has no gradient any more, and a processor takes up to a hundred times as
    long for them: a fifth of the time of a game of small networks. It holds for this thread; others that a run may have
    compute with them.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def vicinity(spec: RunSpec) -> Vicinity:
    """The vicinity that a run names."""
    return Vicinity.compose(**spec.vicinity.model_dump())


def initial_model(spec: RunSpec, seeds: list[int], inputs: Inputs, attempt: int = 0) -> nn.Sequential:
    """The network before the first step: each member initialised under its own seed, whatever its neighbours.

    Where a run draws its weights anew, each attempt has draws of its own.
    """
    named = dict(spec.model)
    name = named.pop("name")
    members = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            # Networks are initialised on the CPU. `torch.manual_seed` seeds all devices, which is slow for many seeds.
            torch.default_generator.manual_seed(derive(seed, "initialisation", attempt))
            members.append(models.build(name, inputs.shape, inputs.classes, **named))
    return models.stack(members) if spec.population else members[0]
