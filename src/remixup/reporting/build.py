"""Write the sections, figures and tables of the supplement."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.config.experiment import Experiment, Figure
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
