"""Commands for evidence on real data: train what records/ lacks, and record it."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Set, Slots, app, configuration, plans_of
from remixup.config.settings import read_config
from remixup.errors import UserError
from remixup.planning.plan import read_plans

SCRATCH = Path(".remixup")
Seeds = Annotated[
    str | None, typer.Option(metavar="FIRST-LAST", help="only these seeds, of runs that train them one by one")
]
RunsPerGpu = Annotated[int, typer.Option(min=1, help="tasks that share a GPU")]


def read_seeds(text: str) -> range:
    """Read `3-4`, or one seed such as `3`."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if match is None:
        raise UserError(f"{text!r} is not a range of seeds", where="--seeds", hint="3-4, or 3")
    return range(int(match[1]), int(match[2] or match[1]) + 1)


@app.command()
def evidence(
    queue: Annotated[Path, typer.Option(help="what to train, the most valuable first")] = Path("evidence.yaml"),
    minutes: Annotated[float | None, typer.Option(min=0, help="time budget; the next call continues")] = None,
    list_: Annotated[bool, typer.Option("--list", help="only list what is missing")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="tasks at a time; default: one for each GPU, or for each core")
    ] = None,
    seeds: Seeds = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="with --minutes: start only tasks that are expected to end in time")
    ] = False,
    gpu_slots: Slots = None,
    runs_per_gpu: RunsPerGpu = 1,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Train and record the runs on real data that records/ lacks, the most valuable first."""
    from remixup.costs.rates import Device, this_device
    from remixup.maintenance import evidence_queue, linear_baselines
    from remixup.store.provenance import require_clean_sources
    from remixup.training.gpu_lock import devices

    settings, wanted = configuration(config, set_), evidence_queue.read_queue_file(queue)
    gpus = runs_per_gpu * len(devices()[:gpu_slots])
    kind = "gpu" if gpus else "cpu"
    device = Device(this_device("paper"), runs_per_gpu) if gpus else None
    found = evidence_queue.tasks_of(getattr(wanted, kind), settings, f"{queue}, {kind}", device)
    if seeds is not None:
        found = evidence_queue.of_seeds(found, read_seeds(seeds))
    missing = [task for task in found if not task.on_record]
    print(f"{len(found)} evidence tasks for a {kind.upper()}, {len(missing)} of them not on record")
    at_a_time = evidence_queue.number_of_workers(missing, gpus, workers)
    for line in evidence_queue.described(missing, minutes, at_a_time):
        print(line, flush=True)
    lacking = linear_baselines.missing(settings)
    if lacking:
        print(f"{len(lacking)} runs on record lack the linear baseline of their data")
    if list_ or not (missing or lacking):
        return
    require_clean_sources("evidence is trained")
    until = None if minutes is None else time.time() + 60 * minutes
    SCRATCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="evidence-", dir=SCRATCH))
    evidence_queue.write_queue(
        missing,
        folder / "queue.json",
        settings,
        gpu_slots,
        at_a_time,
        until,
        linear_baselines=bool(lacking),
        runs_per_gpu=runs_per_gpu,
        whole=whole,
    )
    # Snakemake replaces this process, without its locks, which outlive a kill. Each run has a lock of its own, and each
    # call its own folder.
    options = ["--nolock", "--drop-metadata", "--scheduler", "greedy", "--quiet", "all"]
    options += ["--profile", "none", "--workflow-profile", "none"]
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", "workflow/evidence.smk"]
    sys.stdout.flush()
    os.execv(sys.executable, [*snakemake, "--cores", str(at_a_time), *options, "--config", f"folder={folder}"])


@app.command(hidden=True)
def evidence_task(
    name: Annotated[str, typer.Argument(help="of the task")],
    queue: Annotated[Path, typer.Option(help="file that `remixup evidence` wrote")],
) -> None:
    """Carry out a task of the evidence queue."""
    from remixup.maintenance.evidence_task import NotInformative, OutOfTime, carry_out

    try:
        print(f"on record: {carry_out(queue, name)}", flush=True)
    except NotInformative as error:
        print(f"not trained: {error}", flush=True)
    except OutOfTime as error:
        print(error, flush=True)


@app.command(hidden=True)
def evidence_baselines(queue: Annotated[Path, typer.Option(help="file that `remixup evidence` wrote")]) -> None:
    """Measure the linear baselines that the records lack."""
    from remixup.maintenance import linear_baselines

    document = json.loads(queue.read_text(encoding="utf-8"))
    settings = read_config(document["config"], str(queue))
    for line in linear_baselines.measure(linear_baselines.missing(settings), settings, document["until"]):
        print(line, flush=True)


@app.command()
def record(
    experiment: Annotated[str, typer.Argument(help="id of an experiment; default: all")] = "",
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Copy stored runs that records/ lacks to records/, to be committed."""
    from remixup.analysis.records import write

    settings = configuration(config, set_)
    for plan in plans_of([experiment], settings) if experiment else read_plans(settings):
        for path in write(settings, plan):
            print(path)
