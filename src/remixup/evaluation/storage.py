"""Where evaluations lie, and reading them; needs no torch.

results/evaluations/<name>-<hash8>/seeds-<a>-<b>.json     with the digest of the block that it was measured on
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from remixup.config import registry
from remixup.planning.plan import Evaluation
from remixup.store.run_store import Block


def needs_weights(wanted: Evaluation) -> bool:
    """Whether the evaluation reads the trained network, and not its data alone."""
    return bool(registry.catalogue()["kinds"]["evaluation"][wanted.part["name"]]["weights"])


def path(results: Path, wanted: Evaluation, block: Block) -> Path:
    """Where the evaluation of a block lies."""
    return results / "evaluations" / wanted.key / f"{block.folder.name}.json"


def read(results: Path, wanted: Evaluation, block: Block) -> list[dict[str, Any]] | None:
    """What was measured on a block, one mapping for each seed; None if it was not, or on another block of that name."""
    file = path(results, wanted, block)
    if not file.exists():
        return None
    kept = json.loads(file.read_text(encoding="utf-8"))
    measured: list[dict[str, Any]] = kept["measured"]
    return measured if kept["block"] == block.digest else None
