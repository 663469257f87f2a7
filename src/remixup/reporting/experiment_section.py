"""An experiment's section of the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from remixup.analysis.result_schema import Cost, ExperimentResult
from remixup.config.experiment import Experiment, Table
from remixup.reporting import latex
from remixup.reporting.claims import claims_table, undecided_sentences
from remixup.reporting.footnotes import split_differences
from remixup.reporting.results_table import derived_table
from remixup.reporting.table_builder import shown_rows
from remixup.reporting.tables import table
from remixup.reporting.templates import render


def section(experiment: Experiment, result: ExperimentResult) -> str:
    """Print summary, training time, failed runs, choices, tables, claims and figures of an experiment."""
    listed = experiment.tables
    if not listed and any(entry.published is not None for entry in result.entries):  # else no table would print them
        listed = [Table(id="results", caption=latex.prose(f"{experiment.title}."))]
    labels = {row.id: row.label for row in experiment.rows}
    failed = {entry.row: entry for entry in result.entries if entry.verdict in ("failed", "diverged")}
    derived, claims = derived_table(experiment, result), claims_table(experiment, result)
    name = experiment.id
    printed = [each for each in listed if shown_rows(each.rows, experiment, result)]
    references = [rf"Table~\ref{{tab:{name}-{each.id}}}" for each in printed]
    references += [rf"Table~\ref{{tab:{name}-derived}}"] if derived else []
    references += [rf"Table~\ref{{claims:{name}}} (claims)"] if claims else []
    references += [rf"Figure~\ref{{fig:{name}-{each.id}}}" for each in experiment.figures]
    return render(
        "section.tex",
        experiment=experiment,
        references=references,
        total=spent_by(result.costs),
        by_machine=spent_by_machine(result.costs),
        failed=[(labels.get(row, row), row, entry) for row, entry in failed.items()],
        tables=[table(each, experiment, result) for each in listed],
        derived=derived,
        claims=claims,
        sentences=undecided_sentences(experiment, result),
        figures=[(figure, _surrogates(experiment, result, figure.rows)) for figure in experiment.figures],
    )


def _surrogates(experiment: Experiment, result: ExperimentResult, patterns: list[str]) -> list[str]:
    """List the differences of a figure's rows from the published settings."""
    rows = {row.id for row in experiment.select(patterns)}
    return split_differences(entry.stand_in for entry in result.entries if entry.row in rows)


@dataclass(frozen=True)
class Spent:
    """How much was trained: distinct runs, seeds of all runs, and seconds, rounded for print."""

    runs: int
    seeds: int
    seconds: str
    machine: str = ""


def spent_by(costs: list[Cost], machine: str = "") -> Spent:
    """Sum what runs took."""
    seconds = sum(cost.seconds for cost in costs)
    seeds = sum(len(cost.seeds) for cost in costs)
    return Spent(len({cost.run for cost in costs}), seeds, f"{seconds:.{0 if seconds >= 10 else 1}f}", machine)


def spent_by_machine(costs: list[Cost]) -> list[Spent]:
    """Sum what runs took on each machine, in the order of their first runs."""
    names = dict.fromkeys(map(machine, costs))
    return [spent_by([cost for cost in costs if machine(cost) == name], name) for name in names]


def machine(cost: Cost) -> str:
    """Return the device and the processor of a run, in words."""
    return f"{cost.device}, {cost.hardware}"


def machines(costs: list[Cost]) -> str:
    """List the machines of runs, most used first."""
    return "; ".join(name for name, _ in Counter(map(machine, costs)).most_common())
