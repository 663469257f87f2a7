"""Tables that choose the best row of a group by one metric and print its others."""

from __future__ import annotations

import math

from remixup.analysis.best_evidence import BROKEN, KINDS, best_record, kind
from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Experiment, Row, Table
from remixup.reporting import latex
from remixup.reporting.table_builder import (
    Sample,
    TableBuilder,
    label_cell,
    metric_name,
    omitted_rows,
    rows_at_scale,
    scale_cell,
    shown_rows,
    value_cell,
)

Samples = dict[tuple[str, str], Sample]
"""(row, metric) -> what was measured of it."""


def choice_table(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """Choose, for each group and each metric to select by, the row with the smallest mean; print its numbers."""
    metrics = wanted.metrics or [name for name in experiment.metrics if name not in wanted.select_by]
    # A choice is fair only among rows of one scale.
    rows = rows_at_scale(shown_rows(wanted.rows, experiment, result), experiment, result.scale)
    samples = _comparable(rows, result)
    chosen: list[tuple[str, str, list[Row], Row | None]] = []
    for group in dict.fromkeys(row.group for row in rows):
        for metric in wanted.select_by:
            candidates = [row for row in rows if row.group == group and (row.id, metric) in samples]
            chosen.append((group, metric, candidates, _smallest(candidates, metric, samples)))
    table = TableBuilder(samples[row.id, metric] for _, metric, _, row in chosen if row)
    for group, metric, candidates, row in chosen:
        table.heading(latex.prose(group))
        name = label_cell(experiment.metrics[metric].label)
        if row is None:
            table.line(name, "no number", *[""] * (4 + len(metrics)))
            continue
        sample = samples[row.id, metric]
        values = [
            value_cell(samples.get((row.id, each)), experiment.metrics[each], table.marks)
            for each in (metric, *metrics)
        ]
        count = str(sample.replicated.n) if sample.replicated else ""
        table.line(name, label_cell(row.label), str(len(candidates)), scale_cell(sample), *values, count)
    names = ["Its value", *(metric_name(experiment.metrics[metric]) for metric in metrics)]
    more = omitted_rows(wanted, experiment, rows)
    label = f"tab:{experiment.id}-{wanted.id}"
    return table.render("choice.tex", wanted.caption.strip(), label, more=more, metrics=names)


def _comparable(rows: list[Row], result: ExperimentResult) -> Samples:
    """Return numbers that may be compared: this report's own or, where it has none, the best kind on record."""
    names = {row.id for row in rows}
    entries = [entry for entry in result.entries if entry.row in names]
    own: Samples = {
        (entry.row, entry.metric): entry for entry in entries if entry.replicated and entry.verdict not in BROKEN
    }
    recorded = {
        (entry.row, entry.metric): record
        for entry in entries
        if (record := best_record(entry)) and record.verdict not in BROKEN
    }
    ranks = {key: KINDS.index(kind(record.scale, record.stand_in)) for key, record in recorded.items()}
    best = min(ranks.values(), default=None)
    return own or {key: record for key, record in recorded.items() if ranks[key] == best}


def _smallest(rows: list[Row], metric: str, samples: Samples) -> Row | None:
    """Return the row with the smallest mean, the first of equals; None without rows."""

    def mean(row: Row) -> float:
        runs = samples[row.id, metric].replicated
        return runs.mean if runs else math.inf

    return min(rows, key=mean, default=None)
