"""Commands beside the workflow: costs of a scale, the run of a row, smoke tests, upkeep of the stores."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, Slots, app, configuration, plans_of
from remixup.config.settings import Scale
from remixup.errors import UserError, did_you_mean
from remixup.planning.plan import Plan, PlannedRow, read_plans


@app.command()
def plan(
    scale: Annotated[Scale | None, typer.Option(help="default: the configured one")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Print runs, seeds, operations and hours of each experiment, and the seeds that verdicts need."""
    settings = configuration(config, [*(set_ or []), *([f"scale={scale}"] if scale else [])])
    plans = read_plans(settings)
    from rich.console import Console

    from remixup.costs.estimate import plan_costs
    from remixup.reporting import cost_table

    with Console(stderr=True).status("counting runs and operations"):
        document = plan_costs(settings, plans)
    if as_json:
        print(document.model_dump_json(indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(cost_table.table(document))
    for line in (f"Scale {document.scale}, on {document.hardware}.", *cost_table.NOTES):
        console.print(line, soft_wrap=True)


@app.command()
def show(
    row: Annotated[str, typer.Argument(help="id of a row")],
    experiment: Annotated[str, typer.Option(help="its experiment, where several have a row of this id")] = "",
    scale: Annotated[Scale | None, typer.Option(help="default: the configured one")] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Print the run of a row: its specification, hash, seeds and records, and the command that trains it."""
    import yaml

    from remixup.analysis.records import RecordedResults

    settings = configuration(config, [*(set_ or []), *([f"scale={scale}"] if scale else [])])
    plan, planned = row_of(plans_of([experiment], settings) if experiment else read_plans(settings), row)
    recorded = RecordedResults(plan)
    dataset = planned.run.dataset
    evaluations = [each for part in planned.evaluate if (each := plan.evaluation(planned, part))]
    document = {
        "experiment": plan.experiment.id,
        "row": row,
        "scale": plan.scale,
        "counts_as": planned.scale,
        "surrogate": planned.surrogate,
        "key": planned.key,
        "hash": planned.run.digest(),
        "seeds": planned.seeds,
        "dataset": {"name": dataset.name, "version": dataset.version, "available": planned.available},
        "run": planned.run.model_dump(mode="json", exclude_defaults=True),
        "evaluations": {each.key: each.part for each in evaluations},
        "records": {str(recorded.store.path(each)): _span(each.seeds) for each in recorded.blocks(planned)},
        "train": f"remixup train {plan.experiment.id} --row {row} --set scale={plan.scale}",
    }
    print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), end="")


def _span(seeds: list[int]) -> str:
    """Return neighboring seeds as a range, such as `0-39`."""
    return f"{seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"


def row_of(plans: list[Plan], row: str) -> tuple[Plan, PlannedRow]:
    """Return the row of that id, and the plan of its experiment.

    Raises:
        UserError: no plan has such a row, or several have.
    """
    found = [(plan, planned) for plan in plans for planned in plan.rows if planned.row.id == row]
    if not found:
        known = {planned.row.id for plan in plans for planned in plan.rows}
        raise UserError(f"unknown row {row!r}", where="argument ROW", hint=did_you_mean(row, known))
    if len(found) > 1:
        names = ", ".join(plan.experiment.id for plan, _ in found)
        raise UserError(f"several experiments have a row {row}", where="argument ROW", hint=f"--experiment: {names}")
    return found[0]


@app.command()
def smoke_test(
    experiments: Annotated[list[str], typer.Argument(help="ids of experiments")],
    row: Annotated[list[str] | None, typer.Option(help="only these rows; default: all whose data is available")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="of each row")] = 1,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Train one epoch of each row and make its evaluations, to find mistakes early; store nothing."""
    from remixup.cli.pipeline import open_runner
    from remixup.maintenance import smoke_test as smoke

    settings = configuration(config, set_)
    whole = plans_of(experiments, settings)
    plans = smoke.shortened(whole, row or [], epochs)
    for each in whole if not row else []:
        if lacking := len(each.rows) - len(each.runnable):
            print(f"{each.experiment.id}: the data of {lacking} of {len(each.rows)} rows is not available", flush=True)
    broken = False
    with open_runner(settings, plans, gpu_slots) as runner, smoke.scratch() as home:
        for each in plans:
            for name, found in smoke.run(settings, each, home, lambda store: replace(runner, store=store)):
                broken |= isinstance(found, Path)
                said = f"failed, see {found}" if isinstance(found, Path) else _outcome(found)
                print(f"{each.experiment.id}, {name}: {said}", flush=True)
        if broken:
            raise typer.Exit(1)


def _outcome(found: dict[str, float]) -> str:
    """Return seconds and errors of a smoke test in words."""
    errors = [f"{name.replace('_', ' ')} {value:.2f}" for name, value in found.items() if name != "seconds"]
    return ", ".join([f"{found['seconds']:.1f} s", *errors])


@app.command()
def verify(
    retrain: Annotated[
        int, typer.Option(min=0, help="also train this many stored seed blocks again, drawn at random, on the CPU")
    ] = 0,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Compare data, runs, checkpoints, evaluations, manifests and records with their digests."""
    from remixup.maintenance.integrity import verify as check

    settings = configuration(config, set_)
    checked, damage = check(settings)
    for line in damage:
        print(line, file=sys.stderr)
    print(f"{checked} files and folders checked, {len(damage)} damaged")
    if damage:
        raise typer.Exit(1)
    if not retrain:
        return
    from remixup.maintenance import reproduction

    chosen, stored = reproduction.choose(settings, retrain)
    print(f"training again {len(chosen)} of the {stored} stored seed blocks that this CPU can train")
    different = 0
    for block in chosen:
        found = reproduction.difference(settings, block)
        print(f"{block.run}/{block.name}: {found or 'the same bits'}", flush=True)
        different += found is not None
    if different:
        raise typer.Exit(1)


@app.command()
def restore(config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """Verify all digests, then set file times in the order of the workflow; for use after `dvc pull`."""
    import subprocess
    import tempfile

    from remixup.reporting.outcome import DOCUMENTS

    verify(config=config, set_=set_)
    settings = configuration(config, set_)
    with tempfile.TemporaryDirectory(prefix="remixup-restore-") as folder:
        # The effect of --config and --set, in one file that overrides config.yaml.
        file = Path(folder, "config.json")
        file.write_text(settings.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--touch", "--profile", "none"]
        command += ["--configfile", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr, end="")
        raise typer.Exit(done.returncode)
    print(f"documents: {settings.home}/{', '.join(DOCUMENTS)}")


@app.command()
def prune(
    yes: Annotated[bool, typer.Option("--yes", help="delete them; default: only list them")] = False,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """List or delete results that no row, record or freeze uses at any scale, and files that a kill left unfinished."""
    from remixup.maintenance.pruning import leftovers

    settings = configuration(config, set_)
    for path in leftovers(settings, delete=yes):
        print(f"{'deleted' if yes else 'would delete'} {path}")
