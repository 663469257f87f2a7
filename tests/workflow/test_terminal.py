"""The whole output of a fresh report, on a terminal of 80 columns, and of a call that is interrupted."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.workflow.conftest import SMALL, at_work_in, training_of, wait_for


def rows(text):
    """Number of rows that a text takes on a terminal of 80 columns."""
    return sum(max(1, math.ceil(len(line) / 80)) for line in text.splitlines())


def test_a_fresh_report_fits_a_screen_and_ends_with_the_outcome(project):
    done = project.snakemake("--cores", "2")
    text = done.stdout + done.stderr
    assert rows(text) <= 60, text
    ends = [line.split(":")[0] for line in text.splitlines()[-5:]]
    assert ends == ["numbers", "claims", "new", "no article", "documents"]
    assert "train 2 runs of small" in text
    assert "seconds left" in text
    again = project.snakemake("--cores", "2").stderr
    assert "Nothing to be done" in again
    assert "documents: results/embedded/article.pdf, results/embedded/supplement.pdf" in again
    assert "SNAKEMAKE" in project.snakemake("--cores", "2", env={"VERBOSE": "1"}).stderr


def test_an_interrupted_call_says_that_the_next_one_goes_on(project):
    project.edit("small", run={**SMALL["run"], "epochs": 100_000})
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    running = subprocess.Popen(
        command, cwd=project.folder, stderr=subprocess.PIPE, text=True, start_new_session=True, env=os.environ
    )
    wait_for(lambda: (pid := training_of(project)) and "libtorch" in Path(f"/proc/{pid}/maps").read_text())
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=600)[1]
    assert running.returncode == 1
    assert "the same command continues from here" in said
    assert "Error in rule" not in said
    assert "error" not in said
    wait_for(lambda: not at_work_in(project))
