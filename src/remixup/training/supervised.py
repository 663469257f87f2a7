"""Supervised training, on a CPU or GPU, of one seed or of vectorized seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from remixup.training.captured import Programs
from remixup.training.data_parallel import Share
from remixup.training.execution import without_compiler
from remixup.training.trainer import Trainer, initial_model

NUMERICS = 1
EVALUATION_ROWS = 1000
"""Examples of each member in one forward pass of an evaluation. Fixed, because it can change the last bits."""
ROWS_ON_CPU = 300
"""The same on a CPU: activations then stay in its cache, which halves the time of a wide network."""
Examples = tuple[Tensor, Tensor, list[Tensor]]
"""Raw examples (members, n, ...) of a batch, their labels (members, n), and their noise as from `draw_noise`."""


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
        self._transforms = [bind(augmentation, transform) for transform in spec.augmentation]
        self._vectorized = spec.vectorized  # the compiler cannot trace what finds it
        self.programs = Programs(self) if spec.execution.cuda_graph else None

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
        if (domain := self.inputs.test_domain) is not None:
            errors = [self.evaluate(self.inputs.test[:, domain == each])["error"] for each in domain.unique()]
            values["test_worst_error"] = torch.stack(errors).amax(0)
        self._record({name: value.tolist() for name, value in values.items()})

    def optimize(self) -> dict[str, Tensor]:
        """Take the steps of an epoch and return its values for each member, such as `train_loss` (members,)."""
        self.model.train()
        if self.programs is not None:
            total, count = self.programs.train()
            return {"train_loss": total / count}
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

    def examples(self, batches: list[Batch]) -> Iterator[Examples]:
        """Yield the examples of each batch; their noise is drawn batch by batch."""
        order, sizes = torch.cat([batch.order for batch in batches], dim=1), [batch.size for batch in batches]
        labels = take(self.inputs.train_labels, order).split(sizes, dim=1)
        for batch, x, y in zip(batches, self.read(batches), labels, strict=True):
            yield x, y, self.draw_noise(batch)

    def read(self, batches: list[Batch]) -> Iterator[Tensor]:
        """Yield the raw examples (members, n, ...) of each batch."""
        order, sizes = torch.cat([batch.order for batch in batches], dim=1), [batch.size for batch in batches]
        crops = [batch.crops for batch in batches if batch.crops is not None]
        return self.inputs.batches(self.inputs.train.gather(1, order), sizes, torch.cat(crops) if crops else None)

    def draw_noise(self, batch: Batch) -> list[Tensor]:
        """Draw standard normal numbers (members, n, ...) for a batch, and for its partners from the training set."""
        if self.mixing.noise is None:
            return []
        uses = 1 + (len(batch.rounds) if self.mixing.partner.scope == "dataset" else 0)
        shape = batch.size, *self.inputs.shape
        return [
            torch.stack([torch.randn(shape, device=self.device, generator=source) for source in batch.noise])
            for _ in range(uses)
        ]

    def step(self, batches: list[tuple[Batch, float]], examples: Iterator[Examples]) -> list[Tensor]:
        """Take one step of the optimizer.

        Args:
            batches: the micro-batches that this process computes, each with the weight of its loss.
            examples: as from the method `examples`; one item is taken for each batch.

        Returns:
            For each batch the sum of its examples' losses, (members,), without waiting for the device.
        """
        losses = []
        self.optimizer.zero_grad(set_to_none=True)
        for k, (batch, weight) in enumerate(batches):
            if self.share.size > 1:
                self.model.train(weight > 0)
            with self.share.exchange(self._team, last=k + 1 == len(batches)):
                loss = (self._team or self.losses)(*next(examples), batch)
                (loss * weight).sum().backward()
            losses.append(loss.detach() * batch.size * (weight > 0))
        self.optimizer.step()
        return losses

    def losses(self, raw: Tensor, y: Tensor, noise: list[Tensor], batch: Batch) -> Tensor:
        """Compute the loss of each member, (members,), on raw examples; compiled, where the run asks for it."""
        # Other sizes (the last batch of an epoch) would each be compiled again.
        whole = batch.size == (self.spec.micro_batch or self.spec.batch_size)
        if self.spec.execution.compile and whole:
            try:
                return self._compiled(self, raw, y, noise, batch)
            except RuntimeError as error:
                self.spec = without_compiler(self.spec, error)
        return self._losses(raw, y, noise, batch)

    def _losses(self, raw: Tensor, y: Tensor, noise: list[Tensor], batch: Batch) -> Tensor:
        return self.loss(self.augment(raw, batch.uniforms), y, batch, noise)

    @cached_property
    def _compiled(self) -> Callable[..., Tensor]:
        # What was compiled for earlier runs of this process counts towards a limit, beyond which nothing is compiled.
        torch.compiler.reset()
        # With this option dropout draws what it draws when it is not compiled.
        return torch.compile(type(self)._losses, dynamic=False, options={"fallback_random": True})

    def augment(self, x: Tensor, uniforms: Tensor | None) -> Tensor:
        """Augment and scale raw examples (members, n, ...), with numbers (members, n, transforms, 2) in [0, 1)."""
        if self._transforms and uniforms is not None:
            flat = x.flatten(0, 1)
            for k, transform in enumerate(self._transforms):
                flat = transform(flat, uniforms[:, :, k].flatten(0, 1))
            x = flat.view(x.shape)
        return self.inputs.scale(x)

    def loss(self, x: Tensor, y: Tensor, batch: Batch, noise: Sequence[Tensor] = ()) -> Tensor:
        """Compute the loss of each member, (members,), on scaled examples and labels, after mixing.

        Args:
            x: (members, n, ...).
            y: (members, n).
            batch: its random choices.
            noise: as from `draw_noise`.
        """
        task, mixing = self.inputs.task, self.mixing
        target = mixing.smooth(task.target(y, x.dtype))
        with self._autocast():
            hidden = self._stages(self._add_noise(x, noise[:1]), 0, mixing.cut)
            hidden, target = self.mix(hidden, target, batch, noise[1:])
            outputs = self._stages(hidden, mixing.cut, None)
        return task.loss(outputs, target)

    def mix(self, x: Tensor, target: Tensor, batch: Batch, noise: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Mix a batch: inputs, or hidden features where the network is cut, and targets.

        `noise` is that of the partners from the training set, in each round.
        """
        own_x, own_target = x, target
        for k, drawn in enumerate(batch.rounds):
            partner = self.mixing.match(own_x, drawn.partner)
            if self.mixing.partner.scope == "batch":
                other, other_target = take(own_x, partner), take(own_target, partner)
            else:
                other, other_target = self._partners(partner, drawn, noise[k : k + 1])
            x, target = self.mixing.mix_with(x, target, other, other_target, drawn.ratio, drawn.position)
        return x, target

    def _add_noise(self, x: Tensor, normal: Sequence[Tensor]) -> Tensor:
        """Add noise to scaled examples (members, n, ...), if the run has any."""
        return x if self.mixing.noise is None else self.mixing.noise(x, self.inputs.unit, *normal)

    def _partners(self, positions: Tensor, drawn: MixingRound, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
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
        hidden = x if self._vectorized else x.squeeze(0)
        if not self._vectorized and self.spec.execution.memory_format == "channels_last" and hidden.ndim == 4:
            hidden = hidden.contiguous(memory_format=torch.channels_last)
        for stage in list(self.model)[start:end]:
            hidden = stage(hidden)
        return hidden if self._vectorized else hidden.unsqueeze(0)

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
        if self.programs is not None:
            totals = self.programs.evaluate(rows, labels, sizes)
        else:
            for x, y in zip(self.inputs.batches(rows, sizes), labels.split(sizes, dim=1), strict=True):
                for name, value in self.measure(x, y).items():
                    totals[name] = totals[name] + value if name in totals else value
        return {
            name: self.inputs.task.summarize(name, self.share.total(total) / count) for name, total in totals.items()
        }

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the sums of the task's metrics of each member over raw examples (members, n, ...) with labels y."""
        return self.inputs.task.measure(self.logits(x), y, f1=self.spec.measure_f1)

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Return float32 outputs (members, n, outputs) for raw examples (members, n, ...) as from `Inputs.examples`."""
        self.model.eval()
        with self._autocast():
            return self.forward(self.inputs.scale(x)).float()


class _Losses(nn.Module):
    """A trainer's losses as the `forward` of a module, so that DistributedDataParallel can wrap it.

    It has the network's weights but not its buffers, which each process keeps for itself until an epoch ends.
    """

    def __init__(self, trainer: SupervisedTrainer) -> None:
        super().__init__()
        self.weights = nn.ParameterList(trainer.model.parameters())
        self.forward = trainer.losses
