"""Evidence on real data: what is to be trained in the order of its worth, and working through it."""

from __future__ import annotations

import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from pydantic import Field

from remixup import data
from remixup.errors import UserError, did_you_mean
from remixup.evaluation.kept import needs_weights
from remixup.evaluation.runner import evaluate
from remixup.replication import records
from remixup.replication.run_costs import training_flop, training_seconds
from remixup.spec.config import Config, Scale
from remixup.spec.experiment import read_experiments
from remixup.spec.planning import Evaluation, Plan, PlannedRow, plan_experiment
from remixup.spec.run import RunSpec
from remixup.spec.strict import Strict, read_yaml, validate
from remixup.training.block import BlockTraining
from remixup.training.provenance import clean, code
from remixup.training.runner import Reporter, Runner
from remixup.training.timing import StepTimes, kind


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

    @cached_property
    def key(self) -> str:
        """The run's name in the store."""
        return self.run.key()

    @property
    def on_record(self) -> bool:
        """Whether there is nothing left to do."""
        return all(records.complete(self.plan, row, self.seeds) for row in self._rows)

    @property
    def evaluations(self) -> list[Evaluation]:
        """Those of its experiment that read its run."""
        return [each for each in self.plan.evaluations().values() if self.key in each.runs]

    @property
    def _rows(self) -> list[PlannedRow]:
        return [row for row in self.plan.runnable if row.key == self.key]

    @cached_property
    def seconds(self) -> float | None:
        """What its training takes on this machine, by its step times (`remixup plan`), or else by what is on record.

        None where neither knows such steps.
        """
        times = StepTimes.here(self.plan.scale)
        measured = training_seconds(self.run, self.seeds, times)
        return _recorded_seconds(self.run, self.seeds, times.hardware) if measured is None else measured

    def __str__(self) -> str:
        rows = ", ".join(row.row.id for row in self._rows)
        seeds = f"seeds 0-{self.seeds - 1}" if self.run.population else f"seed {self.seeds - 1}"
        return f"{self.plan.experiment.id} at {self.plan.scale} scale, {rows}: {seeds}"


def _recorded_seconds(run: RunSpec, seeds: int, hardware: str) -> float | None:
    """What a block took on this hardware that took steps of the same kind, in proportion to the passes of both."""
    wanted = kind(run, seeds)
    for record in records.read_all():
        blocks: list[float] = [each["seconds"] for each in record["provenance"] if each["hardware"] == hardware]
        if not blocks or record["spec"]["model"]["name"] != run.model["name"]:
            continue
        spec = RunSpec.model_validate(record["spec"])
        if kind(spec, len(record["seeds"])) == wanted:
            return statistics.median(blocks) * training_flop(run) / training_flop(spec)
    return None


def described(missing: list[Piece], minutes: float | None) -> Iterator[str]:
    """A line for each piece with the time that it takes, one for all of them, and one for what so many minutes leave.

    Pieces whose time is not known count as nothing, so that more may be left than is said.
    """
    ends = list(accumulate(piece.seconds or 0.0 for piece in missing))
    fits = len(missing) if minutes is None else bisect_right(ends, 60 * minutes)
    for number, piece in enumerate(missing):
        yield f"  {piece}, {_minutes([piece])}{'' if number < fits else ', left for later'}"
    if missing:
        yield f"  all of them: {_minutes(missing)}"
    if left := missing[fits:]:
        yield f"  {minutes:g} minutes leave {len(left)} of them: {_minutes(left)}"


def _minutes(missing: list[Piece]) -> str:
    known = [piece.seconds for piece in missing if piece.seconds is not None]
    if not known:
        return "time not measured (`remixup plan --measure` does)"
    return f"{'more than ' if len(known) < len(missing) else ''}{sum(known) / 60:.1f} min"


class OutOfTime(Exception):
    """The time that was given is over; what was trained is kept."""


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


def work_through(
    missing: list[Piece], make_runner: Callable[[Reporter], Runner], progress: Reporter, minutes: float | None
) -> Iterator[Piece]:
    """Trains, evaluates and records the pieces in their order; each is yielded when it is on record.

    Args:
        missing: the pieces.
        make_runner: makes the runner that a reporter is told by.
        progress: told of the progress.
        minutes: stop after so many.

    Raises:
        OutOfTime: after so many minutes, at the end of an epoch; a resume point keeps what was trained.
        UserError: the sources differ from the last commit.
    """
    if not clean(code()):
        raise UserError("evidence is trained from a clean source tree", where="git status", hint="commit first")
    deadline = None if minutes is None else time.monotonic() + 60 * minutes

    def check(run: str, seeds: list[int], training: BlockTraining) -> None:
        progress(run, seeds, training)
        if deadline is not None and time.monotonic() > deadline and not training.finished:
            raise OutOfTime

    runner = make_runner(check)
    # Experiments share runs, and the first to train one need not be the one that measures something on its network.
    keep = {run for piece in missing for each in piece.evaluations if needs_weights(each) for run in each.runs}
    for piece in missing:
        if deadline is not None and time.monotonic() > deadline:
            raise OutOfTime
        _carry_out(piece, runner, piece.key in keep)
        yield piece


def _carry_out(piece: Piece, runner: Runner, keep_weights: bool) -> None:
    config, plan = piece.config, piece.plan
    dataset = piece.run.dataset
    data.prepare(
        dataset.name,
        dataset.version,
        folder=Path(config.data.folder),
        mirror=config.mirror,
        download=config.data.download,
    )
    wanted = piece.evaluations
    # Earlier seeds are on record, and need not be in this store; but attacks go from one seed's network to another's.
    alone = not piece.run.population and all(each.source is None for each in wanted)
    runner.train(piece.run, piece.seeds, keep_weights, first=piece.seeds - 1 if alone else 0)
    runs = plan.runs()
    for each in wanted:
        whole = all(not runner.store.missing(run, runs[run][1], runs[run][0].population) for run in each.runs)
        if each.source is None or whole:
            seeds = min(each.seeds, piece.seeds) if each.source is None else each.seeds
            evaluate(runner, Path(config.results), replace(each, seeds=seeds), *(runs[run] for run in each.runs))
    for run in {piece.key, *(run for each in wanted for run in each.runs)}:
        records.write(config, plan, run)
