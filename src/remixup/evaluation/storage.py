"""Read evaluations of stored runs, without torch."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from remixup.files import listed
from remixup.planning.plan import Evaluation
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.run_store import Store


def path(store: Store, wanted: Evaluation, block: SeedBlock) -> Path:
    """Return the file of an evaluation of a seed block."""
    return store.evaluations / wanted.key / f"{block.name}.json"


def find(store: Store, wanted: Evaluation, block: SeedBlock) -> EvaluatedBlock | None:
    """Return the evaluation of a seed block; None if it is missing, or belongs to other results of these seeds.

    Raises:
        Damaged: a file differs from its digest.
    """
    for file in listed(store.evaluations / wanted.key):
        named = fnmatchcase(file.name, f"{block.name}*.json")
        if named and (found := EvaluatedBlock.read(file)).block == block.digest:
            return found
    return None


def read(store: Store, wanted: Evaluation, block: SeedBlock) -> list[dict[str, Any]] | None:
    """Return the results of an evaluation of a seed block, one mapping for each seed; None if it is missing."""
    found = find(store, wanted, block)
    return found.measured if found else None
