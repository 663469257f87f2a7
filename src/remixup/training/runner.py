"""Trains what the store lacks: runs, block by block, resumed where they were cut off."""

from __future__ import annotations

import os
import shutil
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import torch

from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data import Prepared, load
from remixup.data.inputs import Inputs, make_inputs
from remixup.errors import UserError
from remixup.store.provenance import code, environment, processor, sha256
from remixup.store.run_store import Block, Damaged, Store, enough_space, weights_fault
from remixup.training import checkpoints, malloc, objectives
from remixup.training.company import Company, companies
from remixup.training.data_parallel import team
from remixup.training.supervised import SupervisedTrainer
from remixup.training.trainer import Trainer

RESUME_SECONDS = 5.0
"""A resume point is kept after an epoch when the last is older: writing must not cost more than training."""


class Reporter(Protocol):
    """Told of a block's progress."""

    def __call__(self, run: str, seeds: list[int], training: Trainer) -> None:
        """Called after each epoch."""


def pick_device(held: list[str]) -> torch.device:
    """The first of the devices that are held; the CPU without one."""
    return torch.device("cuda", 0) if held else torch.device("cpu")


class Runner:
    """Trains runs into a store, each in one process on one device or, where its minibatches can be shared, in several.

    Args:
        store: where runs are kept.
        data: the data folder.
        device: of this process.
        report: told of the progress.
        processes: at most so many train a run together, each with a device of its own.
    """

    def __init__(self, store: Store, data: Path, device: torch.device, report: Reporter, processes: int = 1) -> None:
        self.store, self.data, self.device, self.report = store, data, device, report
        self.processes = processes
        self._loaded: dict[tuple[str, str], Prepared] = {}

    def train(self, spec: RunSpec, seeds: int, keep_weights: bool, first: int = 0) -> list[Block]:
        """Makes sure that the store has seeds first to seeds - 1 of a run (and their weights, if asked); its blocks.

        A block that does not verify is put aside and trained again.
        """
        run = spec.key()
        with self.store.lock(run), enough_space(self.store.runs):
            for block in self.store.blocks(run):
                self._check(block)
            for group in self.store.missing(run, seeds, spec.population):
                if group[-1] >= first:
                    self.train_block(spec, group, keep_weights)
            blocks = [block for block in self.store.blocks(run) if block.first < seeds and block.last >= first]
            if keep_weights:
                for block in blocks:
                    self._restore_weights(spec, block)
        return blocks

    def _check(self, block: Block) -> None:
        try:
            block.verify()
        except Damaged as error:
            aside = self.store.scratch / "damaged" / f"{block.folder.parent.name}-{block.folder.name}-{time.time_ns()}"
            aside.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(block.folder, aside)
            print(f"{error}; it lies in {aside} now and is trained again", flush=True)

    def inputs(self, spec: RunSpec, seeds: list[int]) -> Inputs:
        """The inputs of a block; datasets are read once."""
        key = (spec.dataset.name, spec.dataset.version)
        if key not in self._loaded:
            self._loaded = {key: load(*key, folder=self.data)}
        return make_inputs(spec, seeds, self._loaded[key], self.device)

    def train_block(self, spec: RunSpec, seeds: list[int], keep_weights: bool) -> Block:
        """Trains some seeds of a run together and adds them to the store, whose lock on the run the caller holds."""
        began = datetime.now(UTC)
        training, seconds = self._fit(spec, seeds)
        return self._publish(training, keep_weights, began, seconds)

    def _publish(
        self, training: Trainer, keep_weights: bool, began: datetime, seconds: float, beside: Sequence[str] = ()
    ) -> Block:
        """Adds what was trained to the store; `beside` are the other runs of its company."""
        spec, seeds, run = training.spec, training.seeds, training.spec.key()
        if keep_weights:
            checkpoints.keep_weights(training, self.store.checkpoint(run, seeds))
        provenance = {
            "run": run,
            "seeds": seeds,
            **({"beside": list(beside)} if beside else {}),
            "code": code(),
            "environment": environment(),
            "hardware": hardware(self.device),
            "device": self.device.type,
            "processes": min(self.processes, spec.shares),
            "data": {**spec.dataset.model_dump(), **_digests(self._loaded[_data_key(spec)].manifest)},
            "started": began.isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            # Processes that wanted a core over the last five minutes: more than there are cores, and seconds are long.
            "load_average": round(os.getloadavg()[1], 2),
        }
        block = self.store.publish(spec, seeds, training.history, provenance)
        self.store.resume_point(run, seeds).unlink(missing_ok=True)
        return block

    def train_company(self, specs: list[RunSpec], seeds: int, keep_weights: set[str]) -> None:
        """Adds to the store the seeds 0 to seeds - 1 that runs of a company lack, where two or more lack the same.

        Runs that were cut off after different epochs are left to `train`, which resumes each by itself.
        """
        runs = {spec.key(): spec for spec in specs}
        with ExitStack() as locks, enough_space(self.store.runs):
            for run in sorted(runs):
                locks.enter_context(self.store.lock(run))
            lacking: defaultdict[tuple[int, ...], list[RunSpec]] = defaultdict(list)
            for run, spec in runs.items():
                for block in self.store.missing(run, seeds, population=True):
                    lacking[tuple(block)].append(spec)
            for block_seeds, members in lacking.items():
                if len(members) > 1:
                    self._train_side_by_side(members, list(block_seeds), keep_weights)

    def _train_side_by_side(self, specs: list[RunSpec], seeds: list[int], keep_weights: set[str]) -> None:
        started, began = datetime.now(UTC), time.monotonic()
        prepare_process(specs[0])
        inputs = self.inputs(specs[0], seeds)
        members = [SupervisedTrainer(spec, seeds, inputs, self.device) for spec in specs]
        points = [self.store.resume_point(spec.key(), seeds) for spec in specs]
        for training, point in zip(members, points, strict=True):
            checkpoints.load_resume_point(training, point)
        if len({training.epoch for training in members}) > 1:
            return
        company = Company(members)

        def keep() -> None:
            company.hand_back()
            for training, point in zip(members, points, strict=True):
                checkpoints.save_resume_point(training, point)

        keep_now_and_then = _now_and_then(keep)

        def after_epoch() -> None:
            if not company.joint.finished:
                keep_now_and_then()
            for training in members:
                self.report(training.spec.key(), seeds, training)

        company.run(after_epoch)
        seconds = (time.monotonic() - began) / len(members)
        for training, point in zip(members, points, strict=True):
            if training.finished:
                beside = [spec.key() for spec in specs if spec is not training.spec]
                self._publish(training, training.spec.key() in keep_weights, started, seconds, beside)
            else:
                checkpoints.save_resume_point(training, point)

    def _fit(self, spec: RunSpec, seeds: list[int]) -> tuple[Trainer, float]:
        """A finished training, and the seconds it took (those before an interruption not included)."""
        prepare_process(spec)
        began = time.monotonic()
        point = self.store.resume_point(spec.key(), seeds)
        inputs = self.inputs(spec, seeds)
        with team(min(self.processes, spec.shares), self.device, _take_part, (spec, seeds, self.data, point)):
            training = start(spec, seeds, inputs, self.device)
            checkpoints.load_resume_point(training, point)
            keep_now_and_then = _now_and_then(lambda: checkpoints.save_resume_point(training, point))

            def after_epoch(training: Trainer) -> None:
                if not training.finished:
                    keep_now_and_then()
                self.report(spec.key(), seeds, training)

            training.run(after_epoch)
        return training, time.monotonic() - began

    def _restore_weights(self, spec: RunSpec, block: Block) -> None:
        """Trains a block again where its weights were not kept, or are damaged; its results stay as they are."""
        path = self.store.checkpoint(spec.key(), block.seeds)
        fault = weights_fault(path)
        if fault is None:
            return
        if path.exists():
            print(f"{fault}; the run is trained again for its weights", flush=True)
        training, _ = self._fit(spec, block.seeds)
        checkpoints.keep_weights(training, path)
        self.store.resume_point(spec.key(), block.seeds).unlink(missing_ok=True)


