"""The game of a generator against a discriminator (mixup paper, 1710.09412, Figure 5)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.errors import UserError
from remixup.mixing import take
from remixup.models.mlp import MemberLinear
from remixup.randomness import generator
from remixup.training.trainer import BlockTraining

Pairs = Literal["real-fake", "batches"]

SNAPSHOTS = (10, 100, 1_000, 10_000, 20_000)
"""Outer iterations after which the paper's figure shows samples."""
SNAPSHOT_SAMPLES = 512
_USED = {
    "run": {
        *("dataset", "scaling", "model", "vicinity", "optimiser", "schedule"),
        *("epochs", "batch_size", "objective", "threads"),
    },
    "run.dataset": {"name", "version", "holdout", "subset"},
    "run.vicinity": {"ratio"},
}


class Game(BlockTraining):
    """A block of seeds of a generative adversarial network in training; to the runner it is what `Training` is.

    An outer iteration is `critic_steps` steps of the discriminator d and one of the generator g, each on a fresh
    minibatch of n = `batch_size` real examples x (drawn from the training part with replacement) and n latents z. Both
    play for the same mean binary cross-entropy, in nats: d minimises it, g maximises it (the saturating form, as in the
    first author's example). What d is shown depends on the vicinity:

    - without a ratio, the ordinary game: the n real examples with target 1 and the n made ones with target 0;
    - `pairs` "real-fake", the paper's equation: λ x + (1 - λ) g(z) with target λ, whoever is to move;
    - `pairs` "batches", the author's example: λ a + (1 - λ) b with the targets mixed alike, a and b each from a
      shuffled minibatch of n real and n made examples, so that pairs of two real or two made ones occur; where g is to
      move, the ordinary game.

    Each pair has its own λ: the paper's equation takes the expectation over x, z and λ, and the example does so.

    An epoch is `iterations` outer iterations. After outer iterations 10, 100, 1,000, 10,000, 20,000 and the last, 512
    samples of each generator, always from the same latents, are kept in the network's buffer `snapshots` (seeds,
    snapshots, 512, features), which is NaN before, so that checkpoints carry them.

    Raises:
        UserError: a specification that asks for what the game does not do.
    """

    def __init__(
        self,
        spec: RunSpec,
        seeds: list[int],
        inputs: Inputs,
        device: torch.device,
        *,
        iterations: int,
        critic_steps: int,
        pairs: Pairs,
    ) -> None:
        _refuse(spec)
        super().__init__(spec, seeds, inputs, device)
        self.iterations, self.critic_steps, self.pairs = iterations, critic_steps, pairs
        self.generator, self.discriminator = self.model.children()
        self.latent = next(each for each in self.generator.modules() if isinstance(each, MemberLinear)).in_features
        if self.vicinity.mixes_several:
            raise UserError("the objective gan mixes two examples, not several", where="run.vicinity.ratio")
        last = spec.epochs * iterations
        self.snapshot_iterations = [*(each for each in SNAPSHOTS if each < last), last]
        shape = (len(seeds), len(self.snapshot_iterations), SNAPSHOT_SAMPLES, *inputs.shape)
        self.model.register_buffer("snapshots", torch.full(shape, torch.nan, device=device))

    @property
    def snapshots(self) -> Tensor:
        """The samples kept after each of `snapshot_iterations`: (seeds, snapshots, 512, features), NaN if not yet."""
        return self.model.get_buffer("snapshots")

    @torch.no_grad()
    def samples(self, count: int) -> Tensor:
        """Samples (seeds, count, features) of each generator from latents that its seed and the count decide alone."""
        drawn = [torch.randn(count, self.latent, generator=generator(seed, "sample")) for seed in self.seeds]
        made: Tensor = self.generator(torch.stack(drawn).to(self.device))
        return made

    def _train_epoch(self) -> None:
        draws = _Draws(self)
        total = torch.zeros(2, len(self.seeds), dtype=torch.float64, device=self.device)
        for iteration in range(self.iterations):
            self._set_rate(self.epoch + iteration / self.iterations)
            total += self._iterate(draws, iteration)
            done = self.epoch * self.iterations + iteration + 1
            if done in self.snapshot_iterations:
                self.snapshots[:, self.snapshot_iterations.index(done)] = self.samples(SNAPSHOT_SAMPLES)
        critic, maker = (total / self.iterations).tolist()
        self._record({"train_loss": critic, "generator_loss": maker})

    def _iterate(self, draws: _Draws, iteration: int) -> Tensor:
        """One outer iteration; the mean of the discriminator's losses and the generator's loss, (2, seeds)."""
        real, latent, n = draws.real[iteration], draws.latent[iteration], self.spec.batch_size
        with torch.no_grad():  # the generator stands still meanwhile: one pass serves all steps of the discriminator
            made = self.generator(latent[:, :-1].flatten(1, 2)).unflatten(1, (self.critic_steps, -1))
        total = torch.zeros(len(self.seeds), device=self.device)
        for step in range(self.critic_steps):
            shown = self._shown(real[:, step], made[:, step], *draws.mixing(iteration, step))
            total += self._move(self.discriminator, self._loss(*shown))
        ratio, _ = draws.mixing(iteration, self.critic_steps)
        last = self.generator(latent[:, -1, :n])
        shown = self._shown(real[:, -1, :n], last, ratio if self.pairs == "real-fake" else None)
        return torch.stack([total / self.critic_steps, self._move(self.generator, -self._loss(*shown))])

    def _shown(
        self, real: Tensor, made: Tensor, ratio: Tensor | None = None, partner: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What d is shown, (seeds, examples, features), and what it should answer, (seeds, examples, 1)."""
        ones, zeros = torch.ones_like(real[..., :1]), torch.zeros_like(real[..., :1])
        if ratio is None:
            return torch.cat([real, made], dim=1), torch.cat([ones, zeros], dim=1)
        if partner is None:
            return self.vicinity.mix_with(real, ones, made, zeros, ratio)
        batches = zip(real.chunk(2, dim=1), made.chunk(2, dim=1), strict=True)
        (x, target), (other, other_target) = (self._shown(*each) for each in batches)
        return self.vicinity.mix_with(x, target, take(other, partner), take(other_target, partner), ratio)

    def _loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Mean binary cross-entropy of each seed's discriminator, (seeds,)."""
        each = F.binary_cross_entropy_with_logits(self.discriminator(x), target, reduction="none")
        return each.squeeze(-1).mean(-1)

    def _move(self, player: nn.Module, loss: Tensor) -> Tensor:
        """One step of one player; its loss, (seeds,).

        The other's parameters have no gradient, and an optimiser passes over such: their state does not move either.
        """
        self.optimiser.zero_grad(set_to_none=True)
        loss.sum().backward(inputs=list(player.parameters()))
        self.optimiser.step()
        return loss.detach()


class _Draws:
    """All random choices of an epoch, made before it: dimensions (iterations, seeds, steps, examples, ...).

    The steps of an iteration are the discriminator's, then the generator's. Where two minibatches are mixed a step has
    those of both.
    """

    def __init__(self, game: Game) -> None:
        epoch, device, mixes = game.epoch, game.device, game.vicinity.ratio
        two = mixes is not None and game.pairs == "batches"
        shape = (game.iterations, game.critic_steps + 1, game.spec.batch_size * (2 if two else 1))
        positions, latent, ratio, partner = [], [], [], []
        for seed in game.seeds:
            source = generator(seed, "order", epoch)
            positions.append(torch.randint(game.inputs.train.shape[1], shape, generator=source))
            latent.append(torch.randn(*shape, game.latent, generator=generator(seed, "latent", epoch)))
            if mixes is not None:
                ratio.append(mixes(shape, generator=generator(seed, "ratio", epoch)).float())
            if two:
                keys = torch.rand(shape, dtype=torch.float64, generator=generator(seed, "partner", epoch))
                partner.append(keys.argsort(dim=-1))
        rows = game.inputs.train.gather(1, torch.stack(positions).flatten(1).to(device))
        real = game.inputs.scale(game.inputs.examples(rows)).unflatten(1, shape)
        self.real = real.transpose(0, 1).contiguous()
        self.latent = torch.stack(latent, dim=1).to(device)
        self.ratio = torch.stack(ratio, dim=1).to(device) if ratio else None
        self.partner = torch.stack(partner, dim=1).to(device) if partner else None

    def mixing(self, iteration: int, step: int) -> tuple[Tensor | None, Tensor | None]:
        """Ratio and partner of a step, each (seeds, examples); None where nothing is mixed, or nothing shuffled."""
        ratio = None if self.ratio is None else self.ratio[iteration, :, step]
        return ratio, None if self.partner is None else self.partner[iteration, :, step]


def _refuse(spec: RunSpec) -> None:
    """Raises UserError where the specification asks for what the game does not do."""
    if spec.model["name"] != "gan":
        raise UserError(f"the objective gan trains the model gan, not {spec.model['name']}", where="run.model.name")
    for where, part in (("run", spec), ("run.dataset", spec.dataset), ("run.vicinity", spec.vicinity)):
        idle = sorted(set(part.model_dump(exclude_defaults=True)) - _USED[where])
        if idle:
            raise UserError(f"the objective gan has no use for {', '.join(idle)}", where=where)
