"""Train what the store lacks: runs, seed block by seed block, resumed where they were interrupted."""

from __future__ import annotations

import os
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data import Prepared, load
from remixup.data.inputs import Inputs, make_inputs
from remixup.errors import UserError
from remixup.files import disk_error, sha256
from remixup.store import provenance
from remixup.store.blocks import Damaged, SeedBlock
from remixup.store.manifest import JobManifest
from remixup.store.provenance import Provenance, processor
from remixup.store.run_store import Store, weights_fault
from remixup.training import checkpoints, malloc, objectives
from remixup.training.data_parallel import team
from remixup.training.execution import supported
from remixup.training.trainer import Trainer

RESUME_SECONDS = 5.0
"""A resume point is written after an epoch when the last is older, ..."""
RESUME_SHARE = 0.01
"""... and if all of them take at most this share of the time since the training started or resumed."""


Reporter = Callable[[str, list[int], Trainer], None]
"""Report the end of an epoch, given the run's key, the seeds of the block and their trainer."""


class DeviceFailure(RuntimeError):
    """A run failed for its device. The message names the row and says what to do; the next call continues."""


class Frozen(NamedTuple):
    """The freeze under which runs are trained."""

    sha256: str
    first_seed: int


def pick_device(held: list[str]) -> torch.device:
    """Return the first of the GPUs that this process has locked, or the CPU without one.

    Raises:
        UserError: CUDA cannot use it, for example because the driver is too old for this PyTorch.
    """
    if not held:
        return torch.device("cpu")
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:  # AssertionError: PyTorch was built without CUDA
        what = str(error).splitlines()[0].partition(". ")[0]
        hint = "update the driver, or set CUDA_VISIBLE_DEVICES= to train on the CPU"
        raise UserError(f"the GPU cannot be used: {what}", where=f"GPU {held[0]}", hint=hint) from None
    return torch.device("cuda", 0)


