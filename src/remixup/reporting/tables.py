"""The tables that an experiment file lists."""

from __future__ import annotations

from collections import Counter

from remixup.analysis.best_evidence import BROKEN, KINDS, best_record, kind
from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Experiment, Row, Table
from remixup.config.settings import SCALES
from remixup.reporting import latex
from remixup.reporting.results_table import results_table
from remixup.reporting.table_builder import (
    Sample,
    TableBuilder,
    label_cell,
    metric_name,
    rows_at_scale,
    scale_cell,
    shown_rows,
    value_cell,
)

MOST_METRICS = 5
"""A page is wide enough for this many columns of measurements."""


def table(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """Print a table of an experiment file, with caption, notes, and label `tab:<experiment>-<table>`.

    A table whose rows all run at other scales only is a line that says so, without a label.

    Raises:
        UserError: the result lacks a published number of the experiment file.
    """
    rows = shown_rows(wanted.rows, experiment, result)
    if wanted.select_by:
        rows = rows_at_scale(rows, experiment, result.scale)  # a choice is fair only among rows of one scale
    omitted = [row for row in experiment.select(wanted.rows) if row not in rows]
    used = {scale for row in omitted for scale in row.at}
    scales = latex.listed(scale for scale in SCALES if scale in used) if omitted else ""
    if not rows:
        return rf"\elsewhere{{{scales}}}{{{wanted.caption.strip()}}}"
    count = "One row is" if len(omitted) == 1 else f"{len(omitted)} rows are"
    notes = [f"{count} run at {scales} scale only."] if omitted else []
    if wanted.select_by:
        return _choice_table(wanted, rows, experiment, result, notes)
    metrics = wanted.metrics or list(experiment.metrics)
    compared = any(metric in row.published and row.transcribed(metric) for row in rows for metric in metrics)
    if compared or not 1 < len(metrics) <= MOST_METRICS:
        return results_table(wanted, rows, experiment, result, notes)
    return _measurements_table(wanted, rows, experiment, result, notes)


def _measurements_table(
    wanted: Table, rows: list[Row], experiment: Experiment, result: ExperimentResult, notes: list[str]
) -> str:
    """Print a line for each row, and one for its best record; no metric has a published number."""
    metrics = wanted.metrics or list(experiment.metrics)
    samples = _samples(rows, metrics, result)
    used = [sample for _, found in samples for sample in found.values() if sample.replicated]
    table = TableBuilder(used)
    before = None
    for row, found in samples:
        table.heading(latex.prose(row.group))
        measured = [sample for sample in found.values() if sample.replicated]
        scales = "/".join(dict.fromkeys(map(scale_cell, measured)))
        counts = sorted({sample.replicated.n for sample in measured if sample.replicated})
        cells = [
            latex.verdict(sample.verdict)
            if (sample := found.get(metric)) and sample.replicated is None
            else value_cell(sample, experiment.metrics[metric], table.marks)
            for metric in metrics
        ]
        label = "" if row is before else label_cell(row.label)
        table.line(label, scales or "--", *cells, "/".join(map(str, counts)), continued=row is before)
        before = row
    shown = {row.id for row in rows}
    unread = [each for each in result.entries if each.row in shown and each.metric in metrics and not each.transcribed]
    if unread:
        counted = (f"{n} ({latex.prose(where)})" for where, n in Counter(each.where for each in unread).items())
        notes.append(f"Published, but not transcribed: {latex.listed(counted)}.")
    if used:
        notes.append(f"Data: {', '.join(dict.fromkeys(latex.escape(sample.dataset_version) for sample in used))}.")
    names = [metric_name(experiment.metrics[metric]) for metric in metrics]
    label = f"tab:{experiment.id}-{wanted.id}"
    return table.render("measurements.tex", wanted.caption.strip(), label, more=notes, metrics=names)


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


def _choice_table(
    wanted: Table, rows: list[Row], experiment: Experiment, result: ExperimentResult, notes: list[str]
) -> str:
    """Choose, for each group and each metric to select by, the row with the smallest mean; print its numbers."""
    metrics = wanted.metrics or [name for name in experiment.metrics if name not in wanted.select_by]
    samples = _comparable(rows, result)
    means = {key: sample.replicated.mean for key, sample in samples.items() if sample.replicated}
    chosen: list[tuple[str, str, list[Row]]] = []
    for group in dict.fromkeys(row.group for row in rows):
        for metric in wanted.select_by:
            candidates = [row for row in rows if row.group == group and (row.id, metric) in samples]
            chosen.append((group, metric, sorted(candidates, key=lambda row: means[row.id, metric])))
    table = TableBuilder(samples[found[0].id, metric] for _, metric, found in chosen if found)
    for group, metric, found in chosen:
        table.heading(latex.prose(group))
        name = label_cell(experiment.metrics[metric].label)
        if not found:
            table.line(name, "no number", *[""] * (4 + len(metrics)))
            continue
        row, sample = found[0], samples[found[0].id, metric]
        values = [
            value_cell(samples.get((row.id, each)), experiment.metrics[each], table.marks)
            for each in (metric, *metrics)
        ]
        count = str(sample.replicated.n) if sample.replicated else ""
        table.line(name, label_cell(row.label), str(len(found)), scale_cell(sample), *values, count)
    names = ["Its value", *(metric_name(experiment.metrics[metric]) for metric in metrics)]
    label = f"tab:{experiment.id}-{wanted.id}"
    return table.render("choice.tex", wanted.caption.strip(), label, more=notes, metrics=names)


def _comparable(rows: list[Row], result: ExperimentResult) -> dict[tuple[str, str], Sample]:
    """Return (row, metric) -> what may be compared: all of this report, or else the best kind on record."""
    names = {row.id for row in rows}
    entries = {(entry.row, entry.metric): entry for entry in result.entries if entry.row in names}
    own: dict[tuple[str, str], Sample] = {
        key: entry for key, entry in entries.items() if entry.replicated and entry.verdict not in BROKEN
    }
    recorded = {
        key: record for key, entry in entries.items() if (record := best_record(entry)) and record.verdict not in BROKEN
    }
    ranks = {key: KINDS.index(kind(record.scale, record.stand_in)) for key, record in recorded.items()}
    return own or {key: record for key, record in recorded.items() if ranks[key] == min(ranks.values())}
