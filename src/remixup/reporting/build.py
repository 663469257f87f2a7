"""Write the sections and figures of the supplement."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.config.experiment import Experiment
from remixup.files import write_atomically, write_text
from remixup.planning.plan import overlaid_run
from remixup.reporting.evidence import judge
from remixup.reporting.missing_runs import Outstanding
from remixup.reporting.supplement import sections
from remixup.reporting.templates import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def draw_figures(experiment: Experiment, result: ExperimentResult, folder: Path) -> list[Path]:
    """Draw an experiment's figures, `<id>-<figure>.pdf`, from its results alone.

    Returns:
        The files written, in the order of the experiment file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, run = [], {row.id for row in experiment.at(result.scale)}
    for figure in experiment.figures:
        from remixup.reporting import figures  # this import takes a second, and many experiments have no figures

        arguments = {key: value for key, value in figure.draw.items() if key != "name"}
        rows = experiment.select(figure.rows)
        rows = [row for row in rows if row.id in run] or rows  # where no row is run at this scale, the figure says so
        resolved = [row.model_copy(update={"run": overlaid_run(experiment, row, result.scale)}) for row in rows]
        draw = partial(figures.components()[figure.draw["name"]], result, resolved, **arguments)
        written.append(save(draw, folder / f"{experiment.id}-{figure.id}.pdf"))
    return written


def save(draw: Callable[[], Drawing], path: Path) -> Path:
    """Write a figure as a vector PDF without dates, so that the same result gives the same bytes."""
    import matplotlib

    from remixup.reporting import figures

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of the dates in matplotlib's own fonts
    with write_atomically(path) as temporary, matplotlib.rc_context(figures.STYLE):
        draw().savefig(temporary, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return path


def _write(path: Path, text: str) -> None:
    write_text(path, text.rstrip("\n") + "\n")


def write_supplement(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
    missing: Outstanding,
    folder: Path,
) -> None:
    """Write the sections of the supplement, its macros, and the forest plot of all claims.

    Args:
        results: of the experiments, in their order.
        experiments: those with sections in the supplement.
        replication: all entries and claims.
        environment: `python`, `versions` (package -> version), `lock` (SHA-256 of requirements.lock, or None) and
            `processor`, of the machine that makes the report.
        missing: what has no evidence of the published protocol.
        folder: where the files go; created if missing.
    """
    from remixup.reporting.figures.forest import forest

    folder.mkdir(parents=True, exist_ok=True)
    write_macros(replication, folder)
    texts, claims = sections(results, experiments, replication, environment, missing)
    for name, text in texts.items():
        _write(folder / name, text)
    numbers = {(each.experiment.id, each.claim.id): number for number, each in enumerate(claims, 1)}
    save(partial(forest, judge(experiments, results), numbers), folder / "evidence-forest.pdf")


def write_macros(replication: Replication, folder: Path) -> None:
    """Write what headers and footers print: the scale, and the commit with its day (ISO 8601) if git knows it."""
    code = replication.code
    command = ["git", "show", "--no-patch", "--format=%cs", f"{code.commit}^{{commit}}"]
    try:
        day = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        day = "undated"
    _write(folder / "macros.tex", render("macros.tex", scale=replication.scale, code=code, day=day))
