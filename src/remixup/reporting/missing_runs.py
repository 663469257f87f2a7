"""List numbers and claims without evidence of the published protocol, and the training that they need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from remixup.analysis.best_evidence import best_evidence
from remixup.analysis.result_schema import Entry, ExperimentResult
from remixup.config.experiment import Experiment
from remixup.planning.plan import Plan
from remixup.reporting.evidence import in_order, judge, of

if TYPE_CHECKING:  # it imports torch
    from remixup.costs.estimate import SeedCosts


@dataclass(frozen=True)
class Lacking:
    """Missing evidence of an experiment."""

    experiment: Experiment
    numbers: int
    """Published numbers whose best evidence is not the published protocol."""
    claims: int
    """The paper's claims whose best evidence is not the published protocol, or that choose among rows without runs."""
    runs: dict[str, int]
    """Run at paper scale -> seeds."""


@dataclass(frozen=True)
class Outstanding:
    """Missing evidence of the experiments, in the order of the report, and the cost of its training."""

    experiments: list[Lacking]
    costs: SeedCosts

    @property
    def numbers(self) -> int:
        """Count the published numbers that lack evidence of the published protocol."""
        return sum(each.numbers for each in self.experiments)

    @property
    def claims(self) -> int:
        """Count the claims that lack it."""
        return sum(each.claims for each in self.experiments)

    @property
    def timed(self) -> int:
        """Count the experiments of which the hours are known."""
        return sum(self.hours(each.runs) is not None for each in self.experiments)

    @property
    def together(self) -> dict[str, int]:
        """Return the seeds of all runs; one that several experiments share counts once, with the most."""
        found: dict[str, int] = {}
        for each in self.experiments:
            found |= {key: seeds for key, seeds in each.runs.items() if seeds > found.get(key, 0)}
        return found

    def operations(self, runs: dict[str, int]) -> float:
        """Sum the operations of some runs, in 10^15."""
        return sum(seeds * self.costs.operations[key] for key, seeds in runs.items()) / 1e15

    def hours(self, runs: dict[str, int]) -> float | None:
        """Sum the hours of some runs; None where the rate of one is unknown."""
        if not runs or runs.keys() - self.costs.seconds.keys():
            return None
        return sum(seeds * self.costs.seconds[key] for key, seeds in runs.items()) / 3600


def outstanding(plans: list[Plan], results: list[ExperimentResult], costs: SeedCosts) -> Outstanding:
    """Find what each experiment lacks; those that lack nothing are left out."""
    by_id = {plan.experiment.id: plan for plan in plans}
    found = {result.experiment: result for result in results}
    lacking = [_lacking(by_id[each.id], found[each.id]) for each in in_order([plan.experiment for plan in plans])]
    return Outstanding([each for each in lacking if each.numbers or each.claims], costs)


def _lacking(plan: Plan, result: ExperimentResult) -> Lacking:
    """Find the rows that lack a number or a claim's metric, with the rows that these name as sources."""
    entries: dict[tuple[str, str], Entry] = {(entry.row, entry.metric): entry for entry in result.entries}

    def there(row: str, metric: str) -> bool:
        return (row, metric) in entries and best_evidence(entries[row, metric])[0] == "paper"

    numbers = [(row.row.id, metric) for row in plan.rows for metric in row.row.published if row.row.transcribed(metric)]
    numbers = [each for each in numbers if not there(*each)]
    derived = [each for each in plan.experiment.derived if not there(each.id, each.kind)]
    judged = of("paper", judge([plan.experiment], [result]))
    claims = [each.stated for each in judged if each.kind != "paper" or (each.test and each.test.untried)]
    rows = {row for row, _ in numbers} | {row for each in derived for row in (each.baseline, each.treatment)}
    rows |= {row for claim in claims for row in claim.rows if not there(row, claim.metric or "")}
    rows |= {each["source"] for row in plan.rows if row.row.id in rows for each in row.evaluate if "source" in each}
    wanted = replace(plan, rows=[replace(row, available=True) for row in plan.rows if row.row.id in rows])
    runs = {key: seeds for key, (_, seeds) in wanted.runs().items()}
    return Lacking(plan.experiment, len(numbers) + len(derived), len(claims), runs)
