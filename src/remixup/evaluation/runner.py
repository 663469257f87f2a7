"""Evaluate stored runs, and store the results."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from remixup.config.registry import load_registry, numerics
from remixup.config.run import RunSpec
from remixup.evaluation.storage import path, read
from remixup.files import sha256
from remixup.planning.plan import Evaluation, needs_weights
from remixup.store import provenance
from remixup.store.blocks import Damaged, EvaluatedBlock
from remixup.store.provenance import Measurement
from remixup.training import checkpoints
from remixup.training.runner import Runner, hardware, prepare_process, start


def find(name: str) -> Callable[..., list[dict[str, Any]]]:
    """Return an evaluation's function. Only its module is imported, since some take seconds."""
    known = load_registry()["kinds"]["evaluation"].get(name)
    function = getattr(importlib.import_module(known["module"]), name, None) if known else None
    if function is None:
        raise LookupError(f"no evaluation {name}: registry.json and the code differ")
    found: Callable[..., list[dict[str, Any]]] = function
    return found


def evaluate_all(runner: Runner, wanted: list[Evaluation], runs: dict[str, tuple[RunSpec, int]]) -> dict[str, str]:
    """Run the evaluations that the store lacks, and print the means of each; return all files with their SHA-256."""
    done: dict[str, str] = {}
    for each in wanted:
        with runner.naming_row(each.run):
            files = evaluate(runner, each, *(runs[run] for run in each.runs))
        done |= {str(file): sha256(file) for file in files}
        found = _means(files) if files else ": not made, since no seed is stored"
        print(f"{each.key}: {each.part['name']} of {each.run}{found}", flush=True)
    return done


def _means(files: list[Path]) -> str:
    """Return the means over seeds of the numbers that an evaluation measured, in words; empty if it has none."""
    seeds = [seed for file in files for seed in EvaluatedBlock.read(file).measured]
    names = [name for name in seeds[0] if name != "seed"]
    numbers = {name: [seed[name] for seed in seeds if isinstance(seed[name], int | float)] for name in names}
    means = [f"{name} {fmean(values):.4g}" for name, values in numbers.items() if values]
    return f": {', '.join(means)}" if means else ""


def evaluate(
    runner: Runner, wanted: Evaluation, run: tuple[RunSpec, int], source: tuple[RunSpec, int] | None = None
) -> list[Path]:
    """Evaluate the seed blocks of a stored run that lack an evaluation; return the files of all blocks.

    Args:
        runner: has the store and the device.
        wanted: the evaluation.
        run: specification and number of seeds of the run to evaluate.
        source: the same of the run that the evaluation names as its source, if any.
    """
    files = []
    asked = runner.first_seeds(wanted.seeds)
    for block in runner.store.blocks(wanted.run):
        if set(asked).isdisjoint(block.seeds):
            continue
        file = path(runner.store, wanted, block)
        try:
            done = read(runner.store, wanted, block) is not None
        except Damaged as error:
            print(f"{error}; it is evaluated again", flush=True)
            done = False
        if not done:
            began = time.monotonic()
            training = _trained(runner, run[0], block.seeds, needs_weights(wanted))
            named = dict(wanted.part)
            if source is not None:
                # The next seed, so that both networks never share their initial weights, even if both are ERM.
                others = [asked.start + (seed - asked.start + 1) % source[1] for seed in block.seeds]
                named["others"] = _trained(runner, source[0], others, weights=True)
            measured = find(named.pop("name"))(training, **named)
            made = Measurement(
                code=provenance.code(),
                environment=provenance.environment(),
                hardware=hardware(runner.device),
                device=runner.device.type,
                started=training.started,
                seconds=round(time.monotonic() - began, 3),
            )
            evaluated = EvaluatedBlock(
                evaluation=wanted.part,
                numerics=numerics("evaluation", wanted.part["name"]),
                runs=wanted.runs,
                block=block.digest,
                measured=measured,
                provenance=made,
            )
            evaluated.write(file)
        files.append(file)
    return files


def _trained(runner: Runner, spec: RunSpec, seeds: list[int], weights: bool) -> Any:
    prepare_process(spec)
    training = start(spec, seeds, runner.inputs(spec, seeds), runner.device)
    if weights:
        checkpoints.load_weights(runner.store.checkpoint(spec.key(), seeds), training)
    return training
