"""The minibatches of an epoch of supervised training, with all their random choices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from remixup.config.run import RunSpec
from remixup.data.inputs import portions
from remixup.mixing import take
from remixup.randomness import derive, generator

if TYPE_CHECKING:
    from remixup.training.supervised import SupervisedTrainer


@dataclass(frozen=True)
class MixingRound:
    """One round of mixing a batch; mixing m examples takes m - 1 rounds."""

    ratio: Tensor
    """λ of each member, float64 (members,)."""
    partner: Tensor
    """Positions (members, n), int64, in the batch or the training set, as the scope of the partner says."""
    position: Tensor | None
    """Where the blend's window is, in [0, 1), (members, dimensions), if it pastes one."""
    uniforms: Tensor | None
    """Numbers for the augmentation of partners from the training set, (members, n, transforms, 2)."""


@dataclass(frozen=True)
class Batch:
    """A minibatch or a micro-batch: the examples of one forward pass."""

    order: Tensor
    """Positions of the examples in the training set, int64 (members, n)."""
    uniforms: Tensor
    """Numbers for the augmentation, (members, n, transforms, 2), in [0, 1)."""
    crops: Tensor | None
    """A number for the random crop of each image file, int64 (n,)."""
    rounds: list[MixingRound]
    """Empty if the batch is not mixed."""
    noise: list[torch.Generator]
    """For each member the source of its noise. It advances from batch to batch."""

    @property
    def size(self) -> int:
        """The number of examples of each member."""
        return self.order.shape[1]


def draw_epoch(trainer: SupervisedTrainer, epoch: int | None = None) -> list[list[Batch]]:
    """Draw all random choices of an epoch, by default the trainer's current one.

    Every purpose (order, augmentation, ratio, partner, ...) has a generator of its own, derived from seed and epoch.

    Returns:
        For each step its batches: one, or the micro-batches.
    """
    epoch = trainer.epoch if epoch is None else epoch
    spec, inputs, seeds = trainer.spec, trainer.inputs, trainer.seeds
    device, count = trainer.device, inputs.train.shape[1]
    used = count // spec.batch_size * spec.batch_size if spec.drop_last else count
    drawn_in = epoch if spec.reshuffle else 0
    order = torch.stack([_order(count, used, spec.passes, generator(seed, "order", drawn_in)) for seed in seeds])
    steps = [
        portions(size, spec.micro_batch or spec.batch_size) for size in spec.passes * portions(used, spec.batch_size)
    ]
    sizes = [size for step in steps for size in step]
    uniforms = _uniforms([generator(seed, "augmentation", epoch) for seed in seeds], spec, order.shape[1], device)
    crops: Iterable[Tensor | None] = [None] * len(sizes)
    if spec.dataset.decode is not None:
        crops = torch.randint(2**62, order.shape[1:], generator=generator(seeds[0], "crop", epoch)).split(sizes)
    noise: list[torch.Generator] = []
    if trainer.mixing.noise is not None:
        noise = [torch.Generator(device).manual_seed(derive(seed, "noise", epoch)) for seed in seeds]
    rounds = _draw_rounds(trainer, epoch, order, sizes)
    drawn = zip(order.to(device).split(sizes, 1), uniforms.split(sizes, 1), crops, rounds, strict=True)
    batches = iter([Batch(*each, noise) for each in drawn])
    return [[next(batches) for _ in step] for step in steps]


def _order(count: int, used: int, passes: int, source: torch.Generator) -> Tensor:
    """Shuffle the training part once for each pass, and keep the first `used` examples of each shuffle."""
    return torch.cat([torch.randperm(count, generator=source)[:used] for _ in range(passes)])


def _uniforms(sources: list[torch.Generator], spec: RunSpec, count: int, device: torch.device) -> Tensor:
    """Draw two numbers for each example and transform of the augmentation, (members, n, transforms, 2)."""
    shape = (count, len(spec.augmentation), 2)
    return torch.stack([torch.rand(shape, generator=source) for source in sources]).to(device)


def _draw_rounds(trainer: SupervisedTrainer, epoch: int, order: Tensor, sizes: list[int]) -> list[list[MixingRound]]:
    """Draw the rounds of mixing of each batch, for the epoch's order (members, n) and the sizes of the batches."""
    mixing, seeds, device = trainer.mixing, trainer.seeds, trainer.device
    if mixing.ratio is None or epoch < mixing.warmup_epochs:
        return [[] for _ in sizes]
    sampled = [mixing.ratio((len(sizes),), generator=generator(seed, "ratio", epoch)) for seed in seeds]
    ratios = torch.stack(sampled).view(len(seeds), len(sizes), -1).to(device)
    count = ratios.shape[2]
    positions = None
    if mixing.position_size:
        shape = (len(sizes), count, mixing.position_size)
        windows = [torch.rand(shape, generator=generator(seed, "window", epoch)) for seed in seeds]
        positions = torch.stack(windows).to(device)
    sources = [generator(seed, "partner", epoch) for seed in seeds]
    in_batch = mixing.partner.scope == "batch"
    sample = _partners_in_batches if in_batch else _partners_in_training_set
    partners = [sample(trainer, order, sizes, sources) for _ in range(count)]
    uniforms: list[tuple[Tensor, ...]] = []
    if not in_batch:  # partners are cropped and mirrored independently of their occurrence as examples
        uniforms = [_uniforms(sources, trainer.spec, order.shape[1], device).split(sizes, 1) for _ in range(count)]
    return [
        [
            MixingRound(
                ratios[:, batch, k],
                partners[k][batch],
                None if positions is None else positions[:, batch, k],
                uniforms[k][batch] if uniforms and trainer.spec.augmentation else None,
            )
            for k in range(count)
        ]
        for batch in range(len(sizes))
    ]


def _partners_in_batches(
    trainer: SupervisedTrainer, order: Tensor, sizes: list[int], sources: list[torch.Generator]
) -> list[Tensor]:
    """Sample positions in the batch, for each batch (members, n); consecutive equal sizes together."""
    labels = take(trainer.inputs.train_labels.cpu(), order)
    labels = labels[..., 0] if labels.ndim == 3 else labels  # labels of several numbers: only the shape matters
    sample, start = trainer.mixing.partner.sample, 0
    found: list[Tensor] = []
    for size, group in groupby(sizes):
        length = len(list(group))
        together = labels[:, start : start + length * size].view(len(labels), length, size)
        drawn = [sample(each, generator=source) for each, source in zip(together, sources, strict=True)]
        found += torch.stack(drawn, dim=1).to(trainer.device).unbind(0)
        start += length * size
    return found


def _partners_in_training_set(
    trainer: SupervisedTrainer, order: Tensor, sizes: list[int], sources: list[torch.Generator]
) -> list[Tensor]:
    """Sample positions in the training set, for each batch (members, n); each pass by itself."""
    once, sample = order.shape[1] // trainer.spec.passes, trainer.mixing.partner.sample
    found = [
        torch.cat([sample(examples, own, generator=source) for own in each.split(once)])
        for examples, each, source in zip(trainer.training_sets, order, sources, strict=True)
    ]
    return list(torch.stack(found).to(trainer.device).split(sizes, dim=1))
