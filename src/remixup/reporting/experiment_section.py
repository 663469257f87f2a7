"""An experiment's section of the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from remixup.analysis.result_schema import Cost, ExperimentResult
from remixup.config.experiment import Experiment, Table
from remixup.reporting import latex
from remixup.reporting.claims import claims_table
from remixup.reporting.fits import fits_table
from remixup.reporting.number_tables import verdicts_table
from remixup.reporting.results_table import derived_table
from remixup.reporting.table_builder import shown_rows, split_differences
from remixup.reporting.tables import table
from remixup.reporting.templates import render


def section(experiment: Experiment, result: ExperimentResult) -> str:
    """Print summary, training time, failed runs, choices, tables, claims and figures of an experiment."""
    listed = experiment.tables
    if not listed and any(entry.published is not None for entry in result.entries):  # else no table would print them
        listed = [Table(id="results", caption=latex.prose(f"{experiment.title}."))]
    definitions = {claim.id: claim.definition for claim in experiment.claims}
    labels = {row.id: row.label for row in experiment.rows}
    failed = {entry.row: entry for entry in result.entries if entry.verdict in ("failed", "diverged")}
    derived, claims = derived_table(experiment, result), claims_table(experiment, result)
    verdicts = verdicts_table(experiment, result)
    machines = dict.fromkeys(map(_machine, result.costs))
    name = experiment.id
    printed = [each for each in listed if shown_rows(each.rows, experiment, result)]
    references = [rf"Table~\ref{{tab:{name}-{each.id}}}" for each in printed]
    references += [rf"Table~\ref{{tab:{name}-derived}}"] if derived else []
    references += [rf"Table~\ref{{tab:{name}-verdicts}} (verdicts)"] if verdicts else []
    references += [rf"Table~\ref{{claims:{name}}} (claims)"] if claims else []
    references += [rf"Figure~\ref{{fig:{name}-{each.id}}}" for each in experiment.figures]
    return render(
        "section.tex",
        experiment=experiment,
        references=references,
        total=spent_by(result.costs),
        by_machine=[spent_by([cost for cost in result.costs if _machine(cost) == each]) for each in machines],
        failed=[(labels.get(row, row), row, entry) for row, entry in failed.items()],
        tables=[table(each, experiment, result) for each in listed],
        derived=derived,
        verdicts=verdicts,
        fits=fits_table(experiment, result) if claims else "",
        claims=claims,
        sentences=[(claim, definitions[claim.id]) for claim in result.claims if claim.kind != "measured"],
        figures=[(figure, _surrogates(experiment, result, figure.rows)) for figure in experiment.figures],
    )


def _surrogates(experiment: Experiment, result: ExperimentResult, patterns: list[str]) -> list[str]:
    """List the differences of a figure's rows from the published settings."""
    rows = {row.id for row in experiment.select(patterns)}
    return split_differences(entry.stand_in for entry in result.entries if entry.row in rows)


@dataclass(frozen=True)
class Spent:
    """How much was trained: distinct runs, seeds of all runs, seconds, rounded for print, and machines."""

    runs: int
    seeds: int
    seconds: str
    machines: str


def spent_by(costs: list[Cost]) -> Spent:
    """Sum what runs took; list their machines, most used first."""
    seconds = sum(cost.seconds for cost in costs)
    seeds = sum(len(cost.seeds) for cost in costs)
    machines = "; ".join(name for name, _ in Counter(map(_machine, costs)).most_common())
    return Spent(len({cost.run for cost in costs}), seeds, f"{seconds:.{0 if seconds >= 10 else 1}f}", machines)


def _machine(cost: Cost) -> str:
    """Return the device and the processor of a run, in words."""
    return f"{cost.device}, {cost.hardware}"
