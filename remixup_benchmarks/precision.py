"""Compare training in bfloat16 with float32, paired by seed: `python -m remixup_benchmarks.precision`.

Data, initial weights, order, ratios and partners are the same; autocast and channels_last differ, as in the experiment
files. Narrow networks of each family are trained on 2,000 images of Fashion-MNIST, which must be prepared, in a mirror
or downloadable. Prints a table and writes remixup_benchmarks/precision/<hardware>.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from remixup import data
from remixup.analysis.statistics import summarize
from remixup.cli import configuration
from remixup.config.run import RunSpec
from remixup.data.inputs import make_inputs
from remixup.training.runner import prepare_process, start
from remixup_benchmarks.documents import header, write

FOLDER = Path(__file__).parent / "precision"
FAMILIES: dict[str, dict[str, Any]] = {
    "PreAct ResNet": {"name": "preact_resnet", "width": 8},
    "wide ResNet": {"name": "wide_resnet", "depth": 10, "widen": 1},
    "DenseNet-BC": {"name": "densenet_bc", "depth": 22, "growth": 8},
    "ResNet": {"name": "resnet", "layers": [1, 1, 1], "width": 8, "stem": "small"},
    "ResNeXt": {"name": "resnet", "layers": [1, 1], "width": 8, "groups": 4, "width_per_group": 32, "stem": "small"},
    "LeNet": {"name": "lenet"},
}
DATASET = ("fashion-mnist", "idx")
NARROW = {"precision": "bfloat16", "execution": {"memory_format": "channels_last"}}


def spec(model: dict[str, Any], narrow: bool) -> RunSpec:
    """Return the run of a family in float32, or in bfloat16 (narrow)."""
    run: dict[str, Any] = {
        "dataset": dict(zip(("name", "version"), DATASET, strict=True)) | {"subset": 2_000},
        "model": model,
        "mixing": {"ratio": {"name": "beta", "alpha": 1.0}},
        "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
        "schedule": {"name": "steps", "milestones": [2, 3]},
        "epochs": 4,
        "batch_size": 64,
    }
    return RunSpec.model_validate({**run, **(NARROW if narrow else {})})


def compare(model: dict[str, Any], loaded: data.Prepared, seeds: int, device: torch.device) -> dict[str, Any]:
    """Return both test errors by seed, in percent, the mean difference (bfloat16 minus float32) and its interval.

    `std` is the standard deviation of float32 over the seeds, and `spec` its run; `NARROW` has what bfloat16 changes.
    """
    errors: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for seed in range(seeds):
        for name, found in errors.items():
            run = spec(model, narrow=name == "bfloat16")
            prepare_process(run)
            training = start(run, [seed], make_inputs(run, [seed], loaded, device), device)
            training.run(lambda _: None)
            found.append(training.history[-1]["test_error"])
    differences = [second - first for first, second in zip(errors["float32"], errors["bfloat16"], strict=True)]
    paired, wide = (summarize(values, list(range(seeds))) for values in (differences, errors["float32"]))
    described = {"spec": spec(model, narrow=False).canonical(), **errors}
    return {**described, "difference": paired.mean, "ci95": paired.ci95, "std": wide.std}


def main(
    seeds: Annotated[int, typer.Option(min=2, help="runs of each family in each precision")] = 5,
) -> None:
    """Train all families in both precisions."""
    config = configuration(Path("config.yaml"), None)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = Path(config.data.folder)
    data.prepare(*DATASET, folder=folder, mirror=config.mirror, download=config.data.download)
    loaded = data.load(*DATASET, folder=folder)
    table = Table("family", "float32, %", "its std", "bfloat16, %", "difference", "95 % interval")
    results = {}
    for family, model in FAMILIES.items():
        found = results[family] = compare(model, loaded, seeds, device)
        means = [f"{sum(found[each]) / seeds:.2f}" for each in ("float32", "bfloat16")]
        interval = "[{:+.2f}, {:+.2f}]".format(*found["ci95"])
        table.add_row(family, means[0], f"{found['std']:.2f}", means[1], f"{found['difference']:+.2f}", interval)
    Console(width=110).print(table)
    print(write(document(device, seeds, results), FOLDER))


def document(device: torch.device, seeds: int, results: dict[str, Any]) -> dict[str, Any]:
    """Return the document: results by family, the changes for bfloat16, and the provenance."""
    return {**header(device), "narrow": NARROW, "seeds": seeds, "families": results}


if __name__ == "__main__":
    typer.run(main)
