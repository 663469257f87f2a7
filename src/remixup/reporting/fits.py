"""The table of how well the surrogates' networks fit that ERM trained."""

from __future__ import annotations

from remixup.analysis.result_schema import ExperimentResult, Fit
from remixup.config.experiment import Experiment
from remixup.reporting import latex
from remixup.reporting.table_builder import TableBuilder, label_cell


def fits_table(experiment: Experiment, result: ExperimentResult) -> str:
    """Print what decides whether surrogates are informative, a line for each run by ERM; empty without any."""
    table = TableBuilder([])
    seen: set[tuple[str, bool]] = set()
    for row in experiment.rows:
        for fit in result.fits.get(row.id, []):
            if fit.erm and fit.stand_in and (fit.run, fit.recorded) not in seen:
                seen.add((fit.run, fit.recorded))
                table.heading(latex.prose(row.group))
                table.line(label_cell(row.label), *_cells(fit))
    if not table.lines:
        return ""
    notes = [r"\recordmark~On record."] if any(recorded for _, recorded in seen) else []
    return table.render("fits.tex", r"Surrogates by ERM. \fitscaption", f"fits:{experiment.id}", more=notes)


def _cells(fit: Fit) -> list[str]:
    """Return cells: scale, n, loss, fits at, training error, on corrupted labels, test error, linear, failed seeds."""
    percents = (fit.training_loss, fit.fits_at, fit.training_error, fit.corrupted_error, fit.test_error)
    return [
        fit.scale + (r"\recordmark{}" if fit.recorded else ""),
        str(fit.n),
        *("--" if value is None else latex.number(latex.fixed(value, 1)) for value in (*percents, fit.linear_error)),
        str(len(fit.failed_seeds)),
    ]
