"""Pack a bundle: sources, records, wheels, prepared data and a queue, in parts that are small enough to be carried."""

from __future__ import annotations

import hashlib
import heapq
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.files import listed, sha256, visible, write_json
from remixup.maintenance import bundle_script, evidence_queue
from remixup.maintenance.evidence_queue import Task
from remixup.maintenance.evidence_time import OVERHEAD
from remixup.store import source_proof
from remixup.store.provenance import SOURCES, code

CARRIED = (*SOURCES, "config.yaml", "records", "remixup_benchmarks")
QUEUE = Path(".remixup/bundle/queue.json")
"""In the unpacked sources."""
RESERVE = 2**18
"""Bytes of the script and of the list of parts, which travel with each part."""


@dataclass(frozen=True)
class Bundle:
    """Content of a bundle."""

    tasks: list[Task]
    queue: Path
    """The file that says what is done there."""
    datasets: list[Path]
    """Folders of prepared data."""
    wheels: list[Path]
    python: str
    minutes: float


def require_clean() -> None:
    """Raise UserError where the work tree is not that of a commit."""
    done = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False)
    if done.returncode or code().commit is None:
        raise UserError("a bundle is packed from a git repository", where=str(Path.cwd()))
    if changed := done.stdout.splitlines():
        raise UserError("a bundle is packed from a clean work tree", hint="commit first", details=changed[:10])


def fitting(missing: list[Task], minutes: float, workers: int) -> list[Task]:
    """Return the tasks that end within some minutes, if each free worker takes the next.

    Raises:
        UserError: the duration of a task is unknown.
    """
    free, chosen = [0.0] * workers, []
    left_out: set[str] = set()  # freezes whose baselines do not fit
    for task in missing:
        if task.seconds is None:
            hint = "state the speed: --tflops"
            raise UserError(f"no record says how long this takes there: {task}", hint=hint)
        end = free[0] + OVERHEAD + task.seconds
        if end <= 60 * minutes and task.freeze not in left_out:
            heapq.heapreplace(free, end)
            chosen.append(task)
        elif task.freeze and task.baseline:
            left_out.add(task.freeze)
    return chosen


class Parts(io.RawIOBase):
    """Write files of a limited size, one after the other."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit, self.paths = folder, limit, list[Path]()
        self._left = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write bytes, beginning a new file where the last one is full."""
        view = memoryview(data)
        while view:
            if not self._left:
                self.paths.append(self.folder / f"part-{len(self.paths) + 1:02}")
                self._left = self.limit
            with self.paths[-1].open("ab") as file:
                count = file.write(view[: self._left])
            self._left -= count
            view = view[count:]
        return len(data)


def write(bundle: Bundle, folder: Path, max_mib: float) -> list[Path]:
    """Write the parts, the list of their digests and the script that runs there; return the parts."""
    limit = int(max_mib * 2**20) - RESERVE
    if limit <= 0:
        raise UserError(f"{max_mib:g} MiB is too little", where="--max-mib", hint="at least 0.5")
    own = re.compile(r"bundle\.json|run\.py|part-\d+")
    if others := [path.name for path in listed(folder) if not own.fullmatch(path.name)]:
        what = f"the folder has {others[0]}, which is of no bundle"
        raise UserError(what, where=str(folder), hint="name another one")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with Parts(folder, limit) as parts, tarfile.open(fileobj=parts, mode="w|gz") as archive:
        _add_sources(archive)
        archive.add(bundle.queue, f"tree/{QUEUE}")
        for path in bundle.datasets:
            archive.add(path, f"tree/data/prepared/{path.name}")
        for path in bundle.wheels:
            archive.add(path, f"wheels/{path.name}")
    digests = {path.name: sha256(path) for path in parts.paths}
    document = {
        "bundle": hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest(),
        "commit": head(),
        "python": bundle.python,
        "minutes": bundle.minutes,
        "parts": digests,
    }
    write_json(folder / "bundle.json", document)
    shutil.copyfile(bundle_script.__file__, folder / "run.py")
    return parts.paths


def write_queue(
    chosen: list[Task], path: Path, config: Config, gpus: int, runs_per_gpu: int, benchmark: list[str] | None
) -> None:
    """Write the queue: the tasks, the benchmark's arguments, and the digests of the packed records."""
    data = config.data.model_copy(update={"folder": "data", "mirror": None, "download": False})
    there = config.model_copy(update={"results": "results", "data": data})
    carried = [each for home in ("records", "remixup_benchmarks") for each in visible(Path(home), "**/*.json")]
    digests = {str(each): sha256(each) for each in sorted(carried)}
    further = {"commit": head(), "benchmark": benchmark, "carried": digests}
    workers = gpus * runs_per_gpu
    evidence_queue.write_queue(
        chosen, path, there, None, workers, None, runs_per_gpu=runs_per_gpu, whole=True, further=further
    )


def described(bundle: Bundle, parts: list[Path], folder: Path) -> Iterator[str]:
    """Describe what was packed, and what to do on the other machine and then on this one."""
    seconds = [task.seconds or 0.0 for task in bundle.tasks]
    for task, each in zip(bundle.tasks, seconds, strict=True):
        yield f"  {task}, {each / 60:.1f} min"
    names = ", ".join(path.name for path in bundle.datasets) or "no data"
    size = sum(path.stat().st_size for path in parts) / 2**20
    yield f"{len(bundle.tasks)} tasks of {sum(seconds) / 60:.1f} minutes, {len(bundle.wheels)} wheels, {names}"
    yield f"packed commit {head()[:12]} into {folder}: {size:.1f} MiB in {len(parts)} parts"
    yield "there, with run.py, bundle.json and the parts in one folder (all at once, or one part at each call):"
    yield f"  python{bundle.python} run.py --minutes {bundle.minutes:g} --results results"
    yield "here, with what is in that folder results:"
    yield "  remixup collect-bundle results.tar.gz"


def head() -> str:
    """Return the last commit."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _add_sources(archive: tarfile.TarFile) -> None:
    """Add the commit's files that training needs, and the proof that they are the commit's."""
    listed = ["git", "ls-tree", "--name-only", "HEAD"]
    top = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    command = ["git", "archive", "--prefix=tree/", "HEAD", *(name for name in CARRIED if name in top)]
    with tempfile.TemporaryFile() as file:
        subprocess.run(command, stdout=file, check=True)
        file.seek(0)
        with tarfile.open(fileobj=file) as sources:
            for entry in sources:
                archive.addfile(entry, sources.extractfile(entry) if entry.isreg() else None)
    commit = code().commit
    assert commit is not None
    proof = source_proof.SourceProof.of(commit).model_dump_json().encode()
    entry = tarfile.TarInfo(f"tree/{source_proof.FILE}")
    entry.size = len(proof)
    archive.addfile(entry, io.BytesIO(proof))


def prepared(tasks: list[Task]) -> list[Path]:
    """Prepare the datasets of some tasks, and return their folders."""
    from remixup import data

    wanted = {(task.run.dataset.name, task.run.dataset.version): task.config for task in tasks}
    return [data.prepare_as_configured(config, *name).parent for name, config in sorted(wanted.items(), key=str)]
