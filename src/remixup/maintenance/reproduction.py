"""Trains stored runs again, to see that they are what this program makes of their specification."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import torch

from remixup.config.base import validate
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.config.yaml_loader import read_yaml
from remixup.errors import UserError
from remixup.store.provenance import environment, processor
from remixup.store.run_store import Block, Store
from remixup.training.runner import Runner

RESULTS = ("metrics.json", "history.csv")
CPU = torch.device("cpu")


def choose(config: Config, count: int) -> tuple[list[Block], int]:
    """So many blocks of the store, drawn at random, and the number of those that were to choose from.

    These were trained on a CPU, where a seed gives the same bits, and their dataset is prepared.
    """
    store = Store(Path(config.results))
    stored = [block for run in sorted(store.runs.glob("*")) for block in store.blocks(run.name)]
    able = [block for block in stored if _can_be_trained(config, block)]
    return random.SystemRandom().sample(able, min(count, len(able))), len(able)


def _can_be_trained(config: Config, block: Block) -> bool:
    provenance = block.read("provenance.json")
    data = provenance["data"]
    return provenance["device"] == "cpu" and config.manifest(data["name"], data["version"]).is_file()


def difference(config: Config, block: Block) -> str | None:
    """How a block's metrics or history, trained anew in a folder of their own, differ from the stored ones, in words.

    None where every byte is the same.
    """
    name, provenance = block.folder.parent.name, block.read("provenance.json")
    path = block.folder / "spec.yaml"
    try:
        spec = validate(RunSpec, read_yaml(path)["run"], str(path))
    except UserError as error:
        return f"this program has no such specification: {error}"
    if spec.key() != name:
        return f"its specification is that of {spec.key()} by now: it was trained by another edition of the program"
    with tempfile.TemporaryDirectory(prefix="remixup-retrained-") as folder:
        store = Store(Path(folder, "results"), Path(folder, "checkpoints"), Path(folder, "scratch"))
        runner = Runner(store, Path(config.data.folder), CPU, lambda *_: None, provenance["processes"])
        found = runner.train_block(spec, block.seeds, keep_weights=False)
        other = [each for each in RESULTS if (found.folder / each).read_bytes() != (block.folder / each).read_bytes()]
        if not other:
            return None
        return (
            f"{' and '.join(other)} differ{'s' if len(other) == 1 else ''}{_first(block, found)}{_reason(provenance)}"
        )


def _first(block: Block, found: Block) -> str:
    """Where two histories part."""
    for stored, trained in zip(block.history(), found.history(), strict=False):
        for name, value in stored.items():
            if trained.get(name) != value and not (value != value and trained.get(name) != trained.get(name)):
                place = f"seed {stored['seed']:g}, epoch {stored['epoch']:g}"
                return f", first in {place}: {name} {trained.get(name)}, stored {value}"
    return ""


def _reason(provenance: dict[str, Any]) -> str:
    """What was not the same when the block was trained, if anything: that is the likely reason."""
    now, then = environment(), provenance["environment"]
    here = {"hardware": processor(), **{name: now["versions"][name] for name in ("torch", "numpy")}}
    there = {"hardware": provenance["hardware"], **{name: then["versions"].get(name) for name in ("torch", "numpy")}}
    other = [f"{name} {there[name]}, here {here[name]}" for name in here if here[name] != there[name]]
    return f"; likely because it was trained with {'; '.join(other)}" if other else ""
