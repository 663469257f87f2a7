"""GPU slots: a device, or a share of it, for one job, locked by a file that the kernel frees when the process dies.

Snakemake's `gpu` resource limits how many jobs run at once but assigns no device. The locks are in a folder of the
host, so that several clones and users can share the devices.
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_DEVICE = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")
FOLDER = Path(tempfile.gettempdir()) / "remixup-gpu-slots"


def devices() -> list[str]:
    """Return the devices this process may use, without CUDA: CUDA_VISIBLE_DEVICES, or else the driver's list.

    As CUDA does, stop at the first name that is none, such as Slurm's `NoDevFiles` in a job without a GPU.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return list(itertools.takewhile(_DEVICE.fullmatch, map(str.strip, visible.split(","))))
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip().isdigit()]  # without a GPU it says so


def _known_as(names: list[str]) -> dict[str, str]:
    """Return each device's lock name: the host's number where Slurm numbers a job's devices from 0."""
    numbers = os.environ.get("SLURM_STEP_GPUS") or os.environ.get("SLURM_JOB_GPUS")
    known = numbers.split(",") if numbers else names
    return dict(zip(names, known if len(known) == len(names) else names, strict=True))


@contextmanager
def slots(
    count: int = 1, limit: int | None = None, folder: Path | None = None, poll: float = 0.5, jobs_per_device: int = 1
) -> Iterator[list[str]]:
    """Lock devices, waiting until they are free, and yield their names (none if there is no device).

    Meanwhile CUDA_VISIBLE_DEVICES lists only these devices; enter before the first use of CUDA.

    Args:
        count: number of devices to lock together; at most all that exist.
        limit: use only the first `limit` devices (the workflow's `gpu` resource).
        folder: folder of the locks; by default one for the whole host.
        poll: seconds between two attempts.
        jobs_per_device: lock only a share of each device, so that this many jobs can use it, if all say so.
    """
    names = devices()
    locks = dict(list(_known_as(names).items())[:limit])
    if not locks:
        yield []
        return
    home, told = folder or FOLDER, False
    home.mkdir(parents=True, exist_ok=True)
    if home.stat().st_uid == os.getuid():
        home.chmod(0o1777)
    paths = {name: home / f"{known_as.replace('/', '-')}.lock" for name, known_as in locks.items()}
    count = min(count, len(locks))
    with ExitStack() as stack:
        while len(held := _free(paths, count, jobs_per_device, stack)) < count:
            stack.close()  # release partial allocations to avoid deadlock
            if not told:
                print(f"waiting for {count} of {len(locks)} GPUs", file=sys.stderr, flush=True)
                told = True
            time.sleep(poll * random.uniform(0.5, 1.5))
        before = os.environ.get("CUDA_VISIBLE_DEVICES")
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(held)
        try:
            yield held
        finally:
            if before is None:
                os.environ.pop("CUDA_VISIBLE_DEVICES", None)
            else:
                os.environ["CUDA_VISIBLE_DEVICES"] = before


def _free(paths: dict[str, Path], count: int, jobs: int, stack: ExitStack) -> list[str]:
    """Lock the first free devices, at most `count`, until the stack is closed."""
    lock = _lock if jobs == 1 else functools.partial(_lock_share, jobs=jobs)
    return list(itertools.islice((name for name, path in paths.items() if lock(path, stack)), count))


def _lock(path: Path, stack: ExitStack) -> bool:
    """Lock a file for this job alone; return false where another job holds it."""
    lock = FileLock(path, mode=0o666)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    stack.callback(lock.release)
    return True


def _lock_share(path: Path, stack: ExitStack, jobs: int) -> bool:
    """Lock a share of a device: its file together with other jobs, and the file of one share for this job alone."""
    with ExitStack() as own:
        file = own.enter_context(path.open("ab"))
        if os.fstat(file.fileno()).st_uid == os.getuid():
            path.chmod(0o666)
        try:
            # `FileLock` has no shared locks. Its own are `flock`, too, so that each kind excludes the other.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if any(_lock(path.with_suffix(f".share-{number}.lock"), own) for number in range(jobs)):
            stack.push(own.pop_all())
            return True
    return False
