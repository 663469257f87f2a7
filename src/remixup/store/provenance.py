"""Where a result comes from: sources, versions, hardware."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

SOURCES = ("src", "experiments", "workflow", "paper", "Snakefile", "requirements.lock")
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "snakemake", "dvc", "seaborn")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@functools.cache
def code() -> dict[str, Any]:
    """Last commit that touched the sources, its day, and whether they differ from it; nulls outside a repository."""
    commit = _git("rev-list", "-1", "HEAD", "--", *SOURCES)
    if not commit:
        return {"commit": None, "dirty": None, "date": None}
    status = _git("status", "--porcelain", "--", *SOURCES)
    return {"commit": commit, "dirty": bool(status), "date": _git("show", "-s", "--format=%cs", commit)}


def clean(state: dict[str, Any]) -> bool:
    """Whether a state of the sources, as `code` gives it, is that of a commit."""
    return state["commit"] is not None and not state["dirty"]


@functools.cache
def processor() -> str:
    """The CPU's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {cores()} cores"


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment() -> dict[str, Any]:
    """Versions of Python and of the packages that numbers depend on, digest of the lock file, and the processor."""
    lock = Path("requirements.lock")
    return {
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "lock": sha256(lock) if lock.is_file() else None,
        "processor": processor(),
    }
