"""Smoke-test rows: train an epoch of each and make its evaluations, to find mistakes before long runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from remixup import data
from remixup.config.settings import Config
from remixup.errors import UserError, look_up
from remixup.evaluation.runner import evaluate_all
from remixup.planning.plan import Plan, needs_weights
from remixup.store.run_store import Store
from remixup.training.runner import Runner, train_all

SCRATCH = Path(".remixup")


def shortened(plans: list[Plan], rows: list[str], epochs: int) -> list[Plan]:
    """Return plans of these rows alone (of all whose data is available, if none is named), with one seed each.

    A row that the evaluation of another names as its source is included, with the two seeds that a source needs.

    Raises:
        UserError: no plan has a row of that name, or its data is unavailable, or that of all rows is.
    """
    known = {row.row.id: row for plan in plans for row in plan.rows}
    for name in rows:
        if not look_up("row", name, known, "--row").available:
            hint = "name a mirror folder that has it, or let it be downloaded (data in config.yaml)"
            raise UserError(f"the data of row {name} is not available", where="--row", hint=hint)
    if not any(plan.runnable for plan in plans):
        hint = "name a mirror folder, or let data be downloaded (data in config.yaml)"
        raise UserError("the data of none of these rows is available", where="argument EXPERIMENTS", hint=hint)
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
    folder = Path(tempfile.mkdtemp(prefix="smoke-test-", dir=SCRATCH))
    with suppress(KeyboardInterrupt):
        yield folder
    shutil.rmtree(folder)


def run(
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
    for name, version in sorted({(spec.dataset.name, spec.dataset.version) for spec, _ in runs.values()}):
        data.prepare_as_configured(config, name, version)
    evaluations = plan.evaluations().values()
    weights = {key for each in evaluations if needs_weights(each) for key in each.runs}
    runner = make(store)
    for row in plan.rows:
        outcome = train_all(runner, {row.key: runs[row.key]}, weights, lambda key: home / f"{key}.failed.txt")
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
    evaluate_all(runner, [each for each in evaluations if all(map(store.files, each.runs))], runs)
