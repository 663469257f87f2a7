"""What a freeze fixes, and what the audit finds in a small repository in which each fault was really made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.config.sample_experiment import SMALL
from tests.unit.store.samples import provenance
from typer.testing import CliRunner

from remixup.analysis import freezes, records
from remixup.analysis.audit import Audit, why_exploratory
from remixup.analysis.freezes import Freeze
from remixup.cli import app
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.maintenance import evidence_queue
from remixup.planning.plan import Plan, plan_experiment
from remixup.store.blocks import SeedBlock
from remixup.store.provenance import Code, code
from remixup.store.run_store import Store

FILE = Path("experiments/mixup/small.yaml")
FIRST = Path("protocols/small-1.json")


def git(*arguments: str, day: int = 1) -> str:
    """Call git as of noon of a day in January."""
    date = f"2026-01-{day:02}T12:00:00+00:00"
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments],
        env={"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(day: int) -> str:
    git("add", "-A")
    git("commit", "-q", "-m", "a change", day=day)
    return git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
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


def edit(old: str, new: str) -> None:
    assert SMALL.count(old) == 1
    FILE.write_text(SMALL.replace(old, new))


def plan() -> Plan:
    return plan_experiment(FILE, read_experiment(FILE), Config(), "paper")


def freeze(day: int, **changes: Any) -> Freeze:
    """Write a freeze of all rows and commit it."""
    arguments = {"patterns": ["*"], "reason": "to decide", "count": None, **changes}
    path = freezes.write(plan(), **arguments, store=Store(Path("results")))
    commit(day)
    return Freeze.read(path)


def train(
    row: int, seeds: list[int], day: int, store: Store | None = None, version: str = "", **changes: Any
) -> SeedBlock:
    """Put a seed block on record as if it had been trained at the end of a day, from the last commit."""
    made = {"code": Code(commit=git("rev-parse", "HEAD"), dirty=False), "started": f"2026-01-{day:02}T23:00:00+00:00"}
    history = [{"seed": seed, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_error": 5.0} for seed in seeds]
    records._runs_by_protocol.cache_clear()
    spec = plan().rows[row].run
    if version:
        spec = spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"version": version})})
    return (store or Store(records.HOME)).publish(spec, seeds, history, provenance(**made | changes))


def confirm(frozen: Freeze, day: int) -> None:
    """Put all that a freeze asks for on record."""
    for row in range(2):
        train(row, frozen.seeds, day, freeze=frozen.digest)


def faults() -> list[str]:
    return Audit(Config()).faults


def test_a_freeze_has_all_that_decides_a_claim() -> None:
    frozen = freeze(2)
    erm, mixup = (row.key for row in plan().rows)
    content = json.loads(FIRST.read_text())
    assert content.pop("sha256") == frozen.digest
    assert content == {
        "experiment": "small",
        "scale": "paper",
        "reason": "to decide",
        "claims": {
            "lower": {
                "statement": "mixup lowers the error",
                "metric": "test_error.last",
                "compare": [{"baseline": ["erm"], "treatment": ["mixup"]}],
                "smallest_effect": 0.5,
            }
        },
        "runs": {"erm": erm, "mixup": mixup},
        "evaluations": [],
        "seeds": [1000, 1001, 1002],
        "number_of_seeds": 3,
        "stopping_rule": "fixed number of seeds",
    }


def test_its_seeds_are_new_to_records_to_the_store_and_to_other_freezes() -> None:
    train(0, [0, 1, 2], day=1)
    assert freeze(2, count=2).seeds == [1000, 1001]
    assert freeze(2).seeds == [2000, 2001, 2002]
    train(1, [3000], day=2)
    assert freeze(2).seeds[0] == 4000
    train(0, [4999], day=2, store=Store(Path("results")))
    assert freeze(2).seeds[0] == 5000
    assert freezes.names() == ["small-1", "small-2", "small-3", "small-4"]


def test_only_claims_about_the_chosen_rows_are_frozen() -> None:
    document = yaml.safe_load(SMALL)
    document["rows"].append({"id": "long", "label": "long", "run": {"epochs": 9}})
    claim = {**document["claims"][0], "id": "long-lower", "compare": [{"baseline": "long", "treatment": "mixup"}]}
    document["claims"].append(claim)
    FILE.write_text(yaml.safe_dump(document))
    frozen = freeze(2, patterns=["erm", "mix*"])
    assert list(frozen.claims) == ["lower"]
    assert list(frozen.runs) == ["erm", "mixup"]
    with pytest.raises(UserError, match=r"no row 'emr' at paper scale.*did you mean 'erm'"):
        freeze(2, patterns=["emr"])
    with pytest.raises(UserError, match="no claim is about these rows alone"):
        freeze(2, patterns=["erm"])


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
    when = f"in {commit(4)[:7]} (2026-01-04)" if committed else "and this is not committed"
    [fault] = faults()
    assert fault.startswith("small/lower: the claim was edited since its freeze small-1, ")
    assert fault.endswith(when)


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
    assert faults() == [f"{FIRST}: its rows have other runs or evaluations now; write a new freeze"]


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
    assert [fault.partition(": ")[2] for fault in faults()] == ["its freeze small-1 has other seeds"]


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
    freezes.write(plan(), ["*"], "to decide", None, Store(Path("results")))
    assert faults() == [f"{FIRST}: it is not committed"]


def run(*arguments: str) -> tuple[int, str, str]:
    code.cache_clear()
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, str(done.exception) if done.exception else done.stderr


def test_the_commands() -> None:
    asked = ("freeze", "small", "--scale", "paper", "--reason", "to decide")
    status, said, _ = run(*asked, "--rows", "erm", "--rows", "mixup", "--seeds", "7")
    assert (status, said.splitlines()[0]) == (0, str(FIRST))
    assert Freeze.read(FIRST).number_of_seeds == 7
    assert "clean source tree" in run(*asked)[2]  # the freeze itself is not committed
    commit(2)
    status, said, _ = run("audit")
    assert status == 0
    assert "0 of 7 seeds" in said
    edit("smallest_effect: 0.5", "smallest_effect: 0.1")
    done = CliRunner().invoke(app, ["audit"])
    assert (done.exit_code, "the claim was edited" in done.stderr) == (1, True)
    assert "clean source tree" in run(*asked)[2]
    FILE.write_text(SMALL)
    assert "embedded is not a real scale" in run(*asked[:3], "embedded", *asked[4:])[2]
    assert "a freeze has a reason" in run(*asked[:-1], " ")[2]


@pytest.mark.parametrize("history", ["none", "shallow"])
def test_without_the_history_nothing_is_audited(history: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    freeze(2)
    if history == "none":
        Path(".git").rename("elsewhere")
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    else:
        git("clone", "-q", "--depth", "1", f"file://{tmp_path}", "clone")
        monkeypatch.chdir("clone")
    done = CliRunner().invoke(app, ["audit"])
    assert (done.exit_code, done.stdout) == (0, "")
    reason = {"none": "not a git repository", "shallow": "the git repository is a shallow clone"}[history]
    assert done.stderr.startswith("not audited, because the history is needed: ")
    assert reason in done.stderr


def queued(*items: dict[str, Any]) -> list[evidence_queue.Task]:
    Path("evidence.yaml").write_text(yaml.safe_dump({"cpu": list(items)}))
    wanted = evidence_queue.read_queue_file(Path("evidence.yaml"))
    return evidence_queue.tasks_of(wanted.cpu, Config(), "evidence.yaml, cpu")


def test_the_evidence_queue_has_the_seeds_of_a_freeze(tmp_path: Path) -> None:
    train(0, [0, 1, 2], day=1)
    frozen = freeze(2, count=5)
    tasks = queued({"freeze": "small-1"})
    assert [str(task) for task in tasks] == [
        f"small at paper scale, {row}: seeds 1000-1004" for row in ("erm", "mixup")
    ]
    assert not any(task.on_record for task in tasks)
    evidence_queue.write_queue(tasks, Path("queue.json"), Config(), None, 1, None)
    written = json.loads(Path("queue.json").read_text())["tasks"].values()
    assert [(each["seeds"], each["frozen"]) for each in written] == [(5, [frozen.digest, 1000])] * 2
    train(0, frozen.seeds, day=2, freeze=frozen.digest)
    assert [task.on_record for task in tasks] == [True, False]


def test_a_freeze_is_about_its_runs_and_not_about_others_of_the_same_protocol() -> None:
    train(0, list(range(9)), day=1, version="uci")
    frozen = freeze(2)
    tasks = queued({"freeze": "small-1"})
    train(0, frozen.seeds, day=2, freeze=frozen.digest)
    assert tasks[0].on_record


def test_seeds_of_a_freeze_do_not_stand_in_for_others() -> None:
    frozen = freeze(2, count=5)
    confirm(frozen, day=2)
    assert not any(task.on_record for task in queued({"experiment": "small", "scale": "paper", "rows": ["*"]}))


def test_mistakes_of_a_freeze_in_the_queue() -> None:
    freeze(2)
    with pytest.raises(UserError, match=r"unknown freeze 'smal-1'.*did you mean 'small-1'"):
        queued({"freeze": "smal-1"})
    with pytest.raises(UserError, match="no other key is possible"):
        queued({"freeze": "small-1", "seeds": 2})
    edit("epochs: 2", "epochs: 3")
    with pytest.raises(UserError, match="row erm has another run than in its freeze"):
        queued({"freeze": "small-1"})
