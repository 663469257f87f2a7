"""What the audit finds in a small repository in which each fault was really made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.analysis.frozen import FILE, FIRST, commit, confirm, edit, evaluate, freeze, git, plan, train
from tests.unit.config.sample_experiment import SMALL
from typer.testing import CliRunner

from remixup.analysis import freezes, records, thresholds
from remixup.analysis.audit import Audit, why_exploratory
from remixup.analysis.freezes import Freeze
from remixup.analysis.history import NoHistory
from remixup.cli import app
from remixup.config.settings import Config
from remixup.store.provenance import Code
from remixup.store.run_store import Store

pytestmark = pytest.mark.usefixtures("repository")


def faults() -> list[str]:
    return Audit(Config()).faults


def test_records_under_a_freeze_are_confirmatory() -> None:
    train(0, [0, 1], day=1)
    first = git("rev-parse", "HEAD")
    frozen = freeze(2)
    confirm(frozen, day=2)
    commit(3)
    audit = Audit(Config())
    assert audit.faults == []
    [line] = audit.lines()
    assert (line.claim, line.confirmatory, line.last_change) == ("small/lower", 3, None)
    assert line.first_commit is not None
    assert line.first_commit.id == first
    assert line.first_run == "2026-01-01T23:00:00+00:00"
    assert str(line.frozen) == f"small-1, {git('log', '--format=%h', '--abbrev=7', '--', str(FIRST))} (2026-01-02)"


def test_a_seed_counts_when_all_rows_of_the_claim_have_it() -> None:
    frozen = freeze(2)
    train(0, [1000, 1001], day=2, freeze=frozen.digest)
    train(1, [1001], day=2, freeze=frozen.digest)
    audit = Audit(Config())
    assert (audit.faults, [line.confirmatory for line in audit.lines()]) == ([], [1])


def test_records_without_a_freeze_are_exploratory_and_no_fault() -> None:
    block = train(0, [0, 1, 2], day=1)
    assert why_exploratory(block, None) == "it was trained under no freeze"
    frozen = freeze(2)
    train(0, frozen.seeds, day=3)
    audit = Audit(Config())
    assert (audit.faults, [line.confirmatory for line in audit.lines()]) == ([], [0])


@pytest.mark.parametrize("committed", [True, False])
def test_a_claim_edited_since_its_freeze(committed: bool) -> None:
    confirm(freeze(2), day=2)
    commit(3)
    edit("smallest_effect: 0.5", "smallest_effect: 0.1")
    if committed:
        commit(4)
    [fault] = faults()
    assert fault.startswith("small/lower: the claim was edited since its freeze small-1, ")


def test_frozen_seeds_that_were_trained_again() -> None:
    confirm(freeze(2), day=2)
    (path, *_) = sorted(records.HOME.rglob("seeds-*.json"))
    again = path.with_suffix(".0123abcd.json")
    again.write_bytes(path.read_bytes())
    assert faults() == [f"{path}: has seeds of {FIRST} that {again} has, too"]


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("removed", [True, False])
def test_results_of_a_freeze_that_were_edited_or_removed(committed: bool, removed: bool) -> None:
    confirm(freeze(2), day=2)
    (path, *_) = sorted(records.HOME.rglob("seeds-*.json"))
    other = path.with_name("seeds-0-0.json")  # of no freeze
    for each in (other, path):
        each.write_bytes(path.read_bytes() + b"\n")
        commit(3)
    assert len(faults()) == 2, "the copy has the same seeds"
    for each in (other, path):
        if removed:
            each.unlink()
        else:
            each.write_bytes(each.read_bytes() + b"\n")
    if committed:
        commit(4)
    assert f"{path}: a result of {FIRST} was edited or removed" in faults()
    assert not [fault for fault in faults() if fault.startswith(f"{other}: a result")]


def test_a_claim_that_was_removed() -> None:
    freeze(2)
    FILE.write_text(SMALL.replace("- id: lower", "- id: other"))
    assert "small/lower: the claim was removed since its freeze small-1" in faults()[0]


def test_an_amendment_is_a_new_freeze() -> None:
    confirm(freeze(2), day=2)
    edit("smallest_effect: 0.5", "smallest_effect: 0.1")
    commit(3)
    second = freeze(4)
    audit = Audit(Config())
    [line] = audit.lines()
    assert audit.faults == []
    assert (line.frozen and line.frozen.name, line.confirmatory) == ("small-2", 0)
    confirm(second, day=4)
    assert [line.confirmatory for line in Audit(Config()).lines()] == [3]


def test_a_change_that_was_undone_is_shown_and_one_of_the_place_is_none() -> None:
    freeze(2)
    edit(
        "statement: mixup lowers the error\n    where: Table 0", "statement: mixup lowers the error\n    where: Table 1"
    )
    commit(3)
    audit = Audit(Config())
    assert (audit.faults, [line.last_change for line in audit.lines()]) == ([], [None])
    edit("statement: mixup lowers", "statement: mixup raises")
    commit(4)
    FILE.write_text(SMALL)
    undone = commit(5)
    audit = Audit(Config())
    assert audit.faults == []
    assert [line.last_change and line.last_change.id for line in audit.lines()] == [undone]


def test_a_row_with_another_run_than_in_its_freeze() -> None:
    freeze(2)
    edit("epochs: 2", "epochs: 3")
    [fault] = faults()
    assert fault.startswith(f"{FIRST}: {FILE} at paper scale: row erm has another run than in its freeze")


def test_a_frozen_evaluation_that_changed_and_what_is_only_added() -> None:
    """A further evaluation or claim takes nothing from a freeze."""
    attacked = SMALL.replace("use: [mixup]}", "use: [mixup], evaluate: [{name: attack, method: fgsm, eps: 0.1}]}")
    FILE.write_text(attacked)
    commit(2)
    freeze(3)
    more = attacked.replace("eps: 0.1}]", "eps: 0.1}, generalization]")
    claim = SMALL[SMALL.index("  - id: lower") : SMALL.index("tables:")]
    FILE.write_text(more.replace(claim, claim + claim.replace("id: lower", "id: again")))
    assert faults() == []
    FILE.write_text(attacked.replace("eps: 0.1", "eps: 0.2"))
    [fault] = faults()
    assert fault.startswith(f"{FIRST}: {FILE} at paper scale: its rows have other evaluations than in its freeze")


def as_of_version_1(frozen: Freeze) -> None:
    """Commit a freeze as earlier versions wrote it."""
    fields = frozen.model_dump(exclude={"schema_version", *freezes.FIXED_SINCE_2})
    Freeze.model_validate(fields).write(FIRST)
    git("commit", "-q", "-a", "--amend", "-m", "a freeze", day=2)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("test_error.last: 21.3", "test_error.last: 23.1", "published changed: erm"),
        (
            "test_error.last: {label: Test error}",
            "test_error.last: {label: E, tolerance: 3.0}",
            "published changed: erm",
        ),
        ("test_error.last: {label: Test error}", "test_error.last: {label: E, decimals: 2}", "published changed: erm"),
        ("seeds: 3\n", "seeds: 3\nsurrogate: short\n", "surrogates changed: erm, mixup"),
        (
            "claims:\n",
            "known_effects: [{baseline: mixup, treatment: erm, metric: test_error.last}]\nclaims:\n",
            "known effects changed: {'baseline': 'mixup', 'treatment': 'erm', 'metric': 'test_error.last'}",
        ),
        ("label: Test error", "label: Error on test examples", None),
    ],
)
def test_what_else_verdicts_depend_on(version: int, old: str, new: str, fault: str | None) -> None:
    """Of a freeze of schema version 1 the history in git tells it."""
    frozen = freeze(2)
    if version == 1:
        as_of_version_1(frozen)
    assert faults() == []
    edit(old, new)
    commit(3)
    assert faults() == [f"{FIRST}: its {fault}"] * (fault is not None)
    freeze(4)
    assert faults() == [], "an amendment has the new ones"


def test_a_claim_that_became_primary_since() -> None:
    """It makes the family of the frozen one larger."""
    primary = SMALL.replace("- id: lower\n", "- id: lower\n    primary: true\n")
    other = FILE.with_name("other.yaml")
    FILE.write_text(primary)
    other.write_text(SMALL.replace("id: small", "id: other"))
    commit(1)
    freeze(2)
    assert faults() == []
    other.write_text(primary.replace("id: small", "id: other"))
    assert faults() == [f"{FIRST}: its primary claims changed: other/lower"]


def test_a_freeze_of_a_file_in_a_former_format_is_valid() -> None:
    """What else its verdicts depend on is not known then."""
    frozen = freeze(2)
    edit("summary: none", "summary: none\nformer: true")
    git("add", "-A")
    as_of_version_1(frozen)
    FILE.write_text(SMALL.replace("test_error.last: 21.3", "test_error.last: 23.1"))
    commit(3)
    assert faults() == []


def test_a_threshold_that_changed_since_the_last_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is added later was no part of the freeze. An amendment has the new value."""
    freeze(2)
    monkeypatch.setattr(thresholds, "NEW", 1, raising=False)
    assert faults() == []
    monkeypatch.setattr(thresholds, "FEWEST", 3)
    assert faults() == [f"{FIRST}: the threshold fewest was 5, and is 3 now"]
    freeze(3)
    assert faults() == []


