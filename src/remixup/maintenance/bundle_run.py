"""Carry out a bundle on the machine that it was taken to: benchmark, then tasks, as long as they end in time."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from remixup.analysis import records
from remixup.errors import UserError
from remixup.files import visible, write_atomically, write_json
from remixup.maintenance import evidence_time
from remixup.maintenance.bundle_pack import QUEUE
from remixup.store.provenance import code, environment
from remixup.training.gpu_lock import devices

BENCHMARKS = Path("remixup_benchmarks/results")
LOGS = QUEUE.with_name("logs")
ARCHIVE = "results.tar.gz"
LIST = "results.json"
"""In the archive: of which commit the results are, and their digests."""


def run(results: Path, until: float) -> int:
    """Measure and train what the queue asks for and is not done, and write the results whenever something has ended.

    Args:
        results: folder of the archive.
        until: Unix time when all must have ended.

    Returns:
        How many tasks failed.
    """
    if not code().clean:
        raise UserError("the sources are not those of the commit that was packed", where=str(Path.cwd()))
    document = json.loads(QUEUE.read_text(encoding="utf-8"))
    document["until"] = until
    write_json(QUEUE, document)
    LOGS.mkdir(exist_ok=True)
    results.mkdir(parents=True, exist_ok=True)
    pack(results, document)
    failed = 0
    if document["benchmark"] is not None and not (LOGS / "benchmark.done").exists():
        failed += _benchmark(document, results)
    gpus = len(devices())
    at_a_time = min(document["workers"], gpus * document["runs_per_gpu"]) if gpus else document["workers"]
    print(f"{f'{gpus} GPUs' if gpus else 'no GPU'}, {at_a_time} tasks at a time", flush=True)
    for name, status in _carried_out(document, at_a_time):
        failed += status != 0
        last = _log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-15 if status else -1 :]
        print("\n".join([f"{name} failed:", *last] if status else last), flush=True)
        pack(results, document)
    print(f"{results / ARCHIVE} has everything that was measured", flush=True)
    return failed


def _benchmark(document: dict[str, Any], results: Path) -> int:
    """Run the benchmark with the packed arguments, until the time is over; return 1 where it fails."""
    command = [sys.executable, "-m", "remixup_benchmarks.run", *document["benchmark"]]
    print(" ".join(command[1:]), flush=True)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while process.poll() is None and time.time() < document["until"]:
        time.sleep(1)
        pack(results, document)
    if process.poll() is None:
        process.kill()
    if process.wait() == 0:
        (LOGS / "benchmark.done").touch()
    pack(results, document)
    return int(process.returncode != 0)


def _carried_out(document: dict[str, Any], at_a_time: int) -> Iterator[tuple[str, int]]:
    """Start the tasks in their order, some at a time, and yield the name and the exit status of each that ends.

    A task that would end after the time limit is not started, and neither is one that waits for it.
    """
    ended = {path.stem for path in (QUEUE.parent / "ended").glob("*.json")}
    left = [name for name in document["tasks"] if name not in ended]
    running: dict[str, subprocess.Popen[bytes]] = {}
    while left or running:
        for name in list(left):
            waits = [each for each in document["tasks"][name]["after"] if each not in ended]
            if len(running) >= at_a_time:
                break
            if any(each not in left and each not in running for each in waits):
                left.remove(name)  # what it waits for has failed, or was left out
            elif not waits:
                left.remove(name)
                if evidence_time.late(QUEUE, document, name):
                    print(f"not started: {document['tasks'][name]['label']}", flush=True)
                else:
                    running[name] = _start(name)
        for name, process in list(running.items()):
            if process.poll() is not None:
                del running[name]
                if process.returncode == 0:
                    ended.add(name)
                yield name, process.returncode
        time.sleep(0.1)


def _start(name: str) -> subprocess.Popen[bytes]:
    """Start a task; what it prints goes to its log."""
    command = [sys.executable, "-m", "remixup", "evidence-task", name, "--queue", str(QUEUE)]
    with _log(name).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def _log(name: str) -> Path:
    return LOGS / f"{name}.txt"


def pack(results: Path, document: dict[str, Any]) -> None:
    """Write all results so far into one archive, which replaces the one before in one step."""
    carried: dict[str, str] = document["carried"]
    produced = [*visible(records.HOME, "*/*/*.json"), *visible(BENCHMARKS, "*.json")]
    found = {}  # read once, since a benchmark may go on writing
    for path in sorted(produced):
        content = path.read_bytes()
        if (digest := hashlib.sha256(content).hexdigest()) != carried.get(str(path)):
            found[str(path)] = (digest, content)
    made = environment()
    said = {
        "commit": document["commit"],
        "sources": code().commit,
        "python": made.python,
        "versions": made.versions,
        "processor": made.processor,
        "files": {name: digest for name, (digest, _) in found.items()},
    }
    with write_atomically(results / ARCHIVE) as part, tarfile.open(part, "w:gz") as archive:
        listed = json.dumps(said, indent=1).encode()
        for name, content in [(LIST, listed), *((name, content) for name, (_, content) in found.items())]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for path in sorted(LOGS.glob("*.txt")):
            archive.add(path, f"logs/{path.name}")
