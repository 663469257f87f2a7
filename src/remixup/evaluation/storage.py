"""Read evaluations of stored runs; needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from remixup.planning.plan import Evaluation
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.run_store import Store


def path(store: Store, wanted: Evaluation, block: SeedBlock) -> Path:
    """Return the file of the evaluation of a block."""
    return store.evaluations / wanted.key / f"{block.name}.json"


def find(store: Store, wanted: Evaluation, block: SeedBlock) -> EvaluatedBlock | None:
    """Return the evaluation of a block; None where it is missing, or was made of other results of these seeds.

    Raises:
        Damaged: a file differs from its digest.
    """
    for file in sorted((store.evaluations / wanted.key).glob(f"{block.name}*.json")):
        found = EvaluatedBlock.read(file)
        if found.block == block.digest:
            return found
    return None


def read(store: Store, wanted: Evaluation, block: SeedBlock) -> list[dict[str, Any]] | None:
    """Return what was measured on a block, one mapping for each seed; None where it was not."""
    found = find(store, wanted, block)
    return found.measured if found else None
