"""Evidence on real data: what is to be trained, in the order of its worth."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from remixup.analysis import records
from remixup.config.base import Strict, validate
from remixup.config.experiment import read_experiments
from remixup.config.run import RunSpec
from remixup.config.settings import Config, Scale
from remixup.config.yaml_loader import read_yaml
from remixup.costs import rates
from remixup.errors import UserError, did_you_mean
from remixup.planning.plan import Evaluation, Plan, PlannedRow, plan_experiment


class Item(Strict):
    """Some rows of an experiment at a real scale."""

    experiment: str
    scale: Scale
    rows: list[str] = Field(min_length=1, description="ids, or patterns of ids")
    seeds: int | None = Field(None, ge=1, description="so many at most; default: all that the row asks for")


class Agenda(Strict):
    """What evidence is worth most, on a machine with a GPU and on one without."""

    gpu: list[Item] = []
    cpu: list[Item] = []


@dataclass(frozen=True)
class Piece:
    """A step forward: a run is to have its first seeds trained and on record."""

    config: Config
    plan: Plan
    run: RunSpec
    seeds: int

    @functools.cached_property
    def key(self) -> str:
        """The run's name in the store."""
        return self.run.key()

    @property
    def on_record(self) -> bool:
        """Whether there is nothing left to do."""
        return all(records.complete(self.plan, row, self.seeds) for row in self._rows)

    @functools.cached_property
    def touched(self) -> set[str]:
        """The runs that it reads, or whose records it writes: its own, and those that an evaluation reads beside it."""
        return {self.key, *(run for each in self.evaluations for run in each.runs)}

    @functools.cached_property
    def evaluations(self) -> list[Evaluation]:
        """Those of its experiment that read its run."""
        return [each for each in self.plan.evaluations().values() if self.key in each.runs]

    @property
    def _rows(self) -> list[PlannedRow]:
        return [row for row in self.plan.runnable if row.key == self.key]

    @functools.cached_property
    def seconds(self) -> float | None:
        """Estimate how long its training takes on this machine, from the records; None where the rate is unknown."""
        return rates.seconds(self.run, self.seeds if self.run.population else 1, _recorded_rates(self.plan.scale))

    def __str__(self) -> str:
        rows = ", ".join(row.row.id for row in self._rows)
        seeds = f"seeds 0-{self.seeds - 1}" if self.run.population else f"seed {self.seeds - 1}"
        return f"{self.plan.experiment.id} at {self.plan.scale} scale, {rows}: {seeds}"


@functools.cache
def _recorded_rates(scale: Scale) -> rates.Rates:
    """Compute the rates of the device that trains at a scale on this machine."""
    return rates.measure(rates.recorded(), rates.this_device(scale))


def described(missing: list[Piece], minutes: float | None, workers: int) -> Iterator[str]:
    """A line for each piece with the time that it takes, one for all of them, and one for what so many minutes leave.

    So many workers take the pieces in their order. Pieces whose time is not known count as nothing, so that more may be
    left than is said.
    """
    left = []
    for piece, end in zip(missing, _ends(missing, workers), strict=True):
        late = minutes is not None and end > 60 * minutes
        left += [piece] if late else []
        yield f"  {piece}, {_minutes([piece])}{', left for later' if late else ''}"
    at_a_time = f", {workers} at a time" if workers > 1 else ""
    if missing:
        yield f"  all of them{at_a_time}: {_minutes(missing, workers)}"
    if left:
        yield f"  {minutes:g} minutes leave {len(left)} of them: {_minutes(left, workers)}"


def _ends(missing: list[Piece], workers: int) -> list[float]:
    """Seconds until each piece is done, whoever is free taking the next."""
    free, ends = [0.0] * workers, []
    for piece in missing:
        ends.append(heapq.heappop(free) + (piece.seconds or 0.0))
        heapq.heappush(free, ends[-1])
    return ends


def _minutes(missing: list[Piece], workers: int = 1) -> str:
    known = [piece for piece in missing if piece.seconds is not None]
    if not known:
        return "time not known"
    more = "more than " if len(known) < len(missing) else ""
    return f"{more}{max(_ends(known, workers)) / 60:.1f} min"


def read_agenda(path: Path) -> Agenda:
    """The agenda file; UserError where it is not one."""
    return validate(Agenda, read_yaml(path) or {}, str(path))


def pieces(items: list[Item], config: Config, where: str) -> list[Piece]:
    """The pieces of some items, on record or not; rows without data at hand have none.

    Raises:
        UserError: an unknown experiment or row, or a scale without real data.
    """
    files = read_experiments()
    found: list[Piece] = []
    for number, item in enumerate(items):
        place = f"{where}[{number}]"
        if item.experiment not in files:
            advice = did_you_mean(item.experiment, files)
            raise UserError(f"unknown experiment {item.experiment!r}", where=place, hint=advice)
        if item.scale not in records.REAL:
            raise UserError(f"{item.scale} is not a real scale", where=place, hint=f"one of {', '.join(records.REAL)}")
        scaled = config.model_copy(update={"scale": item.scale})
        plan = plan_experiment(*files[item.experiment], scaled)
        found += _pieces(item, scaled, plan, place)
    return found


def _pieces(item: Item, config: Config, plan: Plan, place: str) -> Iterator[Piece]:
    known = {row.row.id for row in plan.rows}
    chosen = {row.id for row in plan.experiment.select(item.rows)} & known
    for pattern in item.rows:
        if not any(row.id in known for row in plan.experiment.select([pattern])):
            hint = did_you_mean(pattern, known)
            raise UserError(f"no row {pattern!r} at {item.scale} scale", where=place, hint=hint)
    wanted = {row.key for row in plan.runnable if row.row.id in chosen}
    runs = {key: (run, min(count, item.seeds or count)) for key, (run, count) in plan.runs().items() if key in wanted}
    for seeds in range(1, max([count for _, count in runs.values()], default=0) + 1):
        for run, count in runs.values():
            # Seeds of a population train side by side: all of them are one piece.
            if seeds <= count and (seeds == count or not run.population):
                yield Piece(config, plan, run, seeds)
