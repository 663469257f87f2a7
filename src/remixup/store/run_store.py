"""The run store: what was trained, kept once and never changed.

    results/runs/<slug>-<hash8>/seeds-<a>-<b>/   spec.yaml, metrics.json, history.csv, provenance.json
    checkpoints/<slug>-<hash8>/seeds-<a>-<b>.safetensors

`provenance.json` holds the digests of its neighbours and of the checkpoint; its own digest names the block in receipts.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from remixup.config.metrics import QUANTITIES
from remixup.config.run import RunSpec
from remixup.errors import UserError
from remixup.files import no_space
from remixup.store.provenance import sha256

FILES = ("spec.yaml", "metrics.json", "history.csv")


class Damaged(Exception):
    """A block of the store, or its checkpoint, is not what its digests say."""


@dataclass(frozen=True)
class Block:
    """The seeds of a run that were trained together."""

    folder: Path
    first: int
    last: int

    @property
    def seeds(self) -> list[int]:
        """All seeds of the block."""
        return list(range(self.first, self.last + 1))

    def read(self, name: str) -> Any:
        """The content of one of its JSON files."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def history(self) -> list[dict[str, float]]:
        """Rows of history.csv: seed, epoch, rate, and each quantity after that epoch."""
        return read_history(self.folder / "history.csv")

    @property
    def digest(self) -> str:
        """SHA-256 of provenance.json, and so of the whole block."""
        return sha256(self.folder / "provenance.json")

    def verify(self) -> None:
        """Raises Damaged where a file is missing or differs from its digest."""
        try:
            expected = self.read("provenance.json")["files"]
            found = {name: sha256(self.folder / name) for name in FILES}
        except (OSError, ValueError, KeyError) as error:
            raise Damaged(f"{self.folder}: {error}") from None
        for name, digest in found.items():
            if expected.get(name) != digest:
                raise Damaged(f"{self.folder / name} differs from the digest in provenance.json")


def weights_fault(path: Path) -> str | None:
    """What is wrong with a checkpoint, in words: it is missing, or differs from the digest beside it."""
    try:
        expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
        return None if sha256(path) == expected else f"{path} differs from the digest beside it"
    except (OSError, ValueError, KeyError) as error:
        return f"{path}: {error}"


