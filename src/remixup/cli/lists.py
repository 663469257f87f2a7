"""List experiments, rows, datasets and methods."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, app, configuration
from remixup.config.registry import load_registry
from remixup.config.settings import Config
from remixup.planning.plan import Plan, read_plans

Listed = Literal["experiments", "rows", "datasets", "methods"]
METHODS = ("ratio", "partner", "blend", "target", "noise")
"""The kinds of components that a mixing method is made of."""
Line = tuple[str, ...]


@app.command(name="list")
def list_(
    what: Annotated[Listed, typer.Argument(help="what to list")] = "experiments",
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """List experiments, rows, datasets or the components of mixing methods, at the configured scale."""
    from rich.console import Console
    from rich.table import Table

    settings = configuration(config, set_)
    heads, lines = {"experiments": experiments, "rows": rows, "datasets": datasets, "methods": methods}[what](settings)
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for line in lines:
        table.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False).print(table)


def experiments(settings: Config) -> tuple[Line, Iterator[Line]]:
    """Return the experiments: id, rows, those whose data is available, where it is printed, and title."""
    lines = (
        (plan.experiment.id, str(len(plan.rows)), str(len(plan.runnable)), plan.experiment.paper, plan.experiment.title)
        for plan in read_plans(settings)
    )
    return ("experiment", "rows", "with data", "paper", "title"), lines


def rows(settings: Config) -> tuple[Line, Iterator[Line]]:
    """Return the rows of all experiments, with seeds and dataset."""
    lines = (line for plan in read_plans(settings) for line in _rows(plan))
    return ("experiment", "row", "seeds", "dataset", "data", "counts as"), lines


def _rows(plan: Plan) -> Iterator[Line]:
    for planned in plan.rows:
        dataset = planned.run.dataset
        data = "available" if planned.available else "not available"
        counts_as = "surrogate" if planned.surrogate else planned.scale
        name = f"{dataset.name} ({dataset.version})"
        yield plan.experiment.id, planned.row.id, str(planned.seeds), name, data, counts_as


def datasets(settings: Config) -> tuple[Line, Iterator[Line]]:
    """Return each version of each dataset, and where it comes from."""
    lines = (
        (name, version, entry["task"], f"{entry['train']:,}", _origin(settings, name, version, known))
        for name, entry in load_registry()["datasets"].items()
        for version, known in entry["versions"].items()
    )
    return ("dataset", "version", "task", "examples", "data"), lines


def _origin(settings: Config, name: str, version: str, known: dict[str, bool]) -> str:
    if known["embedded"]:
        return "comes with the program"
    if settings.available(name, version):
        return "available"
    return "data.download or a mirror" if known["downloadable"] else "a mirror"


def methods(_: Config) -> tuple[Line, Iterator[Line]]:
    """Return the components of mixing methods, with parameters."""
    kinds = load_registry()["kinds"]
    lines = (
        (kind, name, ", ".join(entry["parameters"]), entry["summary"])
        for kind in METHODS
        for name, entry in kinds[kind].items()
    )
    return ("component", "name", "parameters", "what it does"), lines
