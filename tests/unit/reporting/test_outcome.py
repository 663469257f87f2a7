"""The last lines on the terminal, from counts written by hand."""

import pytest

from remixup.config.settings import Config
from remixup.reporting.outcome import claims, new, numbers, reason_for_none, verdicts


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"1", b"{}", b'{"entries": [1]}', b'{"entries": 1}', b"\xff", b"[" * 100_000]
)
def test_damaged_results_have_no_verdicts(tmp_path, content):
    """The workflow reads them before it makes them anew."""
    config = Config(results=str(tmp_path))
    config.home.mkdir()
    (config.home / "replication.json").write_bytes(content)
    assert verdicts(config) == {}


def test_numbers_are_counted_without_surrogates():
    summary = {"by_verdict": {"replicated": 3, "not replicated": 1, "inconclusive": 2, "surrogate": 40, "not run": 7}}
    assert numbers(summary) == "numbers: of 6 run as published 3 replicated, 1 not, 2 inconclusive"


def test_claims_are_listed_by_outcome_the_most_frequent_first():
    found = {"published_protocol": {"open": 1, "supported": 4}, "surrogate": {"agrees": 2, "not informative": 9}}
    said = claims({"paper_claims": found})
    assert said == "claims: 4 supported, 1 open, surrogates agree with 2, disagree with 0"


def test_what_is_new_is_named():
    before = {"a/x": "open", "a/y": "open", "a/z": "open"}
    assert new({}, before) == "new: everything, this is the first report here"
    assert new(before, before) == "new: nothing, all verdicts are as before"
    assert new(before, {**before, "a/y": "supported"}) == "new: a/y (open -> supported)"
    changed = {"a/x": "supported", "a/y": "supported", "a/z": "supported", "b/1": "open"}
    assert new(before, changed) == "new: a/x (open -> supported), a/y (open -> supported) and 2 more"


def test_a_run_without_the_experiments_has_no_article():
    assert "it is written for the embedded scale, and this is paper" in reason_for_none("paper", [])
    reason = reason_for_none("embedded", ["uci", "cifar"])
    assert "experiments that this run lacks: ablation, adversarial, alpha" in reason
    assert "uci" not in reason
