"""Measure, print a table and write benchmarks/results/<hardware>.json: `python -m benchmarks.run`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.contest import Hosted, interleave
from benchmarks.documents import header, write
from benchmarks.engine import NOT_COMPILED, Engine, Products, VectorizedSeeds, operations
from benchmarks.lines import HOPPER, TWO_CORES, results, verdict
from benchmarks.mixing_call import CLASSES, LIBRARIES, MixingCall
from benchmarks.peers import Timm, Torchvision
from benchmarks.reference import BATCH, Pace, Reference
from benchmarks.workflow import Workflow
from remixup.planning.plan import FAST
from remixup.store.provenance import cores
from remixup.training.runner import hardware as processor

FOLDER = Path(__file__).parent / "results"
EPOCHS = 200
Values = dict[str, list[float]]


def kind(device: torch.device) -> str:
    """Return the kind of hardware that targets are stated for, or the hardware's own name."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (9, 0):
        return HOPPER
    return TWO_CORES if device.type == "cpu" and cores() == 2 else processor(device)


def training(device: str, repeats: int, steps: int) -> Values:
    """Measure images per second of each loop and the hardware's speed, in turns; compute the step's fraction of it."""
    with ExitStack() as stack:
        contenders: dict[str, Callable[[], Any]] = {}
        for name, loop in {"reference": Reference, "torchvision": Torchvision, "timm": Timm}.items():
            contenders[name] = partial(stack.enter_context(Hosted(loop, device)).ask, "run", steps)
        keeping = stack.enter_context(Hosted(Reference, device, None, None, True))
        contenders["reference-kept"] = partial(keeping.ask, "run", steps)
        for name, how in {"exact": {}, "engine": NOT_COMPILED, "compiled": FAST}.items():
            hosted = stack.enter_context(Hosted(Engine, device, steps * BATCH, 1, how))
            contenders[name] = partial(hosted.ask, "run")
        contenders["product"] = partial(stack.enter_context(Hosted(Products, device)).ask, "run")
        found = interleave(contenders, repeats)
    product = found.pop("product")
    paces = {name: [Pace(*each) for each in turns] for name, turns in found.items()}
    values = {name: [each.images / each.seconds for each in turns] for name, turns in paces.items()}
    each = operations()
    step = [100 * speed * each / peak for speed, peak in zip(values["compiled"], product, strict=True)]
    return {**values, "product": [peak / 1e12 for peak in product], "step": step}


def mixing(device: str, repeats: int, steps: int) -> Values:
    """Measure the fraction of a step that mixing takes."""
    with Hosted(Engine, device, steps * BATCH) as engine:
        return {"mixing": [engine.ask("mixing", steps) for _ in range(repeats)]}


def mixing_call(repeats: int) -> Values:
    """Measure a call that mixes a minibatch, of each library and size of images, in turns."""
    with ExitStack() as stack:
        contenders: dict[str, Callable[[], float]] = {}
        for side in CLASSES:
            for library in LIBRARIES:
                hosted = stack.enter_context(Hosted(MixingCall, library, side))
                contenders[f"{library}-{side}"] = partial(hosted.ask, "run", 200 if side == 32 else 10)
        values = interleave(contenders, repeats)
    for side in CLASSES:
        peers = zip(values[f"timm-{side}"], values[f"torchvision-{side}"], strict=True)
        values[f"peer-{side}"] = [min(each) for each in peers]
    return values


def published_run(device: str, repeats: int) -> Values:
    """Measure epochs of CIFAR's size, multiplied by their number, and their memory."""
    with Hosted(Engine, device, 50_000, 10_000, FAST) as engine:
        paces = interleave({"run": partial(engine.ask, "run")}, repeats)["run"]
        return {"run": [EPOCHS * pace.seconds for pace in paces], "memory": [engine.ask("memory")]}


def vectorized_seeds(repeats: int) -> Values:
    """Measure one seed, and a hundred vectorized seeds, of a small network."""
    with Hosted(VectorizedSeeds, 1) as one, Hosted(VectorizedSeeds, 100) as many:
        return interleave({"uci-1": partial(one.ask, "run"), "uci-100": partial(many.ask, "run")}, repeats)


def workflow(repeats: int, skip_report: bool) -> Values:
    """Measure Snakemake and the report. Snakemake with nothing to do needs the report."""
    with tempfile.TemporaryDirectory(prefix="remixup-bench-") as folder:
        project = Workflow(Path(folder))
        report = {} if skip_report else {"report": [project.report()]}
        calls = {"snakemake": project.nothing, "dry-run": project.dry}
        calls |= {} if skip_report else {"nothing-to-do": project.done}
        return {**report, **interleave(calls, repeats)}


def document(measured: Values, device: torch.device) -> dict[str, Any]:
    """Return the document: the lines and their provenance."""
    return {
        **header(device),
        "kind": kind(device),
        "threads": cores(),
        "lines": results(measured, kind(device)),
    }


def table(written: dict[str, Any]) -> Table:
    """Format the lines as text."""
    shown = Table("", "median", "from - to", "repeats", "ratio", "target", "", title=written["hardware"])
    for entry in written["lines"]:
        ratio = entry["ratio"] and f"{entry['ratio']:.2f} x {entry['ratio_to']}"
        shown.add_row(
            entry["what"],
            f"{_number(entry['median'])} {entry['unit']}" if entry["values"] else "",
            " - ".join(map(_number, entry["spread"] or ())),
            str(entry["repeats"] or ""),
            ratio or "",
            _aim(entry["target"]),
            verdict(entry),
        )
    return shown


def _number(value: float) -> str:
    return f"{value:.4g}" if value < 1000 else f"{value:,.0f}"


def _aim(target: dict[str, Any] | None) -> str:
    if target is None:
        return ""
    bound = f"at least {target['at_least']:g}" if "at_least" in target else f"at most {target['at_most']:g}"
    return f"{bound}, {target['on']}" if target["on"] else bound


def main(
    repeats: Annotated[int, typer.Option(min=1, help="number of measurements of each line")] = 5,
    skip_report: Annotated[
        bool, typer.Option("--skip-report", help="leave out the report, and Snakemake with nothing to do after it")
    ] = False,
) -> None:
    """Measure remixup and its peers."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    gpu = device.type == "cuda"
    groups: dict[str, Callable[[], Values]] = {
        "training": partial(training, device.type, repeats, 100 if gpu else 3),
        "mixing": partial(mixing, device.type, repeats, 30 if gpu else 5),
        "a call of mixing": partial(mixing_call, 3 * repeats),
        "vectorized seeds": partial(vectorized_seeds, 4 * repeats),
        "the workflow": partial(workflow, repeats, skip_report),
    }
    if gpu:
        groups["a published run"] = partial(published_run, device.type, repeats)
    measured: Values = {}
    for what, measure in groups.items():
        console.print(f"measuring {what}")
        measured |= measure()
    written = document(measured, device)
    path = write(written, FOLDER)
    console.print(table(written))
    print(path)


if __name__ == "__main__":
    typer.run(main)
