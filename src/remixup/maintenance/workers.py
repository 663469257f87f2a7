"""Working through evidence: several pieces at a time, each in a process of its own with a device of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

from remixup import data
from remixup.analysis import records
from remixup.analysis.evidence_queue import Piece
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.evaluation.runner import evaluate
from remixup.evaluation.storage import needs_weights
from remixup.store.provenance import clean, code, cores
from remixup.store.run_store import Store
from remixup.training.gpu_lock import slots
from remixup.training.progress import ProgressReport
from remixup.training.runner import Runner, pick_device
from remixup.training.trainer import Trainer


class OutOfTime(Exception):
    """The time that was given is over; what was trained is kept."""


def number(missing: list[Piece], gpus: int, wanted: int | None) -> int:
    """How many are to be at work: one on each GPU, or as many as a CPU has cores for, unless it is said."""
    room = gpus or max(1, cores() // max((piece.run.threads for piece in missing), default=1))
    most = min(gpus or len(missing), len(missing))
    return max(1, min(wanted or room, most))


def work_through(
    missing: list[Piece], settings: Config, workers: int, gpu_slots: int | None, minutes: float | None
) -> Iterator[Piece]:
    """Trains, evaluates and records the pieces, begun in their order; each is yielded when it is on record.

    Where one fails no other is begun, and those at work stop at the end of their epoch, to be gone on with.

    Args:
        missing: the pieces.
        settings: where data, runs and checkpoints lie.
        workers: so many processes.
        gpu_slots: they use the first so many GPUs alone.
        minutes: stop after so many.

    Raises:
        OutOfTime: after so many minutes, at the end of an epoch; a resume point keeps what was trained.
        UserError: the sources differ from the last commit, or a worker was killed.
    """
    if not clean(code()):
        raise UserError("evidence is trained from a clean source tree", where="git status", hint="commit first")
    deadline = float("inf") if minutes is None else time.time() + 60 * minutes
    # Experiments share runs, and the first to train one need not be the one that measures something on its network.
    keep = {run for piece in missing for each in piece.evaluations if needs_weights(each) for run in each.runs}
    pending, at_work = list(missing), dict[Future[None], Piece]()
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    stop = context.Event()
    with ProcessPoolExecutor(workers, context, _begin, (settings, gpu_slots, workers == 1, deadline, stop)) as pool:
        try:
            while pending or at_work:
                while len(at_work) < workers and time.time() < deadline:
                    if (piece := next_piece(pending, at_work.values())) is None:
                        break
                    pending.remove(piece)
                    at_work[pool.submit(_carry_out, piece, piece.key in keep)] = piece
                if not at_work:
                    raise OutOfTime
                for each in wait(at_work, return_when=FIRST_COMPLETED).done:
                    piece = at_work.pop(each)
                    each.result()
                    yield piece
        except BrokenProcessPool:
            hint = "memory may have run out: fewer --workers need less; the same command goes on from there"
            raise UserError("a worker was killed", hint=hint) from None
        finally:
            stop.set()


def next_piece(pending: list[Piece], at_work: Collection[Piece]) -> Piece | None:
    """The first piece that has no run in common with one at work, or with one that is before it.

    So seeds of a run follow one another, and no record is written by two at a time.
    """
    taken = {run for piece in at_work for run in piece.touched}
    for piece in pending:
        if taken.isdisjoint(piece.touched):
            return piece
        taken |= piece.touched
    return None


class _Worker:
    """What a process needs for its pieces: a device, held until it ends, and a runner that knows when to stop."""

    def __init__(self, settings: Config, gpu_slots: int | None, alone: bool, deadline: float, stop: Event) -> None:
        self.held = ExitStack()  # what is entered in it is left when it is collected
        device = pick_device(self.held.enter_context(slots(limit=gpu_slots)))
        self.alone, self.deadline, self.stop = alone, deadline, stop
        store, folder = Store(Path(settings.results)), Path(settings.data.folder)
        self.runner = Runner(store, folder, device, self._check)

    def carry_out(self, piece: Piece, keep_weights: bool) -> None:
        """Has a piece on record; raises OutOfTime at the end of an epoch after the deadline."""
        with ProgressReport(bar=self.alone) as self.progress:
            _train_and_record(piece, self.runner, keep_weights)

    def _check(self, run: str, seeds: list[int], training: Trainer) -> None:
        self.progress(run, seeds, training)
        if (self.stop.is_set() or time.time() > self.deadline) and not training.finished:
            raise OutOfTime


_worker: _Worker


def _begin(settings: Config, gpu_slots: int | None, alone: bool, deadline: float, stop: Event) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C goes to all: one traceback is enough
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = _Worker(settings, gpu_slots, alone, deadline, stop)


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on, and hold its device, with nobody to hand it another piece."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _carry_out(piece: Piece, keep_weights: bool) -> None:
    _worker.carry_out(piece, keep_weights)


def _train_and_record(piece: Piece, runner: Runner, keep_weights: bool) -> None:
    config, plan = piece.config, piece.plan
    dataset = piece.run.dataset
    data.prepare(
        dataset.name,
        dataset.version,
        folder=Path(config.data.folder),
        mirror=config.mirror,
        download=config.data.download,
    )
    wanted = piece.evaluations
    # Earlier seeds are on record, and need not be in this store; but attacks go from one seed's network to another's.
    alone = not piece.run.population and all(each.source is None for each in wanted)
    runner.train(piece.run, piece.seeds, keep_weights, first=piece.seeds - 1 if alone else 0)
    runs = plan.runs()
    for each in wanted:
        whole = all(not runner.store.missing(run, runs[run][1], runs[run][0].population) for run in each.runs)
        if each.source is None or whole:
            seeds = min(each.seeds, piece.seeds) if each.source is None else each.seeds
            evaluate(runner, Path(config.results), replace(each, seeds=seeds), *(runs[run] for run in each.runs))
    for run in piece.touched:
        records.write(config, plan, run)