@dataclass
class Runner:
    """Train runs into a store, on one device or, where minibatches can be shared, in several processes."""

    store: Store
    """Where results are written."""
    data: Path
    """The data folder."""
    device: torch.device
    report: Reporter
    """Called after each epoch."""
    processes: int = 1
    """The largest number that trains one run together, each on a device of its own."""
    frozen: Frozen | None = None
    """Train the seeds of this freeze instead of 0, 1 and so on."""
    places: Mapping[str, str] = field(default_factory=dict)
    """For each run the file and row that ask for it, for messages."""
    runs_per_device: int = 1
    """Number of runs that may share the device."""
    _loaded: dict[tuple[str, str], Prepared] = field(default_factory=dict, init=False)

    @contextmanager
    def naming_row(self, run: str) -> Iterator[None]:
        """Name file and row in the message of a mistake in a run's settings, and of a failure of its device."""
        place = self.places.get(run, run)
        try:
            yield
        except torch.OutOfMemoryError as error:
            shared = ", fewer runs at once on this one (--runs-per-gpu)" if self.runs_per_device > 1 else ""
            changes = f"another device{shared}, or a smaller run.micro_batch, which makes it another run"
            what = f"{place}: out of memory on {hardware(self.device)}; what helps: {changes}"
            raise DeviceFailure(what) from error
        except torch.AcceleratorError as error:
            reason = str(error).splitlines()[0]
            what = f"{place}: the device failed ({reason}); the next call continues from the last resume point"
            raise DeviceFailure(what) from error
        except UserError as error:
            if run not in self.places or not (error.where or "").startswith(("run", "evaluate")):
                raise
            raise UserError(error.what, where=f"{self.places[run]}, {error.where}", hint=error.hint) from None

    def first_seeds(self, count: int) -> range:
        """Return consecutive seeds: those of the freeze if there is one, else 0, 1 and so on."""
        start = self.frozen.first_seed if self.frozen else 0
        return range(start, start + count)

    def train(self, spec: RunSpec, seeds: int, keep_weights: bool, first: int = 0) -> list[SeedBlock]:
        """Train the missing seeds of a run, and return all its stored blocks with some of these seeds.

        A damaged block is moved aside, and its seeds are trained again.

        Args:
            spec: the run.
            seeds: number of seeds.
            keep_weights: whether to store the trained weights, too.
            first: leave out this many of them, at the beginning.
        """
        run = spec.key()
        wanted = self.first_seeds(seeds)[first:]
        with self.store.lock(run), self.naming_row(run):
            for path in self.store.files(run):
                self._move_aside_if_damaged(path)
            for group in self.store.missing(run, wanted, spec.vectorized):
                self.train_block(spec, group, keep_weights)
            blocks = [each for each in self.store.blocks(run) if not set(wanted).isdisjoint(each.seeds)]
            for block in blocks:
                if keep_weights:
                    self._restore_weights(spec, block)
                # Also of blocks stored before: a process may have been killed before it removed their resume points.
                self.store.resume_point(run, block.seeds).unlink(missing_ok=True)
        return blocks

    def _move_aside_if_damaged(self, path: Path) -> None:
        try:
            SeedBlock.read(path).check_values()
        except Damaged as error:
            aside = self.store.scratch / "damaged" / f"{path.parent.name}-{path.stem}-{time.time_ns()}.json"
            aside.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, aside)  # not flushed: if a power cut brings it back, it is found again
            print(f"{error}; it was moved to {aside} and is trained again", flush=True)

    def inputs(self, spec: RunSpec, seeds: list[int]) -> Inputs:
        """Return the inputs of a block; a dataset is read once."""
        key = (spec.dataset.name, spec.dataset.version)
        if key not in self._loaded:
            self._loaded = {key: load(*key, folder=self.data)}
        return make_inputs(spec, seeds, self._loaded[key], self.device)

    def train_block(self, spec: RunSpec, seeds: list[int], keep_weights: bool) -> SeedBlock:
        """Train some seeds of a run together and add them to the store; the caller has locked the run."""
        training, seconds = self._fit(spec, seeds)
        run = spec.key()
        if keep_weights:
            checkpoints.keep_weights(training, self.store.checkpoint(run, seeds))
        made = Provenance(
            code=provenance.code(),
            environment=provenance.environment(),
            hardware=hardware(self.device),
            device=self.device.type,
            execution=training.spec.execution,
            processes=min(self.processes, spec.shares),
            data=_data(self._loaded[spec.dataset.name, spec.dataset.version].manifest, spec),
            started=training.started,
            seconds=round(seconds, 3),
            freeze=self.frozen.sha256 if self.frozen else None,
            runs_per_device=self.runs_per_device if self.runs_per_device > 1 else None,
            load_average=round(os.getloadavg()[1], 2),
        )
        block = self.store.publish(spec, seeds, training.history, made)
        self.store.resume_point(run, seeds).unlink(missing_ok=True)
        return block

    def _fit(self, spec: RunSpec, seeds: list[int]) -> tuple[Trainer, float]:
        """Return a finished training, and the seconds it took (those before an interruption not included)."""
        prepare_process(spec)
        began = time.monotonic()
        point = self.store.resume_point(spec.key(), seeds)
        inputs = self.inputs(spec, seeds)
        with team(min(self.processes, spec.shares), self.device, _take_part, (spec, seeds, self.data, point)):
            training = start(spec, seeds, inputs, self.device)
            checkpoints.load_resume_point(training, point)
            points = ResumePoints(point)

            def after_epoch(training: Trainer) -> None:
                try:
                    self.report(spec.key(), seeds, training)
                except Exception:  # such as the end of the time
                    if not training.finished:
                        checkpoints.save_resume_point(training, point)
                    raise
                if not training.finished:
                    points.write_if_due(training)

            training.run(after_epoch)
        return training, time.monotonic() - began

    def _restore_weights(self, spec: RunSpec, block: SeedBlock) -> None:
        """Train a block again where its weights are missing or damaged; its results do not change."""
        path = self.store.checkpoint(spec.key(), block.seeds)
        fault = weights_fault(path)
        if fault is None:
            return
        if path.exists():
            print(f"{fault}; the run is trained again for its weights", flush=True)
        training, _ = self._fit(spec, block.seeds)
        checkpoints.keep_weights(training, path)


