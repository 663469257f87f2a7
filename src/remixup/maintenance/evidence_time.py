"""How long a task of the evidence queue takes, and whether it ends before the time is over."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from remixup.files import write_json
from remixup.store.run_store import Store

OVERHEAD = 20.0
"""Seconds that a task takes beside its training (imports, data, evaluations), as long as none has ended."""
IMPORTS = 5.0
"""Seconds until a task begins to count its own time."""


def late(queue: Path, document: dict[str, Any], name: str) -> bool:
    """Return whether a task of a queue of whole tasks is expected to end after the time limit."""
    until: float | None = document["until"]
    if not document["whole"] or until is None:
        return False
    expected = expected_seconds(queue, document, name)
    return time.time() + (expected or 0.0) > until


def expected_seconds(queue: Path, document: dict[str, Any], name: str) -> float | None:
    """Estimate how long a task still takes: at the rate of ended tasks of its network, else as the queue says.

    Epochs of a resume point count as done.

    Returns:
        Seconds; None where the rate is unknown.
    """
    task = document["tasks"][name]
    if task["seconds"] is None:
        return None
    factor, overhead = _measured(queue, document, task["rate"])
    return overhead + factor * untrained(document, name) * float(task["seconds"])


def untrained(document: dict[str, Any], name: str) -> float:
    """Return the share of a task's epochs that no resume point has."""
    task = document["tasks"][name]
    point = Store(Path(document["config"]["results"])).resume_point(task["run"], task["trained"])
    try:
        with safe_open(point, "np") as file:
            return 1 - int(file.metadata()["epoch"]) / int(task["epochs"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return 1.0


def note_end(queue: Path, name: str, seconds: float, training: float, share: float) -> None:
    """Note how long a task took, for the estimates of the next.

    Args:
        queue: the file of the queue.
        name: of the task.
        seconds: all that it took.
        training: what its training took of them.
        share: of its epochs were trained in this time.
    """
    if share > 0 and seconds >= training:  # else it was trained before
        write_json(_ended(queue) / f"{name}.json", {"overhead": seconds - training, "training": training / share})


def _ended(queue: Path) -> Path:
    """Return the folder with the times of the tasks that have ended."""
    return queue.with_name("ended")


def _measured(queue: Path, document: dict[str, Any], rate: str) -> tuple[float, float]:
    """Return how much longer training took than the queue says, and the time beside training: the largest of each.

    The first of tasks of the same network, precision and number of seeds; the second of all tasks.
    """
    factors, overheads = [], []
    for path in _ended(queue).glob("[!.]*.json"):
        took, task = json.loads(path.read_text(encoding="utf-8")), document["tasks"][path.stem]
        overheads.append(took["overhead"] + IMPORTS)
        if task["rate"] == rate and task["seconds"]:
            factors.append(took["training"] / task["seconds"])
    return max(factors, default=1.0), max(overheads, default=OVERHEAD)
