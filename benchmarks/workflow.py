"""The workflow from outside: the embedded report in a clone, and what Snakemake takes when there is nothing to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Workflow:
    """A clone of the last commit, and a folder with an empty Snakefile.

    Args:
        folder: an empty folder to hold both.

    Raises:
        RuntimeError: a command failed, with what it said.
    """

    def __init__(self, folder: Path) -> None:
        self.clone, self.empty = folder / "clone", folder / "empty"
        # A clone, so that what is ignored here, such as finished runs, is not found there.
        self._timed(folder, "git", "clone", "--quiet", str(ROOT), str(self.clone))
        self.empty.mkdir()
        (self.empty / "Snakefile").write_text("rule all:\n    input: []\n", encoding="utf-8")

    def report(self) -> float:
        """Seconds from the clone to its PDF."""
        seconds, _ = self._timed(self.clone, *self._snakemake)
        if not (self.clone / "paper/report.pdf").is_file():
            raise RuntimeError("snakemake ended without a report")
        return seconds

    def nothing(self) -> float:
        """Seconds of an empty Snakefile."""
        return self._timed(self.empty, *self._snakemake, "--cores", "all")[0]

    def done(self) -> float:
        """Seconds of a call with nothing to do, after a report."""
        seconds, said = self._timed(self.clone, *self._snakemake)
        if "Nothing to be done" not in said:
            raise RuntimeError(f"there was something to do:\n{said[-2000:]}")
        return seconds

    def dry(self) -> float:
        """Seconds of a dry run of every row at paper scale, as if all datasets were to be had."""
        changes = ("--config", "scale=paper", "data={download: true}")
        seconds, said = self._timed(self.clone, *self._snakemake, "--dry-run", *changes)
        if not re.search(r"^train +\d+$", said, re.MULTILINE):
            raise RuntimeError(f"there was nothing to train:\n{said[-2000:]}")
        return seconds

    _snakemake = (sys.executable, "-m", "snakemake")

    def _timed(self, folder: Path, *command: str) -> tuple[float, str]:
        """Seconds of a command, and what it printed; a clone runs its own sources, on data that comes with them."""
        environment = {name: value for name, value in os.environ.items() if name != "REMIXUP_MIRROR"}
        environment["PYTHONPATH"] = str(self.clone / "src")
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr[-4000:]}")
        return seconds, done.stdout + done.stderr
