"""Supervised training, on a CPU or GPU, of one seed or of vectorized seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from remixup import models
from remixup.config.registry import bind
from remixup.config.requirements import Problem
from remixup.config.run import RunSpec
from remixup.data import augmentation
from remixup.data.inputs import Inputs, portions
from remixup.errors import UserError
from remixup.mixing import TrainingSet, take
from remixup.randomness import derive
from remixup.training.batches import Batch, MixingRound, draw_epoch
from remixup.training.data_parallel import Share
from remixup.training.trainer import Trainer, initial_model

NUMERICS = 1
EVALUATION_ROWS = 1000
"""Examples of each member in one forward pass of an evaluation. Fixed, because it can change the last bits."""
ROWS_ON_CPU = 300
"""The same on a CPU: activations then stay in its cache, which halves the time of a wide network."""


class SupervisedTrainer(Trainer):
    """Train on labels, by the loss of the dataset's task.

    A vectorized model holds all seeds of the block in one network whose tensors have a leading member dimension; any
    other model trains the block's one seed. Members do not affect each other: their
    losses are summed, and the optimizers work element by element.
    """

    def __init__(self, spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> None:
        if not spec.vectorized and len(seeds) != 1:
            raise ValueError("only vectorized models train several seeds in one block")
        super().__init__(spec, seeds, inputs, device)
        for key, what in self._problems():
            raise UserError(f"{what} (dataset {spec.dataset.name})", where=f"run.{key}")
        self.share = Share()
        # Only a team needs the wrapper. Its reference cycle would keep the data in memory until garbage collection.
        self._team = self.share.wrap(_Losses(self)) if self.share.size > 1 else None
        self._networks: dict[tuple[int, int | None, bool], Callable[[Tensor], Tensor]] = {}

    def _problems(self) -> Iterator[Problem]:
        """Yield what the data or the network lacks for the specification, and the setting in question."""
        spec, inputs, mixing, stages = self.spec, self.inputs, self.mixing, len(self.model)
        streamed = not isinstance(inputs.x, Tensor)
        pixels = not isinstance(inputs.x, Tensor) or inputs.x.dtype == torch.uint8
        if mixing.cut >= stages:
            valid = f"{spec.model['name']} has {stages} stages: it is cut after 1 to {stages - 1} of them"
            yield "mixing.cut", f"{valid}, not {mixing.cut}"
        if streamed and mixing.partner.scope == "dataset":
            yield "mixing.partner", "image files are mixed within minibatches"
        if spec.choose_epoch and inputs.validation is None:
            yield "choose_epoch", "no validation part to choose by; set `validation` in run.dataset"
        if spec.drop_last and inputs.train.shape[1] < spec.batch_size:
            sizes = f"{inputs.train.shape[1]} training examples, batch_size {spec.batch_size}"
            yield "drop_last", f"no minibatch would be complete: {sizes}"
        if not pixels and (spec.mixing.noise or {}).get("of") == "pixels":
            yield "mixing.noise", "noise in units of pixels needs images"

    @cached_property
    def training_sets(self) -> list[TrainingSet]:
        """For each member the training set to choose partners from: pixels, or scaled tables."""
        pairs = zip(self.inputs.train, self.inputs.train_labels, strict=True)
        return [TrainingSet(self.inputs.examples(rows.unsqueeze(0)).squeeze(0), labels) for rows, labels in pairs]

    def _train_epoch(self) -> None:
        if self.spec.fresh_weights and self.epoch and self.epoch % self.spec.fresh_weights == 0:
            fresh = initial_model(self.spec, self.seeds, self.inputs, attempt=self.epoch // self.spec.fresh_weights)
            self.model.load_state_dict(fresh.state_dict())
        models.seed_dropout(self.model, [derive(seed, "dropout", self.epoch) for seed in self.seeds])
        values = self.optimize()
        if self.spec.measure_training:
            measured = self.evaluate(self.inputs.train, self.inputs.train_labels)
            values |= {f"original_{name}": value for name, value in measured.items() if name in ("loss", "error")}
        values |= {f"test_{name}": value for name, value in self.evaluate(self.inputs.test).items()}
        if self.inputs.validation is not None:
            measured = self.evaluate(self.inputs.validation, self.inputs.validation_labels)
            values |= {f"validation_{name}": value for name, value in measured.items()}
        if self.inputs.test_domain is not None:
            values["test_worst_error"] = self._worst_domain(self.inputs.test_domain)
        self._record({name: value.tolist() for name, value in values.items()})

    def _worst_domain(self, domain: Tensor) -> Tensor:
        """Return the largest error (members,) over the domains (m,) of the test part."""
        errors = [self.evaluate(self.inputs.test[:, domain == each])["error"] for each in domain.unique()]
        return torch.stack(errors).amax(0)

    def optimize(self) -> dict[str, Tensor]:
        """Take the steps of an epoch and return its values for each member, such as `train_loss` (members,)."""
        self.model.train()
        drawn = draw_epoch(self)
        steps = [self.share.of(step) for step in drawn]
        examples = self.examples([batch for step in steps for batch, _ in step])
        total = torch.zeros(len(self.seeds), dtype=torch.float64, device=self.device)
        for k, step in enumerate(steps):
            self._set_rate(self.epoch + k / len(steps))
            for loss in self.step(step, examples):
                total += loss
        self.share.average_buffers(self.model)
        return {"train_loss": self.share.total(total) / sum(batch.size for step in drawn for batch in step)}

    def examples(self, batches: list[Batch]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the raw examples (members, n, ...) and the labels (members, n) of each batch."""
        order, sizes = torch.cat([batch.order for batch in batches], dim=1), [batch.size for batch in batches]
        crops = [batch.crops for batch in batches if batch.crops is not None]
        rows, labels = self.inputs.train.gather(1, order), take(self.inputs.train_labels, order)
        x = self.inputs.batches(rows, sizes, torch.cat(crops) if crops else None)
        return zip(x, labels.split(sizes, dim=1), strict=True)

    def step(self, batches: list[tuple[Batch, float]], examples: Iterator[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Take one step of the optimizer.

        Args:
            batches: the micro-batches that this process computes, each with the weight of its loss.
            examples: as from `examples`; one item is taken for each batch.

        Returns:
            For each batch the sum of its examples' losses, (members,), without waiting for the device.
        """
        losses = []
        self.optimizer.zero_grad(set_to_none=True)
        for k, (batch, weight) in enumerate(batches):
            if self.share.size > 1:
                self.model.train(weight > 0)
            with self.share.exchange(self._team, last=k + 1 == len(batches)):
                raw, y = next(examples)
                x = self.augment(raw, batch.uniforms)
                loss = (self._team or self.loss)(x, y, batch)
                (loss * weight).sum().backward()
            losses.append(loss.detach() * batch.size * (weight > 0))
        self.optimizer.step()
        return losses

    def augment(self, x: Tensor, uniforms: Tensor | None) -> Tensor:
        """Augment and scale raw examples (members, n, ...), with numbers (members, n, transforms, 2) in [0, 1)."""
        if self.spec.augmentation and uniforms is not None:
            flat = x.flatten(0, 1)
            for k, transform in enumerate(self.spec.augmentation):
                flat = bind(augmentation, transform)(flat, uniforms[:, :, k].flatten(0, 1))
            x = flat.view(x.shape)
        return self.inputs.scale(x)

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        """Compute the loss of each member, (members,), on scaled examples and labels, after mixing."""
        task, mixing = self.inputs.task, self.mixing
        target = mixing.smooth(task.target(y, x.dtype))
        with self._autocast():
            hidden = self._stages(self._add_noise(x, batch.noise), 0, mixing.cut)
            hidden, target = self.mix(hidden, target, batch)
            outputs = self._stages(hidden, mixing.cut, None)
        return task.loss(outputs, target)

    def mix(self, x: Tensor, target: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mix a batch: inputs, or hidden features where the network is cut, and targets."""
        own_x, own_target = x, target
        for drawn in batch.rounds:
            partner = self.mixing.match(own_x, drawn.partner)
            if self.mixing.partner.scope == "batch":
                other, other_target = take(own_x, partner), take(own_target, partner)
            else:
                other, other_target = self._partners(partner, drawn, batch.noise)
            x, target = self.mixing.mix_with(x, target, other, other_target, drawn.ratio, drawn.position)
        return x, target

    def _add_noise(self, x: Tensor, sources: list[torch.Generator]) -> Tensor:
        """Add each member's noise to scaled examples (members, n, ...), if the run has any."""
        noise = self.mixing.noise
        if noise is None:
            return x
        unit = self.inputs.unit
        return torch.stack([noise(x[m], unit, generator=source) for m, source in enumerate(sources)])

    def _partners(self, positions: Tensor, drawn: MixingRound, noise: list[torch.Generator]) -> tuple[Tensor, Tensor]:
        """Return the features (at the cut) and targets of partners at positions (members, n) of the training set."""
        rows, labels = self.inputs.train.gather(1, positions), take(self.inputs.train_labels, positions)
        x = self._add_noise(self.augment(self.inputs.examples(rows), drawn.uniforms), noise)
        target = self.mixing.smooth(self.inputs.task.target(labels, x.dtype))
        return self._stages(x, 0, self.mixing.cut), target

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (members, n, outputs) for network inputs (members, n, ...)."""
        return self._stages(x, 0, None)

    def _stages(self, x: Tensor, start: int, end: int | None) -> Tensor:
        """Apply stages start to end - 1 of the network to x (members, n, ...)."""
        if start == end:
            return x
        # Other sizes (the last batch of an epoch, test batches) would each be compiled again.
        whole = self.model.training and x.shape[1] == (self.spec.micro_batch or self.spec.batch_size)
        model = self._network(start, end, self.spec.execution.compile and whole)
        if self.spec.vectorized:
            return model(x)
        single = x.squeeze(0)
        if self.spec.execution.memory_format == "channels_last" and single.ndim == 4:
            single = single.contiguous(memory_format=torch.channels_last)
        return model(single).unsqueeze(0)

    def _network(self, start: int, end: int | None, compiled: bool) -> Callable[[Tensor], Tensor]:
        """Return stages start to end - 1 of the network, sliced and compiled once."""
        if (start, end, compiled) not in self._networks:
            network = self.model if start == 0 and end is None else self.model[start:end]
            self._networks[start, end, compiled] = torch.compile(network, dynamic=False) if compiled else network
        return self._networks[start, end, compiled]

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.spec.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    @torch.no_grad()
    def evaluate(self, rows: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the task's metrics of each member, float64 (members,), on rows (members, n), for y or other labels."""
        self.model.eval()
        labels = self.inputs.y[rows] if labels is None else labels
        count = rows.shape[1]
        rows, labels = self.share.rows(rows), self.share.rows(labels)
        sizes = portions(rows.shape[1], ROWS_ON_CPU if self.device.type == "cpu" else EVALUATION_ROWS)
        totals: dict[str, Tensor] = {}
        for x, y in zip(self.inputs.batches(rows, sizes), labels.split(sizes, dim=1), strict=True):
            for name, value in self.inputs.task.measure(self.logits(x), y, f1=self.spec.measure_f1).items():
                totals[name] = totals[name] + value if name in totals else value
        return {
            name: self.inputs.task.summarise(name, self.share.total(total) / count) for name, total in totals.items()
        }

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Return float32 outputs (members, n, outputs) for raw examples (members, n, ...) as from `Inputs.examples`."""
        self.model.eval()
        with self._autocast():
            return self.forward(self.inputs.scale(x)).float()


class _Losses(nn.Module):
    """A trainer's loss as the `forward` of a module, so that DistributedDataParallel can wrap it.

    It has the network's weights but not its buffers, which each process keeps for itself until an epoch ends.
    """

    def __init__(self, trainer: SupervisedTrainer) -> None:
        super().__init__()
        self.weights = nn.ParameterList(trainer.model.parameters())
        self.forward = trainer.loss
