"""The queue of evidence on real data: what to train, the most valuable first."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from remixup.analysis import freezes, records
from remixup.analysis.on_record import FrozenResults
from remixup.config.base import Strict, validate
from remixup.config.experiment import read_experiments
from remixup.config.run import RunSpec
from remixup.config.settings import Config, Scale
from remixup.config.yaml_loader import read_yaml
from remixup.costs import rates
from remixup.errors import UserError, did_you_mean, look_up
from remixup.files import write_json
from remixup.planning.plan import Evaluation, Plan, PlannedRow, needs_weights, plan_experiment
from remixup.planning.workflow import plan_to_json
from remixup.store.provenance import cores


class Item(Strict):
    """Some rows of an experiment at a real scale. `{freeze: NAME}` stands for the rows of a freeze."""

    experiment: str = Field(description="id of an experiment")
    scale: Scale = Field(description="at which it is trained")
    rows: list[str] = Field(min_length=1, description="ids, or patterns of ids")
    seeds: int | None = Field(None, ge=1, description="at most this many; default: all that the row asks for")
    freeze: str | None = Field(None, description="train the seeds of this freeze")

    @model_validator(mode="before")
    @classmethod
    def _read_freeze(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "freeze" not in value:
            return value
        if len(value) > 1:
            raise ValueError("a freeze says which rows and seeds are trained: no other key is possible")
        frozen = freezes.read(str(value["freeze"]))
        return {**value, "experiment": frozen.experiment, "scale": frozen.scale, "rows": list(frozen.runs)}


class QueueFile(Strict):
    """evidence.yaml: what to train on a machine with a GPU and on one without, the most valuable first."""

    gpu: list[Item] = Field([], description="on a machine with a GPU, the most valuable first")
    cpu: list[Item] = Field([], description="on a machine without one")


def queue_schema() -> dict[str, Any]:
    """Return the JSON Schema of evidence.yaml: an item has rows, or is a freeze alone."""
    schema = QueueFile.model_json_schema()
    rows = schema["$defs"]["Item"]
    name = {"type": "string", "description": rows["properties"].pop("freeze")["description"]}
    freeze = {"type": "object", "properties": {"freeze": name}, "required": ["freeze"], "additionalProperties": False}
    schema["$defs"]["Item"] = {"anyOf": [rows, freeze]}
    return schema


@dataclass(frozen=True)
class Task:
    """Train, evaluate and record the first seeds of a run, or of a freeze."""

    config: Config
    plan: Plan
    run: RunSpec
    seeds: int
    freeze: str | None = None
    device: rates.Device | None = None
    """The device that trains it; None: that of this machine."""

    @property
    def plan_name(self) -> str:
        """Name of the plan in the queue. Freezes of an experiment may differ in seeds and in versions of data."""
        return self.freeze or f"{self.plan.experiment.id}-{self.plan.scale}"

    @functools.cached_property
    def key(self) -> str:
        """The run's name in the store."""
        return self.run.key()

    @property
    def on_record(self) -> bool:
        """Whether the records have all that the task would add."""
        # A freeze is about exactly its runs; elsewhere a run of the same protocol counts, too.
        results = FrozenResults(self.freeze, self.plan) if self.freeze else records.RecordedResults(self.plan)
        return all(records.complete(results, row, self.trained) for row in self._rows)

    @functools.cached_property
    def alone(self) -> bool:
        """Whether its last seed is trained without the others, since no evaluation needs the networks of two seeds."""
        return not self.run.vectorized and all(each.source is None for each in self.evaluations)

    @functools.cached_property
    def trained(self) -> list[int]:
        """The seeds that it trains, if they are missing."""
        numbers = freezes.read(self.freeze).seeds[: self.seeds] if self.freeze else list(range(self.seeds))
        return numbers[-1:] if self.alone else numbers

    @property
    def baseline(self) -> bool:
        """Whether its run is ERM, or is compared with no ERM; under a freeze these are trained first."""
        return any(self.plan.plain(row).key == self.key for row in self._rows)

    @functools.cached_property
    def touched(self) -> set[str]:
        """The runs that it reads or whose records it writes: its own, and those that its evaluations read beside it."""
        return {self.key, *(run for each in self.evaluations for run in each.runs)}

    @functools.cached_property
    def evaluations(self) -> list[Evaluation]:
        """The evaluations of its experiment that read its run."""
        return [each for each in self.plan.evaluations().values() if self.key in each.runs]

    @property
    def _rows(self) -> list[PlannedRow]:
        return [row for row in self.plan.runnable if row.key == self.key]

    @functools.cached_property
    def seconds(self) -> float | None:
        """Estimate how long its training takes; None where the rate is unknown."""
        device = self.device or rates.Device(rates.this_device(self.plan.scale))
        return device.seconds(self.run, self.seeds if self.run.vectorized else 1)

    def __str__(self) -> str:
        rows = ", ".join(row.row.id for row in self._rows)
        first, last = self.trained[0], self.trained[-1]
        seeds = f"seeds {first}-{last}" if self.run.vectorized else f"seed {last}"
        return f"{self.plan.experiment.id} at {self.plan.scale} scale, {rows}: {seeds}"


