"""Writes what the report reads, and sets it: sections, macros, title page, appendix, PDF."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib

from remixup.errors import UserError
from remixup.replication.results import Cost, ExperimentResult, Replication, Source
from remixup.reporting import figures, latex, tables
from remixup.spec.config import Scale
from remixup.spec.experiment import Experiment, Figure, Row, Table
from remixup.spec.planning import merge

logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of the dates in matplotlib's own fonts

_TABLE = Table.model_validate({"id": "results", "caption": ""})
OPTIONS = ("-interaction=nonstopmode", "-halt-on-error", "-file-line-error", "-no-shell-escape")


def write_assets(experiment: Experiment, result: ExperimentResult, folder: Path) -> list[Path]:
    """Writes an experiment's section and its figures.

    Args:
        experiment: the experiment file.
        result: its results; nothing else is read.
        folder: where `<id>.tex` and `<id>-<figure>.pdf` go; made if need be.

    Returns:
        The files written: figures in the order of the experiment file, then the section.

    Raises:
        UserError: the result lacks a published number of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for figure in experiment.figures:
        path = folder / f"{experiment.id}-{figure.id}.pdf"
        arguments = {key: value for key, value in figure.draw.items() if key != "name"}
        draw = getattr(figures, figure.draw["name"])
        rows = [_resolved(experiment, row, result.scale) for row in experiment.select(figure.rows)]
        _save(draw(result, rows, **arguments), path)
        written.append(path)
    section = folder / f"{experiment.id}.tex"
    _write(section, _section(experiment, result))
    return [*written, section]


def _resolved(experiment: Experiment, row: Row, scale: Scale) -> Row:
    """The row with all that its run is made of under `run`: the file's and the named variations' settings as well."""
    run: dict[str, Any] = {}
    for variation in (experiment, *(experiment.variations[name] for name in row.use), row):
        for settings in variation.layers(scale):
            run = merge(run, settings.run)
    return row.model_copy(update={"run": run})


