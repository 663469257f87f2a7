"""The one training loop: CPU or GPU, one network or a population of seeds side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remixup import models
from remixup.spec.run import RunSpec
from remixup.training import augmentation, optimisers, schedules
from remixup.training.inputs import Inputs
from remixup.training.randomness import derive, generator
from remixup.vicinity import Vicinity, soft_cross_entropy

NUMERICS = 1
EVALUATION_ROWS = 1000
"""Examples of each member in one forward pass of an evaluation: fixed, because it can change the last bits."""

HistoryRow = dict[str, float]


class Training:
    """A block of seeds in training.

    A population (models that are batched over members) holds all seeds of the block in one network whose tensors have a
    leading member dimension; any other model trains the block's one seed. Gradients of members do not meet: the losses
    are summed, and the optimisers work element by element.
    """

    model: nn.Module

    def __init__(self, spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> None:
        if not spec.population and len(seeds) != 1:
            raise ValueError("only population models train several seeds in one block")
        self.spec, self.seeds, self.inputs, self.device = spec, seeds, inputs, device
        self.model = initial_model(spec, seeds, inputs).to(device)
        if spec.memory_format == "channels_last":
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = dict(spec.optimiser)
        self.optimiser: torch.optim.Optimizer = getattr(optimisers, named.pop("name"))(self.model.parameters(), **named)
        self.base_rate = self.optimiser.param_groups[0]["lr"]
        self.vicinity = Vicinity.compose(**spec.vicinity.model_dump())
        self.epoch = 0
        self.history: list[HistoryRow] = []

    @property
    def diverged(self) -> list[bool]:
        """For each seed, whether some epoch's loss was not finite."""
        losses: dict[int, list[float]] = {seed: [] for seed in self.seeds}
        for row in self.history:
            losses[int(row["seed"])].append(row["train_loss"])
        return [not all(map(math.isfinite, losses[seed])) for seed in self.seeds]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or nothing is left to train."""
        return self.epoch >= self.spec.epochs or all(self.diverged)

    def run(self, after_epoch: Callable[[Training], None]) -> None:
        """Trains the epochs that are left; `after_epoch` is called after each."""
        while not self.finished:
            self._train_epoch()
            self.epoch += 1
            after_epoch(self)

    def _train_epoch(self) -> None:
        schedule = dict(self.spec.schedule)
        factor = getattr(schedules, schedule.pop("name"))(self.epoch, self.spec.epochs, **schedule)
        for group in self.optimiser.param_groups:
            group["lr"] = self.base_rate * factor
        torch.manual_seed(derive(self.seeds[0], "dropout", self.epoch))
        loss = self._steps(_Draws(self))
        test_loss, test_error = self.evaluate(self.inputs.test)
        for seed, *values in zip(self.seeds, loss.tolist(), test_loss.tolist(), test_error.tolist(), strict=True):
            names = ("train_loss", "test_loss", "test_error")
            row = {"seed": seed, "epoch": self.epoch + 1, "rate": self.base_rate * factor}
            self.history.append({**row, **dict(zip(names, values, strict=True))})

    def _steps(self, draws: _Draws) -> Tensor:
        """All minibatches of an epoch; the mean training loss of each member, without synchronising in between."""
        self.model.train()
        size, count = self.spec.batch_size, draws.order.shape[1]
        x, y = self.inputs.x[draws.order], self.inputs.y[draws.order]
        total = torch.zeros(len(self.seeds), dtype=torch.float64, device=self.device)
        for step, start in enumerate(range(0, count, size)):
            rows = slice(start, start + size)
            loss = self._loss(self._batch(x[:, rows], draws, rows), y[:, rows], draws, step)
            self.optimiser.zero_grad(set_to_none=True)
            loss.sum().backward()
            self.optimiser.step()
            total += loss.detach() * min(size, count - start)
        return total / count

    def _batch(self, x: Tensor, draws: _Draws, rows: slice) -> Tensor:
        """A minibatch as the network sees it before mixing: augmented, then scaled; (members, n, ...)."""
        if self.spec.augmentation:
            flat = x.flatten(0, 1)
            for k, part in enumerate(self.spec.augmentation):
                named = dict(part)
                apply = getattr(augmentation, named.pop("name"))
                flat = apply(flat, draws.uniforms[:, rows, k].flatten(0, 1), **named)
            x = flat.view(x.shape)
        return self.inputs.scale(x)

    def _loss(self, x: Tensor, y: Tensor, draws: _Draws, step: int) -> Tensor:
        target = F.one_hot(y, self.inputs.classes).to(x.dtype)
        if draws.ratio is not None:
            x, target = self.vicinity.mix(x, target, draws.ratio[:, step], draws.partner[step])
        with self._autocast():
            logits = self._forward(x)
        return soft_cross_entropy(logits, target)

    def _forward(self, x: Tensor) -> Tensor:
        """Logits (members, n, classes) of inputs (members, n, ...)."""
        if self.spec.population:
            out: Tensor = self.model(x)
            return out
        single = x.squeeze(0)
        if self.spec.memory_format == "channels_last":
            single = single.contiguous(memory_format=torch.channels_last)
        out = self.model(single)
        return out.unsqueeze(0)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.spec.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    @torch.no_grad()
    def evaluate(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss in nats and error in percent of each member on the given rows (members, n) of the inputs."""
        self.model.eval()
        loss = torch.zeros(len(self.seeds), dtype=torch.float64, device=self.device)
        wrong = torch.zeros(len(self.seeds), dtype=torch.float64, device=self.device)
        for part in rows.split(EVALUATION_ROWS, dim=1):
            logits = self.logits(self.inputs.x[part])
            y = self.inputs.y[part]
            each = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
            loss += each.sum(1, dtype=torch.float64)
            wrong += (logits.argmax(-1) != y).sum(1)
        return loss / rows.shape[1], 100 * wrong / rows.shape[1]

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Float32 logits (members, n, classes) of examples (members, n, ...) as `Inputs.x` holds them."""
        self.model.eval()
        with self._autocast():
            return self._forward(self.inputs.scale(x)).float()


class _Draws:
    """All random choices of an epoch, made before it: order, augmentation, ratio and partner of every minibatch."""

    def __init__(self, training: Training) -> None:
        spec, inputs, epoch, seeds = training.spec, training.inputs, training.epoch, training.seeds
        device, count = training.device, inputs.train.shape[1]
        positions = [torch.randperm(count, generator=generator(seed, "order", epoch)) for seed in seeds]
        self.order = inputs.train.gather(1, torch.stack(positions).to(device))
        if spec.augmentation:
            shape = (count, len(spec.augmentation), 2)
            drawn = [torch.rand(shape, generator=generator(seed, "augmentation", epoch)) for seed in seeds]
            self.uniforms = torch.stack(drawn).to(device)
        self.ratio: Tensor | None = None
        self.partner: list[Tensor] = []
        if training.vicinity.ratio is not None:
            sizes = [min(spec.batch_size, count - start) for start in range(0, count, spec.batch_size)]
            self.ratio = torch.stack(
                [training.vicinity.ratio((len(sizes),), generator=generator(seed, "ratio", epoch)) for seed in seeds]
            ).to(device)
            self._draw_partners(training, inputs.y[self.order].cpu(), sizes)

    def _draw_partners(self, training: Training, labels: Tensor, sizes: list[int]) -> None:
        """Partners in the full minibatches at once, then in a last one that is smaller."""
        size = sizes[0]
        full = sum(each == size for each in sizes)
        whole, rest = [], []
        for seed, row in zip(training.seeds, labels, strict=True):
            source = generator(seed, "partner", training.epoch)
            whole.append(training.vicinity.partner(row[: full * size].view(full, size), generator=source))
            if full < len(sizes):
                rest.append(training.vicinity.partner(row[full * size :], generator=source))
        self.partner = list(torch.stack(whole, dim=1).to(training.device).unbind(0))
        if rest:
            self.partner.append(torch.stack(rest).to(training.device))


def initial_model(spec: RunSpec, seeds: list[int], inputs: Inputs) -> nn.Module:
    """The network before the first step: each member initialised under its own seed, whatever its neighbours."""
    named = dict(spec.model)
    name = named.pop("name")
    members = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            torch.manual_seed(derive(seed, "initialisation"))
            members.append(models.build(name, inputs.shape, inputs.classes, **named))
    return models.stack(members) if spec.population else members[0]
