"""Beside the workflow: what it would take, whether it would work, evidence on real data, and the stores' upkeep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Experiment, Set, Slots, app, configuration, plans_of
from remixup.config.settings import ON_CPU, Config
from remixup.planning.plan import read_plans


@app.command()
def plan(
    scale: Annotated[str | None, typer.Option(help="embedded, reduced or paper; default: the configured one")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Prints what a scale takes, by experiment: runs, seeds, operations, hours, and seeds for a verdict."""
    settings = configuration(config, [*(set_ or []), *([f"scale={scale}"] if scale else [])])
    plans = read_plans(settings)
    from rich.console import Console

    from remixup.costs.estimate import plan_costs
    from remixup.reporting import cost_table

    document = plan_costs(settings, plans)
    if as_json:
        print(document.model_dump_json(indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(cost_table.table(document))
    for line in (f"Scale {document.scale}, on {document.hardware}.", *cost_table.NOTES):
        console.print(line, soft_wrap=True)


@app.command()
def rehearse(
    experiments: Annotated[list[str], typer.Argument(help="ids of experiments")],
    row: Annotated[list[str] | None, typer.Option(help="these rows only; default: all whose data is at hand")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="of each row")] = 1,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Trains an epoch of rows and makes all their evaluations, before days are spent on them; keeps nothing."""
    from remixup.maintenance import smoke_test
    from remixup.training.gpu_lock import slots
    from remixup.training.progress import ProgressReport
    from remixup.training.runner import Runner, pick_device

    settings = configuration(config, set_)
    whole = plans_of(experiments, settings)
    plans = smoke_test.shortened(whole, row or [], epochs)
    for each in whole if not row else []:
        if lacking := len(each.rows) - len(each.runnable):
            print(f"{each.experiment.id}: the data of {lacking} of {len(each.rows)} rows is not at hand", flush=True)
    limit, data, broken = 0 if settings.scale in ON_CPU else gpu_slots, Path(settings.data.folder), False
    with slots(limit=limit) as held, ProgressReport() as progress, smoke_test.scratch() as home:
        for each in plans:
            for name, found in smoke_test.rehearse(
                settings, each, home, lambda store: Runner(store, data, pick_device(held), progress)
            ):
                broken |= isinstance(found, Path)
                said = f"broke, see {found}" if isinstance(found, Path) else smoke_test.described(found)
                print(f"{each.experiment.id}, {name}: {said}", flush=True)
        if broken:
            raise typer.Exit(1)


@app.command()
def evidence(
    agenda: Annotated[Path, typer.Option(help="what is to be trained, in the order of its worth")] = Path(
        "evidence.yaml"
    ),
    minutes: Annotated[float | None, typer.Option(min=0, help="stop after so many; the next call goes on")] = None,
    list_: Annotated[bool, typer.Option("--list", help="say what is missing, and train nothing")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="so many pieces at a time; default: one for each GPU, or for each core")
    ] = None,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Trains on real data what records/ lacks, in the order of its worth for this machine, and records it."""
    from remixup.analysis import evidence_queue as work
    from remixup.maintenance.workers import OutOfTime, number, work_through
    from remixup.training.gpu_lock import devices

    settings, wanted = configuration(config, set_), work.read_agenda(agenda)
    gpus = len(devices()[:gpu_slots])
    kind = "gpu" if gpus else "cpu"
    found = work.pieces(getattr(wanted, kind), settings, f"{agenda}, {kind}")
    missing = [piece for piece in found if not piece.on_record]
    print(f"{len(found)} pieces of evidence for a {kind.upper()}, {len(missing)} of them not on record")
    at_a_time = number(missing, gpus, workers)
    for line in work.described(missing, minutes, at_a_time):
        print(line, flush=True)
    if list_ or not missing:
        return
    try:
        for piece in work_through(missing, settings, at_a_time, gpu_slots, minutes):
            print(f"on record: {piece}", flush=True)
    except OutOfTime:
        print(f"{minutes:g} minutes are over; the next call goes on from here")


@app.command()
def record(
    experiment: Experiment,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Keeps an experiment's runs at a real scale under records/, to be committed."""
    from remixup.analysis.records import write

    settings = configuration(config, set_)
    for path in write(settings, plans_of([experiment], settings)[0]):
        print(path)


@app.command()
def verify(
    retrain: Annotated[
        int, typer.Option(min=0, help="train so many stored runs again, drawn at random, on the CPU")
    ] = 0,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Holds everything that is stored against its digest: data, runs, checkpoints, evaluations, receipts, records."""
    from remixup.maintenance.integrity import verify as check

    settings = configuration(config, set_)
    found = check(settings)
    for line in found.damage:
        print(line, file=sys.stderr)
    print(f"{found.checked} files and folders checked, {len(found.damage)} damaged")
    if found.damage:
        raise typer.Exit(1)
    if retrain:
        retrained(settings, retrain)


def retrained(settings: Config, count: int) -> None:
    """Trains stored runs again and says of each whether it is the same; exit status 1 where one is not."""
    from remixup.maintenance import reproduction

    chosen, stored = reproduction.choose(settings, count)
    print(f"training again {len(chosen)} of the {stored} stored blocks of seeds that this machine's CPU can train")
    different = 0
    for block in chosen:
        found = reproduction.difference(settings, block)
        print(f"{block.folder.parent.name}/{block.folder.name}: {found or 'the same bits'}", flush=True)
        different += found is not None
    if different:
        raise typer.Exit(1)


@app.command()
def settle(config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """After `git clone` and `dvc pull`: verifies every digest, then sets file times in the order of the workflow."""
    import subprocess

    verify(config=config, set_=set_)
    overrides = ["--config", *set_] if set_ else []
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--touch", "--quiet", "all", *overrides]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def prune(
    yes: Annotated[bool, typer.Option("--yes", help="delete; without it, only list")] = False,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Lists, or deletes, the stored runs that no row asks for at any scale."""
    from remixup.maintenance.pruning import leftovers

    settings = configuration(config, set_)
    for path in leftovers(settings, delete=yes):
        print(f"{'deleted' if yes else 'would delete'} {path}")
