"""Fixtures for tests of results."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.analysis.frozen import FILE, commit, git
from tests.unit.config.sample_experiment import SMALL

from remixup.analysis import records
from remixup.store.provenance import code


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A committed experiment with one claim about two rows, of January 1."""
    monkeypatch.chdir(tmp_path)
    FILE.parent.mkdir(parents=True)
    FILE.write_text(SMALL)
    Path("config.yaml").write_text("scale: paper\n")
    Path(".gitignore").write_text("results/\n")
    git("init", "-q", "-b", "main")
    commit(day=1)
    records._runs_by_protocol.cache_clear()
    code.cache_clear()