def described(missing: list[Task], minutes: float | None, workers: int) -> Iterator[str]:
    """Yield a line for each task with its duration, one for all of them, and one for those that the minutes exclude.

    A task of unknown duration counts as nothing.
    """
    left = []
    for task, end in zip(missing, _ends(missing, workers), strict=True):
        late = minutes is not None and end > 60 * minutes
        left += [task] if late else []
        yield f"  {task}, {_minutes([task])}{', left for later' if late else ''}"
    at_a_time = f", {workers} at a time" if workers > 1 else ""
    if missing:
        yield f"  all of them{at_a_time}: {_minutes(missing, workers)}"
    if left:
        yield f"  {minutes:g} minutes leave {len(left)} of them: {_minutes(left, workers)}"


def _ends(missing: list[Task], workers: int) -> list[float]:
    """Return the seconds until each task is done, if each free worker takes the next."""
    free, ends = [0.0] * workers, []
    for task in missing:
        ends.append(heapq.heappop(free) + (task.seconds or 0.0))
        heapq.heappush(free, ends[-1])
    return ends


def _minutes(missing: list[Task], workers: int = 1) -> str:
    known = [task for task in missing if task.seconds is not None]
    if not known:
        return "time not known"
    more = "more than " if len(known) < len(missing) else ""
    return f"{more}{max(_ends(known, workers)) / 60:.1f} min"


