"""Histories of runs for other programs: a CSV file, or event files of TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from remixup.analysis.records import RecordedResults
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.files import write_atomically
from remixup.planning.plan import Plan
from remixup.store.run_store import Store

KEYS = ("experiment", "row", "scale", "run", "seed", "epoch")


class Point(NamedTuple):
    """What a seed of a row had after an epoch."""

    experiment: str
    row: str
    scale: str
    run: str
    seed: int
    epoch: int
    values: dict[str, float]


def points(settings: Config, plans: list[Plan]) -> Iterator[Point]:
    """Yield the histories of the rows at the configured scale, seed by seed: of the run store, else on record."""
    store = Store(Path(settings.results))
    for plan in plans:
        recorded = RecordedResults(plan)
        for planned in plan.rows:
            for block in store.blocks(planned.key) or recorded.blocks(planned):
                history = block.history or {}
                names = [name for name in history if name not in ("seed", "epoch")]
                places = range(len(history.get("epoch", ())))
                for i in sorted(places, key=lambda i: (history["seed"][i], history["epoch"][i])):
                    values = {name: history[name][i] for name in names}
                    identity = (plan.experiment.id, planned.row.id, plan.scale, planned.key)
                    yield Point(*identity, int(history["seed"][i]), int(history["epoch"][i]), values)


def write_csv(found: Iterator[Point], path: Path) -> int:
    """Write one line for each point, a column for each quantity that any has; return the number of lines."""
    rows: list[dict[str, Any]] = [dict(zip(KEYS, each, strict=False)) | each.values for each in found]
    quantities = sorted({name for row in rows for name in row} - set(KEYS))
    with write_atomically(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*KEYS, *quantities])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def write_tensorboard(found: Iterator[Point], folder: Path) -> int:
    """Write event files to `<experiment>/<row>/seed-<n>` of a folder; return the number of points.

    Raises:
        UserError: tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        hint = ".venv/bin/uv pip install --python .venv/bin/python tensorboardX"
        raise UserError("tensorboardX is not installed", where="--tensorboard", hint=hint) from None
    count = 0
    for (experiment, row, seed), own in groupby(found, key=attrgetter("experiment", "row", "seed")):
        with closing(SummaryWriter(str(folder / experiment / row / f"seed-{seed}"))) as writer:
            for each in own:
                count += 1
                for name, value in each.values.items():
                    writer.add_scalar(name, value, each.epoch)
    return count
