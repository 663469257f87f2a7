"""List experiments, rows, datasets and methods."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, app, configuration
from remixup.config.registry import load_registry
from remixup.config.settings import Config
from remixup.planning.plan import read_plans

Listed = Literal["experiments", "rows", "datasets", "methods"]
METHODS = ("ratio", "partner", "blend", "target", "noise")
"""The kinds of components that a mixing method is made of."""
HEADS = {
    "experiments": ("experiment", "rows", "with data", "paper", "title"),
    "rows": ("experiment", "row", "seeds", "dataset", "data", "counts as"),
    "datasets": ("dataset", "version", "task", "examples", "data"),
    "methods": ("component", "name", "parameters", "what it does"),
}
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

    lines = {"experiments": experiments, "rows": rows, "datasets": datasets, "methods": methods}[what]
    table = Table(*HEADS[what], box=None, pad_edge=False, header_style="bold")
    for line in lines(configuration(config, set_)):
        table.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False).print(table)


def experiments(settings: Config) -> Iterator[Line]:
    """Yield the experiments: id, number of rows, number of rows with available data, paper, and title."""
    for plan in read_plans(settings):
        each = plan.experiment
        yield each.id, str(len(plan.rows)), str(len(plan.runnable)), each.paper, each.title


def rows(settings: Config) -> Iterator[Line]:
    """Yield the rows of all experiments, with seeds and dataset."""
    for plan in read_plans(settings):
        for planned in plan.rows:
            dataset = planned.run.dataset
            data = "available" if planned.available else "not available"
            counts_as = "surrogate" if planned.surrogate else planned.scale
            name = f"{dataset.name} ({dataset.version})"
            yield plan.experiment.id, planned.row.id, str(planned.seeds), name, data, counts_as


def datasets(settings: Config) -> Iterator[Line]:
    """Yield each version of each dataset, and where it comes from."""
    for name, entry in load_registry()["datasets"].items():
        for version, known in entry["versions"].items():
            origin = "data.download or a mirror" if known["downloadable"] else "a mirror"
            if known["embedded"]:
                origin = "comes with the program"
            elif settings.available(name, version):
                origin = "available"
            yield name, version, entry["task"], f"{entry['train']:,}", origin


def methods(_: Config) -> Iterator[Line]:
    """Yield the components of mixing methods, with parameters."""
    for kind in METHODS:
        for name, entry in load_registry()["kinds"][kind].items():
            yield kind, name, ", ".join(entry["parameters"]), entry["summary"]
