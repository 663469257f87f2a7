"""The tables that an experiment file lists."""

from __future__ import annotations

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Experiment, Table
from remixup.reporting.choice_table import choice_table
from remixup.reporting.measurements_table import measurements_table
from remixup.reporting.results_table import results_table
from remixup.reporting.table_builder import names_of, shown_rows

MOST_METRICS = 5
"""A page is wide enough for this many columns of measurements."""


def table(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """Print a table of an experiment file, with caption, notes, and label `tab:<experiment>-<table>`.

    A table whose rows all run at other scales only is a line that says so, without a label.

    Raises:
        UserError: the result lacks a published number of the experiment file.
    """
    rows = shown_rows(wanted.rows, experiment, result)
    if not rows:
        scales = {scale for row in experiment.select(wanted.rows) for scale in row.at}
        return rf"\elsewhere{{{names_of(scales)}}}{{{wanted.caption.strip()}}}"
    if wanted.select_by:
        return choice_table(wanted, experiment, result)
    metrics = wanted.metrics or list(experiment.metrics)
    compared = any(metric in row.published and row.transcribed(metric) for row in rows for metric in metrics)
    if compared or not 1 < len(metrics) <= MOST_METRICS:
        return results_table(wanted, experiment, result)
    return measurements_table(wanted, experiment, result)
