"""List what has no evidence of the published protocol yet, and what training it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from remixup.analysis.best_evidence import best_evidence
from remixup.analysis.result_schema import Entry, ExperimentResult
from remixup.config.experiment import Experiment
from remixup.planning.plan import Plan
from remixup.reporting import latex
from remixup.reporting.evidence import in_order, judge, of
from remixup.reporting.templates import render

if TYPE_CHECKING:  # it imports torch
    from remixup.costs.estimate import SeedCosts


@dataclass(frozen=True)
class Lacking:
    """What an experiment lacks."""

    experiment: Experiment
    numbers: int
    """Published numbers whose best evidence is not the published protocol."""
    claims: int
    """The paper's claims whose best evidence is not the published protocol, or that choose among rows without runs."""
    runs: dict[str, int]
    """Run at paper scale -> seeds."""


@dataclass(frozen=True)
class Outstanding:
    """What the experiments lack, in the order of the report, and what the missing training takes."""

    parts: list[Lacking]
    costs: SeedCosts

    @property
    def together(self) -> dict[str, int]:
        """Seeds of all runs; one that several experiments share counts once, with the most."""
        found: dict[str, int] = {}
        for part in self.parts:
            found |= {key: seeds for key, seeds in part.runs.items() if seeds > found.get(key, 0)}
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
    """Find what each experiment lacks; those that lack nothing are left out.

    Args:
        plans: of the experiments at paper scale.
        results: of the same experiments, with what is on record.
        costs: of the runs at paper scale.
    """
    by_id = {plan.experiment.id: plan for plan in plans}
    found = {result.experiment: result for result in results}
    parts = [_lacking(by_id[each.id], found[each.id]) for each in in_order([plan.experiment for plan in plans])]
    return Outstanding([each for each in parts if each.numbers or each.claims], costs)


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
    rows |= {part["source"] for row in plan.rows if row.row.id in rows for part in row.evaluate if "source" in part}
    wanted = replace(plan, rows=[replace(row, available=True) for row in plan.rows if row.row.id in rows])
    runs = {key: seeds for key, (_, seeds) in wanted.runs().items()}
    return Lacking(plan.experiment, len(numbers) + len(derived), len(claims), runs)


def amount(value: float | None) -> str:
    """Format a sum with two digits, or as an integer from 10 on; a dash where it is unknown."""
    if value is None:
        return "--"
    if 0 < value < 0.01:
        return r"$<\num{0.01}$"
    return latex.number(f"{value:.0f}" if value >= 10 or value == 0 else f"{float(f'{value:.2g}'):g}")


def table(found: Outstanding) -> str:
    """Print a line for each experiment, and one for all together; hours where some are known."""
    timed = any(found.hours(each.runs) is not None for each in found.parts)
    lines = []
    for each in found.parts:
        counted = [str(each.numbers), str(each.claims), *_cells(found, each.runs, timed)]
        lines.append([rf"\ref{{exp:{each.experiment.id}}}", latex.prose(each.experiment.title), *counted])
    sums = [str(sum(each.numbers for each in found.parts)), str(sum(each.claims for each in found.parts))]
    lines.append([r"\totalrule All", "(runs in common once)", *sums, *_cells(found, found.together, timed)])
    columns = ["runs", "trainings", "$10^{15}$ operations", *(["hours"] if timed else [])]
    return render("missing-runs.tex", columns=columns, lines=lines)


def _cells(found: Outstanding, runs: dict[str, int], timed: bool) -> list[str]:
    cells = [str(len(runs)), latex.number(str(sum(runs.values()))), amount(found.operations(runs))]
    return [*cells, amount(found.hours(runs))] if timed else cells


def macros(found: Outstanding) -> list[str]:
    """Define the numbers that the text of the chapter has."""
    runs = found.together
    values: dict[str, str | int] = {
        "NumOpenNumbers": sum(each.numbers for each in found.parts),
        "NumOpenClaims": sum(each.claims for each in found.parts),
        "NumOpenRuns": len(runs),
        "NumOpenTrainings": latex.number(str(sum(runs.values()))),
        "OpenOperations": amount(found.operations(runs)),
        "NumOpenTimed": sum(found.hours(each.runs) is not None for each in found.parts),
        "OpenHardware": latex.escape(found.costs.hardware),
    }
    return [latex.macro(name, value) for name, value in values.items()]
