"""Write files atomically and durably."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LEFTOVER_SECONDS = 3600
"""A temporary file that is older was left by a killed process."""


@contextmanager
def atomic(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write to, and rename it to `path` on success.

    A reader sees the old file or the whole new one. After an exception nothing is left.

    Args:
        path: the final place; missing folders are made.
        durable: flush file and folder to the disk, so that the same is true after a power cut. It takes some ten
            milliseconds, which a file that is easily made again need not cost.
    """
    new = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        if durable:
            flush(part)
        os.replace(part, path)
        for folder in (path.parent, *(each.parent for each in new)) if durable else ():
            flush(folder)
    finally:
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, has reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(path: Path) -> None:
    for leftover in path.parent.glob(f".{path.name}.*.part"):
        with suppress(FileNotFoundError):  # another process has just renamed it
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()


def write_text(path: Path, text: str, durable: bool = False) -> None:
    """Write a text file atomically."""
    with atomic(path, durable) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1, allow_nan=True) + "\n")
