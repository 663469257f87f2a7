"""Differentially private training: supervised training with private optimizer steps.

DP-SGD (Abadi et al., 2016, 1607.00133) with augmentation multiplicity (De et al., 2022, 2204.13650) and with mixtures
inside one example's own set of views (Bao et al., 2023, 2311.01295). Opacus clips, adds noise and accounts for privacy;
torch.func computes per-example gradients (Opacus calls this the mode `no_op`).

The guarantee is (ε, δ)-differential privacy for adding or removing one training example, as computed by the accountants
of Opacus: each minibatch is a Poisson sample, the noise is Gaussian, and an example's change of a minibatch's sum is
bounded. Only the weights are private. The training loss in the history is measured on the private examples without
noise, and the test part is not protected. Noise comes from torch's ordinary generators (Opacus' `secure_mode` is off),
because runs must be reproducible to the bit: such a run is an experiment, not a release.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from remixup.config.requirements import Problem
from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.mixing import take
from remixup.randomness import derive, generator
from remixup.training.supervised import SupervisedTrainer

MIXED_PAIRS = 3
"""Sensitivity, in clipping norms, of a minibatch's sum to one example if examples are mixed by a random permutation.

Removing the example from its cycle leaves a uniform permutation of the others, so both minibatches have the same
distribution. One mixture disappears (at most one norm), and one other mixture gets another partner (at most two).
"""


@functools.cache
def noise_multiplier(epsilon: float, delta: float, rate: float, steps: int) -> float:
    """Return the standard deviation of the noise, in sensitivities, with which all steps spend at most (ε, δ).

    Args:
        epsilon: the privacy budget; the search ends within 0.01 of it.
        delta: the probability that the guarantee fails.
        rate: the probability that an example is in a minibatch.
        steps: total number of minibatches.
    """
    from opacus.accountants.utils import get_noise_multiplier

    with _valid_if_not_tight():
        found: float = get_noise_multiplier(
            target_epsilon=epsilon, target_delta=delta, sample_rate=rate, steps=steps, accountant="rdp"
        )
    return found


@functools.cache
def spent(multiplier: float, delta: float, rate: float, steps: int) -> float:
    """Return the ε spent by steps of the subsampled Gaussian mechanism, by Rényi differential privacy (Opacus)."""
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(multiplier, rate, steps)]
    with _valid_if_not_tight():
        found: float = accountant.get_epsilon(delta)
    return found


@contextmanager
def _valid_if_not_tight() -> Iterator[None]:
    """Suppress Opacus' advice to try more orders of the divergence: each order gives a valid bound of ε."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Optimal order is", UserWarning)
        yield


@dataclass(frozen=True)
class Minibatch:
    """A Poisson sample and all random choices for its examples; the first dimension of each tensor is the example."""

    rows: Tensor
    """Positions in the training part, int64 (n,)."""
    uniforms: Tensor
    """Numbers for the augmentation, (n, views, transforms, 2)."""
    pool: Tensor
    """Positions in the pool, int64 (n, pool views)."""
    first: Tensor
    """Members of the own set to mix, int64 (n, mixtures)."""
    second: Tensor
    """Their partners in the own set, int64 (n, mixtures)."""
    ratio: Tensor
    """λ of each mixture, (n, mixtures), or of each view that is mixed with another example's view, (n, views)."""
    partner: Tensor | None = None
    """Positions of the examples' partners in the minibatch, int64 (n,), where examples are mixed with each other."""

    def to(self, device: torch.device) -> Minibatch:
        """Move the minibatch to a device."""
        moved: dict[str, Any] = {name: value.to(device) for name, value in vars(self).items() if value is not None}
        return replace(self, **moved)

    def without(self, example: int) -> Minibatch:
        """Return the minibatch that the same draws give without one example."""
        keep = torch.arange(len(self.rows), device=self.rows.device) != example
        left: dict[str, Any] = {name: value[keep] for name, value in vars(self).items() if value is not None}
        if self.partner is not None:
            closed = torch.where(self.partner == example, self.partner[example], self.partner)[keep]
            left["partner"] = closed - (closed > example).long()
        return replace(self, **left)


