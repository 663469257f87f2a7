"""The archive of a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, app, configuration
from remixup.planning.plan import read_plans


@app.command()
def release(
    folder: Annotated[Path | None, typer.Argument(help="default: `release` in the folder of results")] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Write a folder for Zenodo or Software Heritage: sources, documents, weights, and a Workflow Run RO-Crate."""
    from remixup.maintenance.release import write_release

    settings = configuration(config, set_)
    print(write_release(settings, read_plans(settings), folder or Path(settings.results) / "release"))
