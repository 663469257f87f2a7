"""An experiment's section of the report."""

from __future__ import annotations

from collections import Counter

from remixup.analysis.result_schema import Cost, ExperimentResult
from remixup.config.experiment import Experiment, Figure, Table
from remixup.reporting import latex, tables
from remixup.reporting.claims import claims_table, sentences
from remixup.reporting.derived import derived_table
from remixup.reporting.footnotes import parts_of

_TABLE = Table.model_validate({"id": "results", "caption": ""})


def section(experiment: Experiment, result: ExperimentResult) -> str:
    """Summary, time, troubles, choices, tables, claims and figures; without rows summary and sentences alone."""
    listed = experiment.tables
    if not listed and any(entry.published is not None for entry in result.entries):  # else they would be hidden
        listed = [_TABLE.model_copy(update={"caption": latex.prose(f"{experiment.title}.")})]
    derived = derived_table(experiment, result)
    claims = claims_table(experiment, result)
    printed = [table for table in listed if tables.here(experiment, table.rows, result)]
    found = [rf"Table~\ref{{tab:{experiment.id}-{table.id}}}" for table in printed]
    found += [rf"Table~\ref{{tab:{experiment.id}-derived}}"] if derived else []
    found += [rf"Table~\ref{{claims:{experiment.id}}} (claims)"] if claims else []
    found += [rf"Figure~\ref{{fig:{experiment.id}-{figure.id}}}" for figure in experiment.figures]
    where = latex.prose(experiment.where)
    where = f"Replicates {where}." if experiment.rows else f"{where[:1].upper()}{where[1:]}."
    opening = [
        rf"\experiment{{{latex.prose(experiment.title)}}}{{{experiment.id}}}{{{where}}}" + "\n",
        experiment.summary.strip(),
        f" Results: {latex.listed(found)}." if found else "",
        f" {time_taken(result.costs)}" if experiment.rows else "",
    ]
    parts = [
        "".join(opening),
        tables.troubles(experiment, result),
        _choices(experiment.choices),
        *(tables.table(table, experiment, result) for table in listed),
        derived,
        claims,
        sentences(experiment, result),
        *(_figure(experiment, result, figure) for figure in experiment.figures),
    ]
    return "\n\n".join(part for part in parts if part)


def time_taken(costs: list[Cost]) -> str:
    """A sentence: how many runs and seeds, how many seconds of training on what."""
    if not costs:
        return "Nothing was run for it at this scale."
    runs, seeds, _ = spent(costs)
    by_machine = {machine(cost): [each for each in costs if machine(each) == machine(cost)] for cost in costs}
    took = [
        f"{latex.number(spent(own)[2])}~seconds of training on {latex.escape(name)}" for name, own in by_machine.items()
    ]
    counted = f"{latex.number(runs)}~{'run' if runs == '1' else 'runs'}"
    counted += f" ({latex.number(seeds)}~{'seed' if seeds == '1' else 'seeds'})"
    return f"Its {counted} took {latex.listed(took)}."


def machine(cost: Cost) -> str:
    """The device of a run, in words."""
    return f"{cost.device}, {cost.hardware}"


def spent(costs: list[Cost]) -> tuple[str, str, str]:
    """Digits: runs, seeds over all runs, seconds."""
    seconds = sum(cost.seconds for cost in costs)
    seeds = sum(len(cost.seeds) for cost in costs)
    return str(len({cost.run for cost in costs})), str(seeds), f"{seconds:.{0 if seconds >= 10 else 1}f}"


def hardware(costs: list[Cost]) -> str:
    """The devices of runs, most used first."""
    return "; ".join(name for name, _ in Counter(map(machine, costs)).most_common())


def _choices(choices: list[str]) -> str:
    items = "\n".join(rf"\item {choice.strip()}" for choice in choices)
    return f"\\begin{{choices}}\n{items}\n\\end{{choices}}" if items else ""


def _figure(experiment: Experiment, result: ExperimentResult, figure: Figure) -> str:
    rows = {row.id for row in experiment.select(figure.rows)}
    stand_ins = parts_of(entry.stand_in for entry in result.entries if entry.row in rows)
    caption = figure.caption.strip()
    if stand_ins:  # the figure's own daggers say where, its caption what
        named = "; ".join(map(latex.prose, stand_ins))
        caption += rf" \standinmark{{}}~{'Stand-in' if len(stand_ins) == 1 else 'Stand-ins'}: {named}."
    return (
        "\\begin{figure}[!htbp]\n\\centering\n"
        f"\\includegraphics{{{experiment.id}-{figure.id}.pdf}}\n"
        f"\\caption{{{caption}}}\\label{{fig:{experiment.id}-{figure.id}}}\n"
        "\\end{figure}"
    )
