"""What Snakemake prints while it runs this workflow: a progress bar, or one line for each finished job.

`profiles/default` chooses this logger. With VERBOSE=1, in a dry run, and with the options --verbose, --quiet and
--debug-dag Snakemake prints what it prints otherwise. Its log file has everything in any case.

The workflow speaks through log records with extra fields:
    jobs, slots, known: what each job that will run does and its estimated seconds, by its number; how many run side by
        side; and whether the seconds say how long a job takes, or only how long it takes beside the others.
    outcome: a function that returns the last lines, called where nothing is to be done.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from logging import WARNING, LogRecord
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_remixup.estimate import Estimate, clock, in_words

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WIDTH = 46
"""Of the column that says what a job does, so that a line fits 80 columns."""
LINES_OF_A_LOG = 12
"""Last lines of a failed job's log that are printed."""
SILENT = (
    "host: ",
    "Building DAG of jobs",
    "Using shell: ",
    "Select jobs to execute",
    "Complete log(s): ",
    "Job rate limit reached",
    "Assuming unrestricted shared filesystem",
    "Removing output files of failed job",
    "Exiting because a job execution failed",
    "Shutting down, this might take some time",
    "Elapsed time: ",
    "WorkflowError:\nAt least one job did not complete successfully",
)
"""Beginnings of messages that say nothing to a user of this workflow."""
NOTHING = "Nothing to be done"
INTERRUPTED = "Terminating processes on user request"
JOB_INTERRUPTED = re.compile(r"died with <Signals\.SIGINT|non-zero exit status 130\b")
"""Says that the user ended a job, which may be told before Snakemake tells that it was interrupted itself."""


