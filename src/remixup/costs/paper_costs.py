"""What each run and each evaluation of the experiments takes at paper scale, in a committed file.

    benchmarks/paper_costs.json

The report says what it would take to settle what is open. To count the operations is to build every network, with
torch; that takes longer than the rest of the report, and so it is done beforehand, by `make hashes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from remixup.analysis.result_schema import Result
from remixup.config.experiment import read_experiments
from remixup.config.settings import Config
from remixup.planning.plan import Plan, plan_experiment, with_all_rows

FILE = Path("benchmarks/paper_costs.json")


class SeedCost(Result):
    """What one seed takes."""

    flop: float = Field(description="operations; a training pass is three forward passes")
    seconds: float | None = Field(description="on the GPU of the file; null where its steps were not measured there")


class PaperCosts(Result):
    """The file: costs by run and by evaluation, each under its name in the store."""

    schema_version: int = 1
    hardware: str | None = Field(description="the GPU that the seconds are of; null where none was measured")
    costs: dict[str, SeedCost]


def read(file: Path = FILE) -> PaperCosts:
    """The committed costs. What is not in them (a row that is new) is not known; nor is anything without the file."""
    if not file.exists():
        return PaperCosts(hardware=None, costs={})
    return PaperCosts.model_validate_json(file.read_text(encoding="utf-8"))


def plans() -> list[Plan]:
    """All experiments at paper scale, as if all data were at hand."""
    files = read_experiments().values()
    return [with_all_rows(plan_experiment(path, experiment, Config(), "paper")) for path, experiment in files]


def count(wanted: Iterable[Plan]) -> PaperCosts:
    """Counts anew; to four digits. Seconds are those of the GPU of `benchmarks/step_times` that knows most steps."""
    # Imported only here, as they import torch.
    from remixup.costs.run_costs import RunCosts
    from remixup.costs.throughput import StepTimes

    times = next(iter(StepTimes.of_gpus()), None)
    found: dict[str, SeedCost] = {}
    for plan in wanted:
        counted = RunCosts(Config(), plan, times or StepTimes("no GPU", "cuda"))
        seeds = {key: count for key, (_, count) in counted.runs.items()}
        seeds |= {key: each.seeds for key, each in plan.evaluations().items()}
        for key, spent in (counted.trainings | counted.evaluations).items():
            seconds = None if spent.seconds is None or times is None else _short(spent.seconds / seeds[key])
            found[key] = SeedCost(flop=_short(spent.flop / seeds[key]), seconds=seconds)
    return PaperCosts(hardware=times.hardware if times else None, costs=dict(sorted(found.items())))


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def write(file: Path = FILE) -> None:
    """Writes the file, a line for each run."""
    counted = count(plans())
    lines = ",\n".join(f'  "{key}": {cost.model_dump_json()}' for key, cost in counted.costs.items())
    head = counted.model_dump_json(exclude={"costs"})[:-1]
    file.write_text(f'{head}, "costs": {{\n{lines}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    write()
