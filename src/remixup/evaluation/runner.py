"""Carries out evaluations, and keeps what they measured."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from remixup import evaluation
from remixup.evaluation.kept import needs_weights, path, read
from remixup.spec.planning import Evaluation
from remixup.spec.run import RunSpec
from remixup.training import checkpoints
from remixup.training.loop import Training
from remixup.training.runner import Runner
from remixup.training.store import enough_space, write_json


def find(name: str) -> Callable[..., list[dict[str, Any]]]:
    """The evaluation function of that name."""
    for found in pkgutil.iter_modules(evaluation.__path__):
        module = importlib.import_module(f"{evaluation.__name__}.{found.name}")
        if hasattr(module, "NUMERICS") and hasattr(module, name):
            function: Callable[..., list[dict[str, Any]]] = getattr(module, name)
            return function
    raise LookupError(f"no evaluation {name}: parts.json and the code differ")


def evaluate(runner: Runner, results: Path, wanted: Evaluation, spec: RunSpec) -> list[Path]:
    """Makes sure that the evaluation of a stored run is there for all its blocks; the files that hold it."""
    files = []
    for block in runner.store.blocks(wanted.run):
        if block.first >= wanted.seeds:
            continue
        file = path(results, wanted, block)
        if read(results, wanted, block) is None:
            training = Training(spec, block.seeds, runner.inputs(spec, block.seeds), runner.device)
            if needs_weights(wanted):
                checkpoints.load_weights(runner.store.checkpoint(wanted.run, block.seeds), training)
            named = dict(wanted.part)
            measured = find(named.pop("name"))(training, **named)
            kept = {"evaluation": wanted.part, "run": wanted.run, "block": block.digest, "measured": measured}
            with enough_space(results):
                write_json(file, kept)
        files.append(file)
    return files
