"""`workflow/stage`, with a Python that ends as Snakemake would."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