def test_a_seed_that_a_record_had_before() -> None:
    """The record is written after the freeze, for seeds that were trained before it."""
    erm = plan().rows[0].key
    freeze(2)
    train(0, [1001], day=1)
    assert faults() == [f"{FIRST}: seed 1001 of {erm} was used before, in records/runs/{erm}/seeds-1001-1001.json"]


def test_a_seed_that_another_freeze_had_before() -> None:
    first = freeze(2)
    first.model_copy(update={"reason": "again", "seeds": [1002, 1003, 1004]}).write(freezes.path("small-2"))
    commit(3)
    expected = [
        f"protocols/small-2.json: seed 1002 of {run} was used before, in {FIRST}" for run in first.runs.values()
    ]
    assert sorted(faults()) == sorted(expected)


def test_a_run_older_than_its_freeze() -> None:
    frozen = freeze(2)
    block = train(0, frozen.seeds, day=1, freeze=frozen.digest)
    path = Store(records.HOME).path(block)
    assert faults() == [f"{path}: its run is older than its freeze small-1"]


def test_a_run_of_a_commit_without_the_freeze() -> None:
    """It was started later, on a branch that does not have the freeze."""
    before = git("rev-parse", "HEAD")
    frozen = freeze(2)
    for row, known in enumerate([before, "0" * 40]):
        train(row, frozen.seeds, day=3, freeze=frozen.digest, code=Code(commit=known, dirty=False))
    [fault] = faults()
    assert fault.endswith(" and 1 more: its commit does not descend from that of its freeze small-1")


