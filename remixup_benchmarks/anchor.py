"""Compare the test error of remixup with that of the authors' published loop: `python -m remixup_benchmarks.anchor`.

Both train the authors' PreAct ResNet, made narrow, by ERM and by mixup, with the same 2,000 images of CIFAR-10 for each
seed, the same optimizer and the same schedule. Each loop draws its own weights, order, crops and ratios, so the errors
are two independent samples (Welch). remixup trains in bfloat16 with channels last, like its records of CIFAR-10 on a
CPU. CIFAR-10 must be prepared, in a mirror or downloadable. Prints a table, writes
remixup_benchmarks/anchor/<hardware>.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from scipy import stats

from remixup import data
from remixup.analysis.statistics import summarize
from remixup.cli import configuration
from remixup.config.registry import bind
from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs, make_inputs
from remixup.training import schedules
from remixup.training.runner import start
from remixup_benchmarks.documents import header, write
from remixup_benchmarks.reference import MEAN, MODEL, STD, Reference

FOLDER = Path(__file__).parent / "anchor"
CPU = torch.device("cpu")
NARROW = {**MODEL, "width": 16, "blocks": [1, 1, 1, 1]}
METHODS = {"ERM": 0.0, "mixup": 1.0}
"""Method -> alpha of its mixing."""


def spec(version: str, alpha: float) -> RunSpec:
    """Return the run that the authors' loop repeats."""
    run: dict[str, Any] = {
        "dataset": {"name": "cifar10", "version": version, "subset": 2_000},
        "normalization": {"name": "given", "mean": list(MEAN), "std": list(STD)},
        "augmentation": ["random_crop", "horizontal_flip"],
        "model": {"name": "preact_resnet", **NARROW},
        "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
        "schedule": {"name": "steps", "milestones": [5, 8]},
        "epochs": 10,
        "batch_size": 64,
        "precision": "bfloat16",
        "execution": {"memory_format": "channels_last"},
    }
    mixing = {"mixing": {"ratio": {"name": "beta", "alpha": alpha}}} if alpha else {}
    return RunSpec.model_validate({**run, **mixing})


def theirs(run: RunSpec, inputs: Inputs, alpha: float, seed: int) -> float:
    """Return the final test error of the authors' loop, in percent."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    assert isinstance(inputs.x, torch.Tensor)
    images = inputs.x[inputs.train[0]].permute(0, 2, 3, 1).contiguous().numpy()
    pictures = images, inputs.train_labels[0].numpy()
    loop = Reference("cpu", pictures, workers=0, keep=True, model=NARROW, batch=run.batch_size, alpha=alpha)
    torch.set_num_threads(run.execution.threads)
    factor = bind(schedules, run.schedule)
    for epoch in range(run.epochs):
        loop.optimizer.param_groups[0]["lr"] = run.optimizer["lr"] * factor(epoch, run.epochs)
        loop.run(len(loop.loader))
    loop.network.eval()
    rows = inputs.test[0]
    with torch.no_grad():
        said = torch.cat([loop.network(inputs.scale(inputs.x[part])).argmax(1) for part in rows.split(500)])
    return 100 * float((said != inputs.y[rows]).double().mean())


def ours(run: RunSpec, inputs: Inputs, seed: int) -> float:
    """Return the final test error of remixup, in percent."""
    torch.set_num_threads(run.execution.threads)
    training = start(run, [seed], inputs, CPU)
    training.run(lambda _: None)
    return training.history[-1]["test_error"]


def compare(loaded: data.Prepared, version: str, alpha: float, seeds: int) -> dict[str, Any]:
    """Return both errors by seed, the difference of their means (remixup minus authors), and its 95 % interval."""
    run = spec(version, alpha)
    errors: dict[str, list[float]] = {"authors": [], "remixup": []}
    for seed in range(seeds):
        inputs = make_inputs(run, [seed], loaded, CPU)
        errors["authors"].append(theirs(run, inputs, alpha, seed))
        errors["remixup"].append(ours(run, inputs, seed))
    interval = stats.ttest_ind(errors["remixup"], errors["authors"], equal_var=False).confidence_interval()
    difference = float(np.mean(errors["remixup"]) - np.mean(errors["authors"]))
    return {"spec": run.canonical(), **errors, "difference": difference, "ci95": [interval.low, interval.high]}


def main(
    seeds: Annotated[int, typer.Option(min=2, help="runs of each method in each loop")] = 5,
    version: Annotated[str, typer.Option(help="of CIFAR-10; default: the configured one")] = "",
) -> None:
    """Train both methods in both loops."""
    config = configuration(Path("config.yaml"), None)
    folder, version = Path(config.data.folder), version or config.version("cifar10")
    data.prepare("cifar10", version, folder=folder, mirror=config.mirror, download=config.data.download)
    loaded = data.load("cifar10", version, folder=folder)
    table = Table("method", "authors' loop, %", "remixup, %", "difference", "95 % interval")
    results = {}
    for method, alpha in METHODS.items():
        found = results[method] = compare(loaded, version, alpha, seeds)
        samples = [summarize(found[name], list(range(seeds))) for name in ("authors", "remixup")]
        means = [f"{sample.mean:.2f} ± {sample.std:.2f}" for sample in samples]
        table.add_row(method, *means, f"{found['difference']:+.2f}", "[{:+.2f}, {:+.2f}]".format(*found["ci95"]))
    Console(width=110).print(table)
    print(write({**header(CPU), "seeds": seeds, "methods": results}, FOLDER))


if __name__ == "__main__":
    typer.run(main)
