"""What a training says while it goes on, by a clock of our own."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from remixup.training import progress


def training(epoch, epochs=100, diverged=False):
    history = [{"test_error": 10.0}, {"test_error": 20.0}]
    spec = SimpleNamespace(epochs=epochs)
    return SimpleNamespace(
        history=history, epoch=epoch, spec=spec, finished=epoch == epochs, diverged=[diverged, diverged]
    )


@pytest.fixture
def now(monkeypatch):
    at = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: at[0])
    return at


@pytest.mark.parametrize("terminal", [False, True])
def test_a_log_gets_a_line_each_minute_and_one_at_the_end(tmp_path, now, terminal):
    log = tmp_path / "logs/train.log"
    with progress.ProgressReport(log=log) as report:
        report.console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
        for epoch, seconds in [(1, 0), (2, 50), (3, 61), (4, 100), (5, 122), (100, 123)]:
            now[0] = seconds
            report("run", [0, 1], training(epoch))
    lines = [line.split(" ", 1)[1] for line in log.read_text().splitlines()]
    assert lines == [f"run seeds 0-1: epoch {epoch}/100, test error 15.00" for epoch in (3, 5, 100)]
    printed = report.console.file.getvalue().splitlines()
    assert printed == (lines[-1:] if terminal else lines)


def test_without_a_log_nothing_is_written(tmp_path, now, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with progress.ProgressReport() as report:
        report.console = Console(file=io.StringIO(), width=80)
        report("run", [0, 1], training(100, diverged=True))
    assert report.console.file.getvalue() == "run seeds 0-1: diverged\n"
    assert list(tmp_path.iterdir()) == []
