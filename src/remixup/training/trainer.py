"""The base class of all trainers: network, optimizer, schedule, history and the loop over epochs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

import torch
from torch import nn

from remixup import models
from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.mixing import Mixing
from remixup.randomness import derive
from remixup.training import optimizers, schedules
from remixup.training.execution import fuse

HistoryRow = dict[str, float]


class Trainer(ABC):
    """Train a network for a block of seeds: the interface for the runner, checkpoints and evaluations."""

    model: nn.Sequential

    def __init__(self, spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> None:
        self.spec, self.seeds, self.inputs, self.device = spec, seeds, inputs, device
        self.model = initial_model(spec, seeds, inputs).to(device)
        if spec.execution.memory_format == "channels_last":
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer: torch.optim.Optimizer = bind(optimizers, spec.optimizer)(self.model.parameters())
        if spec.execution.fused:
            fuse(self.optimizer)
        self.learning_rate = self.base_rate = self.optimizer.param_groups[0]["lr"]
        self._factor = bind(schedules, spec.schedule)
        self.mixing = Mixing.compose(**spec.mixing.model_dump())
        self.epoch = 0
        self.history: list[HistoryRow] = []
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        """ISO 8601 time. A resumed training has that of its first epoch."""

    @property
    def diverged(self) -> list[bool]:
        """For each seed, whether the loss of any epoch was not finite."""
        diverged = {row["seed"] for row in self.history if not math.isfinite(row["train_loss"])}
        return [seed in diverged for seed in self.seeds]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or all seeds have diverged."""
        return self.epoch >= self.spec.epochs or all(self.diverged)

    def run(self, after_epoch: Callable[[Self], None]) -> None:
        """Train the remaining epochs, and call `after_epoch` after each."""
        # Treat numbers below 1e-38 as zero on the CPU, in this thread. Adam's moments become that small where a weight
        # no longer has a gradient, and processors are up to a hundred times slower with such numbers: this was a fifth
        # of the time of a GAN of small networks.
        torch.set_flush_denormal(True)
        try:
            while not self.finished:
                self._train_epoch()
                self.epoch += 1
                after_epoch(self)
        finally:
            torch.set_flush_denormal(False)

    @abstractmethod
    def _train_epoch(self) -> None:
        """Train epoch number `epoch`, and add a row for each seed to the history."""

    def _set_rate(self, progress: float) -> None:
        """Set the learning rate for a point of training, in epochs (not necessarily whole)."""
        self.learning_rate = self.base_rate * self._factor(progress, self.spec.epochs)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):  # where a captured step reads it
                group["lr"].fill_(self.learning_rate)
            else:
                group["lr"] = self.learning_rate

    def _record(self, columns: dict[str, list[float]]) -> None:
        """Add the values of an epoch to the history: for each column a value for each seed."""
        for member, seed in enumerate(self.seeds):
            row = {name: column[member] for name, column in columns.items()}
            self.history.append({"seed": seed, "epoch": self.epoch + 1, "rate": self.learning_rate, **row})


def initial_model(spec: RunSpec, seeds: list[int], inputs: Inputs, attempt: int = 0) -> nn.Sequential:
    """Build the initial network, each member initialized under its own seed, independent of the others.

    Where a run resets its weights, each `attempt` has its own initialization.
    """
    named = dict(spec.model)
    name = named.pop("name")
    members = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            # Networks are initialized on the CPU. `torch.manual_seed` seeds all devices, which is slow for many seeds.
            torch.default_generator.manual_seed(derive(seed, "initialisation", attempt))
            members.append(models.build(name, inputs.shape, inputs.classes, vectorized=spec.vectorized, **named))
    return models.stack(members) if spec.vectorized else members[0]
