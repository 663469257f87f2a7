"""The results of experiments, each by itself and joined."""

from pathlib import Path

import pytest
import yaml
from tests.unit.config.sample_experiment import SMALL, plan
from tests.unit.store.samples import provenance

from remixup.analysis import records
from remixup.analysis.aggregate import collect, join, read_all, read_part, read_whole
from remixup.config.settings import Config
from remixup.store.run_store import Store


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
    assert (there.verdict, there.published, there.scale, there.surrogate) == ("not run", 4.0, "paper", None)
    assert there.replicated is None


def test_primary_claims_are_decided_over_the_experiments_of_a_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two experiments of a paper that has three primary claims; the third was not collected."""
    monkeypatch.chdir(tmp_path)
    config = Config(results=str(tmp_path / "results"), scale="paper")
    claims = yaml.safe_load(SMALL)["claims"]
    primary = [{**claims[0], "primary": True, "compare": [{"baseline": "mixup", "treatment": "erm"}]}]
    home = tmp_path / "experiments"
    home.mkdir()
    errors = {"erm": [20.0] * 5, "mixup": [23.1, 22.9, 23.3, 23.0, 23.2]}
    measured = {"epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 2.0}
    for name in ("uncollected", "second", "small"):
        found = plan(home, config=config, id=name, seeds=5, claims=primary)
        (home / "paper" / "small.yaml").rename(home / "paper" / f"{name}.yaml")
        if name != "uncollected":
            for row in found.rows:
                history = [{"seed": s, **measured, "test_error": error} for s, error in enumerate(errors[row.row.id])]
                Store(Path(config.results)).publish(row.run, list(range(5)), history, provenance())
            collect(config, found)
    join(config, ["second", "small"])
    (pending,) = read_part(config, "small").claims
    assert (pending.outcome, pending.p) == ("open", None)
    parts, whole = read_all(config, ["small"])
    assert [part.claims for part in parts] == [whole.claims[1:]]
    assert whole == read_whole(config)
    raw = pending.statements[0].p
    assert [(claim.outcome, claim.p) for claim in whole.claims] == [("supported", pytest.approx(3 * raw))] * 2
    assert whole.summary.paper_claims.published_protocol == {"supported": 2}
