"""Seed blocks of a run and their evaluations, in the run store and in `records/`.

Each is one JSON file, which is written once, never changed, and contains a digest of its content.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer

from remixup.config.metrics import QUANTITIES
from remixup.config.run import RunSpec
from remixup.errors import UserError
from remixup.files import disk_error, read_mapping, write_text
from remixup.store.provenance import Measurement, Provenance

History = dict[str, list[float]]
"""Columns of equal length: `seed`, `epoch` (in order for each seed), `rate`, and each quantity after that epoch."""


class Damaged(UserError):
    """A stored file does not match its digest."""


class Stored(BaseModel):
    """A stored result: immutable, without unknown keys, with a digest of its content in its file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def write(self, path: Path) -> None:
        """Write the file atomically and durably."""
        content = self.model_dump(exclude_defaults=True)
        write_text(path, _lines({**content, "sha256": content_digest(content)}) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the content of a file, which is parsed once as long as it does not change.

        Raises:
            Damaged: the file is missing, or its content differs from its digest.
            OSError: the disk fails, and the file may be intact.
        """
        try:
            state = path.stat()
            found: Self = _read(cls, path.absolute(), (state.st_mtime_ns, state.st_size, state.st_ino))
            return found
        except (OSError, ValidationError, ValueError, KeyError, TypeError) as error:
            if disk_error(error):
                raise
            raise Damaged(f"{path}: {str(error).splitlines()[0]}") from None


class SeedBlock(Stored):
    """The seeds of a run that were trained together, with their results."""

    run: str = Field(description="the run's key")
    spec: dict[str, Any] = Field(description="fields of the specification that differ from their defaults")
    numerics: dict[str, int] = Field({}, description="editions above 1 of the components in use")
    seeds: list[int]
    diverged: list[bool] = Field(description="for each seed, whether its loss did not stay finite")
    values: dict[str, list[float | None]] = Field(description="metric -> value of each seed; null: it diverged")
    history: History | None = Field(None, description="null in older records of several seeds")
    history_sha256: str | None = Field(None, description="of the history's CSV file, in those older records")
    beats_linear_baseline: dict[str, bool] = Field(
        {}, description="row -> whether ERM beat untuned logistic regression, in older records; it decides nothing"
    )
    provenance: Provenance

    @field_serializer("history")
    def _count_in_integers(self, history: History | None) -> Any:
        counts = ("seed", "epoch")
        return history and {**history, **{name: [int(value) for value in history[name]] for name in counts}}

    @property
    def name(self) -> str:
        """The stem of the file's name."""
        return f"seeds-{self.seeds[0]}-{self.seeds[-1]}"

    @functools.cached_property
    def specification(self) -> RunSpec:
        """The run that was trained, with its execution; pydantic's ValidationError if this program has no such run.

        `spec` alone lacks the execution, which is not part of a run's identity.
        """
        return RunSpec.model_validate({**self.spec, "execution": self.provenance.execution})

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the results. Training the seeds again to the same bits does not change it."""
        return content_digest(self.model_dump(include={"run", "seeds", "diverged", "values"}))

    def check_values(self) -> None:
        """Raise Damaged where the values do not follow from the history."""
        if self.history is None:
            return
        diverged, values = summarize(self.seeds, self.history, self.spec.get("choose_epoch", False))
        wrong = [name for name in self.values.keys() | values.keys() if self.values.get(name) != values.get(name)]
        if diverged != self.diverged or wrong:
            names = ", ".join(sorted(wrong)) or "divergence"
            raise Damaged(f"{self.run}/{self.name}: its {names} does not follow from its history")

    @classmethod
    def of(cls, spec: RunSpec, seeds: list[int], history: History, provenance: Provenance) -> SeedBlock:
        """Return the block of seeds that were trained."""
        diverged, values = summarize(seeds, history, spec.choose_epoch)
        identity = spec.canonical()
        return cls(
            run=spec.key(),
            spec=identity["run"],
            numerics=identity.get("numerics", {}),
            seeds=seeds,
            diverged=diverged,
            values=values,
            history=history,
            provenance=provenance,
        )


class EvaluatedBlock(Stored):
    """The measurements of an evaluation on the trained networks of a seed block."""

    evaluation: dict[str, Any] = Field(description="name and parameters")
    numerics: int = Field(1, description="edition of the evaluation")
    runs: list[str] = Field(description="the run that was evaluated, and its source where it has one")
    block: str = Field(description="digest of the seed block")
    measured: list[dict[str, Any]] = Field(description="for each seed what was measured")
    provenance: Measurement | None = Field(None, description="how it was measured; null in the oldest records")


@functools.cache
def _read(kind: type[Stored], path: Path, state: tuple[int, ...]) -> Any:
    content = read_mapping(path)
    if content.pop("sha256") != content_digest(content):
        raise ValueError("its content differs from its digest")
    return kind.model_validate(content)


def content_digest(content: Any) -> str:
    """Return the SHA-256 of a stored file's content, which the file has as `sha256`."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _lines(value: Any, depth: int = 0) -> str:
    """Return JSON with a line for each key of a mapping, and for each mapping of a list."""
    space = " " * (depth + 1)
    if isinstance(value, dict) and value:
        inside = [f"{space}{json.dumps(key)}: {_lines(each, depth + 1)}" for key, each in value.items()]
        return "{\n" + ",\n".join(inside) + "\n" + " " * depth + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(space + json.dumps(each) for each in value) + "\n" + " " * depth + "]"
    return json.dumps(value)


def columns(rows: Sequence[Mapping[str, float]]) -> History:
    """Return rows of a history as columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def by_seed(history: History) -> dict[int, History]:
    """Return the columns of a history for each seed."""
    rows: dict[int, list[int]] = {}
    for row, seed in enumerate(history["seed"]):
        rows.setdefault(int(seed), []).append(row)
    return {
        seed: {name: [column[row] for row in own] for name, column in history.items()} for seed, own in rows.items()
    }


def _finite(losses: list[float]) -> bool:
    return all(abs(loss) < float("inf") for loss in losses)


def summarize(
    seeds: list[int], history: History, choose_epoch: bool = False
) -> tuple[list[bool], dict[str, list[float | None]]]:
    """Reduce the history of each quantity to its last value, its median over the last ten epochs, and its least.

    Args:
        seeds: in the order of the results.
        history: of these seeds.
        choose_epoch: also give the value after the epoch of the least validation error, the first of several.

    Returns:
        For each seed, whether it diverged; and for each metric the value of each seed, None where it diverged.
    """
    diverged: list[bool] = []
    values: dict[str, list[float | None]] = {}
    found = by_seed(history)
    for seed in seeds:
        series = found[seed]
        diverged.append(not _finite(series["train_loss"]))
        errors = series["validation_error"] if choose_epoch else []
        for quantity in (name for name in QUANTITIES if name in series):
            column = series[quantity]
            reduced = {"last": column[-1], "median10": median(column[-10:]), "best": min(column)}
            if choose_epoch:
                reduced["chosen"] = column[errors.index(min(errors))]
            for name, value in reduced.items():
                values.setdefault(f"{quantity}.{name}", []).append(None if diverged[-1] else value)
    return diverged, values


def speeds(history: History, quantity: str) -> dict[int, float | None]:
    """Return, for each seed, the share of the schedule after which a quantity stays near its final value.

    Near is within a tenth of the median over the last twentieth of the epochs (ten of 200, at least one). The share is
    in percent of the epochs: 0 where the quantity is near from the first epoch on, 100 where it is not even after the
    last.

    Args:
        history: of some seeds.
        quantity: a column of it.

    Returns:
        Seed -> share; None for a seed that diverged. Empty where the history has no such column.
    """
    found: dict[int, float | None] = {}
    for seed, series in by_seed(history).items() if quantity in history else ():
        column = series[quantity]
        end = median(column[-max(1, len(column) // 20) :])
        far = [epoch for epoch, value in enumerate(column, start=1) if abs(value - end) > 0.1 * abs(end)]
        found[seed] = 100 * max(far, default=0) / len(column) if _finite(series["train_loss"]) else None
    return found
