"""Tables of metrics for which the paper prints no number: one column for each metric."""

from __future__ import annotations

from remixup.analysis.best_evidence import best_record
from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Experiment, Row, Table
from remixup.reporting import latex
from remixup.reporting.footnotes import not_transcribed
from remixup.reporting.table_builder import (
    VERDICTS,
    Sample,
    TableBuilder,
    label_cell,
    metric_name,
    omitted_rows,
    scale_cell,
    shown_rows,
    value_cell,
)


def measurements_table(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """Print a line for each row, and one for its best record."""
    metrics = wanted.metrics or list(experiment.metrics)
    rows = shown_rows(wanted.rows, experiment, result)
    samples = _samples(rows, metrics, result)
    used = [sample for _, found in samples for sample in found.values() if sample.replicated]
    table = TableBuilder(used)
    before = None
    for row, found in samples:
        table.heading(latex.prose(row.group))
        measured = [sample for sample in found.values() if sample.replicated]
        scales = "/".join(dict.fromkeys(map(scale_cell, measured)))
        counts = sorted({sample.replicated.n for sample in measured if sample.replicated})
        cells = []
        for metric in metrics:
            sample = found.get(metric)
            lost = sample is not None and sample.replicated is None
            value = value_cell(sample, experiment.metrics[metric], table.marks)
            cells.append(VERDICTS[sample.verdict] if sample and lost else value)
        label = "" if row is before else label_cell(row.label)
        table.line(label, scales or "--", *cells, "/".join(map(str, counts)), continued=row is before)
        before = row
    shown = {row.id for row in rows}
    unread = not_transcribed(each for each in result.entries if each.row in shown and each.metric in metrics)
    versions = ", ".join(dict.fromkeys(latex.escape(sample.dataset_version) for sample in used))
    more = [*omitted_rows(wanted, experiment, rows), *unread, *([f"Data: {versions}."] if used else [])]
    names = [metric_name(experiment.metrics[metric]) for metric in metrics]
    label = f"tab:{experiment.id}-{wanted.id}"
    return table.render("measurements.tex", wanted.caption.strip(), label, more=more, metrics=names)


def _samples(rows: list[Row], metrics: list[str], result: ExperimentResult) -> list[tuple[Row, dict[str, Sample]]]:
    """Group rows, and list for each what was measured of it here (metric -> sample), and what is on record."""
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    groups = list(dict.fromkeys(row.group for row in rows))
    found: list[tuple[Row, dict[str, Sample]]] = []
    for row in sorted(rows, key=lambda row: groups.index(row.group)):
        own = {metric: entries[row.id, metric] for metric in metrics if (row.id, metric) in entries}
        recorded = {metric: record for metric, entry in own.items() if (record := best_record(entry))}
        not_run = all(entry.verdict == "not run" for entry in own.values())
        if own and not (recorded and not_run):
            found.append((row, dict(own)))
        if recorded:
            found.append((row, dict(recorded)))
    return found
