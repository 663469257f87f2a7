"""Holds everything that is stored against its digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from remixup.analysis import records
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.store.provenance import sha256
from remixup.store.run_store import Block, Damaged, Store, weights_fault


@dataclass
class Findings:
    """How much was looked at, and what is wrong, in words."""

    checked: int = 0
    damage: list[str] = field(default_factory=list)


def verify(config: Config) -> Findings:
    """Checks prepared data, runs, receipts with their checkpoints, evaluations and records."""
    found = Findings()
    results = Path(config.results)
    for complaint in (*_data(Path(config.data.folder)), *_runs(Store(results)), *_receipts(results), *_records()):
        found.checked += 1
        if complaint:
            found.damage.append(complaint)
    return found


def _data(folder: Path) -> Iterator[str | None]:
    for manifest in sorted(folder.glob("prepared/*/manifest.json")):
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
            digests = {"tensors.safetensors": content["sha256"]}
            if "images.bin" in content:
                digests["images.bin"] = content["images.bin"]["sha256"]
            for name, digest in digests.items():
                path = manifest.with_name(name)
                yield None if sha256(path) == digest else f"{path} differs from its manifest"
        except (OSError, ValueError, KeyError) as error:
            yield f"{manifest}: {error}"


def _runs(store: Store) -> Iterator[str | None]:
    for run in sorted(store.runs.glob("*")):
        for block in store.blocks(run.name):
            try:
                block.verify()
                yield None
            except Damaged as error:
                yield str(error)
    for path in sorted(store.checkpoints.glob("*/*.safetensors")):
        yield weights_fault(path)


def _receipts(results: Path) -> Iterator[str | None]:
    """Blocks, checkpoints and evaluations are what the receipts list."""
    for path in sorted(results.glob("*/receipts/*.json")):
        receipt = json.loads(path.read_text(encoding="utf-8"))
        for run, blocks in receipt["runs"].items():
            for name, digest in blocks.items():
                folder = results / "runs" / run / name
                same = (folder / "provenance.json").is_file() and Block(folder, 0, 0).digest == digest
                yield None if same else f"{folder} is not what {path} lists"
        yield from _files(path, {**receipt.get("checkpoints", {}), **receipt.get("evaluations", {})})
    for path in sorted(results.glob("*/evaluated/*.json")):
        yield from _files(path, json.loads(path.read_text(encoding="utf-8"))["evaluations"])


def _files(receipt: Path, files: dict[str, str]) -> Iterator[str | None]:
    for name, digest in files.items():
        same = Path(name).is_file() and sha256(Path(name)) == digest
        yield None if same else f"{name} is not what {receipt} lists"


def _records() -> Iterator[str | None]:
    try:
        for _ in records.read_all():
            yield None
    except UserError as error:
        yield str(error)
