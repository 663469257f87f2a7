"""Tables that compare published numbers with ours."""

from __future__ import annotations

import math
from collections.abc import Sequence

from remixup.analysis.best_evidence import best_record
from remixup.analysis.result_schema import Entry, ExperimentResult
from remixup.config.experiment import Experiment, MetricInfo, Row, Table
from remixup.errors import UserError
from remixup.reporting import latex
from remixup.reporting.table_builder import (
    Sample,
    TableBuilder,
    label_cell,
    metric_name,
    scale_cell,
)

NOTHING = "--"


def results_table(
    wanted: Table, rows: list[Row], experiment: Experiment, result: ExperimentResult, notes: list[str]
) -> str:
    """Compare each row with its published number, under a heading for each group, and for each metric if several.

    Raises:
        UserError: the result lacks a published number of the experiment file.
    """
    metrics = wanted.metrics or list(experiment.metrics)
    numbers = []
    for row, metric, entry in _numbers(rows, experiment, result, metrics):
        info = experiment.metrics[metric]
        heading = ": ".join(([row.group] if row.group else []) + ([metric_name(info)] if len(metrics) > 1 else []))
        numbers.append((heading, row.label, info, entry))
    caption = wanted.caption.strip()
    if len(metrics) == 1:
        name = latex.prose(metric_name(experiment.metrics[metrics[0]]))
        caption += f" {name[:1].upper()}{name[1:]}."
    return _compare(numbers, caption, f"tab:{experiment.id}-{wanted.id}", notes)


def derived_table(experiment: Experiment, result: ExperimentResult) -> str:
    """Compare the numbers that a paper's text derives from rows of its tables; empty where there are none."""
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    numbers = [
        ("", each.label, MetricInfo(label="", unit="", decimals=each.decimals), entries[each.id, each.kind])
        for each in experiment.derived
        if (each.id, each.kind) in entries
    ]
    if not numbers:
        return ""
    where = ", ".join(dict.fromkeys(each.where for each in experiment.derived))
    caption = f"Numbers that the text derives ({latex.prose(where)}): the accuracy of one row over that of another."
    return _compare(numbers, caption, f"tab:{experiment.id}-derived", [])


def _compare(
    numbers: Sequence[tuple[str, str, MetricInfo, Entry | None]], caption: str, label: str, notes: list[str]
) -> str:
    r"""Print published numbers beside ours.

    Args:
        numbers: for each number its heading, its label, how it is printed, and its entry.
        caption: LaTeX.
        label: what \ref refers to.
        notes: sentences below the table.
    """
    samples = [_samples(entry) for *_, entry in numbers]
    table = TableBuilder(sample for each in samples for sample in each if sample.replicated)
    for (heading, name, info, entry), found in zip(numbers, samples, strict=True):
        table.heading(latex.prose(heading))
        published, mark = NOTHING if entry else "", ""
        if entry and entry.published is not None:
            published, mark = latex.printed(entry.published, info.decimals), r"\quotedmark{}" if entry.quoted else ""
        start = [label_cell(name), published, mark]
        for index, sample in enumerate(found):
            cells = _measured(sample, entry, info, table.marks)
            table.line(*(["", "", ""] if index else start), *cells, continued=index > 0)
        if entry is None:
            table.line(*start, *[""] * 9)
    table.align(1, 5, 7, 10)
    quoted = any(entry.quoted for *_, entry in numbers if entry)
    return table.render("results.tex", caption, label, quoted=quoted, more=notes)


def _samples(entry: Entry | None) -> list[Sample]:
    """Return what is printed of a number: this report's result, and the one on record if its values differ."""
    if entry is None:
        return []
    record = best_record(entry)
    own, recorded = (each.replicated.values if each and each.replicated else [] for each in (entry, record))
    if record is None or (len(own) == len(recorded) and all(map(math.isclose, own, recorded))):
        return [entry]
    return [record] if entry.verdict == "not run" else [entry, record]


def _numbers(
    rows: list[Row], experiment: Experiment, result: ExperimentResult, metrics: list[str]
) -> list[tuple[Row, str, Entry | None]]:
    """List the numbers of a table: by group in the order of their first rows, then by metric, then by row.

    A metric that no row of a group has is left out there. A row without a metric that others of its group have has no
    entry.
    """
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    numbers = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        for metric in metrics:
            for row in members:
                if row.printed(metric) is not None and (row.id, metric) not in entries:
                    what = f"the results lack {metric} of row {row.id}"
                    raise UserError(what, where=experiment.id, hint="collect again")
            if any((row.id, metric) in entries for row in members):
                numbers += [(row, metric, entries.get((row.id, metric))) for row in members]
    return numbers


def _measured(sample: Sample, entry: Entry | None, info: MetricInfo, marks: dict[str | None, str]) -> list[str]:
    """Return cells: scale, data version, mean, sign, deviation, mark, n, difference, verdict."""
    verdict = latex.verdict(sample.verdict)
    runs = sample.replicated
    if runs is None:
        return ["--", "", NOTHING, "", "", "", "", NOTHING, verdict]
    shape = r"\itshape " if sample.stand_in else ""
    digits = latex.places(runs.std, info.decimals)
    difference = NOTHING
    if entry and entry.published is not None and not sample.stand_in:
        difference = latex.fixed(runs.mean - entry.published, digits, sign=True)
    return [
        scale_cell(sample),
        rf"\dataversion{{{latex.escape(sample.dataset_version)}}}",
        shape + latex.fixed(runs.mean, digits),
        "" if runs.std is None else r"$\pm$",
        "" if runs.std is None else shape + latex.fixed(runs.std, digits),
        marks[sample.stand_in],
        str(runs.n),
        difference,
        verdict,
    ]