def test_a_dirty_tree_at_training() -> None:
    frozen = freeze(2)
    train(0, frozen.seeds, day=2, freeze=frozen.digest, code=Code(commit=git("rev-parse", "HEAD"), dirty=True))
    [fault] = faults()
    assert fault.endswith(": the tree was dirty when it was trained under small-1")


def test_a_seed_that_the_freeze_does_not_have() -> None:
    frozen = freeze(2)
    train(0, [1002, 1003], day=2, freeze=frozen.digest)
    assert [fault.partition(": ")[2] for fault in faults()] == ["its freeze small-1 has another run or other seeds"]


def forged(frozen: Freeze) -> None:
    """Change a freeze, with a digest that fits."""
    frozen.model_copy(update={"reason": "another one"}).write(FIRST)


def test_a_freeze_that_was_edited() -> None:
    frozen = freeze(2)
    whole = FIRST.read_text()
    FIRST.write_text(whole.replace("to decide", "to decide it"))
    assert faults() == [f"{FIRST}: its content differs from its digest; a freeze is never edited or removed"]
    forged(frozen)
    assert faults() == [f"{FIRST}: it differs from its commit {git('rev-parse', '--short=7', 'HEAD')} (2026-01-02)"]
    commit(3)
    assert faults() == [f"{FIRST}: it was edited: 2 commits changed it"]
    FIRST.write_text(whole)
    commit(4)
    assert faults() == [f"{FIRST}: it was edited: 3 commits changed it"]
    train(0, frozen.seeds, day=4, freeze=frozen.digest)
    assert faults()[1].endswith("its freeze is not in protocols/, or was edited")
    FIRST.unlink()
    assert faults()[0].endswith("a freeze is never edited or removed")