def use_own_cache() -> None:
    """Let Snakemake keep its cache in this folder where that of the user cannot be written.

    Snakemake makes it before it reads the Snakefile, but after it has loaded its loggers.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    try:
        cache.mkdir(parents=True, exist_ok=True)
        usable = os.access(cache, os.W_OK)
    except OSError:
        usable = False
    if not usable:
        os.environ["XDG_CACHE_HOME"] = os.path.abspath(".remixup/cache")


use_own_cache()


class LogHandler(LogHandlerBase):
    """Print what a user needs to know, on standard error."""

    def __post_init__(self) -> None:
        from rich.console import Console

        given = self.common_settings
        self.default: LogHandlerBase | None = None
        if os.environ.get("VERBOSE", "0") != "0" or given.dryrun or given.verbose or given.quiet or given.debug_dag:
            self.default = _default_handler(given)
        self.console = Console(stderr=not given.stdout, no_color=given.nocolor or None, highlight=False)
        self.does: dict[int, str] = {}
        self.began: dict[int, float] = {}
        self.estimate: Estimate | None = None
        self.outcome: Callable[[], list[str]] | None = None
        self.interrupted = False
        self.job_interrupted = False
        self.last = ""
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        """Print a record, or remember what it says; an error of this logger stops no run."""
        try:
            if self.default is not None:
                self.default.handle(record)
            else:
                self._show(record, record.__dict__)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Remove the bar."""
        self._stop_bar()
        super().close()

    def _show(self, record: LogRecord, fields: dict[str, Any]) -> None:
        event = fields.get("event")
        if event == LogEvent.JOB_INFO:
            self.began[fields["jobid"]] = time.monotonic()
        elif event == LogEvent.JOB_FINISHED:
            self._finished(fields["job_id"])
        elif event in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR):
            self._failed(fields)
        elif event is None or event == LogEvent.ERROR:
            self._said(record, fields)
        self._update_bar()

    def _said(self, record: LogRecord, fields: dict[str, Any]) -> None:
        """Print a message, unless it says nothing to a user."""
        if "jobs" in fields:
            self.does = {number: what for number, (what, _) in fields["jobs"].items()}
            seconds = {number: each for number, (_, each) in fields["jobs"].items()}
            self.estimate = Estimate(seconds, fields["slots"], fields["known"])
        self.outcome = fields.get("outcome", self.outcome)
        text = str(record.msg or "").strip()
        if text.startswith(INTERRUPTED):
            self.interrupted = True
            self._print("stopping; jobs that run are ended")
        elif not self.interrupted and record.levelno > WARNING and JOB_INTERRUPTED.search(text):
            self.job_interrupted = True
            self._print("a job was interrupted")
        elif text.startswith(NOTHING):
            self._print(text)
            for line in self.outcome() if self.outcome else []:
                self._print(line)
        elif text == self.last or text.startswith(SILENT) or (self.interrupted and record.levelno >= WARNING):
            return
        else:
            self.last = text
            self._print(text, style="red" if record.levelno > WARNING else None)

    def _finished(self, number: int) -> None:
        took = time.monotonic() - self.began.pop(number, time.monotonic())
        if self.estimate is None or number not in self.does:
            return
        self.estimate.finish(number)
        what = shortened(self.does[number], WIDTH)
        line = f"{self.estimate.done:>3}/{self.estimate.total}  {what:<{WIDTH}}  {clock(took):>5}  {self._left()}"
        self._print(line.rstrip())

    def _left(self) -> str:
        """Return the time left, where no bar shows it."""
        left = None if self.estimate is None or self._on_terminal() else self.estimate.left()
        return f"{in_words(left)} left" if left else ""

    def _failed(self, fields: dict[str, Any]) -> None:
        """Print which job failed and the end of its log; nothing about jobs that the user stopped."""
        number = fields.get("jobid", -1)
        self.began.pop(number, None)
        if self.interrupted or self.job_interrupted:
            self.job_interrupted = False
            return
        what = self.does.get(number, fields.get("rule_name", "a job"))
        logs = [str(each) for each in fields.get("log") or fields.get("aux_logs") or []]
        self._print(f"error: failed: {what}" + (f"; see {', '.join(logs)}" if logs else ""), style="red")
        if reason := str(fields.get("rule_msg") or ""):
            self._print(f"    {reason.strip()}")
        for log in logs if self.common_settings.show_failed_logs else []:
            path = Path(log)
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
            for line in lines[-LINES_OF_A_LOG:]:
                self._print(f"    {line}")

    def _on_terminal(self) -> bool:
        return self.console.is_terminal

    def _print(self, text: str, style: str | None = None) -> None:
        self.console.print(text, style=style, soft_wrap=True, markup=False, emoji=False)

    def _update_bar(self) -> None:
        """Show jobs at work, the part that is done and the time left, on a terminal."""
        if self.estimate is None or not self._on_terminal():
            return
        if self.estimate.done == self.estimate.total or self.interrupted:
            self._stop_bar()
            return
        if self.bar is None:
            from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
            from rich.text import Text

            estimate = self.estimate

            class Left(ProgressColumn):
                """The time left, counted anew whenever the bar is drawn."""

                def render(self, task: Any) -> Text:
                    """Return the time left as text."""
                    return Text(f"{in_words(left)} left" if (left := estimate.left()) else "")

            columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.percentage:.0f} %"), Left())
            self.bar = Progress(*columns, console=self.console, transient=True, refresh_per_second=2)
            self.bar.start()
            self.task = self.bar.add_task("", total=1.0)
        assert self.task is not None
        at_work = ", ".join(self.does.get(number, "") for number in self.began)
        self.bar.update(self.task, description=shortened(at_work, WIDTH - 10), completed=self.estimate.part())

    def _stop_bar(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _default_handler(given: Any) -> Any:
    """Return the handler that Snakemake uses without a logger plugin."""
    from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

    handler = ColorizingTextHandler(nocolor=given.nocolor, stream=sys.stdout if given.stdout else sys.stderr)
    handler.addFilter(DefaultFilter(given.quiet, given.debug_dag, given.verbose, given.dryrun, given.printshellcmds))
    handler.setFormatter(DefaultFormatter(given.quiet, given.show_failed_logs))
    return handler


def shortened(text: str, width: int) -> str:
    """Return the text, cut to a width."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
