"""The experiment files of this repository, read once for all tests of a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from remixup.config.experiment import Experiment, read_experiments

FOLDER = Path(__file__).parents[1] / "experiments"


@cache
def committed() -> dict[str, tuple[Path, Experiment]]:
    """All committed experiments by id, each with its file."""
    return read_experiments(FOLDER)
