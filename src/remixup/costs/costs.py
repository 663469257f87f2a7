"""What experiments take, before anything starts: runs, jobs, hours, operations, disk, and seeds for a verdict."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable

from pydantic import Field

from remixup.analysis.result_schema import Result
from remixup.analysis.sample_size import Needed, needed
from remixup.config.settings import ON_CPU, Config, Scale
from remixup.costs.run_costs import RunCosts, Spent
from remixup.costs.throughput import Device, StepTimes, measure
from remixup.errors import UserError
from remixup.planning.plan import Plan, with_all_rows
from remixup.store.provenance import cores
from remixup.training.gpu_lock import slots

SCHEMA_VERSION = 1


class Bound(Result):
    """A sum, some of whose terms may be unknown."""

    value: float = Field(description="of the terms that are known")
    complete: bool = Field(description="false: the value is a lower bound")


class Disk(Result):
    """Bytes."""

    checkpoints: int = Field(description="of the trained networks that an evaluation reads")
    datasets: Bound = Field(description="as prepared; how large image files are is known once they are")


class ExperimentCost(Result):
    """What one experiment takes, as if it ran alone."""

    experiment: str
    rows: int
    rows_without_data: int = Field(description="counted here like all others; they are not run as it is configured")
    runs: int
    jobs: int
    seeds: int = Field(description="trained, over all runs")
    seeds_stored: int
    hours: Bound = Field(description="of one device; trainings and evaluations")
    hours_left: Bound = Field(description="without what the store has")
    pflop: float = Field(description="10^15 operations: a training pass is three forward passes")
    disk: Disk
    needed: list[Needed] = Field(description="seeds for each verdict")


class Totals(Result):
    """All experiments together: what several share is counted once."""

    runs: int
    jobs: int
    seeds: int
    seeds_stored: int
    hours: Bound
    hours_left: Bound
    pflop: float
    disk: Disk
    resume_points: int = Field(description="bytes, at most, beside that: of the jobs that train at a time")
    devices: int = Field(description="jobs at a time")
    wall_hours: Bound = Field(
        description="what is left, its jobs put longest first onto the next free device; an evaluation is not made to "
        "wait for the trainings that it reads where they are jobs of their own"
    )


class CostPlan(Result):
    """What the configured experiments take at a scale."""

    schema_version: int = SCHEMA_VERSION
    scale: Scale
    hardware: str
    device: Device
    step_times: str = Field(description="the file with what was measured on that hardware")
    experiments: list[ExperimentCost]
    totals: Totals


def devices(resources: str | None, device: Device) -> int:
    """How many jobs there are at a time: N of `gpu=N`, else one on a GPU, and on a CPU one on each core.

    Raises:
        UserError: resources of any other form.
    """
    if resources is not None:
        if not (match := re.fullmatch(r"gpu=([1-9][0-9]*)", resources)):
            raise UserError(f"{resources!r} is not of the form gpu=N", where="--resources", hint="such as gpu=4")
        return int(match[1])
    if device == "cuda":
        return 1
    return cores()


def measure_steps(plans: list[Plan], tell: Callable[[str], None]) -> None:
    """Times the steps of all runs that this machine has no times for, on a device that is held meanwhile."""
    runs = [run for plan in plans for run in with_all_rows(plan).runs().values()]
    if not plans:
        return
    with slots(limit=0 if plans[0].scale in ON_CPU else None):
        measure(runs, StepTimes.here(plans[0].scale), tell)


def estimate(config: Config, plans: list[Plan], times: StepTimes, devices: int) -> CostPlan:
    """What the plans take on a hardware.

    Args:
        config: where the store and prepared data lie.
        plans: of the experiments, all at one scale.
        times: step times of the hardware.
        devices: how many jobs there are at a time.
    """
    costs = [RunCosts(config, with_all_rows(plan), times) for plan in plans]
    totals = _totals(costs, devices)
    experiments = [_experiment(cost, plan) for cost, plan in zip(costs, plans, strict=True)]
    return CostPlan(
        scale=config.scale,
        hardware=times.hardware,
        device=times.device,
        step_times=str(times.path),
        experiments=experiments,
        totals=totals,
    )


def hours(seconds: Iterable[float | None]) -> Bound:
    """The sum of seconds, in hours."""
    known = list(seconds)
    return Bound(value=sum(each or 0.0 for each in known) / 3600, complete=None not in known)


def wall_time(jobs: list[list[float | None]], devices: int) -> Bound:
    """Hours until the last job is done, the longest being started first.

    Args:
        jobs: for each the seconds of its parts, None where they are not known.
        devices: so many jobs run at a time.
    """
    free, takes = [0.0] * devices, [hours(parts) for parts in jobs]
    for each in sorted((job.value for job in takes), reverse=True):
        heapq.heappush(free, heapq.heappop(free) + each)
    return Bound(value=max(free), complete=all(job.complete for job in takes))


def _disk(checkpoints: Iterable[int], datasets: Iterable[int | None]) -> Disk:
    known = list(datasets)
    total = Bound(value=sum(each or 0 for each in known), complete=None not in known)
    return Disk(checkpoints=sum(checkpoints), datasets=total)


def _experiment(costs: RunCosts, plan: Plan) -> ExperimentCost:
    done = [*costs.trainings.values(), *costs.evaluations.values()]
    seeds = sum(each for _, each in costs.runs.values())
    return ExperimentCost(
        experiment=plan.experiment.id,
        rows=len(plan.rows),
        rows_without_data=len(plan.rows) - len(plan.runnable),
        runs=len(costs.runs),
        jobs=len(costs.plan.packs()),
        seeds=seeds,
        seeds_stored=seeds - sum(costs.missing.values()),
        hours=hours(each.seconds for each in done),
        hours_left=hours(each.left for each in done),
        pflop=sum(each.flop for each in done) / 1e15,
        disk=_disk(costs.checkpoints().values(), costs.datasets().values()),
        needed=needed(costs.config, plan),
    )


def _totals(all_costs: list[RunCosts], devices: int) -> Totals:
    """Of a run that several experiments ask for the one with the most seeds counts."""
    seeds: dict[str, int] = {}
    missing: dict[str, int] = {}
    parts: dict[str, Spent] = {}
    checkpoints: dict[str, int] = {}
    resume: dict[str, int] = {}
    datasets: dict[tuple[str, str], int | None] = {}
    seen: set[str] = set()
    jobs: list[list[float | None]] = []
    for costs in all_costs:
        more = {key for key, (_, count) in costs.runs.items() if count > seeds.get(key, 0)}
        seeds |= {key: costs.runs[key][1] for key in more}
        missing |= {key: costs.missing[key] for key in more}
        parts |= {key: costs.trainings[key] for key in more} | costs.evaluations
        resume |= {key: size for key, size in costs.resume_points().items() if key in more}
        kept_weights = costs.checkpoints()
        checkpoints |= {key: max(size, checkpoints.get(key, 0)) for key, size in kept_weights.items()}
        datasets |= costs.datasets()
        jobs += costs.jobs(seen)
    largest = heapq.nlargest(devices, resume.values())
    return Totals(
        runs=len(seeds),
        jobs=sum(len(costs.plan.packs()) for costs in all_costs),
        seeds=sum(seeds.values()),
        seeds_stored=sum(seeds.values()) - sum(missing.values()),
        hours=hours(each.seconds for each in parts.values()),
        hours_left=hours(each.left for each in parts.values()),
        pflop=sum(each.flop for each in parts.values()) / 1e15,
        disk=_disk(checkpoints.values(), datasets.values()),
        resume_points=sum(largest),
        devices=devices,
        wall_hours=wall_time(jobs, devices),
    )
