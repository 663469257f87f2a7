"""Smoke-test rows: train an epoch of each and make its evaluations, before days are spent on them."""

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
from remixup.planning.plan import Plan, needs_weights
from remixup.store.run_store import Store
from remixup.training.runner import Runner, train_pack

SCRATCH = Path(".remixup")


def shortened(plans: list[Plan], rows: list[str], epochs: int) -> list[Plan]:
    """Return plans of these rows alone (of all whose data is available, if none is named), with one seed each.

    A row that the evaluation of another names as its source is included, with the two seeds that a source needs.

    Raises:
        UserError: no plan has a row of that name, or its data is not at hand, or that of no row is.
    """
    known = {row.row.id: row for plan in plans for row in plan.rows}
    for name in rows:
        if name not in known:
            raise UserError(f"unknown row {name!r}", where="--row", hint=did_you_mean(name, known))
        if not known[name].available:
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
    """Yield a folder that is removed after the test, also one that the user stops, but not after a failure."""
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
    """Prepare, train and evaluate the rows of a shortened plan; yield each row with its outcome.

    The outcome is the seconds and the last test errors of its first seed or, where it failed, the file with the
    traceback. An exception of an evaluation is raised.

    Args:
        config: where data comes from.
        plan: of `shortened`.
        home: an empty folder, or one in which another experiment was tested: they share equal runs.
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
        if outcome.failed:
            yield row.row.id, Path(outcome.failed[row.key])
            continue
        block = store.blocks(row.key)[0]
        errors = {
            name.removesuffix(".last"): values[0]
            for name, values in block.values.items()
            if name.startswith("test_") and name.endswith("_error.last") and values[0] is not None
        }
        yield row.row.id, {"seconds": block.provenance.seconds, **errors}
    # Evaluations of a failed run cannot be made.
    there = [each for each in evaluations.values() if all(store.files(run) for run in each.runs)]
    evaluate_all(runner, there, runs)


def described(found: dict[str, float]) -> str:
    """Return the outcome of a row, in words."""
    seconds, *errors = found.items()
    return ", ".join([f"{seconds[1]:.1f} s", *(f"{name.replace('_', ' ')} {value:.2f}" for name, value in errors)])
