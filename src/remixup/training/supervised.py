"""The one training loop: CPU or GPU, one network or a population of seeds side by side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any

import torch
from torch import Tensor, nn

from remixup import models
from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data import augmentation
from remixup.data.inputs import Inputs, portions
from remixup.errors import UserError
from remixup.mixing import TrainingSet, Vicinity, take
from remixup.randomness import derive, generator
from remixup.training.data_parallel import Share
from remixup.training.trainer import BlockTraining, initial_model

NUMERICS = 1
EVALUATION_ROWS = 1000
"""Examples of each member in one forward pass of an evaluation: fixed, because it can change the last bits."""
ROWS_ON_CPU = 300
"""As many in the evaluation after each epoch on a CPU: they stay in its cache, which halves a wide network's time."""


class Training(BlockTraining):
    """A block of seeds in training.

    A population (models that are batched over members) holds all seeds of the block in one network whose tensors have a
    leading member dimension; any other model trains the block's one seed. Gradients of members do not meet: the losses
    are summed, and the optimisers work element by element.
    """

    def __init__(self, spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> None:
        if not spec.population and len(seeds) != 1:
            raise ValueError("only population models train several seeds in one block")
        super().__init__(spec, seeds, inputs, device)
        _check_fit(spec, inputs, self.vicinity, len(self.model))
        ratio = self.vicinity.ratio
        self.ratios = [] if ratio is None else [ratio] * len(seeds)
        self.share = Share()
        # Alone there is nothing to wrap, and what refers to itself keeps its data until it happens to be collected.
        self._team = self.share.wrap(_Losses(self)) if self.share.size > 1 else None
        self._networks: dict[tuple[int, int | None, bool], Callable[[Tensor], Tensor]] = {}

    @cached_property
    def pools(self) -> list[TrainingSet]:
        """For each member the training set as a place to look for partners: pixels, or tables as they are scaled."""
        pairs = zip(self.inputs.train, self.inputs.train_labels, strict=True)
        return [TrainingSet(self.inputs.examples(rows.unsqueeze(0)).squeeze(0), labels) for rows, labels in pairs]

    def _train_epoch(self) -> None:
        if self.spec.fresh_weights and self.epoch and self.epoch % self.spec.fresh_weights == 0:
            fresh = initial_model(self.spec, self.seeds, self.inputs, attempt=self.epoch // self.spec.fresh_weights)
            self.model.load_state_dict(fresh.state_dict())
        models.seed_dropout(self.model, [derive(seed, "dropout", self.epoch) for seed in self.seeds])
        values = self._optimise()
        if self.spec.measure_training:
            found = self.evaluate(self.inputs.train, self.inputs.train_labels)
            values |= {f"original_{name}": value for name, value in found.items() if name in ("loss", "error")}
        values |= {f"test_{name}": value for name, value in self.evaluate(self.inputs.test).items()}
        if self.inputs.validation is not None:
            found = self.evaluate(self.inputs.validation, self.inputs.validation_labels)
            values |= {f"validation_{name}": value for name, value in found.items()}
        if self.inputs.test_domain is not None:
            values["test_worst_error"] = self._worst_domain(self.inputs.test_domain)
        self._record({name: value.tolist() for name, value in values.items()})

    def _worst_domain(self, domain: Tensor) -> Tensor:
        """Return the largest error (members,) over the domains of the test part; each example's domain is (m,)."""
        errors = [self.evaluate(self.inputs.test[:, domain == each])["error"] for each in domain.unique()]
        return torch.stack(errors).amax(0)

    def _optimise(self) -> dict[str, Tensor]:
        """The steps of an epoch; what is recorded of them for each member, the training loss (members,) above all."""
        return {"train_loss": self._steps(_Draws(self))}

    def _steps(self, draws: _Draws) -> Tensor:
        """All minibatches of an epoch; the mean training loss of each member, without synchronising in between."""
        self.model.train()
        shares = [self.share.of(parts, draws.sizes) for parts in draws.steps]
        spans = [draws.spans[part] for share in shares for part, _ in share]
        sizes = [span.stop - span.start for span in spans]
        order = torch.cat([draws.order[:, span] for span in spans], dim=1)
        crops = None if draws.crops is None else torch.cat([draws.crops[span] for span in spans])
        labels = iter(take(self.inputs.train_labels, order).split(sizes, dim=1))
        batches = self.inputs.batches(self.inputs.train.gather(1, order), sizes, crops)
        total = torch.zeros(len(self.seeds), dtype=torch.float64, device=self.device)
        for step, share in enumerate(shares):
            self._set_rate(self.epoch + step / len(shares))
            self.optimiser.zero_grad(set_to_none=True)
            for k, (part, weight) in enumerate(share):
                span = draws.spans[part]
                if self.share.size > 1:
                    self.model.train(weight > 0)
                with self.share.exchange(self._team, last=k + 1 == len(share)):
                    x = self._batch(next(batches), draws.uniforms[:, span] if self.spec.augmentation else None)
                    loss = (self._team or self.loss)(x, next(labels), draws, part)
                    (loss * weight).sum().backward()
                total += loss.detach() * (span.stop - span.start) * (weight > 0)
            self.optimiser.step()
        self.share.average_buffers(self.model)
        return self.share.total(total) / draws.order.shape[1]

    def _batch(self, x: Tensor, uniforms: Tensor | None) -> Tensor:
        """A minibatch (members, n, ...) as the network sees it before mixing: augmented, then scaled."""
        if uniforms is not None:
            flat = x.flatten(0, 1)
            for k, part in enumerate(self.spec.augmentation):
                flat = bind(augmentation, part)(flat, uniforms[:, :, k].flatten(0, 1))
            x = flat.view(x.shape)
        return self.inputs.scale(x)

    def loss(self, x: Tensor, y: Tensor, draws: _Draws, part: int) -> Tensor:
        """The loss of each member on a minibatch of scaled examples, after mixing them as the vicinity says."""
        task, vicinity = self.inputs.task, self.vicinity
        target = vicinity.smooth(task.target(y, x.dtype))
        with self._autocast():
            hidden = before = self._stages(self._noisy(x, draws.noise), 0, vicinity.cut)
            mixed = target
            for k, (ratio, drawn) in enumerate(draws.mixing(part)):
                partner = vicinity.paired(before, drawn)
                if vicinity.within_minibatch:
                    other, other_target = take(before, partner), take(target, partner)
                else:
                    other, other_target = self._others(partner, draws.partner_uniforms(part, k), draws.noise)
                hidden, mixed = vicinity.mix_with(hidden, mixed, other, other_target, ratio, draws.place(part, k))
            outputs = self._stages(hidden, vicinity.cut, None)
        return task.loss(outputs, mixed)

    def _noisy(self, x: Tensor, sources: list[torch.Generator]) -> Tensor:
        """Scaled examples (members, n, ...) with each member's own noise, where the vicinity has any."""
        noise = self.vicinity.noise
        if noise is None:
            return x
        unit = self.inputs.unit
        return torch.stack([noise(x[m], unit, generator=source) for m, source in enumerate(sources)])

    def _others(
        self, positions: Tensor, uniforms: Tensor | None, noise: list[torch.Generator]
    ) -> tuple[Tensor, Tensor]:
        """Partners at positions (members, n) of the training set, up to the cut, and their targets."""
        rows, labels = self.inputs.train.gather(1, positions), take(self.inputs.train_labels, positions)
        x = self._noisy(self._batch(self.inputs.examples(rows), uniforms), noise)
        target = self.vicinity.smooth(self.inputs.task.target(labels, x.dtype))
        return self._stages(x, 0, self.vicinity.cut), target

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (members, n, outputs) of network inputs (members, n, ...)."""
        return self._stages(x, 0, None)

    def _stages(self, x: Tensor, start: int, end: int | None) -> Tensor:
        """What stages start to end - 1 of the network make of (members, n, ...)."""
        if start == end:
            return x
        # Anything but whole minibatches would be compiled once more for each size: the last one of an epoch, tests.
        whole = self.model.training and x.shape[1] == (self.spec.micro_batch or self.spec.batch_size)
        model = self._network(start, end, self.spec.compile and whole)
        if self.spec.population:
            return model(x)
        single = x.squeeze(0)
        if self.spec.memory_format == "channels_last" and single.ndim == 4:
            single = single.contiguous(memory_format=torch.channels_last)
        return model(single).unsqueeze(0)

    def _network(self, start: int, end: int | None, compiled: bool) -> Callable[[Tensor], Tensor]:
        """Stages start to end - 1 of the network; cut out, and compiled, once."""
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
        """What the task measures of each member, float64 (members,), on rows (members, n) against y or other labels."""
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
        """Float32 outputs (members, n, outputs) of raw examples (members, n, ...), as `Inputs.examples` gives them."""
        self.model.eval()
        with self._autocast():
            return self.forward(self.inputs.scale(x)).float()


class _Losses(nn.Module):
    """A training's losses as a module's `forward`, which is what an exchange of gradients can be wrapped around.

    It has the network's weights but not its buffers, which are each process's own until an epoch ends.
    """

    def __init__(self, training: Training) -> None:
        super().__init__()
        self.weights = nn.ParameterList(training.model.parameters())
        self.forward = training.loss


class _Draws:
    """All random choices of an epoch, made before it: order, augmentation, ratio and partner of every minibatch."""

    def __init__(self, training: Training) -> None:
        spec, inputs, epoch, seeds = training.spec, training.inputs, training.epoch, training.seeds
        self.device, count = training.device, inputs.train.shape[1]
        used = count // spec.batch_size * spec.batch_size if spec.drop_last else count
        # In a company each seed is there once for each run, and an order takes as many draws as there are passes.
        drawn_in = epoch if spec.reshuffle else 0
        orders = {
            seed: _order(count, used, spec.passes, generator(seed, "order", drawn_in)) for seed in dict.fromkeys(seeds)
        }
        self.order = torch.stack([orders[seed] for seed in seeds])
        self._split(spec.passes * portions(used, spec.batch_size), spec.micro_batch or spec.batch_size)
        count = used * spec.passes
        self.uniforms = self._uniforms([generator(seed, "augmentation", epoch) for seed in seeds], spec, count)
        self.crops: Tensor | None = None
        if spec.dataset.decode is not None:
            self.crops = torch.randint(2**62, (count,), generator=generator(seeds[0], "crop", epoch))
        self.noise: list[torch.Generator] = []
        if training.vicinity.noise is not None:
            self.noise = [torch.Generator(self.device).manual_seed(derive(seed, "noise", epoch)) for seed in seeds]
        self.ratio: Tensor | None = None
        self.partner: list[list[Tensor]] = []
        self.places: Tensor | None = None
        vicinity = training.vicinity
        if vicinity.ratio is not None and epoch >= vicinity.warmup_epochs:
            ratios, shape = zip(training.ratios, seeds, strict=True), (len(self.sizes),)
            drawn = torch.stack([ratio(shape, generator=generator(seed, "ratio", epoch)) for ratio, seed in ratios])
            self.ratio = (drawn.unsqueeze(-1) if drawn.ndim == 2 else drawn).to(self.device)
            self._draw_partners(training, self.ratio.shape[-1])
            if vicinity.cuts:
                sources = [generator(seed, "window", epoch) for seed in seeds]
                self.places = torch.stack([torch.rand(self.ratio.shape[1:], generator=each) for each in sources])
                self.places = self.places.to(self.device)
        self.order = self.order.to(self.device)

    def _split(self, minibatches: list[int], micro: int) -> None:
        """Sizes of the parts that pass through the network, where each lies in the order, and those of each step."""
        self.sizes: list[int] = []
        self.steps: list[range] = []
        for size in minibatches:
            parts = portions(size, micro)
            self.steps.append(range(len(self.sizes), len(self.sizes) + len(parts)))
            self.sizes += parts
        ends = list(accumulate(self.sizes))
        self.spans = [slice(end - size, end) for size, end in zip(self.sizes, ends, strict=True)]

    def _uniforms(self, sources: list[torch.Generator], spec: RunSpec, count: int) -> Tensor:
        """For each example and part of the augmentation two numbers: (members, n, parts, 2)."""
        shape = (count, len(spec.augmentation), 2)
        return torch.stack([torch.rand(shape, generator=source) for source in sources]).to(self.device)

    def _draw_partners(self, training: Training, rounds: int) -> None:
        sources = [generator(seed, "partner", training.epoch) for seed in training.seeds]
        if training.vicinity.within_minibatch:
            labels = take(training.inputs.train_labels.cpu(), self.order)
            labels = labels[..., 0] if labels.ndim == 3 else labels  # of several numbers: only the shape matters
            drawn = [self._in_minibatches(training.vicinity, labels, sources) for _ in range(rounds)]
        else:
            drawn = []
            once = self.order.shape[1] // training.spec.passes  # the partner's own pass ends where the example's does
            for _ in range(rounds):
                found = [
                    torch.cat([training.vicinity.partner(pool, own, generator=source) for own in order.split(once)])
                    for pool, order, source in zip(training.pools, self.order, sources, strict=True)
                ]
                drawn.append(list(torch.stack(found).to(self.device).split(self.sizes, dim=1)))
            # Partners are examples of their own, and cropped and mirrored as such.
            count = self.order.shape[1]
            self._theirs = [self._uniforms(sources, training.spec, count) for _ in range(rounds)]
        self.partner = [list(each) for each in zip(*drawn, strict=True)]

    def _in_minibatches(self, vicinity: Vicinity, labels: Tensor, sources: list[torch.Generator]) -> list[Tensor]:
        """Positions in the minibatch for each one: minibatches of one size in a row are drawn together."""
        found: list[Tensor] = []
        start = 0
        for size, group in groupby(self.sizes):
            length = len(list(group))
            together = labels[:, start : start + length * size].view(len(labels), length, size)
            drawn = [vicinity.partner(each, generator=source) for each, source in zip(together, sources, strict=True)]
            found += torch.stack(drawn, dim=1).to(self.device).unbind(0)
            start += length * size
        return found

    def mixing(self, part: int) -> list[tuple[Tensor, Tensor]]:
        """Ratio (members,) and partners (members, n) of each round of mixing a minibatch; none if it is not mixed."""
        if self.ratio is None:
            return []
        return [(self.ratio[:, part, k], partner) for k, partner in enumerate(self.partner[part])]

    def place(self, part: int, k: int) -> Tensor | None:
        """Where round k of mixing a minibatch cuts (members,), if the blend cuts."""
        return None if self.places is None else self.places[:, part, k]

    def partner_uniforms(self, part: int, k: int) -> Tensor | None:
        """The augmentation's numbers for the partners of round k, where they come from the whole training set."""
        theirs = self._theirs[k]
        return theirs[:, self.spans[part]] if theirs.shape[2] else None


def _order(count: int, used: int, passes: int, source: torch.Generator) -> Tensor:
    """Shuffle the training part once for each pass, and keep the first `used` examples of each shuffle."""
    return torch.cat([torch.randperm(count, generator=source)[:used] for _ in range(passes)])


def _check_fit(spec: RunSpec, inputs: Inputs, vicinity: Vicinity, stages: int) -> None:
    """UserError where the specification asks for what its data or its network does not have."""
    streamed = not isinstance(inputs.x, Tensor)
    pixels = not isinstance(inputs.x, Tensor) or inputs.x.dtype == torch.uint8
    numbers, noise = inputs.y.is_floating_point(), spec.vicinity.noise or {}
    for wrong, key, what in (
        (
            vicinity.cut >= stages,
            "vicinity.cut",
            f"{spec.model['name']} has {stages} stages: it is cut after 1 to {stages - 1} of them, not {vicinity.cut}",
        ),
        (streamed and not vicinity.within_minibatch, "vicinity.partner", "image files are mixed within minibatches"),
        (spec.choose_epoch and inputs.validation is None, "choose_epoch", "no validation part to choose by"),
        (spec.drop_last and inputs.train.shape[1] < spec.batch_size, "drop_last", "no minibatch would be complete"),
        (numbers and vicinity.smoothing > 0, "vicinity.smoothing", "labels that are numbers are not smoothed"),
        (not pixels and noise.get("of") == "pixels", "vicinity.noise", "noise in units of pixels needs images"),
    ):
        if wrong:
            raise UserError(f"{what} (dataset {spec.dataset.name})", where=f"run.{key}")
