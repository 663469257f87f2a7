"""Commands for a GPU machine without a network: pack what it needs, run it there, install its results."""

from __future__ import annotations

import platform
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from remixup.cli.evidence import RunsPerGpu, Seeds, read_seeds
from remixup.cli.options import DEFAULT, ConfigFile, Set, app, configuration
from remixup.errors import UserError

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@app.command()
def bundle(
    minutes: Annotated[float, typer.Option(min=0, help="time on the other machine")],
    max_mib: Annotated[float, typer.Option(help="largest size of a part, in MiB")],
    installed: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="what `pip freeze` prints there: other packages are packed"),
    ],
    python: Annotated[str | None, typer.Option(metavar="X.Y", help="Python there; default: that of here")] = None,
    machine: Annotated[str | None, typer.Option(help="x86_64 or aarch64; default: that of here")] = None,
    hardware: Annotated[str, typer.Option(help="name of the GPU there; records of it give its speed")] = "",
    tflops: Annotated[float | None, typer.Option(min=0.001, help="its speed in TFLOP/s if no record gives it")] = None,
    gpus: Annotated[int, typer.Option(min=1, help="number of GPUs there")] = 1,
    runs_per_gpu: RunsPerGpu = 1,
    seeds: Seeds = None,
    benchmark: Annotated[
        str | None, typer.Option(metavar="PARTS", help="measure these parts of the benchmark first")
    ] = None,
    queue: Annotated[Path, typer.Option(help="what to train, the most valuable first")] = Path("evidence.yaml"),
    to: Annotated[Path, typer.Option(help="folder of the bundle; an older one in it is removed")] = Path(
        ".remixup/bundle"
    ),
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Pack evidence tasks for a GPU machine without a network, and print what to do there."""
    from remixup.costs.rates import Device
    from remixup.maintenance import bundle_pack, bundle_wheels, evidence_queue

    bundle_pack.require_clean()
    there = bundle_wheels.installed(installed.read_text(encoding="utf-8"))
    target = bundle_wheels.Target(python or HERE, machine or platform.machine())
    device = Device(hardware, runs_per_gpu, tflops and tflops * 1e12)
    settings = configuration(config, set_)
    items = evidence_queue.read_queue_file(queue).gpu
    found = evidence_queue.tasks_of(items, settings, f"{queue}, gpu", device)
    if seeds is not None:
        found = evidence_queue.of_seeds(found, read_seeds(seeds))
    missing = [task for task in found if not task.on_record]
    chosen = bundle_pack.fitting(missing, minutes, gpus * runs_per_gpu)
    if not chosen and benchmark is None:
        raise UserError(f"none of {len(missing)} missing tasks fits into {minutes:g} minutes", where=str(queue))
    wheels, conflicts = bundle_wheels.lacking(bundle_wheels.read_needed(benchmark is not None), there, target)
    for line in conflicts:
        print(f"note: {line}")
    with tempfile.TemporaryDirectory(prefix="remixup-bundle-") as folder:
        written = Path(folder) / "queue.json"
        bundle_pack.write_queue(
            chosen, written, settings, gpus, runs_per_gpu, None if benchmark is None else shlex.split(benchmark)
        )
        packed = bundle_pack.Bundle(
            tasks=chosen,
            queue=written,
            datasets=bundle_pack.prepared(chosen),
            wheels=bundle_wheels.download(wheels, target, Path(folder) / "wheels"),
            python=target.python,
            minutes=minutes,
        )
        parts = bundle_pack.write(packed, to, max_mib)
    for line in bundle_pack.described(packed, parts, to):
        print(line)


@app.command(hidden=True)
def run_bundle(
    results: Annotated[Path, typer.Option(help="folder of the results")],
    until: Annotated[float, typer.Option(help="Unix time when all must have ended")],
) -> None:
    """Carry out a bundle in its unpacked sources; `run.py` calls this."""
    from remixup.maintenance.bundle_run import run

    raise typer.Exit(min(1, run(results, until)))


@app.command()
def collect_bundle(
    places: Annotated[list[Path], typer.Argument(exists=True, help="results of a bundle, or folders with them")],
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Install the results of a bundle: records and benchmarks, if all of them are valid, else nothing."""
    from remixup.maintenance import bundle_collect

    settings, installed = configuration(config, set_), 0
    for archive in bundle_collect.archives(places):
        found = bundle_collect.collect(settings, archive)
        installed += len(found.installed)
        for name in found.installed:
            print(f"installed {name}")
        for name, reason in found.left.items():
            print(f"left out {name}: {reason}")
    print(f"{installed} files installed and verified; commit them like code")