class Store:
    """The runs below a results folder, and their checkpoints beside it."""

    def __init__(
        self, results: Path, checkpoints: Path = Path("checkpoints"), scratch: Path = Path(".remixup")
    ) -> None:
        self.runs, self.checkpoints, self.scratch = results / "runs", checkpoints, scratch

    def blocks(self, run: str) -> list[Block]:
        """The blocks of a run, by first seed."""
        found = []
        for folder in (self.runs / run).glob("seeds-*-*"):
            if match := re.fullmatch(r"seeds-(\d+)-(\d+)", folder.name):
                found.append(Block(folder, int(match[1]), int(match[2])))
        return sorted(found, key=lambda block: block.first)

    def missing(self, run: str, seeds: int, population: bool) -> list[list[int]]:
        """The blocks to train so that seeds 0 to seeds - 1 are there: one seed each, or runs of neighbours."""
        have = {seed for block in self.blocks(run) for seed in block.seeds}
        groups: list[list[int]] = []
        for seed in range(seeds):
            if seed in have:
                continue
            if population and groups and groups[-1][-1] == seed - 1:
                groups[-1].append(seed)
            else:
                groups.append([seed])
        return groups

    def checkpoint(self, run: str, seeds: list[int]) -> Path:
        """Where the weights of a block lie, if they were kept."""
        return self.checkpoints / run / f"seeds-{seeds[0]}-{seeds[-1]}.safetensors"

    def resume_point(self, run: str, seeds: list[int]) -> Path:
        """Where a block in training keeps its state."""
        return self.scratch / "resume" / run / f"seeds-{seeds[0]}-{seeds[-1]}.safetensors"

    @contextmanager
    def lock(self, run: str) -> Iterator[None]:
        """Held while a run is trained or published: of two processes, the second waits and then finds it done.

        Who gets it clears away what a killed process had not finished.
        """
        folder = self.scratch / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{run}.lock"):
            for home in (self.runs, self.checkpoints, self.scratch / "resume"):
                for pattern in (".part-*", ".*.part", ".tmp*"):  # the last are safetensors' own, before it renames them
                    for unfinished in (home / run).glob(pattern):
                        shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()
            yield

    def publish(
        self, spec: RunSpec, seeds: list[int], history: list[dict[str, float]], provenance: dict[str, Any]
    ) -> Block:
        """Adds a block, by one rename."""
        home = self.runs / spec.key()
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".part-", dir=home))
        try:
            text = yaml.safe_dump({"run": spec.key(), **spec.canonical()}, sort_keys=True)
            (folder / "spec.yaml").write_text(text, encoding="utf-8")
            write_json(folder / "metrics.json", metrics(seeds, history, spec.choose_epoch))
            with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(history)
            files = {name: sha256(folder / name) for name in FILES}
            write_json(folder / "provenance.json", {**provenance, "files": files})
            folder.chmod(0o755)
            block = Block(home / f"seeds-{seeds[0]}-{seeds[-1]}", seeds[0], seeds[-1])
            os.rename(folder, block.folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return block


def read_history(path: Path) -> list[dict[str, float]]:
    """Rows of a history: seed, epoch, rate, and each quantity after that epoch."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def write_json(path: Path, value: Any) -> None:
    """Writes a file of JSON that appears whole."""
    write_whole(path, json.dumps(value, indent=1, allow_nan=True) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Writes a file that appears whole; what a killed process left of it an hour ago or longer goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.part"):
        with suppress(FileNotFoundError):  # of a process that lives, and has put it in its place just now
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def metrics(seeds: list[int], history: list[dict[str, float]], choose_epoch: bool = False) -> dict[str, Any]:
    """For each seed whether it diverged, and each quantity's last value, its median over the last ten epochs, its best.

    With `choose_epoch` also its value after the epoch of the least validation error, the first of several. A diverged
    seed has no values.
    """
    result: dict[str, Any] = {"seeds": seeds, "diverged": [], "values": {}}
    for seed in seeds:
        rows = [row for row in history if row["seed"] == seed]
        diverged = not all(abs(row["train_loss"]) < float("inf") for row in rows)
        result["diverged"].append(diverged)
        errors = [row["validation_error"] for row in rows] if choose_epoch else []
        for quantity in (name for name in QUANTITIES if name in rows[0]):
            series = [row[quantity] for row in rows]
            reduced = {"last": series[-1], "median10": statistics.median(series[-10:]), "best": min(series)}
            if choose_epoch:
                reduced["chosen"] = series[errors.index(min(errors))]
            for name, value in reduced.items():
                result["values"].setdefault(f"{quantity}.{name}", []).append(None if diverged else value)
    return result


def speeds(history: list[dict[str, float]], quantity: str) -> dict[int, float | None]:
    """Return, for each seed, the share of the schedule after which a quantity stays near where it ends.

    Near is within a tenth of the median over the last twentieth of the epochs (ten of 200, at least one). The share is
    in percent of the epochs: 0 where the quantity is near from the first epoch on, 100 where it is not even after the
    last.

    Args:
        history: rows of a history, epochs of a seed in order.
        quantity: a column of it.

    Returns:
        Seed -> share; None for a seed that diverged. Empty where the history has no such column.
    """
    found: dict[int, float | None] = {}
    for seed in dict.fromkeys(int(row["seed"]) for row in history if quantity in row):
        rows = [row for row in history if row["seed"] == seed]
        series = [row[quantity] for row in rows]
        end = statistics.median(series[-max(1, len(series) // 20) :])
        far = [epoch for epoch, value in enumerate(series, start=1) if abs(value - end) > 0.1 * abs(end)]
        diverged = not all(abs(row["train_loss"]) < float("inf") for row in rows)
        found[seed] = None if diverged else 100 * max(far, default=0) / len(series)
    return found


@contextmanager
def enough_space(folder: Path) -> Iterator[None]:
    """Turns a full disk into the one-message error."""
    try:
        yield
    except Exception as error:
        if not no_space(error):
            raise
        hint = "free some; what was finished is kept, and the same command goes on from there"
        raise UserError(f"no space left below {folder.resolve()}", hint=hint) from None
