"""An experiment's results: the rows of its scale, and what is known of rows that are run at another."""

from pathlib import Path

import pytest
from tests.unit.config.sample_experiment import plan

from remixup.analysis import records
from remixup.analysis.aggregate import collect, read_part
from remixup.config.settings import Config


def test_rows_of_other_scales_are_listed_where_they_are_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "read_all", lambda: [])
    config = Config(results=str(tmp_path / "results"), scale="embedded")
    elsewhere = {"label": "x", "at": ["reduced", "paper"]}
    rows = [
        {"id": "here", "label": "x"},
        {"id": "there", **elsewhere, "run": {"epochs": 3}, "published": {"test_error.last": 4.0}},
        {"id": "silent", **elsewhere, "run": {"epochs": 4}},
    ]
    scales = {"embedded": {"surrogate": "x", "seeds": 2}, "reduced": {"surrogate": "y", "seeds": 2}}
    found = plan(tmp_path, "embedded", config, rows=rows, claims=[], scales=scales)
    collect(config, found)
    entries = {entry.row: entry for entry in read_part(config, "small").entries}
    assert set(entries) == {"here", "there"}
    there = entries["there"]
    assert (there.verdict, there.published, there.scale, there.stand_in) == ("not run", 4.0, "paper", None)
    assert there.replicated is None
