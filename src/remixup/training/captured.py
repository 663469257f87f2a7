"""Training steps and test passes as programs on static tensors, which a GPU captures once and replays.

A step of a published network is hundreds of small kernels, and starting them takes longer than running them. A CUDA
graph starts all of them at once. It repeats exactly what it captured, at the same addresses. A program therefore

- reads its inputs from static tensors, which are filled before each call: random draws, rows, the learning rate;
- has one version for each shape of its inputs: a whole minibatch, the last one of an epoch, a batch of the test pass;
- does not wait for the device, and allocates nothing that outlives the call.

Without a GPU a program runs on its static tensors each time.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from remixup.data.streaming import Stream
from remixup.mixing import take
from remixup.training.batches import Batch, MixingRound, draw_epoch
from remixup.training.execution import make_capturable, note

if TYPE_CHECKING:
    from remixup.training.supervised import Examples, SupervisedTrainer

WARM_UP = 3
"""Calls before a program is captured: they choose kernels, compile, and create the optimizer's state."""
Function = Callable[[Any], None]


pytree.register_dataclass(Batch)
pytree.register_dataclass(MixingRound)


@dataclass
class Program:
    """Static inputs for a function that changes state in place, and the graph of a call."""

    inputs: Any
    """A structure of lists, tuples, batches and tensors."""
    calls: int = 0
    graph: torch.cuda.CUDAGraph | None = None


class Programs:
    """The programs of a supervised trainer."""

    def __init__(self, trainer: SupervisedTrainer) -> None:
        # A cycle of references would keep the data in memory until garbage collection.
        self.trainer, device = weakref.proxy(trainer), trainer.device
        self.programs: dict[Hashable, Program] = {}
        self.rate = torch.zeros((), device=device)
        self.loss = torch.zeros(len(trainer.seeds), dtype=torch.float64, device=device)
        self.measured: dict[str, Tensor] = {}
        self.ahead: tuple[int, list[list[Batch]]] = -1, []
        self.gpu = device.type == "cuda"
        if self.gpu:
            self.stream, self.draws = torch.cuda.Stream(device), torch.cuda.Stream(device)
            self.pool = torch.cuda.graph_pool_handle()

    def train(self) -> tuple[Tensor, int]:
        """Take the steps of an epoch; return the sum of the examples' losses (members,), and their number."""
        trainer, spec = self.trainer, self.trainer.spec
        make_capturable(trainer.optimizer, self.rate)
        epoch = trainer.epoch
        steps = self.ahead[1] if self.ahead[0] == epoch else draw_epoch(trainer, epoch)
        batches = [batch for step in steps for batch in step]
        with self._own_stream():
            self.loss.zero_()
            raw = self._raw(trainer.read(batches), len(batches))
            for k, step in enumerate(steps):
                trainer._set_rate(epoch + k / len(steps))
                values = [(batch, next(raw), trainer.draw_noise(batch)) for batch in step]
                self._call(("step", *[(batch.size, len(batch.rounds)) for batch in step]), self._step, values)
            if self.gpu and epoch + 1 < spec.epochs:
                with torch.cuda.stream(self.draws):  # while the device computes this epoch
                    self.ahead = epoch + 1, draw_epoch(trainer, epoch + 1)
                self.stream.wait_stream(self.draws)
        return self.loss, sum(batch.size for batch in batches)

    def _step(self, values: list[tuple[Batch, Tensor | None, list[Tensor]]]) -> None:
        trainer, inputs = self.trainer, self.trainer.inputs

        def examples() -> Iterator[Examples]:
            for batch, x, noise in values:
                raw = inputs.examples(inputs.train.gather(1, batch.order)) if x is None else x
                yield raw, take(inputs.train_labels, batch.order), noise

        for loss in trainer.step(trainer.share.of([batch for batch, _, _ in values]), examples()):
            self.loss += loss

    def evaluate(self, rows: Tensor, labels: Tensor, sizes: list[int]) -> dict[str, Tensor]:
        """Return the sums of the task's metrics over rows (members, n), taken in batches of these sizes."""
        for total in self.measured.values():
            total.zero_()
        with self._own_stream():
            raw = self._raw(self.trainer.inputs.batches(rows, sizes), len(sizes))
            for portion in zip(rows.split(sizes, 1), raw, labels.split(sizes, 1), strict=True):
                self._call(("test", portion[0].shape[1]), self._test, portion)
        return self.measured

    def _test(self, values: tuple[Tensor, Tensor | None, Tensor]) -> None:
        rows, x, labels = values
        for name, value in self.trainer.measure(self.trainer.inputs.examples(rows) if x is None else x, labels).items():
            if name not in self.measured:
                self.measured[name] = torch.zeros_like(value)
            self.measured[name] += value

    def _raw(self, batches: Iterator[Tensor], count: int) -> Iterator[Tensor | None]:
        """Return the batches of image files that are read; None for each batch that programs find on the device."""
        return batches if isinstance(self.trainer.inputs.x, Stream) else repeat(None, count)

    def _call(self, key: Hashable, function: Function, values: Any) -> None:
        if key not in self.programs:
            self.programs[key] = Program(pytree.tree_map_only(Tensor, torch.clone, values))
        program = self.programs[key]
        for own, given in zip(pytree.tree_leaves(program.inputs), pytree.tree_leaves(values), strict=True):
            if isinstance(own, Tensor):
                own.copy_(given, non_blocking=True)
        if program.calls == WARM_UP and self.gpu:
            program.graph = self._capture(function, program.inputs)
        program.calls += 1
        if program.graph is None:
            function(program.inputs)
        else:
            program.graph.replay()

    def _capture(self, function: Function, inputs: Any) -> torch.cuda.CUDAGraph | None:
        """Return the graph of a call, which is not executed; None where it cannot be captured."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
                function(inputs)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            note("cuda_graph", f"a step could not be captured: {str(error).splitlines()[0]}")
            return None
        return graph

    @contextmanager
    def _own_stream(self) -> Iterator[None]:
        """Execute on a stream of its own, because the default stream cannot be captured."""
        if not self.gpu:
            yield
            return
        others = torch.cuda.current_stream(self.trainer.device)
        self.stream.wait_stream(others)
        with torch.cuda.stream(self.stream):
            yield
        others.wait_stream(self.stream)
