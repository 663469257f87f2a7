"""Progress of training: a bar on a terminal; in a log file a line each minute and one for each block."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from remixup.training.trainer import Trainer

EVERY = 60.0
"""Seconds between two lines about a block in a log file."""


class ProgressReport:
    """Show a bar over the epochs of a block on a terminal, and print one line when the block is done.

    Args:
        bar: whether to show bars; those of several processes would overwrite each other.
        log: a file that also gets the lines, and one each minute. Standard output gets those where it is no terminal.
    """

    def __init__(self, bar: bool = True, log: Path | None = None) -> None:
        self.console = Console()
        said, state = TextColumn("{task.description}"), TextColumn("{task.fields[state]}")
        columns, shown = (said, BarColumn(), state, TimeRemainingColumn()), bar and self.console.is_terminal
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not shown)
        self.task: TaskID | None = None
        self.log = log
        self.said = time.monotonic()

    def __enter__(self) -> ProgressReport:
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, run: str, seeds: list[int], training: Trainer) -> None:
        """Report an epoch of a block."""
        name = f"{run} seed {seeds[0]}" if len(seeds) == 1 else f"{run} seeds {seeds[0]}-{seeds[-1]}"
        rows = training.history[-len(seeds) :]
        quantity = "test_error" if "test_error" in rows[0] else "train_loss"
        mean = statistics.fmean(row[quantity] for row in rows)
        state = f"epoch {training.epoch}/{training.spec.epochs}, {quantity.replace('_', ' ')} {mean:.2f}"
        if self.task is None:
            self.task = self.bar.add_task(name, total=training.spec.epochs, state=state)
            self.said = time.monotonic()
        self.bar.update(self.task, description=name, completed=training.epoch, state=state)
        if training.finished:
            self.bar.remove_task(self.task)
            self.task = None
            self._say(f"{name}: {'diverged' if all(training.diverged) else state}", shown=True)
        elif time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            self._say(f"{name}: {state}", shown=not self.console.is_terminal)

    def _say(self, line: str, shown: bool) -> None:
        """Show a line, and append it with the time of day to the log file."""
        if shown:
            self.console.print(line, highlight=False, soft_wrap=True)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                print(time.strftime("%H:%M:%S"), line, file=file)