def number_of_workers(missing: list[Task], gpus: int, wanted: int | None) -> int:
    """Return how many tasks run at a time: one on each GPU, or as many as the CPU has cores for, unless it is given."""
    room = gpus or max(1, cores() // max((task.run.execution.threads for task in missing), default=1))
    most = min(gpus or len(missing), len(missing))
    return max(1, min(wanted or room, most))


def write_queue(
    missing: list[Task],
    path: Path,
    config: Config,
    gpu_slots: int | None,
    workers: int,
    until: float | None,
    *,
    linear_baselines: bool = False,
    runs_per_gpu: int = 1,
    whole: bool = False,
    further: dict[str, Any] | None = None,
) -> None:
    """Write the tasks, in their order, with everything that they need.

    A task waits for the last one that has a run in common with it, so that no two write the same record. Under a freeze
    the other tasks wait for the baselines.

    Args:
        missing: the tasks.
        path: the file.
        config: where data, runs and checkpoints are.
        gpu_slots: use this many GPUs at most.
        workers: number of tasks at a time.
        until: Unix time after which no task starts, and a run stops at the end of its epoch; None: no limit.
        linear_baselines: whether those that the records lack are measured, after all tasks have started.
        runs_per_gpu: how many tasks share a GPU.
        whole: start no task that is expected to end later than `until`.
        further: what a bundle says beside it.
    """
    # Experiments share runs, and the task that trains one need not be the one that reads its weights.
    weights = {run for task in missing for each in task.evaluations if needs_weights(each) for run in each.runs}
    plans = {task.plan_name: task.plan for task in missing}
    tasks: dict[str, Any] = {}
    last: dict[str, str] = {}  # the last task that touches a run
    baselines: dict[str, list[str]] = {}  # of a freeze
    for index, task in enumerate(missing):
        name = f"{index:04}-{task.key}"
        first: list[str] = []
        if task.freeze and task.baseline:
            baselines.setdefault(task.freeze, []).append(name)
        elif task.freeze:
            first = baselines.get(task.freeze, [])
        tasks[name] = {
            "label": str(task),
            "plan": task.plan_name,
            "run": task.key,
            "seeds": task.seeds,
            "trained": task.trained,
            "seconds": task.seconds,
            "rate": rates.rate_key(task.run, task.seeds),
            "epochs": task.run.epochs,
            "freeze": task.freeze,
            "weights": task.key in weights,
            "after": sorted({last[run] for run in task.touched if run in last} | set(first)),
        }
        last |= dict.fromkeys(task.touched, name)
    document = {
        "config": config.model_dump(mode="json"),
        "gpu_slots": gpu_slots,
        "runs_per_gpu": runs_per_gpu,
        "workers": workers,
        "until": until,
        "whole": whole,
        "plans": {name: plan_to_json(plan) for name, plan in plans.items()},
        "tasks": tasks,
        "linear_baselines": linear_baselines,
    }
    write_json(path, document | (further or {}))


def read_queue_file(path: Path) -> QueueFile:
    """Read evidence.yaml; UserError where it is wrong."""
    return validate(QueueFile, read_yaml(path) or {}, str(path))


def of_seeds(tasks: list[Task], seeds: range) -> list[Task]:
    """Return the tasks of some seeds: of runs that train each seed alone and are evaluated without another row."""
    return [task for task in tasks if task.alone and task.trained[0] in seeds]


def tasks_of(items: list[Item], config: Config, where: str, device: rates.Device | None = None) -> list[Task]:
    """Return the tasks of some items, on record or not; rows whose data is unavailable have none.

    Args:
        items: of a queue file.
        config: says which data is available.
        where: names the items in messages.
        device: the device that trains; None: that of this machine.

    Raises:
        UserError: an unknown experiment or row, or a scale without real data.
    """
    files = read_experiments()
    found: list[Task] = []
    for number, item in enumerate(items):
        entry = f"{where}[{number}]"
        file = look_up("experiment", item.experiment, files, entry)
        if item.scale not in records.REAL:
            raise UserError(f"{item.scale} is not a real scale", where=entry, hint=f"one of {', '.join(records.REAL)}")
        scaled = config.model_copy(update={"scale": item.scale})
        if item.freeze:
            plan = freezes.frozen_plan(freezes.read(item.freeze), *file, scaled)
            # The sort is stable.
            found += sorted(_tasks_of(item, scaled, plan, entry), key=lambda task: not task.baseline)
        else:
            found += _tasks_of(item, scaled, plan_experiment(*file, scaled), entry)
    return [replace(task, device=device) for task in found]


def _tasks_of(item: Item, config: Config, plan: Plan, where: str) -> Iterator[Task]:
    known = {row.row.id for row in plan.rows}
    chosen = {row.id for row in plan.experiment.select(item.rows)} & known
    for pattern in item.rows:
        if not any(row.id in known for row in plan.experiment.select([pattern])):
            hint = did_you_mean(pattern, known)
            raise UserError(f"no row {pattern!r} at {item.scale} scale", where=where, hint=hint)
    wanted = {row.key for row in plan.runnable if row.row.id in chosen}
    runs = {key: (run, min(count, item.seeds or count)) for key, (run, count) in plan.runs().items() if key in wanted}
    for seeds in range(1, max([count for _, count in runs.values()], default=0) + 1):
        for run, count in runs.values():
            # Vectorized seeds train side by side: all of them are one task.
            if seeds <= count and (seeds == count or not run.vectorized):
                yield Task(config, plan, run, seeds, item.freeze)