def test_a_freeze_that_a_merge_edited() -> None:
    frozen = freeze(2)
    git("checkout", "-q", "-b", "side", "HEAD~1")
    Path("other").touch()
    commit(3)
    git("merge", "-q", "--no-commit", "main")
    forged(frozen)
    commit(4)
    assert faults() == [f"{FIRST}: it was edited: 2 commits changed it"]


def test_a_freeze_that_is_not_committed() -> None:
    freezes.write(plan(), ["*"], "to decide", None, Store(Path("results")), Config())
    assert faults() == [f"{FIRST}: it is not committed"]


@pytest.fixture(params=["none", "shallow"])
def lost(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Take the history away, or all but the last commit."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def lose() -> None:
        if request.param == "none":
            Path(".git").rename("elsewhere")
        else:
            git("clone", "-q", "--depth", "1", f"file://{tmp_path}", "clone")
            monkeypatch.chdir("clone")

    return lose


def test_without_history_and_freezes_there_is_nothing_to_audit(
    lost: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(0, [0, 1], day=1)
    commit(2)
    lost()
    done = CliRunner().invoke(app, ["audit"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "not a git repository" in done.stderr or "is a shallow clone" in done.stderr
    monkeypatch.setenv("CI", "true")
    assert isinstance(CliRunner().invoke(app, ["audit"]).exception, NoHistory)


def test_without_history_no_freeze_and_no_record_of_one_is_passed(lost: Callable[[], None]) -> None:
    confirm(freeze(2), day=2)
    commit(3)
    lost()
    assert isinstance(CliRunner().invoke(app, ["audit"]).exception, NoHistory)
    FIRST.unlink()
    assert isinstance(CliRunner().invoke(app, ["audit"]).exception, NoHistory)


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        ({}, False),
        ({"dirty": False, "since": True}, False),
        ({"dirty": True, "since": True}, True),
        ({"dirty": False, "since": False}, True),
    ],
)
def test_frozen_runs_are_evaluated_by_clean_sources_that_descend_from_the_freeze(
    made: dict[str, bool], fault: bool
) -> None:
    """The oldest evaluations do not say by which; those of other seeds may be older."""
    edit("batch_size: 16", "batch_size: 16\nevaluate: [generalization]")
    before = commit(1)
    frozen = freeze(2)
    for row in (0, 1):
        evaluate(row, train(row, [0, 1], day=2), code=Code(commit=before, dirty=False))
        block = train(row, frozen.seeds, day=2, freeze=frozen.digest)
        code = Code(commit=git("rev-parse", "HEAD") if made.get("since") else before, dirty=made.get("dirty"))
        evaluate(row, block, **({"code": code} if made else {}))
    commit(3)
    found = faults()
    assert len(found) == 2 * fault
    assert all("was not measured by clean sources that descend from small-1" in each for each in found)
