"""The appendix: where everything comes from, and how long it took."""

from __future__ import annotations

from collections import Counter
from typing import Any

from remixup.analysis.result_schema import Cost, ExperimentResult, Replication, Source
from remixup.config.experiment import Experiment
from remixup.reporting import latex
from remixup.reporting.experiment_section import hardware, spent


def appendix(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
) -> str:
    """Sources, software and machine; data; seconds by experiment; origins of what is on record."""
    parts = [
        r"\section{Provenance}\label{app:provenance}",
        r"\subsection{Sources, software, machine}",
        _origin(replication, environment),
        r"\subsection{Data}",
        _data([source for result in results for source in result.sources]),
        r"\subsection{Time}",
        _time(results, {experiment.id: experiment for experiment in experiments}),
    ]
    records = _records(replication)
    return "\n\n".join([*parts, *([r"\subsection{Results on record}", records] if records else [])])


def _origin(replication: Replication, environment: dict[str, Any]) -> str:
    commit, dirty = replication.code.commit, replication.code.dirty
    state = {True: "differed from it", False: "as committed", None: "not known"}[dirty]
    facts: list[list[str] | str] = [
        ["Commit of the sources", latex.code(commit) if commit else "none: outside a repository"],
        ["State of the sources", state],
        ["Locked requirements, SHA-256", latex.code(environment["lock"]) if environment["lock"] else "no lock file"],
        ["Python", latex.escape(environment["python"])],
        ["Packages", ", ".join(latex.escape(f"{name} {v}") for name, v in environment["versions"].items())],
        ["Machine of this report", latex.escape(environment["processor"])],
    ]
    caption = "Where the numbers of this report come from. Those on record have origins of their own."
    return latex.table(["@{}l", "L{115mm}@{}"], [], facts, caption=caption, label="tab:origin")


def _data(sources: list[Source]) -> str:
    found = {(source.name, source.version): source for source in sources}
    lines: list[list[str] | str] = [
        [
            latex.code(source.name) + (rf" \citep{{{source.citation}}}" if source.citation else ""),
            latex.code(source.version),
            latex.code(source.sha256[:12]),
            latex.escape(source.licence),
        ]
        for _, source in sorted(found.items())
    ]
    notes = [
        rf"\item[{{\normalfont {latex.code(source.name)}, {latex.code(source.version)}}}] {latex.escape(source.note)}"
        for _, source in sorted(found.items())
        if source.note
    ]
    caption = "Datasets, with the first twelve digits of the SHA-256 of what was prepared from them."
    columns = ["@{}L{68mm}", "L{22mm}", "l", "L{44mm}@{}"]
    head = ["Dataset", "Version", "SHA-256", "Terms"]
    table = latex.table(columns, head, lines, caption=caption, label="tab:data")
    listed = "\n".join(["{\\small\\begin{description}", *notes, "\\end{description}}"]) if notes else ""
    return f"{table}\n{listed}"


def distinct(results: list[ExperimentResult]) -> list[Cost]:
    """What the runs of all experiments took, those that several experiments share once."""
    return list({(cost.run, *cost.seeds): cost for result in results for cost in result.costs}.values())


def _time(results: list[ExperimentResult], experiments: dict[str, Experiment]) -> str:
    uses = Counter(run for result in results for run in {cost.run for cost in result.costs})
    lines: list[list[str] | str] = []
    for result in (result for result in results if experiments[result.experiment].rows):
        shared = sum(uses[run] > 1 for run in {cost.run for cost in result.costs})
        runs, seeds, seconds = map(latex.number, spent(result.costs))
        cells = [latex.prose(experiments[result.experiment].title), runs, latex.number(str(shared)), seeds, seconds]
        lines.append([*cells, latex.escape(hardware(result.costs)) or "--"])
    runs, seeds, seconds = map(latex.number, spent(distinct(results)))
    shared = sum(count > 1 for count in uses.values())
    lines.append([r"\totalrule All, runs in common counted once", runs, latex.number(str(shared)), seeds, seconds, ""])
    caption = (
        "Seconds of training, by experiment. Runs that an experiment shares with others are counted in each of them."
    )
    columns = ["@{}L{58mm}", "r", "r", "r", "r", "L{56mm}@{}"]
    head = ["Experiment", "Runs", "shared", "Seeds", "Seconds", "Device and processor"]
    return latex.table(columns, head, lines, caption=caption, label="tab:time")


def _records(replication: Replication) -> str:
    origins = Counter(
        (record.date, record.scale, record.code.commit or "", record.code.dirty, record.precision, record.hardware)
        for entry in replication.entries
        for record in entry.recorded
    )
    lines: list[list[str] | str] = [
        [
            date,
            scale,
            latex.code(commit[:12]) + ("" if dirty is False else " (changed)") if commit else "--",
            latex.escape(precision),
            latex.escape(hardware),
            str(count),
        ]
        for (date, scale, commit, dirty, precision, hardware), count in sorted(origins.items(), key=str)
    ]
    caption = "Where the results on record come from."
    columns = ["@{}l", "l", "l", "l", "L{60mm}", "r@{}"]
    head = ["Day", "Scale", "Commit", "Precision", "Hardware", "Numbers"]
    return latex.table(columns, head, lines, caption=caption, label="tab:records") if lines else ""