class ResumePoints:
    """Write the resume points of a training, now and then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began = self.ended = time.monotonic()
        self.spent = self.last = 0.0
        """Seconds that all resume points took, and the last one."""

    def write_if_due(self, training: Trainer) -> None:
        """Write one if the last is old enough and another one costs little of the time that has passed."""
        now = time.monotonic()
        if now - self.ended < RESUME_SECONDS or self.spent + self.last > RESUME_SHARE * (now - self.began):
            return
        checkpoints.save_resume_point(training, self.path)
        self.ended = time.monotonic()
        self.last = self.ended - now
        self.spent += self.last


def prepare_process(spec: RunSpec) -> None:
    """Set this process's number of threads and cuDNN's way to choose kernels to the run's; disable TensorFloat-32.

    By default PyTorch lets a GPU round the inputs of convolutions to ten bits, and an environment variable that some
    containers set makes it round those of matrix products, too.
    """
    torch.set_num_threads(spec.execution.threads)
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # NVIDIA's libraries read it before they look at what PyTorch asks for
    # The older of two settings: the newer, `fp32_precision`, reaches convolutions in some versions only, and after it
    # the compiler may fail, which still asks for the older.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = spec.execution.cudnn_benchmark
    malloc.keep_freed()


def _take_part(device: torch.device, spec: RunSpec, seeds: list[int], data: Path, point: Path) -> None:
    """Train in a further process of a team, without reporting or writing."""
    prepare_process(spec)
    prepared = load(spec.dataset.name, spec.dataset.version, folder=data)
    training = start(spec, seeds, make_inputs(spec, seeds, prepared, device), device)
    checkpoints.load_resume_point(training, point)
    training.run(lambda _: None)


def start(spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> Trainer:
    """Build the trainer of a seed block, as the run's objective says."""
    trainer: Trainer = bind(objectives, spec.objective)(supported(spec, device), seeds, inputs, device)
    return trainer


def _data(manifest: dict[str, Any], spec: RunSpec) -> provenance.Data:
    """Return the dataset with the SHA-256 of its tensors and, where it is streamed, of its image files."""
    images = manifest["images.bin"]["sha256"] if "images.bin" in manifest else None
    name, version = spec.dataset.name, spec.dataset.version
    return provenance.Data(name=name, version=version, sha256=manifest["sha256"], images_sha256=images)


def hardware(device: torch.device) -> str:
    """Return the name of the GPU, or of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def train_all(
    runner: Runner, runs: dict[str, tuple[RunSpec, int]], keep_weights: set[str], log: Callable[[str], Path]
) -> JobManifest:
    """Train the runs of a job, and return its manifest.

    A run that fails does not stop the others: its traceback is written to the log file that the manifest names.

    Raises:
        UserError: for a mistake of the user, which stops the job.
        OSError: the disk fails, which stops the job, too.
    """
    manifest = JobManifest()
    for key, (spec, seeds) in runs.items():
        try:
            blocks = runner.train(spec, seeds, key in keep_weights)
        except UserError:
            raise
        except Exception as error:
            if disk_error(error):
                raise
            path = log(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(traceback.format_exc(), encoding="utf-8")  # not flushed: the next call tries again
            manifest.failed[key] = str(path)
            reason = f": {error}" if isinstance(error, DeviceFailure) else ""
            print(f"{key} failed; see {path}{reason}", flush=True)
            continue
        manifest.runs[key] = {block.name: block.digest for block in blocks}
        for block in blocks if key in keep_weights else ():
            weights = runner.store.checkpoint(key, block.seeds)
            manifest.checkpoints[str(weights)] = sha256(weights)
    return manifest
