"""The computational cost of mixing."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from remixup.training.batches import Batch, draw_epoch
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
WEIGHTS = False
SCALARS = {"cost": ("share",)}
WARM_UP = 3
"""Untimed steps at the start, which choose kernels and allocate memory."""


def cost(training: SupervisedTrainer, *, steps: Annotated[int, Ge(1)] = 30) -> list[dict[str, Any]]:
    """Measure the share of a training step spent on mixing (mixup paper, section 2: "minimal computation overhead").

    A network of the same specification trains repeatedly on its first minibatch, from its initial weights. Steps that
    are timed as a whole alternate with steps that time the mixing alone: gathering the partners' values, blending,
    mixing targets and, for partners from the training set, augmenting them and passing them through the network up to
    the cut. The time of drawing ratios and partners is added to both. Not counted: reading examples, finding nearest
    neighbors (once, before the first epoch) and the gradient of the blend in hidden layers.

    `training` and the state of torch's random generators do not change. Timings depend on the device and its load.

    Args:
        training: the run to time; a step of vectorized seeds is one step of all seeds.
        steps: number of timed steps of each kind.

    Returns:
        For each seed a separate timing: `share` in percent, and the medians `step` and `mixing` in seconds. Without a
        ratio, `share` and `mixing` are 0.
    """
    return [{"seed": seed, **_timed(training, steps)} for seed in training.seeds]


def _timed(training: SupervisedTrainer, steps: int) -> dict[str, float]:
    devices = [training.device] if training.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        # Mixing can be timed only where it is not compiled together with the rest of the step.
        execution = training.spec.execution.model_copy(update={"compile": False, "cuda_graph": False})
        spec = training.spec.model_copy(update={"execution": execution})
        timed = _TimedTrainer(spec, training.seeds, training.inputs, training.device)
        timed.epoch = timed.mixing.warmup_epochs
        drawing = _drawing(timed)
        step, mixing = _medians(timed, steps)
    if timed.mixing.ratio is None:
        drawing = mixing = 0.0
    step, mixing = step + drawing, mixing + drawing
    return {"share": 100 * mixing / step, "step": step, "mixing": mixing}


class _TimedTrainer(SupervisedTrainer):
    """A trainer that can time its mixing."""

    timing = False
    mixing_seconds = 0.0

    def mix(self, x: Tensor, target: Tensor, batch: Batch, noise: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Mix a batch; add the time if `timing` is true."""
        if not self.timing:
            return super().mix(x, target, batch, noise)
        began = self.now()
        mixed = super().mix(x, target, batch, noise)
        self.mixing_seconds += self.now() - began
        return mixed

    def now(self) -> float:
        """Return the time in seconds, after waiting for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def time(self, work: Callable[[], object]) -> float:
        """Return the duration of a function in seconds."""
        began = self.now()
        work()
        return self.now() - began


def _drawing(training: _TimedTrainer) -> float:
    """Return the seconds per step for drawing ratios and partners: an epoch's draws with mixing minus those without."""
    mixing = training.mixing
    seconds = []
    for drawn in (mixing, replace(mixing, ratio=None)):
        training.mixing = drawn
        seconds.append(statistics.median(training.time(lambda: draw_epoch(training)) for _ in range(3)))
    training.mixing = mixing
    return max(0.0, seconds[0] - seconds[1]) / len(draw_epoch(training))


def _medians(training: _TimedTrainer, steps: int) -> tuple[float, float]:
    """Return the median seconds of a step, and of the mixing in it."""
    batches = draw_epoch(training)[0]
    examples, step = list(training.examples(batches)), training.share.of(batches)
    training.model.train()
    whole, mixed = [], []
    for _ in range(WARM_UP + steps):
        training.timing = False
        whole.append(training.time(lambda: training.step(step, iter(examples))))
        training.timing, training.mixing_seconds = True, 0.0
        training.step(step, iter(examples))
        mixed.append(training.mixing_seconds)
    return statistics.median(whole[WARM_UP:]), statistics.median(mixed[WARM_UP:])
