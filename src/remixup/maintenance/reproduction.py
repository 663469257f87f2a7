"""Train stored seed blocks again, to check that this program gives the same results."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import torch
from pydantic import ValidationError

from remixup.config.settings import Config
from remixup.files import visible
from remixup.store.blocks import SeedBlock
from remixup.store.provenance import Provenance, environment, processor
from remixup.store.run_store import Store
from remixup.training.runner import Runner

CPU = torch.device("cpu")


def choose(config: Config, count: int) -> tuple[list[SeedBlock], int]:
    """Draw stored seed blocks at random; return them, and the number of those that can be trained again.

    These were trained on a CPU, where a seed gives the same bits, and their dataset is prepared.
    """
    store = Store(Path(config.results))
    able = []
    for run in visible(store.runs, "*"):
        for block in store.blocks(run.name):
            data = block.provenance.data
            if block.provenance.device == "cpu" and config.manifest(data.name, data.version).is_file():
                able.append(block)
    return random.SystemRandom().sample(able, min(count, len(able))), len(able)


def difference(config: Config, block: SeedBlock) -> str | None:
    """Train a block again in a folder of its own, and say how it differs; None: it has the same bits."""
    try:
        spec = block.specification
    except ValidationError as error:
        return f"this program has no such specification: {error.errors()[0]['msg']}"
    if spec.key() != block.run:
        return f"its specification is now that of {spec.key()}: it was trained by another version of the program"
    with tempfile.TemporaryDirectory(prefix="remixup-retrained-") as folder:
        store = Store(Path(folder, "results"), Path(folder, "checkpoints"), Path(folder, "scratch"))
        runner = Runner(store, Path(config.data.folder), CPU, lambda *_: None, block.provenance.processes or 1)
        found = runner.train_block(spec, block.seeds, keep_weights=False)
    # Compared as text: a value that is not a number differs from itself.
    names = ("diverged", "values", "history")
    other = [name for name in names if repr(getattr(block, name)) != repr(getattr(found, name))]
    if not other:
        return None
    return f"{' and '.join(other)} differ{_first(block, found)}{_reason(block.provenance)}"


def _first(block: SeedBlock, found: SeedBlock) -> str:
    """Say where two histories first differ."""
    if block.history is None or found.history is None:
        return ""
    for row, (seed, epoch) in enumerate(zip(block.history["seed"], block.history["epoch"], strict=True)):
        for name, column in block.history.items():
            trained = found.history.get(name, [])[row : row + 1]
            if repr(trained) != repr([column[row]]):
                return f", first in seed {seed:g}, epoch {epoch:g}: {name} {trained[0]}, stored {column[row]}"
    return ""


def _reason(provenance: Provenance) -> str:
    """Say what was different when the block was trained, if anything: that is the likely reason."""
    now, then = environment(), provenance.environment
    here = {"hardware": processor(), **{name: now.versions[name] for name in ("torch", "numpy")}}
    there = {"hardware": provenance.hardware, **{name: then.versions.get(name) for name in ("torch", "numpy")}}
    other = [f"{name} {there[name]}, here {here[name]}" for name in here if here[name] != there[name]]
    return f"; likely because it was trained with {'; '.join(other)}" if other else ""
