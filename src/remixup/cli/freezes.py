"""Commands that fix claims, runs and seeds before the runs, and check that they stayed as they were."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Experiment, Set, app, configuration, plans_of
from remixup.errors import UserError


@app.command()
def freeze(
    experiment: Experiment,
    scale: Annotated[str, typer.Option(help="reduced-cpu, reduced or paper")],
    reason: Annotated[str, typer.Option(help="why it is frozen or, for an amendment, why it changes")],
    rows: Annotated[list[str] | None, typer.Option(help="ids of rows, or patterns of ids; default: all")] = None,
    seeds: Annotated[int | None, typer.Option(min=2, help="number of seeds; default: that of the file")] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Fix claims, runs and new seeds of an experiment in protocols/, before the runs are trained."""
    from remixup.analysis.freezes import write
    from remixup.store.provenance import require_clean_sources
    from remixup.store.run_store import Store

    settings = configuration(config, [*(set_ or []), f"scale={scale}"])
    if not reason.strip():
        raise UserError("a freeze has a reason", where="--reason")
    require_clean_sources("a freeze is made", hint="commit first; then the freeze is committed alone")
    plan, store = plans_of([experiment], settings)[0], Store(Path(settings.results))
    path = write(plan, rows or ["*"], reason, seeds, store, settings)
    print(path)
    print("commit it alone, then train it by an item of evidence.yaml: {freeze: " + path.stem + "}")


@app.command()
def audit(config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """Print when each claim was committed, frozen, run and changed; exit with status 1 if a freeze was violated."""
    from rich.console import Console
    from rich.table import Table

    from remixup.analysis import freezes
    from remixup.analysis.audit import Audit
    from remixup.analysis.history import NoHistory

    try:
        found = Audit(configuration(config, set_))
    except NoHistory as error:
        if os.environ.get("CI") or freezes.in_use():
            raise
        print(f"no freeze to audit; {error}", file=sys.stderr)
        return
    table = Table("claim", "first commit", "freeze", "first run", "last change since", "confirmatory", box=None)
    for line in found.lines():
        frozen = line.frozen
        count = f"{line.confirmatory} of {frozen.freeze.number_of_seeds} seeds" if frozen else "no"
        first_run = line.first_run[:10] if line.first_run else ""
        cells = (line.first_commit, frozen, first_run, line.last_change)
        table.add_row(line.claim, *(str(each or "") for each in cells), count)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    for fault in found.faults:
        print(fault, file=sys.stderr)
    print(f"{len(found.frozen)} freezes, {len(found.faults)} faults")
    if found.faults:
        raise typer.Exit(1)