class DPTrainer(SupervisedTrainer):
    """Train on labels under (ε, δ)-differential privacy: DP-SGD, perhaps with several views of each example (DP-Mix).

    An epoch has `passes` times n / `batch_size` steps, rounded, at least one; each includes each of the n examples with
    probability `batch_size` / n. An example's set is `views` augmented copies of it, `pool_views` images of the
    dataset's pool, and `self_mixtures` mixtures of two of these. The gradient of the mean loss over the set is clipped
    to `max_grad_norm` in the norm of all parameters together; noise is added to the sum over the minibatch, which is
    divided by `batch_size`.

    With the partner `permutation` the views of an example are mixed with those of another one instead (view k with view
    k), before the gradient is clipped: naive mixup. An example then changes the sum by up to `MIXED_PAIRS` clipping
    norms, and the noise is larger in proportion, unless `scale_noise_by` is `max_grad_norm`. The true ε is recorded in
    either case.

    Args:
        spec: specification with a network without batch norm.
        seeds: seeds of the block, one.
        inputs: data whose training part is private.
        device: where to train.
        epsilon: the privacy budget of all epochs together.
        delta: the probability that the guarantee fails.
        max_grad_norm: the norm to which each example's gradient is clipped.
        views: augmented copies of an example, whose gradients are averaged (K_base of DP-Mix).
        self_mixtures: additional mixtures of two members of an example's own set (K_self).
        pool_views: synthetic images of the dataset's pool in the set (K_diff).
        scale_noise_by: whether the noise covers what an example can really change, or the clipping norm whatever is
            mixed. In the second case there is less noise, and ε exceeds `epsilon`; the true ε is recorded.

    Attributes:
        rate: the probability q that an example is in a minibatch.
        steps: number of steps in an epoch.
        multiplier: standard deviation of the noise in clipping norms.

    Raises:
        UserError: if the specification does not fit the data or the network.
    """

    def __init__(
        self,
        spec: RunSpec,
        seeds: list[int],
        inputs: Inputs,
        device: torch.device,
        *,
        epsilon: Annotated[float, Gt(0)],
        delta: Annotated[float, Gt(0), Lt(1)] = 1e-5,
        max_grad_norm: Annotated[float, Gt(0)] = 1.0,
        views: Annotated[int, Ge(1)] = 1,
        self_mixtures: Annotated[int, Ge(0)] = 0,
        pool_views: Annotated[int, Ge(0)] = 0,
        scale_noise_by: Literal["sensitivity", "max_grad_norm"] = "sensitivity",
    ) -> None:
        self.epsilon, self.delta, self.max_grad_norm = epsilon, delta, max_grad_norm
        self.views, self.self_mixtures, self.pool_views = views, self_mixtures, pool_views
        self.scale_noise_by = scale_noise_by
        super().__init__(spec, seeds, inputs, device)
        count = inputs.train.shape[1]
        self.rate = spec.batch_size / count
        self.steps = max(1, round(spec.passes * count / spec.batch_size))

    def _problems(self) -> Iterator[Problem]:
        yield from super()._problems()
        if any(isinstance(module, _BatchNorm) for module in self.model.modules()):
            yield "model", "batch norm mixes the examples of a minibatch; use a network with group norm"
        count = self.inputs.train.shape[1]
        if self.spec.batch_size > count:
            yield "batch_size", f"there are {count} training examples"
        if self.pool_views > 0 and self.inputs.pool is None:
            yield "dataset", "this dataset has no pool"

    @property
    def sensitivity(self) -> int:
        """The largest change of a minibatch's sum of clipped gradients by one example, in clipping norms."""
        mixed = self.mixing.ratio is not None and self.mixing.partner.scope != "example"
        return MIXED_PAIRS if mixed else 1

    @functools.cached_property
    def multiplier(self) -> float:
        """Standard deviation of the noise in clipping norms."""
        each = noise_multiplier(self.epsilon, self.delta, self.rate, self.spec.epochs * self.steps)
        return each * (self.sensitivity if self.scale_noise_by == "sensitivity" else 1)

    def spent(self, epochs: int) -> float:
        """Return the true ε after a number of epochs."""
        return spent(self.multiplier / self.sensitivity, self.delta, self.rate, epochs * self.steps)

    @functools.cached_property
    def noisy(self) -> Any:
        """The run's optimizer wrapped by that of Opacus, which clips, sums, adds noise and averages."""
        from opacus.optimizers import DPOptimizer  # seconds to import, and only steps need it

        return DPOptimizer(
            self.optimizer,
            noise_multiplier=self.multiplier,
            max_grad_norm=self.max_grad_norm,
            expected_batch_size=self.spec.batch_size,
            loss_reduction="mean",
        )

    def optimize(self) -> dict[str, Tensor]:
        """Take the private steps of an epoch; return `train_loss` and the ε spent so far, each (1,).

        Raises:
            FloatingPointError: the gradient of an example was not finite, or the weights became so.
        """
        self.model.train()
        self.noisy.generator = torch.Generator(self.device).manual_seed(derive(self.seeds[0], "dp noise", self.epoch))
        total, seen = torch.zeros((), dtype=torch.float64, device=self.device), 0
        for step, drawn in enumerate(self.minibatches()):
            self._set_rate(self.epoch + step / self.steps)
            self.noisy.zero_grad(set_to_none=True)
            total += self.accumulate(drawn)
            self.noisy.step()
            seen += len(drawn.rows)
        # Clipping does not bound such a gradient, and the guarantee does not hold. It leaves weights that stay NaN.
        if not all(weight.isfinite().all() for weight in self.model.parameters()):
            raise FloatingPointError(f"a gradient of epoch {self.epoch + 1} was not finite: the run is not private")
        mean = (total / max(1, seen)).expand(1)
        return {"train_loss": mean, "epsilon": torch.tensor([self.spent(self.epoch + 1)], dtype=torch.float64)}

    def accumulate(self, drawn: Minibatch) -> Tensor:
        """Pass the per-example gradients of a minibatch to the optimizer; clip all but the last micro-batch.

        Returns:
            The sum of the examples' losses, float64 ().
        """
        x, target = self.sets(drawn)
        size = self.spec.micro_batch or max(1, len(x))
        batches = list(zip(x.split(size), target.split(size), strict=True))
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for k, batch in enumerate(batches):
            gradients, losses = self.gradients(*batch)
            for weight, gradient in zip(self.model.parameters(), gradients, strict=True):
                weight.grad_sample = gradient  # type: ignore[attr-defined]
            total += losses.sum(dtype=torch.float64)
            if k + 1 < len(batches):
                self.noisy.clip_and_accumulate()
        return total

    def clipped_sum(self, drawn: Minibatch) -> Tensor:
        """Return the sum of a minibatch's clipped gradients without noise, all parameters concatenated (parameters,).

        It does not use Opacus, which takes seconds to import.
        """
        gradients, _ = self.gradients(*self.sets(drawn))
        flat = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
        factor: Tensor = (self.max_grad_norm / (flat.norm(dim=1) + 1e-6)).clamp(max=1)
        return factor @ flat

    def gradients(self, x: Tensor, target: Tensor) -> tuple[list[Tensor], Tensor]:
        """Compute the gradients of each example's loss (the mean over its set), and the losses.

        Args:
            x: sets of network inputs (n, members, ...).
            target: class probabilities (n, members, classes).

        Returns:
            For each parameter (n, *shape), and (n,).
        """
        from torch.func import functional_call, grad_and_value, vmap

        weights = {name: weight.detach() for name, weight in self.model.named_parameters()}
        if not len(x):
            return [weight.new_zeros(0, *weight.shape) for weight in weights.values()], x.new_zeros(0)

        def loss(weights: dict[str, Tensor], x: Tensor, target: Tensor) -> Tensor:
            return self.inputs.task.loss(functional_call(self.model, weights, (x,)), target)

        each = vmap(grad_and_value(loss), in_dims=(None, 0, 0), randomness="different")
        found, losses = each(weights, x, target)
        return list(found.values()), losses

    def sets(self, drawn: Minibatch) -> tuple[Tensor, Tensor]:
        """Return each example's set: network inputs (n, members, ...) and targets (n, members, classes)."""
        mixing, n = self.mixing, len(drawn.rows)
        rows = self.inputs.train[0, drawn.rows]
        labels = self.inputs.train_labels[0, drawn.rows]
        copies = rows.repeat_interleave(self.views).unsqueeze(0)
        x = self.augment(self.inputs.examples(copies), drawn.uniforms.flatten(0, 1).unsqueeze(0))
        x = x.view(n, self.views, *x.shape[2:])
        target = self._targets(labels.unsqueeze(1).expand(-1, self.views), x.dtype)
        if drawn.partner is not None and n:
            other, other_target = x[drawn.partner], target[drawn.partner]
            return mixing.mix_with(x, target, other, other_target, drawn.ratio)
        if self.pool_views:
            assert self.inputs.pool is not None
            synthetic = self.inputs.pool[0, drawn.pool]
            images = self.inputs.scale(self.inputs.examples(synthetic.flatten().unsqueeze(0)))
            x = torch.cat([x, images.view(n, self.pool_views, *x.shape[2:])], dim=1)
            target = torch.cat([target, self._targets(self.inputs.y[synthetic], target.dtype)], dim=1)
        if self.self_mixtures:
            ones, others = ((take(x, each), take(target, each)) for each in (drawn.first, drawn.second))
            mixed, mixed_target = mixing.mix_with(*ones, *others, drawn.ratio)
            x, target = torch.cat([x, mixed], dim=1), torch.cat([target, mixed_target], dim=1)
        return x, target

    def _targets(self, labels: Tensor, dtype: torch.dtype) -> Tensor:
        return self.mixing.smooth(self.inputs.task.target(labels, dtype))

    def minibatches(self) -> list[Minibatch]:
        """Draw the minibatches of the epoch: the samples first, then the random choices for their examples."""
        seed, count = self.seeds[0], self.inputs.train.shape[1]
        chance = torch.rand(self.steps, count, dtype=torch.float64, generator=generator(seed, "poisson", self.epoch))
        purposes: tuple[str, ...] = ("augmentation", "pool", "pairs", "partner", "ratio")
        sources = {name: generator(seed, name, self.epoch) for name in purposes}
        return [self._draw(taken.nonzero().squeeze(1), sources) for taken in chance < self.rate]

    def _draw(self, rows: Tensor, sources: dict[str, torch.Generator]) -> Minibatch:
        n, mixing = len(rows), self.mixing
        uniforms = torch.rand(n, self.views, len(self.spec.augmentation), 2, generator=sources["augmentation"])
        stock = 1 if self.inputs.pool is None else self.inputs.pool.shape[1]
        pool = torch.randint(stock, (n, self.pool_views), generator=sources["pool"])
        members, mixtures = self.views + self.pool_views, self.self_mixtures
        first = torch.randint(members, (n, mixtures), generator=sources["pairs"])
        second, ratio, partner = first, torch.empty(n, 0), None
        if mixtures:
            second = mixing.partner.sample(first, members, generator=sources["partner"])
        elif mixing.ratio is not None:
            partner = mixing.partner.sample(rows, generator=sources["partner"])
        if mixing.ratio is not None:
            ratio = mixing.ratio((n, mixtures or self.views), generator=sources["ratio"])
        return Minibatch(rows, uniforms, pool, first, second, ratio, partner).to(self.device)