def _now_and_then(keep: Callable[[], None]) -> Callable[[], None]:
    """Called often, it keeps a resume point where the last, or this moment, is `RESUME_SECONDS` ago."""
    kept = time.monotonic()

    def kept_if_due() -> None:
        nonlocal kept
        if time.monotonic() - kept >= RESUME_SECONDS:
            keep()
            kept = time.monotonic()

    return kept_if_due


def prepare_process(spec: RunSpec) -> None:
    """Has this process compute as a run asks for: with its threads, and in float32 where that is its precision.

    By default PyTorch has a GPU round what goes into a convolution to ten bits (TensorFloat-32).
    """
    torch.set_num_threads(spec.threads)
    # The older of two settings: the newer, `fp32_precision`, reaches convolutions in some versions only, and after it
    # the compiler may fail, which still asks for the older.
    torch.backends.cudnn.allow_tf32 = False
    malloc.keep_freed()


def _take_part(device: torch.device, spec: RunSpec, seeds: list[int], data: Path, point: Path) -> None:
    """A member of a team trains as the first process does, and leaves reporting and keeping to it."""
    prepare_process(spec)
    prepared = load(spec.dataset.name, spec.dataset.version, folder=data)
    training = start(spec, seeds, make_inputs(spec, seeds, prepared, device), device)
    checkpoints.load_resume_point(training, point)
    training.run(lambda _: None)


