"""What is open, and what it takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remixup.costs.estimate import SeedCosts
from remixup.reporting.missing_runs import Lacking, Outstanding, outstanding
from remixup.reporting.provenance import provenance
from tests.unit.config.sample_experiment import plan
from tests.unit.store import samples

from .sample_claims import EMBEDDED, NEVER, on_record
from .sample_results import claim, entry, environment, recorded, replication
from .small_experiment import exactly, result_of, small

NOTHING = SeedCosts({}, {}, "")
RUNS = exactly(21.3, 1.0, 3)


def lacking(tmp_path: Path, entries: list[Any], claims: list[Any], **changes: Any) -> dict[str, int] | None:
    """The seeds of the rows that are to be run, by row; None where nothing is open."""
    planned = plan(tmp_path, **changes)
    found = outstanding([planned], [result_of(*entries, claims=claims)], NOTHING).experiments
    keys = {row.key: row.row.id for row in planned.rows}
    return {keys[key]: seeds for key, seeds in found[0].runs.items()} if found else None


def numbers(**erm: Any) -> list[Any]:
    return [
        entry("erm", "test_error.last", 21.3, RUNS, experiment="small", **erm),
        entry("mixup", "test_error.last", None, RUNS, experiment="small"),
    ]


def test_a_row_is_open_until_the_published_protocol_gave_its_number(tmp_path: Path) -> None:
    decided = [claim("lower")]
    assert lacking(tmp_path, numbers(), decided) is None
    assert lacking(tmp_path, numbers(**EMBEDDED), decided) == {"erm": 3}
    assert lacking(tmp_path, numbers(scale="reduced-cpu", surrogate="10 epochs"), decided) == {"erm": 3}
    assert lacking(tmp_path, [], decided) == {"erm": 3}, "a number of a row that is not run at this scale"
    on_paper = recorded(exactly(21.0, 1.0), scale="paper", verdict="replicated")
    assert lacking(tmp_path, numbers(**EMBEDDED, recorded=[on_paper]), decided) is None


def test_a_claim_is_open_until_all_its_rows_are_there(tmp_path: Path) -> None:
    for test in (claim("lower", **EMBEDDED), claim("lower", **NEVER)):
        assert lacking(tmp_path, numbers()[:1], [test]) == {"mixup": 3}, "what there is is not run again"
    reduced = claim("lower", **NEVER, recorded=[on_record("reduced")])
    assert lacking(tmp_path, [], [reduced]) == {"erm": 3, "mixup": 3}
    assert lacking(tmp_path, numbers(), [claim("lower", **NEVER, recorded=[on_record("paper")])]) is None
    assert lacking(tmp_path, numbers()[:1], [claim("lower", untried=["mixup"])]) == {"mixup": 3}


def test_a_claim_of_ours_asks_for_no_runs(tmp_path: Path) -> None:
    """No paper's protocol is open because of it."""
    assert lacking(tmp_path, [], [claim("lower", **NEVER, source="ours")]) == {"erm": 3}, "its published number"


def test_the_source_of_an_attack_is_run_too(tmp_path: Path) -> None:
    attack = {"name": "attack", "method": "fgsm", "eps": 0.1, "source": "erm"}
    changes = {
        "run": {
            "dataset": {"name": "digits"},
            "model": {"name": "preact_resnet", "width": 8, "blocks": [1]},
            "optimizer": {"name": "sgd", "lr": 0.1},
            "epochs": 2,
            "batch_size": 64,
        },
        "rows__1__evaluate": [attack],
        "rows__1__published": {"attack.top1": 50.0},
        "metrics__attack.top1": {"label": "Error under attack"},
    }
    assert lacking(tmp_path, numbers(), [claim("lower")], **changes) == {"erm": 3, "mixup": 3}


OPERATIONS = {"shared": 1e15, "own": 2e15}
UNTIMED = SeedCosts(OPERATIONS, {}, "CPU")


def two(costs: SeedCosts) -> Outstanding:
    """Two experiments that share a run, of which each wants other seeds."""
    return Outstanding([Lacking(small(), 2, 1, {"shared": 3, "own": 5}), Lacking(small(), 0, 4, {"shared": 10})], costs)


def lines(missing: Outstanding) -> list[str]:
    """The lines of the table of costs."""
    text = provenance([small()], [result_of()], replication(), [], environment(), missing)
    table = text.partition(r"\label{tab:costs}")[2].partition(r"\end{longtable}")[0]
    return [line for line in table.splitlines() if "&" in line]


def test_what_experiments_share_counts_once_in_the_last_line() -> None:
    found = lines(two(UNTIMED))
    nothing = r"\num{0} & \num{0} & \num{0.0}"
    assert rf"\ref{{exp:small}} & t & {nothing} & 0 & 4 & 1 & \num{{10}} & \num{{10}} \\*" in found
    assert rf"\totalrule All & & {nothing} & 2 & 5 & 2 & \num{{15}} & \num{{20}} \\" in found
    assert "hours" not in "".join(found)


def test_hours_are_shown_where_the_rates_of_all_runs_are_known() -> None:
    partly = two(SeedCosts(OPERATIONS, {"shared": 360.0}, "CPU"))
    assert [line.rpartition("& ")[2].split(" ")[0] for line in lines(partly)[-2:]] == [r"\num{1}", "--"]
    known = lines(two(SeedCosts(OPERATIONS, {"shared": 36.0, "own": 360.0}, "CPU")))
    assert known[-1].endswith(r"\num{15} & \num{20} & \num{0.6} \\"), "10 x 36 s and 5 x 360 s"
    assert (partly.timed, partly.claims) == (1, 5)


@pytest.mark.parametrize("on_record", [True, False])
def test_data_of_records_is_listed_beside_that_of_the_report(monkeypatch: pytest.MonkeyPatch, on_record: bool) -> None:
    """Fails, seen: with the data of the report's own runs alone, most of the evidence had none in the list."""
    blocks = [SimpleNamespace(provenance=samples.provenance())] if on_record else []
    monkeypatch.setattr("remixup.analysis.records.read_all", lambda: blocks)
    text = provenance([small()], [result_of()], replication(), [], environment(), two(UNTIMED))
    assert (r"\item \emph{iris}, scikit-learn \citep{fisher1936use}: CC BY 4.0" in text) == on_record


def test_an_experiment_that_lacks_nothing_has_empty_cells() -> None:
    nothing = Outstanding([], NOTHING)
    assert (nothing.timed, nothing.together) == (0, {})
    first, last = lines(nothing)[-2:]
    assert first.count("&") == last.count("&") == 9
