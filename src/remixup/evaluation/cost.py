"""What mixing costs."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from remixup.training.supervised import Training, _Draws

NUMERICS = 1
WEIGHTS = False
SCALARS = {"cost": ("share",)}
WARM_UP = 3
"""Steps of each kind before the first that is timed: kernels are chosen and memory is found in them."""


def cost(training: Training, *, steps: Annotated[int, Ge(1)] = 30) -> list[dict[str, Any]]:
    """The share of a training step that goes into mixing (mixup paper, section 2: "minimal computation overhead").

    A timing: it depends on the device and on what else runs there, and no two are the same to the bit. A network of the
    same specification trains from its initial weights on its first minibatch, over and over, in steps that are timed
    whole and, in turn with them, steps in which the mixing is timed by itself: finding the partners' values, blending,
    mixing targets, and, for partners from the whole training set, augmenting these and taking them up to the cut. To
    both is added a step's part of drawing ratios and partners. Not counted are reading the examples, finding nearest
    neighbours (once, before the first epoch) and, where hidden layers are mixed, the gradient of the blend.

    `training` and the state of torch's random generators stay as they were.

    Args:
        training: says what is trained; a population's step is one step of all its seeds.
        steps: how many of each kind are timed.

    Returns:
        for each seed of the block a timing of its own: `share` in percent, and the medians that it comes from, `step`
        and `mixing` in seconds. Nothing is mixed without a ratio: then `share` and `mixing` are 0.
    """
    return [{"seed": seed, **_timed(training, steps)} for seed in training.seeds]


def _timed(training: Training, steps: int) -> dict[str, float]:
    devices = [training.device] if training.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        watched = _Watched(training.spec, training.seeds, training.inputs, training.device)
        watched.epoch = watched.vicinity.warmup_epochs
        drawing = _drawing(watched)
        step, mixing = _medians(watched, steps)
    if watched.vicinity.ratio is None:
        drawing = mixing = 0.0
    step, mixing = step + drawing, mixing + drawing
    return {"share": 100 * mixing / step, "step": step, "mixing": mixing}


class _Watched(Training):
    """A training that can time what happens between the two halves of its network."""

    watching = False
    mixing = 0.0
    """Seconds."""
    _since: float | None = None

    def _stages(self, x: Tensor, start: int, end: int | None) -> Tensor:
        if self.watching and end is None and self._since is not None:
            self.mixing += self.now() - self._since
            self._since = None
        out = super()._stages(x, start, end)
        # Partners from the training set pass through the first half too: that belongs to the mixing.
        if self.watching and end is not None and self._since is None:
            self._since = self.now()
        return out

    def now(self) -> float:
        """Seconds on some clock, after all that the device has been asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def time(self, work: Callable[[], object]) -> float:
        """Seconds that some work takes."""
        began = self.now()
        work()
        return self.now() - began


def _drawing(training: _Watched) -> float:
    """Seconds for drawing a step's ratio and partners: those of a whole epoch's draws, less such without any."""
    vicinity = training.vicinity
    count = len(_Draws(training).steps)
    seconds = []
    for each in (vicinity, replace(vicinity, ratio=None)):
        training.vicinity = each
        seconds.append(statistics.median(training.time(lambda: _Draws(training)) for _ in range(3)))
    training.vicinity = vicinity
    return max(0.0, seconds[0] - seconds[1]) / count


def _medians(training: _Watched, steps: int) -> tuple[float, float]:
    """Median seconds of a step, and of the mixing in it."""
    draws = _Draws(training)
    sizes = [draws.sizes[part] for part in draws.steps[0]]
    rows = training.inputs.train.gather(1, draws.order[:, : sum(sizes)])
    crops = None if draws.crops is None else draws.crops[: sum(sizes)]
    examples = list(training.inputs.batches(rows, sizes, crops))
    training.model.train()
    whole, mixed = [], []
    for _ in range(WARM_UP + steps):
        training.watching = False
        whole.append(training.time(lambda: _step(training, draws, examples)))
        training.watching, training.mixing = True, 0.0
        _step(training, draws, examples)
        mixed.append(training.mixing)
    return statistics.median(whole[WARM_UP:]), statistics.median(mixed[WARM_UP:])


def _step(training: Training, draws: _Draws, examples: list[Tensor]) -> None:
    """The first step of an epoch, from raw examples (members, n, ...), one tensor for each part of the minibatch."""
    training.optimiser.zero_grad(set_to_none=True)
    for part, x in enumerate(examples):
        rows = draws.spans[part]
        labels = training.inputs.train_labels.gather(1, draws.order[:, rows])
        batch = training._batch(x, draws.uniforms[:, rows] if training.spec.augmentation else None)
        training.loss(batch, labels, draws, part).sum().backward()
    training.optimiser.step()
