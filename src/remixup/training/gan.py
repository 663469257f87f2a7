"""Generative adversarial networks, with and without mixup (mixup paper, 1710.09412, Figure 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.mixing import take
from remixup.models.mlp import MemberLinear
from remixup.randomness import generator
from remixup.training.trainer import Trainer

SNAPSHOTS = (10, 100, 1_000, 10_000, 20_000)
"""Outer iterations after which the paper's figure shows samples."""
SNAPSHOT_SAMPLES = 512


class GANTrainer(Trainer):
    """Train a generator against a discriminator (mixup paper, Figure 5); without a ratio, a standard GAN.

    An outer iteration is `critic_steps` steps of the discriminator d and one of the generator g, each on a fresh
    minibatch of n = `batch_size` real examples x (drawn from the training part with replacement) and n latents z. d
    minimizes the mean binary cross-entropy, in nats, and g maximizes it (the saturating form, as in the first author's
    example). The input of d depends on the mixing:

    - without a ratio, a standard GAN: the n real examples with target 1 and the n generated ones with target 0;
    - `pairs` "real-fake", the paper's equation: λ x + (1 - λ) g(z) with target λ, in the steps of both;
    - `pairs` "batches", the author's example: λ a + (1 - λ) b with the targets mixed alike, where a and b each come
      from a shuffled minibatch of n real and n generated examples, so that some pairs are both real or both generated;
      the step of g is that of a standard GAN.

    Each pair has its own λ: the paper's equation takes the expectation over x, z and λ, and the example does so.

    An epoch is `iterations` outer iterations. After outer iterations 10, 100, 1,000, 10,000, 20,000 and the last, 512
    samples of each generator, always from the same latents, are stored in the network's buffer `snapshots` (seeds,
    snapshots, 512, features), which is NaN before that. Checkpoints therefore contain them.

    Args:
        spec: specification with the model `gan`.
        seeds: seeds of the block.
        inputs: rows of features.
        device: where to train.
        iterations: outer iterations in an epoch.
        critic_steps: steps of the discriminator before each step of the generator.
        pairs: what to mix: real with generated examples, as in the paper's equation, or two minibatches of both, as in
            its first author's example.
    """

    def __init__(
        self,
        spec: RunSpec,
        seeds: list[int],
        inputs: Inputs,
        device: torch.device,
        *,
        iterations: Annotated[int, Ge(1)] = 100,
        critic_steps: Annotated[int, Ge(1)] = 5,
        pairs: Literal["real-fake", "batches"] = "real-fake",
    ) -> None:
        super().__init__(spec, seeds, inputs, device)
        self.iterations, self.critic_steps, self.pairs = iterations, critic_steps, pairs
        self.generator, self.discriminator = self.model.children()
        self.latent = next(each for each in self.generator.modules() if isinstance(each, MemberLinear)).in_features
        last = spec.epochs * iterations
        self.snapshot_iterations = [*(each for each in SNAPSHOTS if each < last), last]
        shape = (len(seeds), len(self.snapshot_iterations), SNAPSHOT_SAMPLES, *inputs.shape)
        self.model.register_buffer("snapshots", torch.full(shape, torch.nan, device=device))

    @property
    def snapshots(self) -> Tensor:
        """The samples after each of `snapshot_iterations`: (seeds, snapshots, 512, features), NaN for later ones."""
        return self.model.get_buffer("snapshots")

    @torch.no_grad()
    def samples(self, count: int) -> Tensor:
        """Sample (seeds, count, features) from each generator; the latents depend only on its seed and the count."""
        drawn = [torch.randn(count, self.latent, generator=generator(seed, "sample")) for seed in self.seeds]
        made: Tensor = self.generator(torch.stack(drawn).to(self.device))
        return made

    def _train_epoch(self) -> None:
        total = torch.zeros(2, len(self.seeds), dtype=torch.float64, device=self.device)
        for k, steps in enumerate(self.draw_epoch()):
            self._set_rate(self.epoch + k / self.iterations)
            total += self.iterate(steps)
            done = self.epoch * self.iterations + k + 1
            if done in self.snapshot_iterations:
                self.snapshots[:, self.snapshot_iterations.index(done)] = self.samples(SNAPSHOT_SAMPLES)
        discriminator, generator_loss = (total / self.iterations).tolist()
        self._record({"train_loss": discriminator, "generator_loss": generator_loss})

    def iterate(self, steps: list[Step]) -> Tensor:
        """Run one outer iteration; return the mean discriminator loss and the generator's loss, (2, seeds)."""
        *critic_steps, last = steps
        latents = torch.stack([step.latent for step in critic_steps], dim=1)
        with torch.no_grad():  # one pass for all of the discriminator's steps: the generator does not change meanwhile
            fakes = self.generator(latents.flatten(1, 2)).unflatten(1, (self.critic_steps, -1))
        total = torch.zeros(len(self.seeds), device=self.device)
        for k, step in enumerate(critic_steps):
            x, target = self._discriminator_batch(step.real, fakes[:, k], step.ratio, step.partner)
            total += self._update(self.discriminator, self._loss(x, target))
        n = self.spec.batch_size
        fake = self.generator(last.latent[:, :n])
        ratio = last.ratio if self.pairs == "real-fake" else None
        loss = -self._loss(*self._discriminator_batch(last.real[:, :n], fake, ratio))
        return torch.stack([total / self.critic_steps, self._update(self.generator, loss)])

    def _discriminator_batch(
        self, real: Tensor, fake: Tensor, ratio: Tensor | None = None, partner: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the discriminator's input, (seeds, examples, features), and its target, (seeds, examples, 1)."""
        ones, zeros = torch.ones_like(real[..., :1]), torch.zeros_like(real[..., :1])
        if ratio is None:
            return torch.cat([real, fake], dim=1), torch.cat([ones, zeros], dim=1)
        if partner is None:
            return self.mixing.mix_with(real, ones, fake, zeros, ratio)
        batches = zip(real.chunk(2, dim=1), fake.chunk(2, dim=1), strict=True)
        (x, target), (other, other_target) = (self._discriminator_batch(*each) for each in batches)
        return self.mixing.mix_with(x, target, take(other, partner), take(other_target, partner), ratio)

    def _loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Compute the mean binary cross-entropy of each seed's discriminator, (seeds,)."""
        loss = F.binary_cross_entropy_with_logits(self.discriminator(x), target, reduction="none")
        return loss.squeeze(-1).mean(-1)

    def _update(self, network: nn.Module, loss: Tensor) -> Tensor:
        """Take a step of one of the two networks and return its loss, (seeds,).

        The other network's parameters have no gradient, so the optimizer skips them and their state.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.sum().backward(inputs=list(network.parameters()))
        self.optimizer.step()
        return loss.detach()

    def draw_epoch(self) -> list[list[Step]]:
        """Draw all random choices of the current epoch: for each outer iteration its steps, the generator's last."""
        ratios = self.mixing.ratio
        two = ratios is not None and self.pairs == "batches"
        shape = (self.iterations, self.critic_steps + 1, self.spec.batch_size * (2 if two else 1))
        positions, latent, ratio, partner = [], [], [], []
        for seed in self.seeds:
            positions.append(
                torch.randint(self.inputs.train.shape[1], shape, generator=generator(seed, "order", self.epoch))
            )
            latent.append(torch.randn(*shape, self.latent, generator=generator(seed, "latent", self.epoch)))
            if ratios is not None:
                ratio.append(ratios(shape, generator=generator(seed, "ratio", self.epoch)).float())
            if two:
                keys = torch.rand(shape, dtype=torch.float64, generator=generator(seed, "partner", self.epoch))
                partner.append(keys.argsort(dim=-1))
        rows = self.inputs.train.gather(1, torch.stack(positions).flatten(1).to(self.device))
        real = self.inputs.scale(self.inputs.examples(rows)).unflatten(1, shape)
        drawn = [real, *(torch.stack(each).to(self.device) for each in (latent, ratio, partner) if each)]
        steps = range(self.critic_steps + 1)
        return [[Step(*(each[:, i, k] for each in drawn)) for k in steps] for i in range(self.iterations)]


@dataclass(frozen=True)
class Step:
    """The random choices of a step of the discriminator or the generator; where two minibatches are mixed, of both."""

    real: Tensor
    """Real examples (seeds, n, features), scaled."""
    latent: Tensor
    """Inputs of the generator (seeds, n, latents)."""
    ratio: Tensor | None = None
    """λ of each pair, (seeds, n)."""
    partner: Tensor | None = None
    """Positions (seeds, n) in the second minibatch, int64, where two are mixed."""
