"""Run times of the workflow: the embedded report in a clone, and Snakemake with nothing to do."""

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
        RuntimeError: a command failed (with its output).
    """

    def __init__(self, folder: Path) -> None:
        self.clone, self.empty = folder / "clone", folder / "empty"
        # A clone has no ignored files, such as finished runs.
        self._timed(folder, "git", "clone", "--quiet", str(ROOT), str(self.clone))
        self.empty.mkdir()
        (self.empty / "Snakefile").write_text("rule all:\n    input: []\n", encoding="utf-8")

    def report(self) -> float:
        """Return the seconds from the clone to its PDF."""
        seconds, _ = self._timed(self.clone, *self._snakemake)
        if not (self.clone / "results/embedded/supplement.pdf").is_file():
            raise RuntimeError("snakemake ended without a report")
        return seconds

    def nothing(self) -> float:
        """Return the seconds for an empty Snakefile."""
        return self._timed(self.empty, *self._snakemake, "--cores", "all")[0]

    def done(self) -> float:
        """Return the seconds for a call with nothing to do, after a report."""
        seconds, said = self._timed(self.clone, *self._snakemake)
        if "Nothing to be done" not in said:
            raise RuntimeError(f"there was something to do:\n{said[-2000:]}")
        return seconds

    def dry(self) -> float:
        """Return the seconds for a dry run of all rows at paper scale, with all datasets downloadable."""
        changes = ("--config", "scale=paper", "data={download: true}")
        seconds, said = self._timed(self.clone, *self._snakemake, "--dry-run", *changes)
        if not re.search(r"^train +\d+$", said, re.MULTILINE):
            raise RuntimeError(f"there was nothing to train:\n{said[-2000:]}")
        return seconds

    _snakemake = (sys.executable, "-m", "snakemake")

    def _timed(self, folder: Path, *command: str) -> tuple[float, str]:
        """Return the seconds of a command, and its output; a clone runs its own code, on embedded data."""
        environment = {name: value for name, value in os.environ.items() if name != "REMIXUP_MIRROR"}
        environment["PYTHONPATH"] = str(self.clone / "src")
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr[-4000:]}")
        return seconds, done.stdout + done.stderr
