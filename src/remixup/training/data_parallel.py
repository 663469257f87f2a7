"""Data-parallel training: processes, one for each device, that share the micro-batches of every minibatch.

The specification (`micro_batch`) splits a minibatch, not the number of processes: each micro-batch has its own batch
statistics, ratio and partners wherever it is computed, and the gradients of a step are averaged over all micro-batches.
The number of processes therefore does not determine a run. Only the running statistics of batch normalization depend
on it: each process keeps those of its own micro-batches, and their mean is taken after each epoch.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessRaisedException, SpawnContext, spawn
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from remixup.training.batches import Batch


class Share:
    """This process's share of the training: all of it, unless the process belongs to a team."""

    def __init__(self) -> None:
        team = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if team else 0
        self.size = distributed.get_world_size() if team else 1

    def of(self, step: list[Batch]) -> list[tuple[Batch, float]]:
        """Return this process's batches of a step, each with the weight of its loss.

        The weights make the mean of the team's gradients that of the minibatch. Where a step has fewer batches than
        there are processes, each process without one takes the first batch with weight 0, because it must take part in
        the exchange of gradients.
        """
        examples = sum(batch.size for batch in step)
        own = [(batch, self.size * batch.size / examples) for batch in step[self.rank :: self.size]]
        return own or [(step[0], 0.0)]

    def rows(self, values: Tensor) -> Tensor:
        """Return this process's columns of (members, n); the team's results are summed afterwards."""
        return values[:, self.rank :: self.size]

    def total(self, value: Tensor) -> Tensor:
        """Sum a value over the team."""
        if self.size > 1:
            distributed.all_reduce(value)
        return value

    def wrap(self, network: nn.Module) -> DistributedDataParallel:
        """Wrap a network so that its backward pass averages gradients over the team."""
        return DistributedDataParallel(network)

    def exchange(self, network: DistributedDataParallel | None, last: bool) -> AbstractContextManager[Any]:
        """Return the context for a forward and backward pass: only the last one of a step exchanges gradients."""
        return nullcontext() if network is None or last else network.no_sync()

    def average_buffers(self, network: nn.Module) -> None:
        """Set the running statistics to their mean over the team."""
        for buffer in network.buffers():
            if self.size > 1 and buffer.is_floating_point():
                self.total(buffer).div_(self.size)


@contextmanager
def team(size: int, device: torch.device, work: Callable[..., None], arguments: tuple[Any, ...]) -> Iterator[None]:
    """Make a team of this process and size - 1 new ones, which end with the context.

    Args:
        size: number of processes, including this one (rank 0); with 1 nothing happens.
        device: device of rank 0; on CUDA rank r has the r-th visible device.
        work: module-level function that each new process calls with its device and the arguments.
        arguments: picklable.

    Raises:
        torch.multiprocessing.ProcessRaisedException, ProcessExitedException: if a new process fails.
    """
    if size == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="remixup-team-") as folder:
        others = spawn(_member, args=(folder, size, device.type, work, arguments), nprocs=size - 1, join=False)
        try:
            _meet(folder, 0, size, device)
            yield
            while not others.join():
                pass
        except Exception:
            _raise_first_failure(folder, others)
            others.join(timeout=5)  # if another process was killed, raise its error
            raise
        finally:
            for process in others.processes:
                process.kill()
            if distributed.is_initialized():
                distributed.destroy_process_group()


def _raise_first_failure(folder: str, others: SpawnContext) -> None:
    """Raise the exception of the member that failed first, if one did.

    It writes the exception to a file before it exits; the others fail only after that exit.
    """
    path = Path(folder, "failed")
    if path.exists():
        rank, text = path.read_text(encoding="utf-8").split("\n", 1)
        index = int(rank) - 1
        raise ProcessRaisedException(text, index, others.processes[index].pid) from None


def _write_down_failure(folder: str, rank: int) -> None:
    """Write the present exception for the first process, unless another member has."""
    own = Path(folder, f"failed-{rank}")
    with suppress(OSError):  # the folder is gone where the first process failed
        own.write_text(f"{rank}\n{traceback.format_exc()}", encoding="utf-8")
        Path(folder, "failed").hardlink_to(own)


def _meet(folder: str, rank: int, size: int, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    meeting = f"file://{Path(folder, 'meeting')}"
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=size)


def _member(
    index: int, folder: str, size: int, kind: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    # The parent's death arrives as this signal. A Python handler would wait for the collective to return.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    rank = index + 1
    device = torch.device(kind, rank) if kind == "cuda" else torch.device(kind)
    _meet(folder, rank, size, device)
    try:
        work(device, *arguments)
    except Exception:
        _write_down_failure(folder, rank)
        raise
    finally:
        distributed.destroy_process_group()
    # Nothing is left to do, so leave out the interpreter's shutdown: threads of torch that run into it may abort.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