def _save(figure: Any, path: Path) -> None:
    """A vector PDF without dates, so that the same result gives the same bytes."""
    part = path.with_name(f".{path.name}.part")
    with matplotlib.rc_context(figures.STYLE):
        figure.savefig(part, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    os.replace(part, path)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    os.replace(part, path)


def _section(experiment: Experiment, result: ExperimentResult) -> str:
    listed = experiment.tables
    if not listed and any(entry.published is not None for entry in result.entries):  # else they would be hidden
        listed = [_TABLE.model_copy(update={"caption": latex.prose(f"{experiment.title}.")})]
    found = [rf"Table~\ref{{tab:{experiment.id}-{table.id}}}" for table in listed]
    claims = tables.claims_table(experiment, result)
    found += [rf"Table~\ref{{claims:{experiment.id}}} (claims)"] if claims else []
    found += [rf"Figure~\ref{{fig:{experiment.id}-{figure.id}}}" for figure in experiment.figures]
    parts = [
        rf"\experiment{{{latex.prose(experiment.title)}}}{{{experiment.id}}}{{{latex.prose(experiment.where)}}}"
        f"\n{experiment.summary.strip()}{f' Results: {latex.listed(found)}.' if found else ''}",
        tables.troubles(experiment, result),
        _choices(experiment.choices),
        *(tables.results_table(table, experiment, result) for table in listed),
        claims,
        *(_figure(experiment, result, figure) for figure in experiment.figures),
    ]
    return "\n\n".join(part for part in parts if part)


def _choices(choices: list[str]) -> str:
    items = "\n".join(rf"\item {choice.strip()}" for choice in choices)
    return f"\\begin{{choices}}\n{items}\n\\end{{choices}}" if items else ""


def _figure(experiment: Experiment, result: ExperimentResult, figure: Figure) -> str:
    rows = {row.id for row in experiment.select(figure.rows)}
    stand_ins = tables.parts_of(entry.stand_in for entry in result.entries if entry.row in rows)
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


def write_front(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
    folder: Path,
) -> None:
    """Writes macros.tex, experiments.tex, the title page's two tables and appendix.tex.

    Args:
        results: of the experiments, in their order.
        experiments: those that the report has sections for.
        replication: all entries and claims, joined.
        environment: `python`, `versions` (package -> version), `lock` (SHA-256 of requirements.lock, or None) and
            `processor`, of the machine that makes the report.
        folder: where the files go; made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    papers = list(dict.fromkeys(experiment.paper for experiment in experiments))
    _write(folder / "macros.tex", "\n".join(_macros(experiments, papers, replication)))
    _write(folder / "numbers.tex", tables.numbers_front(replication.entries, papers))
    _write(folder / "claims.tex", tables.claims_front(replication.claims))
    _write(folder / "experiments.tex", _inputs(experiments))
    _write(folder / "appendix.tex", _appendix(results, experiments, replication, environment))


def _inputs(experiments: list[Experiment]) -> str:
    lines, paper = [], ""
    for experiment in sorted(experiments, key=lambda each: [e.paper for e in experiments].index(each.paper)):
        if experiment.paper != paper:
            paper = experiment.paper
            lines.append(rf"\papersection{{{paper}}}")
        lines.append(rf"\input{{{experiment.id}.tex}}")
    return "\n".join(lines)


def _macros(experiments: list[Experiment], papers: list[str], replication: Replication) -> list[str]:
    kinds, verdicts = tables.count_numbers(replication.entries)
    claims = tables.count_claims(replication.claims)
    decided = sum(claims.values(), Counter[str]())
    commit = replication.code.commit
    dirty = {True: "with uncommitted changes", False: "", None: "state unknown"}[replication.code.dirty]
    values: dict[str, str | int] = {
        "ScaleName": replication.scale,
        "Commit": latex.code(commit[:12]) if commit else "outside a repository",
        "CommitDate": _day(commit),
        "DirtyNote": dirty,
        "NumPapers": len(papers),
        "NumExperiments": len(experiments),
        "NumPublished": kinds.total(),
        "NumPaper": kinds["paper"],
        "NumReduced": kinds["reduced"],
        "NumEmbedded": kinds["embedded"],
        "NumStandIn": kinds["stand-in"],
        "NumNone": kinds["none"],
        "NumReplicated": verdicts["replicated"],
        "NumNotReplicated": verdicts["not replicated"],
        "NumInconclusive": verdicts["inconclusive"],
        "NumClaims": len(replication.claims),
        "NumClaimsConfirmed": decided[r"\Confirmed"],
        "NumClaimsRefuted": decided[r"\Refuted"],
        "NumClaimsShown": decided[r"\DirectionShown"],
        "NumClaimsNotShown": decided[r"\DirectionNotShown"],
        "NumClaimsUndecided": decided[r"\Undecided"],
        "NumClaimsNone": claims["none"].total(),
    }
    return [latex.macro(name, value) for name, value in values.items()]


def _day(commit: str | None) -> str:
    """The day of a commit, ISO 8601; where git does not know it, a word that says so."""
    command = ["git", "show", "--no-patch", "--format=%cs", f"{commit}^{{commit}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "undated"
    return done.stdout.strip()


def _appendix(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
) -> str:
    titles = {experiment.id: experiment.title for experiment in experiments}
    parts = [
        r"\section{Provenance}\label{app:provenance}",
        r"\subsection{Sources, software, machine}",
        _origin(replication, environment),
        r"\subsection{Data}",
        _data([source for result in results for source in result.sources]),
        r"\subsection{Time}",
        _time({titles[result.experiment]: result.costs for result in results}),
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
    table = latex.table(columns, head, lines, caption=caption, label="tab:data", long=20)
    listed = "\n".join(["{\\small\\begin{description}", *notes, "\\end{description}}"]) if notes else ""
    return f"{table}\n{listed}"


def _time(costs: dict[str, list[Cost]]) -> str:
    lines: list[list[str] | str] = []
    for title, spent in costs.items():
        where = Counter(f"{cost.device}, {cost.hardware}" for cost in spent)
        lines.append([latex.prose(title), *_spent(spent), latex.escape("; ".join(where)) or "--"])
    distinct = {(cost.run, *cost.seeds): cost for spent in costs.values() for cost in spent}
    lines.append([r"\midrule All, runs in common counted once", *_spent(list(distinct.values())), ""])
    caption = "Seconds of training, by experiment. Experiments share the runs that they have in common."
    columns = ["@{}L{58mm}", "r", "r", "r", "L{64mm}@{}"]
    head = ["Experiment", "Runs", "Seeds", "Seconds", "Device and processor"]
    return latex.table(columns, head, lines, caption=caption, label="tab:time")


def _spent(costs: list[Cost]) -> list[str]:
    """Cells: runs, seeds over all runs, seconds."""
    seconds = sum(cost.seconds for cost in costs)
    seeds = sum(len(cost.seeds) for cost in costs)
    counts = (len({cost.run for cost in costs}), seeds)
    return [*(latex.number(str(count)) for count in counts), latex.number(f"{seconds:.{0 if seconds >= 10 else 1}f}")]


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


def build_pdf(paper: Path, generated: Path, work: Path, target: Path) -> None:
    """Sets paper/report.tex with latexmk and pdfLaTeX; the same sources give the same bytes.

    Args:
        paper: folder of report.tex, sections/, references.bib and latex-requirements.txt.
        generated: folder of what `write_front` and `write_assets` wrote.
        work: LaTeX's own files go there; those of an earlier build are removed.
        target: where the PDF is put, in one move.

    Raises:
        UserError: LaTeX is missing, or stopped at an error (named, with its log), or a reference leads nowhere.
    """
    missing = [program for program in ("latexmk", "pdflatex") if shutil.which(program) is None]
    if missing:
        required = (paper / "latex-requirements.txt").read_text(encoding="utf-8").splitlines()
        packages = [line.split()[1] for line in required if line.startswith("package ")]
        hint = f"run paper/get-latex, or install {' '.join(packages)}"
        raise UserError(f"{' and '.join(missing)} not found; the report is set in LaTeX", hint=hint)
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("report.*"):
        old.unlink()  # a half-written auxiliary file of a build that failed would make this one fail too
    command = ["latexmk", "-norc", "-pdf", *OPTIONS, f"-outdir={work.resolve()}", "report.tex"]
    done = subprocess.run(
        command, cwd=paper, env=_surroundings(paper, generated), capture_output=True, text=True, errors="replace"
    )
    log = work / "report.log"
    said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else done.stdout + done.stderr
    if done.returncode:
        raise UserError(f"LaTeX stopped: {_first_error(said)}", where=str(log))
    if lost := re.search(r"(?:Citation|Reference) `([^']*)'.*undefined", said):
        raise UserError(f"the report cites {lost[1]!r}, which is nowhere", where=str(log), hint="see references.bib")
    place(work / "report.pdf", target)


def _surroundings(paper: Path, generated: Path) -> dict[str, str]:
    day = re.search(r"\\CommitDate\}\{([0-9-]+)\}", (generated / "macros.tex").read_text(encoding="utf-8"))
    epoch = int(datetime.fromisoformat(day[1]).replace(tzinfo=UTC).timestamp()) if day else 0
    return {
        **os.environ,
        "TEXINPUTS": f"{paper.resolve()}:{generated.resolve()}:",
        "BIBINPUTS": f"{paper.resolve()}:",
        "SOURCE_DATE_EPOCH": str(epoch),
        "FORCE_SOURCE_DATE": "1",
        "TZ": "UTC",
        "max_print_line": "10000",  # else the log breaks its lines, and errors with them
    }


def _first_error(log: str) -> str:
    """The first error in LaTeX's log, with the line of the source that it names."""
    lines = log.splitlines()
    for line in lines:
        if re.match(r"(! |[^ ]+:[0-9]+: )", line):
            return line.removeprefix("! ").strip()
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def place(source: Path, target: Path) -> None:
    """Copies a file to where it belongs, in one move: readers see the old one or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    os.replace(part, target)