def start(spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> Trainer:
    """The training of a block of seeds, before its first epoch: whatever the objective's part makes of it."""
    begun: Trainer = bind(objectives, spec.objective)(spec, seeds, inputs, device)
    return begun


def _digests(manifest: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of a dataset's tensors and, where it is one of image files, of the files."""
    found = {"sha256": manifest["sha256"]}
    return {**found, "images_sha256": manifest["images.bin"]["sha256"]} if "images.bin" in manifest else found


def _data_key(spec: RunSpec) -> tuple[str, str]:
    return spec.dataset.name, spec.dataset.version


def hardware(device: torch.device) -> str:
    """What computed: the GPU's name, or the processor's."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def train_pack(
    runner: Runner, runs: dict[str, tuple[RunSpec, int]], keep_weights: set[str], log: Callable[[str], Path]
) -> dict[str, Any]:
    """Trains the runs of a pack; what became of each, for the receipt.

    A run that breaks does not stop the others: its traceback goes to a log file that the receipt names. A mistake of
    the user's stops the pack.
    """
    receipt: dict[str, Any] = {"runs": {}, "failed": {}}
    for company in companies(list(runs.values())):
        try:
            runner.train_company(company, runs[company[0].key()][1], keep_weights)
        except UserError:
            raise
        except Exception as error:  # below, each by itself, it is seen which of them breaks
            print(f"{len(company)} runs side by side failed ({error!r}); they are trained one by one", flush=True)
    for key, (spec, seeds) in runs.items():
        try:
            blocks = runner.train(spec, seeds, key in keep_weights)
        except UserError:
            raise
        except Exception:
            path = log(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(traceback.format_exc(), encoding="utf-8")
            receipt["failed"][key] = str(path)
            print(f"{key} failed; see {path}", flush=True)
            continue
        receipt["runs"][key] = {block.folder.name: block.digest for block in blocks}
        for block in blocks:
            weights = runner.store.checkpoint(key, block.seeds)
            if key in keep_weights:
                receipt.setdefault("checkpoints", {})[str(weights)] = sha256(weights)
    return receipt
