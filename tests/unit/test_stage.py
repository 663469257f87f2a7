"""`workflow/stage`, with a Python that ends as Snakemake would."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from remixup.files import visible

ROOT = Path(__file__).parents[2]


def test_a_home_folder_that_dvc_takes_for_a_name_is_refused(tmp_path):
    """Fails, tried out: a folder called `~` is made, which one then removes with `rm -rf ~`."""
    (tmp_path / "workflow").mkdir()
    shutil.copy(ROOT / "workflow/stage", tmp_path / "workflow/stage")
    command = ["sh", str(tmp_path / "workflow/stage"), "runs", "checkpoints", "~/results/runs"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: config.yaml: DVC does not know ~ in ~/results/runs; write the whole path\n"
    assert not (tmp_path / "~").exists()


def test_dvc_knows_all_that_the_documents_are_made_of():
    """Snakemake takes patterns, and DVC folders or single files."""
    known = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["report"]["deps"]
    patterns = ("*.tex", "*.bib", "article/*.tex", "sections/*.tex", "templates/*")
    made_of = [path.relative_to(ROOT) for pattern in patterns for path in visible(ROOT / "paper", pattern)]
    assert len(made_of) > 20
    assert [path for path in made_of if not {str(path), str(path.parent)} & set(known)] == []


@pytest.mark.parametrize(
    ("target", "status", "expected"),
    [("runs", 0, 0), ("runs", 3, 0), ("data", 3, 0), ("all", 3, 3), ("runs", 1, 1), ("all", 1, 1)],
)
def test_where_only_runs_failed_the_stages_before_the_report_succeed(tmp_path, target, status, expected):
    (tmp_path / "workflow").mkdir()
    shutil.copy(ROOT / "workflow/stage", tmp_path / "workflow/stage")
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] || exit {status}\n')
    python.chmod(0o755)
    done = subprocess.run(["sh", str(tmp_path / "workflow/stage"), target, "made"], check=False)
    assert done.returncode == expected
    assert (tmp_path / "made").is_dir()
