"""GPU slots: a device, or a share of it, for one job, locked by a file that the kernel frees when the process dies.

Snakemake's `gpu` resource limits how many jobs run at once but assigns no device. The locks are in a folder of the
host, so that several clones and users can share the devices.
"""

from __future__ import annotations

import fcntl
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
    home = folder or FOLDER
    home.mkdir(parents=True, exist_ok=True)
    if home.stat().st_uid == os.getuid():
        home.chmod(0o1777)
    held = _acquire(locks, min(count, len(locks)), home, poll, jobs_per_device)
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(held)
    try:
        yield list(held)
    finally:
        if before is None:
            os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = before
        for lock in held.values():
            lock.close()


def _acquire(locks: dict[str, str], count: int, home: Path, poll: float, jobs_per_device: int) -> dict[str, ExitStack]:
    told = False
    while True:
        held = _free(locks, count, home, jobs_per_device)
        if len(held) == count:
            return held
        # Release partial allocations to avoid deadlock.
        for lock in held.values():
            lock.close()
        if not told:
            print(f"waiting for {count} of {len(locks)} GPUs", file=sys.stderr, flush=True)
            told = True
        time.sleep(poll * random.uniform(0.5, 1.5))


def _free(locks: dict[str, str], count: int, home: Path, jobs_per_device: int) -> dict[str, ExitStack]:
    """Lock the first free devices, at most `count`."""
    held: dict[str, ExitStack] = {}
    for name, known_as in locks.items():
        path = home / f"{known_as.replace('/', '-')}.lock"
        lock = _lock(path) if jobs_per_device == 1 else _lock_share(path, jobs_per_device)
        if lock is not None:
            held[name] = lock
        if len(held) == count:
            break
    return held


def _lock(path: Path) -> ExitStack | None:
    """Lock a file for this job alone; None where another job holds it."""
    lock = FileLock(path, mode=0o666)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    held = ExitStack()
    held.callback(lock.release)
    return held


def _lock_share(path: Path, jobs: int) -> ExitStack | None:
    """Lock a share of a device: its file together with other jobs, and the file of one share for this job alone."""
    with ExitStack() as stack:
        file = stack.enter_context(path.open("ab"))
        if os.fstat(file.fileno()).st_uid == os.getuid():
            path.chmod(0o666)
        try:
            # `FileLock` has no shared locks. Its own are `flock`, too, so that each kind excludes the other.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        for number in range(jobs):
            if share := _lock(path.with_suffix(f".share-{number}.lock")):
                stack.push(share)
                return stack.pop_all()
    return None
