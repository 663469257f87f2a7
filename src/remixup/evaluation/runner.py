"""Carries out evaluations, and keeps what they measured."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from remixup.config.registry import catalogue
from remixup.config.run import RunSpec
from remixup.evaluation.storage import needs_weights, path, read
from remixup.planning.plan import Evaluation
from remixup.store.provenance import sha256
from remixup.store.run_store import enough_space, write_json
from remixup.training import checkpoints
from remixup.training.runner import Runner, prepare_process, start


def find(name: str) -> Callable[..., list[dict[str, Any]]]:
    """The evaluation function of that name; of the others' modules, some of which take seconds, none is imported."""
    known = catalogue()["kinds"]["evaluation"].get(name)
    function = getattr(importlib.import_module(known["module"]), name, None) if known else None
    if function is None:
        raise LookupError(f"no evaluation {name}: registry.json and the code differ")
    found: Callable[..., list[dict[str, Any]]] = function
    return found


def evaluate_all(
    runner: Runner, results: Path, wanted: list[Evaluation], runs: dict[str, tuple[RunSpec, int]]
) -> dict[str, str]:
    """Makes sure that these evaluations are there, and says so of each; the files that hold them, with SHA-256."""
    done = {}
    for each in wanted:
        for file in evaluate(runner, results, each, *(runs[run] for run in each.runs)):
            done[str(file)] = sha256(file)
        print(f"{each.key}: {each.part['name']} of {each.run}", flush=True)
    return done


def evaluate(
    runner: Runner,
    results: Path,
    wanted: Evaluation,
    run: tuple[RunSpec, int],
    source: tuple[RunSpec, int] | None = None,
) -> list[Path]:
    """Makes sure that the evaluation of a stored run is there for all its blocks; the files that hold it.

    Args:
        runner: where the runs lie, and the device.
        results: the results folder.
        wanted: the evaluation.
        run: the specification of the run that it is made on, and how many seeds it has.
        source: the same of the run that it names as its source, if it does.
    """
    files = []
    for block in runner.store.blocks(wanted.run):
        if block.first >= wanted.seeds:
            continue
        file = path(results, wanted, block)
        if read(results, wanted, block) is None:
            training = _trained(runner, run[0], block.seeds, needs_weights(wanted))
            named = dict(wanted.part)
            if source is not None:
                # The next seed: so attacker and attacked never share their initial weights, even where both are ERM.
                others = [(seed + 1) % source[1] for seed in block.seeds]
                named["others"] = _trained(runner, source[0], others, weights=True)
            measured = find(named.pop("name"))(training, **named)
            kept = {"evaluation": wanted.part, "run": wanted.run, "block": block.digest, "measured": measured}
            with enough_space(results):
                write_json(file, kept)
        files.append(file)
    return files


def _trained(runner: Runner, spec: RunSpec, seeds: list[int], weights: bool) -> Any:
    prepare_process(spec)
    training = start(spec, seeds, runner.inputs(spec, seeds), runner.device)
    if weights:
        checkpoints.load_weights(runner.store.checkpoint(spec.key(), seeds), training)
    return training
