"""Run a bundle of remixup on a machine without a network: `python3 run.py --minutes 10`.

This file travels with the bundle as `run.py` and needs Python alone. It checks and unpacks the parts, starts the
program with them, and ends it when the time is over. Call it again to continue, or after further parts have come.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
GRACE = 10.0
"""Seconds before the end at which the program is to stop by itself: to end an epoch, and to pack what there is."""


def main() -> int:
    """Take the parts that are here, unpack the bundle when it is complete, and run it."""
    began = time.time()
    said = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=said["minutes"], help="time limit; default: %(default)s")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for what is to be brought back")
    work = Path(tempfile.gettempdir()) / f"remixup-{said['bundle'][:12]}"
    parser.add_argument("--work", type=Path, default=work, help="folder that the next call finds again")
    chosen = parser.parse_args()
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != said["python"]:
        print(f"error: the bundle was packed for Python {said['python']}, and this is {sys.version.split()[0]}")
        return 2
    lacking = take_parts(said, chosen.work)
    if lacking:
        print(f"kept the parts that are here; still to come: {', '.join(lacking)}")
        return 3
    unpack(said, chosen.work)
    return run(chosen.work.resolve(), chosen.results.resolve(), began + 60 * chosen.minutes)


def take_parts(said: dict[str, Any], work: Path) -> list[str]:
    """Copy the parts that are here to the work folder; return the names of those that have not come yet."""
    if (work / "unpacked").is_dir():
        return []
    parts = work / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    for name, digest in said["parts"].items():
        if not (parts / name).exists() and (HERE / name).exists():
            copy = parts / f"{name}.copy"
            shutil.copyfile(HERE / name, copy)
            with copy.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    sys.exit(f"error: {name} differs from its digest: copy it again")
            os.replace(copy, parts / name)
    return [name for name in said["parts"] if not (parts / name).exists()]


class Joined(io.RawIOBase):
    """Read files one after the other as if they were one."""

    def __init__(self, paths: list[Path]) -> None:
        self._left = list(paths)
        self._file: io.BytesIO | io.BufferedReader = io.BytesIO()

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end of the last file."""
        while not (found := self._file.read(size)) and self._left:
            self._file = self._left.pop(0).open("rb")
        return found


SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python has the filter since 3.11.4. The digests of the parts were compared before."""


def unpack(said: dict[str, Any], work: Path) -> None:
    """Unpack the parts and the wheels among their files, and then remove the parts."""
    if (work / "unpacked").is_dir():
        return
    new = work / "unpacking"
    shutil.rmtree(new, ignore_errors=True)
    with tarfile.open(fileobj=Joined([work / "parts" / name for name in said["parts"]]), mode="r|gz") as archive:
        archive.extractall(new, **SAFELY)
    for wheel in sorted((new / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as file:
            file.extractall(new / "site")
    os.replace(new, work / "unpacked")
    shutil.rmtree(work / "parts")


def run(work: Path, results: Path, end: float) -> int:
    """Start the program, in a process group of its own, and kill the group when the time is over."""
    tree = work / "unpacked/tree"
    # First the sources: a wheel may have a package of the same name as one of theirs.
    paths = [str(tree / "src"), str(tree), str(work / "unpacked/site")]
    changes = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    caches = {"TORCHINDUCTOR_CACHE_DIR": str(work / "inductor"), "TRITON_CACHE_DIR": str(work / "triton")}
    environment = {name: value for name, value in os.environ.items() if name != "REMIXUP_MIRROR"}
    command = [sys.executable, "-m", "remixup", "run-bundle", "--results", str(results), "--until", str(end - GRACE)]
    process = subprocess.Popen(command, cwd=tree, env={**environment, **caches, **changes}, process_group=0)

    def stop(*_: Any) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        print("the time is over; the same command continues from there, with what it has trained so far", flush=True)
        os._exit(124)

    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(each, stop)
    signal.setitimer(signal.ITIMER_REAL, max(0.1, end - time.time()))
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
