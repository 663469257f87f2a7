"""Measure, print a table and write remixup_benchmarks/results/<hardware>.json: `python -m remixup_benchmarks.run`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from filelock import FileLock
from rich.console import Console
from rich.table import Table

from remixup.errors import UserError, did_you_mean
from remixup.store.provenance import cores
from remixup.training.runner import hardware as processor
from remixup_benchmarks.contest import Hosted, interleave
from remixup_benchmarks.documents import header, result_file, write
from remixup_benchmarks.engine import Engine, Products, VectorizedSeeds, operations, ways
from remixup_benchmarks.lines import HOPPER, TWO_CORES, WAYS, results, verdict
from remixup_benchmarks.mixing_call import CLASSES, LIBRARIES, MixingCall
from remixup_benchmarks.peers import Timm, Torchvision
from remixup_benchmarks.reference import BATCH, Pace, Reference
from remixup_benchmarks.workflow import Workflow

FOLDER = Path(__file__).parent / "results"
EPOCHS = 200
LOOPS = {"reference": Reference, "torchvision": Torchvision, "timm": Timm}
Values = dict[str, list[float]]


def kind(device: torch.device) -> str:
    """Return the kind of hardware that targets are stated for, or the hardware's own name."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (9, 0):
        return HOPPER
    return TWO_CORES if device.type == "cpu" and cores() == 2 else processor(device)


def training(device: str, repeats: int, steps: int) -> Values:
    """Measure images per second of each loop and the hardware's speed, in turns; compute the steps' fraction of it."""
    with ExitStack() as stack:
        contenders: dict[str, Callable[[], Any]] = {}
        loops = {name: stack.enter_context(Hosted(loop, device)) for name, loop in LOOPS.items()}
        loops["reference-kept"] = stack.enter_context(Hosted(Reference, device, None, None, True))
        contenders |= {name: partial(loop.ask, "run", steps) for name, loop in loops.items()}
        for name, how in ways(device).items():
            hosted = stack.enter_context(Hosted(Engine, device, steps * BATCH, 1, how))
            if device == "cuda":
                hosted.ask("warm_up")
            contenders[name] = partial(hosted.ask, "run")
        contenders["product"] = partial(stack.enter_context(Hosted(Products, device)).ask, "run")
        found = interleave(contenders, repeats)
        memory = {"memory-reference": [loops["reference"].ask("memory")]} if device == "cuda" else {}
    product = found.pop("product")
    paces = {name: [Pace(*each) for each in turns] for name, turns in found.items()}
    values = {name: [each.images / each.seconds for each in turns] for name, turns in paces.items()}
    each = operations()
    shares = {
        f"step-{name}": [100 * speed * each / peak for speed, peak in zip(values[name], product, strict=True)]
        for name in ways(device)
    }
    return {**values, "product": [peak / 1e12 for peak in product], **shares, **memory}


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
    """Measure epochs of CIFAR's size in each way, multiplied by their number, and their memory."""
    with ExitStack() as stack:
        engines = {
            name: stack.enter_context(Hosted(Engine, device, 50_000, 10_000, how)) for name, how in ways(device).items()
        }
        for engine in engines.values():
            engine.ask("warm_up")
        paces = interleave({name: partial(engine.ask, "run") for name, engine in engines.items()}, repeats)
        runs = {f"run-{name}": [EPOCHS * Pace(*each).seconds for each in turns] for name, turns in paces.items()}
        return runs | {f"memory-{name}": [engine.ask("memory")] for name, engine in engines.items()}


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


def add(measured: Values, device: torch.device) -> tuple[dict[str, Any], Path]:
    """Write measured lines, with those that the same code has measured on this machine before; return the document."""
    path = result_file(processor(device), FOLDER)
    FOLDER.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # another process may measure other parts
        same = ("code", "torch", "cores")
        now, before = header(device), json.loads(path.read_text()) if path.is_file() else {}
        if not now["code"]["dirty"] and all(now[name] == before.get(name) for name in same):
            # A ratio is of the same turns.
            left = (each for each in before["lines"] if each["values"] and each["ratio_to"] not in measured)
            measured = {each["id"]: each["values"] for each in left} | measured
        written = document(measured, device)
        return written, write(written, FOLDER)


def ways_table(written: dict[str, Any]) -> Table:
    """Format the ways to execute a row as text: each with all of its lines beside the authors' loop."""
    found = {each["id"]: each for each in written["lines"] if each["values"]}
    shown = Table("", "images/s", "x authors", "% of product", f"s for {EPOCHS} epochs", "GiB", title="parts in turn")
    for name, what in {"reference": "PreAct ResNet-18 as the authors train it", **WAYS}.items():
        if name in found:
            lines = (found.get(f"{kind}{name}") for kind in ("", "step-", "run-", "memory-"))
            speed, *others = (_number(line["median"]) if line else "" for line in lines)
            ratio = found[name]["ratio"]
            shown.add_row(what, speed, f"{ratio:.2f}" if ratio else "", *others)
    return shown


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


def parts(device: torch.device, repeats: int, skip_report: bool) -> dict[str, Callable[[], Values]]:
    """Return the parts of the benchmark by name."""
    gpu = device.type == "cuda"
    found: dict[str, Callable[[], Values]] = {
        "training": partial(training, device.type, repeats, 100 if gpu else 3),
        "mixing": partial(mixing, device.type, repeats, 30 if gpu else 5),
        "call": partial(mixing_call, 3 * repeats),
        "seeds": partial(vectorized_seeds, 4 * repeats),
        "workflow": partial(workflow, repeats, skip_report),
    }
    return found | ({"run": partial(published_run, device.type, repeats)} if gpu else {})


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="PARTS", help="training, mixing, call, seeds, workflow, run; default: all"),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="number of measurements of each line")] = 5,
    skip_report: Annotated[
        bool, typer.Option("--skip-report", help="leave out the report, and Snakemake with nothing to do after it")
    ] = False,
) -> None:
    """Measure remixup and its peers. The lines of each part are written when it is done."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = parts(device, repeats, skip_report)
    for name in names or known:
        if name not in known:
            raise SystemExit(f"error: {UserError(f'no part {name!r} on this device', hint=did_you_mean(name, known))}")
    measured: Values = {}
    for name in names or known:
        console.print(f"measuring {name}")
        measured |= known[name]()
        written, path = add(measured, device)
    console.print(table(written))
    if device.type == "cuda":
        console.print(ways_table(written))
    print(path)


if __name__ == "__main__":
    typer.run(main)
