"""Estimate runs, seeds, operations and hours of training of the experiments at a scale.

Evaluations are not estimated: except for attacks they take little compared with training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from remixup.analysis.aggregate import results_of
from remixup.analysis.result_schema import Result
from remixup.config.run import RunSpec
from remixup.config.settings import Config, Scale
from remixup.costs import rates
from remixup.costs.rates import Rates
from remixup.costs.sample_size import Needed, needed
from remixup.planning.jobs import merged_runs
from remixup.planning.plan import Plan, with_all_rows
from remixup.store.run_store import Store
from remixup.training.flops import training_operations

Runs = dict[str, tuple[RunSpec, int]]
"""Specification and number of seeds, by the run's name in the store."""


class Estimate(Result):
    """Estimate of some runs."""

    runs: int
    seeds: int = Field(description="over all runs")
    seeds_stored: int = Field(description="those that the run store has")
    operations: float = Field(description="floating-point operations of training all seeds")
    hours: float | None = Field(
        description="of one device that trains all seeds; null where the rate of one of the networks is unknown"
    )


class ExperimentEstimate(Estimate):
    """Estimate of an experiment that is run alone."""

    experiment: str
    rows_without_data: int = Field(description="counted here like all others, but not run as configured")
    needed: list[Needed] = Field(description="seeds for each verdict")


@dataclass(frozen=True)
class SeedCosts:
    """Estimate of the training of one seed, by run."""

    operations: dict[str, float]
    seconds: dict[str, float]
    """Hours of one device; runs of an unknown rate are left out."""
    hardware: str
    """Name of the device."""


class CostPlan(Result):
    """Estimate of the configured experiments at a scale."""

    scale: Scale
    hardware: str = Field(description="the device that the hours are of")
    experiments: list[ExperimentEstimate]
    total: Estimate = Field(description="runs that several experiments share are counted once")


def plan_costs(config: Config, plans: list[Plan]) -> CostPlan:
    """Estimate what the plans take on this machine, as if all data were available."""
    store, device = Store(Path(config.results)), rates.this_device(config.scale)
    whole = [with_all_rows(plan) for plan in plans]
    together = merged_runs(whole)
    measured = rates.measure([*rates.recorded(), *rates.stored(store, list(together))], device)
    experiments = [
        ExperimentEstimate(
            **_estimate(own.runs(), store, measured).model_dump(),
            experiment=plan.experiment.id,
            rows_without_data=len(plan.rows) - len(plan.runnable),
            needed=needed(plan, results_of(config, plan)),
        )
        for plan, own in zip(plans, whole, strict=True)
    ]
    total = _estimate(together, store, measured)
    return CostPlan(scale=config.scale, hardware=device, experiments=experiments, total=total)


def _estimate(runs: Runs, store: Store, measured: Rates) -> Estimate:
    times = [rates.seconds(spec, seeds, measured) for spec, seeds in runs.values()]
    known = [time for time in times if time is not None]
    stored = {key: {seed for block in store.blocks(key) for seed in block.seeds if seed < runs[key][1]} for key in runs}
    return Estimate(
        runs=len(runs),
        seeds=sum(seeds for _, seeds in runs.values()),
        seeds_stored=sum(map(len, stored.values())),
        operations=sum(seeds * training_operations(spec) for spec, seeds in runs.values()),
        hours=sum(known) / 3600 if len(known) == len(times) else None,
    )


def seed_costs(plans: list[Plan]) -> SeedCosts:
    """Estimate what one seed of each run takes, on the device that trained the most seeds on record."""
    runs = merged_runs([with_all_rows(plan) for plan in plans])
    trained = list(rates.recorded())
    device = rates.most_recorded(trained)
    wanted = {rates.rate_key(spec, seeds) for spec, seeds in runs.values()}
    # Counting operations takes time for each network; most networks on record are smaller than the published ones.
    measured = rates.measure([each for each in trained if rates.rate_key(each.spec, each.seeds) in wanted], device)
    total = {key: rates.seconds(spec, seeds, measured) for key, (spec, seeds) in runs.items()}
    return SeedCosts(
        operations={key: training_operations(spec) for key, (spec, _) in runs.items()},
        seconds={key: time / runs[key][1] for key, time in total.items() if time is not None},
        hardware=device,
    )
