"""A small repository with a committed experiment, in which tests freeze, train and edit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.unit.config.sample_experiment import SMALL
from tests.unit.store.samples import measurement, provenance

from remixup.analysis import freezes, records
from remixup.analysis.freezes import Freeze
from remixup.config.experiment import read_experiment
from remixup.config.settings import Config
from remixup.evaluation import storage
from remixup.planning.plan import Plan, plan_experiment
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.provenance import Code
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


def edit(old: str, new: str) -> None:
    assert SMALL.count(old) == 1
    FILE.write_text(SMALL.replace(old, new))


def plan() -> Plan:
    return plan_experiment(FILE, read_experiment(FILE), Config(), "paper")


def freeze(day: int, **changes: Any) -> Freeze:
    """Write a freeze of all rows and commit it."""
    arguments = {"patterns": ["*"], "reason": "to decide", "count": None, **changes}
    path = freezes.write(plan(), **arguments, store=Store(Path("results")), config=Config())
    commit(day)
    return Freeze.read(path)


def train(
    row: int,
    seeds: list[int],
    day: int,
    store: Store | None = None,
    version: str = "",
    error: float = 5.0,
    **changes: Any,
) -> SeedBlock:
    """Put a seed block on record as if it had been trained from the last commit, at the end of a day."""
    made = {"code": Code(commit=git("rev-parse", "HEAD"), dirty=False), "started": f"2026-01-{day:02}T23:00:00+00:00"}
    history = [{"seed": seed, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_error": error} for seed in seeds]
    records._runs_by_protocol.cache_clear()
    spec = plan().rows[row].run
    if version:
        spec = spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"version": version})})
    return (store or Store(records.HOME)).publish(spec, seeds, history, provenance(**made | changes))


def evaluate(row: int, block: SeedBlock, test_error: float = 5.0, **made: Any) -> None:
    """Put on record what the evaluation of a row measured on a block."""
    planned = plan()
    wanted = planned.evaluation(planned.rows[row], planned.rows[row].evaluate[0])
    assert wanted is not None
    values = {"train_error": 0.0, "test_error": test_error, "gap": test_error}
    evaluated = EvaluatedBlock(
        evaluation=wanted.part,
        runs=wanted.runs,
        block=block.digest,
        measured=[{"seed": seed, **values} for seed in block.seeds],
        provenance=measurement(**made) if made else None,
    )
    evaluated.write(storage.path(Store(records.HOME), wanted, block))


def confirm(frozen: Freeze, day: int) -> None:
    """Put all that a freeze asks for on record."""
    for row in range(2):
        train(row, frozen.seeds, day, freeze=frozen.digest)
