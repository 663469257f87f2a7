"""What the logger prints, from the records that Snakemake sends; and how it counts the time down."""

import io
import logging
import os
from types import SimpleNamespace

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_remixup import LogHandler, use_own_cache
from snakemake_logger_plugin_remixup.estimate import Estimate, clock, in_words

JOBS = {1: ("prepare data", 10.0), 2: ("train 100 runs of " + "cifar, " * 20, 30.0)}


def given(**changes):
    flags = ("printshellcmds", "nocolor", "debug_dag", "verbose", "stdout", "dryrun")
    return SimpleNamespace(**{**dict.fromkeys(flags, False), "quiet": None, "show_failed_logs": True, **changes})


@pytest.fixture
def logger(monkeypatch):
    monkeypatch.delenv("VERBOSE", raising=False)
    handler = LogHandler(given(), None)
    handler.console = Console(file=io.StringIO(), width=80, highlight=False)
    return handler


def say(handler, text="", level=logging.INFO, **fields):
    record = logging.LogRecord("snakemake", level, "", 0, text, (), None)
    record.__dict__.update(fields)
    handler.emit(record)


def printed(handler):
    return handler.console.file.getvalue()


def announce(handler):
    say(handler, "2 jobs", jobs=JOBS, slots=2, known=True)


def test_a_line_for_each_finished_job_fits_80_columns(logger):
    announce(logger)
    for number in JOBS:
        say(logger, event=LogEvent.JOB_INFO, jobid=number)
        say(logger, event=LogEvent.JOB_FINISHED, job_id=number)
    lines = printed(logger).splitlines()
    assert [line.split("  ")[:2] for line in lines[1:]] == [["", "1/2"], ["", "2/2"]]
    assert "prepare data" in lines[1]
    assert lines[1].endswith(" left")
    assert not lines[2].endswith("left")
    assert max(map(len, lines)) <= 80


def test_what_snakemake_says_to_itself_is_not_printed(logger):
    say(logger, "Building DAG of jobs...")
    say(logger, "Job stats: ...", event=LogEvent.RUN_INFO)
    say(logger, "rm -r something", event=LogEvent.SHELLCMD)
    assert printed(logger) == ""
    say(logger, "Unlocking working directory.")
    assert printed(logger) == "Unlocking working directory.\n"


def test_a_failed_job_is_named_with_the_end_of_its_log(logger, tmp_path):
    log = tmp_path / "job.log"
    log.write_text("\n".join(f"line {i}" for i in range(100)))
    announce(logger)
    error = {"jobid": 2, "rule_name": "train", "rule_msg": "the node is lost", "log": [str(log)]}
    say(logger, level=logging.ERROR, event=LogEvent.JOB_ERROR, **error)
    text = printed(logger)
    assert "failed: train 100 runs of cifar" in text
    assert str(log) in text
    assert "the node is lost" in text
    assert "line 99" in text
    assert "line 50" not in text


def test_an_interruption_is_no_error(logger):
    announce(logger)
    say(logger, "Terminating processes on user request, this might take some time.")
    say(logger, level=logging.ERROR, event=LogEvent.JOB_ERROR, jobid=2, rule_name="train", log=[])
    say(logger, "WorkflowError:\nAt least one job did not complete successfully.", logging.ERROR, event=LogEvent.ERROR)
    say(logger, "the same command continues from here")
    stopped = ["stopping; jobs that run are ended", "the same command continues from here"]
    assert printed(logger).splitlines()[1:] == stopped


@pytest.mark.parametrize("how", ["died with <Signals.SIGINT: 2>.", "returned non-zero exit status 130."])
def test_a_job_may_end_before_the_interruption_is_told(logger, how):
    announce(logger)
    say(logger, f"RuleException:\nCommand 'remixup train' {how}", logging.ERROR, event=LogEvent.ERROR)
    say(logger, "Error in rule train", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    say(logger, "Terminating processes on user request, this might take some time.")
    assert printed(logger).splitlines()[-2:] == ["a job was interrupted", "stopping; jobs that run are ended"]
    assert "error" not in printed(logger).lower()


def test_an_interrupted_job_hides_no_failure_of_another(logger):
    announce(logger)
    say(logger, "RuleException:\nreturned non-zero exit status 130.", logging.ERROR, event=LogEvent.ERROR)
    say(logger, event=LogEvent.JOB_INFO, jobid=1)
    say(logger, event=LogEvent.JOB_ERROR, jobid=1)
    assert logger.began == {}, "the bar no longer shows it at work"
    say(logger, event=LogEvent.JOB_ERROR, jobid=2)
    assert printed(logger).count("error: failed") == 1


def test_the_outcome_is_printed_where_nothing_is_to_be_done(logger):
    say(logger, outcome=lambda: ["numbers: all"])
    say(logger, "Nothing to be done (all requested files are present and up to date).")
    assert printed(logger).splitlines()[1:] == ["numbers: all"]


def test_a_terminal_gets_a_bar_that_is_removed_at_the_end(logger):
    logger.console = Console(file=io.StringIO(), width=80, highlight=False, force_terminal=True)
    announce(logger)
    say(logger, event=LogEvent.JOB_INFO, jobid=1)
    assert logger.bar is not None
    assert "prepare data" in logger.bar.tasks[0].description
    for number in JOBS:
        say(logger, event=LogEvent.JOB_FINISHED, job_id=number)
    assert logger.bar is None


@pytest.mark.parametrize("changes", [{"dryrun": True}, {"verbose": True}, {"quiet": {"rules"}}])
def test_with_options_on_its_output_snakemake_prints_what_it_prints_otherwise(changes, capsys):
    handler = LogHandler(given(**changes), None)
    say(handler, "Building DAG of jobs...")
    assert "Building DAG" in capsys.readouterr().err


def test_verbose_is_a_variable(monkeypatch, capsys):
    monkeypatch.setenv("VERBOSE", "1")
    say(LogHandler(given(), None), "Building DAG of jobs...")
    assert "Building DAG" in capsys.readouterr().err


def test_time_left_follows_the_estimates_then_the_clock():
    now = [0.0]
    estimate = Estimate({1: 10.0, 2: 30.0}, slots=2, known=True, clock=lambda: now[0])
    assert estimate.left() == pytest.approx(20)
    now[0] = 4
    assert estimate.left() == pytest.approx(16)
    now[0] = 10  # twice as long as the 5 seconds that were estimated for it
    estimate.finish(1)
    assert estimate.part() == pytest.approx(0.25)
    assert estimate.left() == pytest.approx(15 * (0.5 + 0.1) / (0.25 + 0.1))
    now[0] = 1000
    assert estimate.left() == 0


def test_without_known_durations_nothing_is_said_before_the_first_job_ends():
    now = [0.0]
    estimate = Estimate({1: 1.0, 2: 3.0}, slots=1, known=False, clock=lambda: now[0])
    assert estimate.left() is None
    now[0] = 100
    estimate.finish(1)
    assert estimate.left() == pytest.approx(300)


def test_durations_in_words():
    assert [in_words(each) for each in (2, 42, 70, 400, 7200)] == [
        "5 seconds",
        "40 seconds",
        "1 minute",
        "7 minutes",
        "2 hours",
    ]
    assert clock(185) == "3:05"


def test_snakemake_has_a_cache_here_where_that_of_the_user_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    for home, expected in ((tmp_path, ""), ("/proc/nowhere", str(tmp_path / ".remixup/cache"))):
        monkeypatch.setenv("HOME", str(home))
        use_own_cache()
        assert os.environ["XDG_CACHE_HOME"] == expected
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    use_own_cache()
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "mine")
