"""Histories for trackers and other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, app, configuration, plans_of
from remixup.errors import UserError
from remixup.planning.plan import read_plans


@app.command()
def export(
    experiments: Annotated[list[str] | None, typer.Argument(help="ids of experiments; default: all")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="folder for event files of TensorBoard")] = None,
    csv: Annotated[Path | None, typer.Option(help="CSV file: a line for each seed and epoch")] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Write the histories of the rows at the configured scale, from the run store or else from the records."""
    from remixup.maintenance.export import points, write_csv, write_tensorboard

    if tensorboard is None and csv is None:
        raise UserError("no format is named", where="remixup export", hint="--tensorboard FOLDER or --csv FILE")
    settings = configuration(config, set_)
    plans = plans_of(experiments, settings) if experiments else read_plans(settings)
    if csv is not None:
        print(f"{csv}: {write_csv(points(settings, plans), csv)} lines")
    if tensorboard is not None:
        print(f"{tensorboard}: {write_tensorboard(points(settings, plans), tensorboard)} points")
