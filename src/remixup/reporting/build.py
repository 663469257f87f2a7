"""Build the report: write its sections, figures and tables, and typeset the PDF."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.config.experiment import Experiment, Figure
from remixup.errors import UserError
from remixup.files import write_atomically, write_text
from remixup.planning.plan import overlaid_run
from remixup.reporting.appendix import appendix, distinct
from remixup.reporting.evidence import in_order, judge
from remixup.reporting.evidence_section import evidence_section
from remixup.reporting.experiment_section import section
from remixup.reporting.missing_runs import Outstanding
from remixup.reporting.table_builder import rows_at_scale
from remixup.reporting.templates import render
from remixup.reporting.title_page import title_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

OPTIONS = ("-interaction=nonstopmode", "-halt-on-error", "-file-line-error", "-no-shell-escape")


def write_assets(experiment: Experiment, result: ExperimentResult, folder: Path) -> list[Path]:
    """Write an experiment's section and its figures.

    Args:
        experiment: the experiment file.
        result: its results; nothing else is read.
        folder: where `<id>.tex` and `<id>-<figure>.pdf` go; created if missing.

    Returns:
        The files written: figures in the order of the experiment file, then the section.

    Raises:
        UserError: the result lacks a published number of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [_draw(figure, experiment, result, folder) for figure in experiment.figures]
    text = folder / f"{experiment.id}.tex"
    _write(text, section(experiment, result))
    return [*written, text]


def _draw(figure: Figure, experiment: Experiment, result: ExperimentResult, folder: Path) -> Path:
    """Draw a figure of an experiment; where none of its rows is run at this scale, the figure says so."""
    from remixup.reporting import figures  # this import takes a second, and many experiments have no figures

    arguments = {key: value for key, value in figure.draw.items() if key != "name"}
    rows = rows_at_scale(experiment.select(figure.rows), experiment, result.scale)
    resolved = [row.model_copy(update={"run": overlaid_run(experiment, row, result.scale)}) for row in rows]
    draw = partial(figures.components()[figure.draw["name"]], result, resolved, **arguments)
    return _save(draw, folder / f"{experiment.id}-{figure.id}.pdf")


def _save(draw: Callable[[], Drawing], path: Path) -> Path:
    """Write a figure as a vector PDF without dates, so that the same result gives the same bytes."""
    import matplotlib

    from remixup.reporting import figures

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of the dates in matplotlib's own fonts
    with write_atomically(path) as temporary, matplotlib.rc_context(figures.STYLE):
        draw().savefig(temporary, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return path


def _write(path: Path, text: str) -> None:
    write_text(path, text.rstrip("\n") + "\n")


def write_front(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
    missing: Outstanding,
    folder: Path,
) -> None:
    """Write macros, title page, list of sections, the section on the evidence, and appendix.

    Args:
        results: of the experiments, in their order.
        experiments: those with sections in the report.
        replication: all entries and claims.
        environment: `python`, `versions` (package -> version), `lock` (SHA-256 of requirements.lock, or None) and
            `processor`, of the machine that makes the report.
        missing: what has no evidence of the published protocol.
        folder: where the files go; created if missing.
    """
    from remixup.reporting.figures.forest import forest

    folder.mkdir(parents=True, exist_ok=True)
    papers = list(dict.fromkeys(experiment.paper for experiment in experiments))
    claims = judge(experiments, results)
    code = replication.code
    _write(folder / "macros.tex", render("macros.tex", scale=replication.scale, code=code, day=_day(code.commit)))
    _write(folder / "title.tex", title_page(experiments, papers, replication, distinct(results)))
    _write(folder / "experiments.tex", render("experiments.tex", experiments=in_order(experiments)))
    _write(folder / "evidence.tex", evidence_section(claims, papers, missing))
    _save(partial(forest, claims), folder / "evidence-forest.pdf")
    _write(folder / "appendix.tex", appendix(results, experiments, replication, environment))


def _day(commit: str | None) -> str:
    """Return the day of a commit (ISO 8601), or "undated" where git does not know the commit."""
    command = ["git", "show", "--no-patch", "--format=%cs", f"{commit}^{{commit}}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "undated"


def build_pdf(paper: Path, generated: Path, work: Path, target: Path) -> None:
    """Typeset paper/report.tex with latexmk and pdfLaTeX; the same sources give the same bytes.

    Args:
        paper: folder of report.tex, sections/, references.bib and latex-requirements.txt.
        generated: folder of what `write_front` and `write_assets` wrote.
        work: folder of LaTeX's own files; those of an earlier build are removed.
        target: path of the PDF, which is replaced in one move.

    Raises:
        UserError: LaTeX is missing or stopped at an error, or a reference is undefined.
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
    """Return the first error in LaTeX's log, with the source line that it names."""
    lines = log.splitlines()
    for line in lines:
        if re.match(r"(! |[^ ]+:[0-9]+: )", line):
            return line.removeprefix("! ").strip()
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def place(source: Path, target: Path) -> None:
    """Copy a file in one move: readers see the old one or the new one."""
    with write_atomically(target) as part:
        shutil.copyfile(source, part)
