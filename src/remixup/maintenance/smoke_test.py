"""Rehearses rows: an epoch of each and all that is measured on it, before days are spent on them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from remixup import data
from remixup.config.settings import Config
from remixup.errors import UserError, did_you_mean
from remixup.evaluation.runner import evaluate_all
from remixup.evaluation.storage import needs_weights
from remixup.planning.plan import Plan
from remixup.store.run_store import Store
from remixup.training.runner import Runner, train_pack

SCRATCH = Path(".remixup")


def shortened(plans: list[Plan], rows: list[str], epochs: int) -> list[Plan]:
    """Plans of these rows alone (all whose data is at hand, if none is named), with so many epochs and one seed each.

    A row that another one's evaluation names as its source comes along, with the two seeds that a source needs.

    Raises:
        UserError: no plan has a row of that name, or its data is not at hand, or that of no row is.
    """
    known = {row.row.id: row for plan in plans for row in plan.rows}
    for name in rows:
        if name not in known:
            raise UserError(f"unknown row {name!r}", where="--row", hint=did_you_mean(name, known))
        if not known[name].at_hand:
            hint = "name a mirror folder that has it, or let it be downloaded (data in config.yaml)"
            raise UserError(f"the data of row {name} is not at hand", where="--row", hint=hint)
    if not any(plan.runnable for plan in plans):
        hint = "name a mirror folder, or let data be downloaded (data in config.yaml)"
        raise UserError("the data of none of these rows is at hand", where="argument EXPERIMENTS", hint=hint)
    return [_shortened(plan, set(rows) or set(known), epochs) for plan in plans]


def _shortened(plan: Plan, rows: set[str], epochs: int) -> Plan:
    chosen = [row for row in plan.runnable if row.row.id in rows]
    sources = {part["source"] for row in chosen for part in row.evaluate if "source" in part}
    short = []
    for row in plan.runnable:
        if row in chosen or row.row.id in sources:
            run = row.run.model_copy(update={"epochs": min(epochs, row.run.epochs)})
            short.append(replace(row, run=run, seeds=2 if row.row.id in sources else 1))
    return replace(plan, rows=short)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone after the rehearsal, also one that the user stops, but stays where it broke."""
    SCRATCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=SCRATCH))
    try:
        yield folder
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def rehearse(
    config: Config, plan: Plan, home: Path, make: Callable[[Store], Runner]
) -> Iterator[tuple[str, Path | dict[str, float]]]:
    """Prepares, trains and measures the rows of a shortened plan; yields each row with what became of it.

    That is the seconds and the last test errors of its first seed, or where it broke, the file with the traceback. What
    an evaluation breaks of is raised.

    Args:
        config: where data comes from.
        plan: of `shortened`.
        home: an empty folder, or one in which another experiment was rehearsed: they share equal runs.
        make: makes a runner for a store.
    """
    store, runs = Store(home / "results", home / "checkpoints", home / "scratch"), plan.runs()
    for name, version in sorted({(run.dataset.name, run.dataset.version) for run, _ in runs.values()}):
        folder = Path(config.data.folder)
        data.prepare(name, version, folder=folder, mirror=config.mirror, download=config.data.download)
    evaluations = plan.evaluations()
    weights = {run for wanted in evaluations.values() if needs_weights(wanted) for run in wanted.runs}
    runner = make(store)
    for row in plan.rows:
        outcome = train_pack(runner, {row.key: runs[row.key]}, weights, lambda key: home / f"{key}.failed.txt")
        if outcome["failed"]:
            yield row.row.id, Path(outcome["failed"][row.key])
            continue
        block = store.blocks(row.key)[0]
        errors = {
            name.removesuffix(".last"): values[0]
            for name, values in block.read("metrics.json")["values"].items()
            if name.startswith("test_") and name.endswith("_error.last")
        }
        yield row.row.id, {"seconds": block.read("provenance.json")["seconds"], **errors}
    # Where a run broke, what reads it cannot be made.
    there = [each for each in evaluations.values() if all(store.blocks(run) for run in each.runs)]
    evaluate_all(runner, home / "results", there, runs)


def described(found: dict[str, float]) -> str:
    """What became of a row, in words."""
    seconds, *errors = found.items()
    return ", ".join([f"{seconds[1]:.1f} s", *(f"{name.replace('_', ' ')} {value:.2f}" for name, value in errors)])
