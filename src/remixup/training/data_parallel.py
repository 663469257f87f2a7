"""Data parallel: processes, one for each device, that share the parts of every minibatch.

A run is cut into parts by its specification (`micro_batch`), not by the number of processes: each part has its own
batch statistics, ratio and partners wherever it is computed, and the gradients of a step are averaged over all its
parts. So the number of processes is no part of what determines a run. Only the running statistics of batch
normalisation depend on it: each process keeps those of its own parts, and their mean is taken after each epoch.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel


class Share:
    """What this process does of a training: all of it, unless it is one of a team."""

    def __init__(self) -> None:
        team = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if team else 0
        self.size = distributed.get_world_size() if team else 1

    def of(self, parts: Sequence[int], sizes: list[int]) -> list[tuple[int, float]]:
        """This process's parts of a step, each with the weight of its loss.

        The weights make the mean of the team's gradients that of the minibatch. Where a minibatch has fewer parts than
        there are processes, one that is left over takes the first part with weight 0: it must meet the others when
        gradients are exchanged.
        """
        examples = sum(sizes[part] for part in parts)
        own = [(part, self.size * sizes[part] / examples) for part in parts[self.rank :: self.size]]
        return own or [(parts[0], 0.0)]

    def rows(self, values: Tensor) -> Tensor:
        """This process's columns of (members, n), where the team's results are summed afterwards."""
        return values[:, self.rank :: self.size]

    def total(self, value: Tensor) -> Tensor:
        """The sum over the team."""
        if self.size > 1:
            distributed.all_reduce(value)
        return value

    def wrap(self, network: nn.Module) -> DistributedDataParallel:
        """The network, made to average gradients over the team in its backward pass."""
        return DistributedDataParallel(network)

    def exchange(self, network: DistributedDataParallel | None, last: bool) -> AbstractContextManager[Any]:
        """Around a forward and a backward pass: gradients are exchanged with the last part of a step alone."""
        return nullcontext() if network is None or last else network.no_sync()

    def average_buffers(self, network: nn.Module) -> None:
        """Sets the running statistics to their mean over the team."""
        for buffer in network.buffers():
            if self.size > 1 and buffer.is_floating_point():
                self.total(buffer).div_(self.size)


@contextmanager
def team(size: int, device: torch.device, work: Callable[..., None], arguments: tuple[Any, ...]) -> Iterator[None]:
    """This process and size - 1 new ones as a team; they end when it is left.

    Args:
        size: processes, this one (rank 0) among them; 1: nothing happens.
        device: of rank 0; on CUDA rank r has the r-th visible device.
        work: what each of the others does: a function of a module's, called with its device and the arguments.
        arguments: picklable.

    Raises:
        torch.multiprocessing.ProcessRaisedException, ProcessExitedException: one of the others failed.
    """
    if size == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="remixup-team-") as folder:
        meeting = f"file://{Path(folder, 'meeting')}"
        others = spawn(_member, args=(meeting, size, device.type, work, arguments), nprocs=size - 1, join=False)
        try:
            _meet(meeting, 0, size, device)
            yield
            while not others.join():
                pass
        except Exception:
            others.join(timeout=5)  # where a member's failure was the cause of ours, it is its traceback that counts
            raise
        finally:
            for process in others.processes:
                process.kill()
            if distributed.is_initialized():
                distributed.destroy_process_group()


def _meet(meeting: str, rank: int, size: int, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=size)


def _member(
    index: int, meeting: str, size: int, kind: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    # The parent's death arrives as this signal; a handler in Python would wait for the collective to return.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    rank = index + 1
    device = torch.device(kind, rank) if kind == "cuda" else torch.device(kind)
    _meet(meeting, rank, size, device)
    try:
        work(device, *arguments)
    finally:
        distributed.destroy_process_group()
