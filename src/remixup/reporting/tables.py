"""Tables of numbers: published ones beside what became of them, and what a choice among many rows would have taken."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from remixup.analysis.best_evidence import BROKEN, KINDS, best_record, kind
from remixup.analysis.result_schema import Entry, ExperimentResult, Recorded
from remixup.config.experiment import Experiment, MetricInfo, Row, Table
from remixup.config.settings import SCALES, Scale
from remixup.errors import UserError
from remixup.reporting import latex
from remixup.reporting.footnotes import marks, not_transcribed, notes

VERDICTS = {
    "replicated": r"\Replicated",
    "not replicated": r"\NotReplicated",
    "inconclusive": r"\Inconclusive",
    "stand-in": r"\StandIn",
    "not run": r"\NotRun",
    "failed": r"\Failed",
    "diverged": r"\Diverged",
    "no value": r"\NoValue",
    "not transcribed": r"\NotTranscribed",
    "no published number": r"\NothingToCompare",
}
"""The commands, defined in paper/report.tex with their symbols, that print each verdict."""
NOTHING = "--"
ABREAST = 5
"""So many metrics stand side by side at most."""
LABELS = {"": 15, VERDICTS["no published number"]: 15, VERDICTS["stand-in"]: 7}
"""Millimetres that row labels and data versions share beyond 72 where a results table has no longer verdict."""


def here(experiment: Experiment, patterns: list[str], result: ExperimentResult) -> list[Row]:
    """Return the rows of these patterns that are run at the result's scale, or published or on record at another."""
    known = {row.id for row in experiment.at(result.scale)} | {entry.row for entry in result.entries}
    return [row for row in experiment.select(patterns) if row.id in known]


def at_scale(rows: list[Row], experiment: Experiment, scale: Scale) -> list[Row]:
    """Return those of the rows that are run at a scale; all of them where none is."""
    run = {row.id for row in experiment.at(scale)}
    return [row for row in rows if row.id in run] or rows


def table(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """A table of an experiment file, with caption, notes, and label `tab:<experiment>-<table>`.

    One whose rows are all run at other scales only is a line that says so, without label. Raises UserError where the
    result lacks a published number of the experiment file.
    """
    if not here(experiment, wanted.rows, result):
        scales = {scale for row in experiment.select(wanted.rows) for scale in row.at}
        return rf"\elsewhere{{{_scales(scales)}}}{{{wanted.caption.strip()}}}"
    if wanted.select_by:
        return _choice(wanted, experiment, result)
    metrics = wanted.metrics or list(experiment.metrics)
    rows = here(experiment, wanted.rows, result)
    compared = any(metric in row.published and row.transcribed(metric) for row in rows for metric in metrics)
    return (_results if compared or not 1 < len(metrics) <= ABREAST else _measurements)(wanted, experiment, result)


def troubles(experiment: Experiment, result: ExperimentResult) -> str:
    """One sentence for each row whose run failed or diverged, with its log; empty where there is none."""
    labels = {row.id: row.label for row in experiment.rows}
    found = {entry.row: entry for entry in result.entries if entry.verdict in ("failed", "diverged")}
    lines = []
    for row, entry in found.items():
        log = rf"; see {latex.code(entry.log)}" if entry.log else ""
        lines.append(rf"{latex.prose(labels.get(row, row))} ({latex.code(row)}) {entry.verdict}{log}.")
    return rf"\troubles{{{' '.join(lines)}}}" if lines else ""


def _scales(scales: set[Scale]) -> str:
    return latex.listed(scale for scale in SCALES if scale in scales)


def _results(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """Under a heading for each group, and metric if there are several, a line for each row and its best record."""
    metrics = wanted.metrics or list(experiment.metrics)
    shown = []
    for row, metric, entry in _shown(wanted, experiment, result, metrics):
        info = experiment.metrics[metric]
        above = ": ".join(([row.group] if row.group else []) + ([_metric(info)] if len(metrics) > 1 else []))
        shown.append((above, row.label, info, entry))
    caption = wanted.caption.strip()
    if len(metrics) == 1:
        named = latex.prose(_metric(experiment.metrics[metrics[0]]))
        caption += f" {named[:1].upper()}{named[1:]}."
    label = f"tab:{experiment.id}-{wanted.id}"
    return compared(shown, caption, label, _not_here(wanted, experiment, here(experiment, wanted.rows, result)))


def compared(
    shown: Sequence[tuple[str, str, MetricInfo, Entry | None]], caption: str, label: str, more: list[str]
) -> str:
    """Set published numbers beside what became of them.

    Args:
        shown: for each number the heading that it stands under, its label, how it is printed, and its entry.
        caption: LaTeX.
        label: what \\ref refers to.
        more: sentences below the table.
    """
    records = [best_record(entry) if entry else None for *_, entry in shown]
    samples = [_samples(entry, record) for (*_, entry), record in zip(shown, records, strict=True)]
    measured = [sample for each in samples for sample in each if sample.replicated]
    stand_ins = [sample.stand_in for sample in measured]
    daggers = marks(stand_ins)
    lines: list[list[str] | str] = []
    heading = ""
    for (above, name, info, entry), found in zip(shown, samples, strict=True):
        if above != heading:
            heading = above
            lines.append(latex.prose(heading))
        start = [latex.prose(name), *(_published(entry, info) if entry else ["", ""])]
        for sample in found:
            lines.append([*start, *_measured(sample, entry, info, daggers)])
            start = ["", "", ""]
        if entry is None:
            lines.append([*start, *[""] * 9])
    below = notes(
        stand_ins,
        recorded=any(records),
        quoted=any(entry.quoted for *_, entry in shown if entry),
        more=more,
    )
    versions = [sample.dataset_version for sample in measured]
    columns = _columns([line for line in lines if isinstance(line, list)], [name for _, name, *_ in shown], versions)
    head = ["", r"\multicolumn{2}{c}{Published}", "Evidence", "Data", r"\multicolumn{4}{c}{Mean $\pm$ std}", "$n$"]
    head += [r"$\Delta$", "Verdict"]
    return latex.table(columns, head, _aligned(lines), caption=caption, label=label, notes=below)


def _samples(entry: Entry | None, record: Recorded | None) -> list[Entry | Recorded]:
    """What is printed of a number: what was run here, and what is on record unless that is the same run's again."""
    if entry is None:
        return []
    if record is None or (entry.replicated and _alike(entry.replicated.values, record.replicated.values)):
        return [entry]
    return [record] if entry.verdict == "not run" else [entry, record]


def _alike(here: list[float], recorded: list[float]) -> bool:
    """Whether both are the same values but for rounding."""
    return len(here) == len(recorded) and all(map(math.isclose, here, recorded))


def _not_here(wanted: Table, experiment: Experiment, shown: list[Row]) -> list[str]:
    """Return a sentence that counts the rows of a table that are not shown; none where all are."""
    left_out = [row for row in experiment.select(wanted.rows) if row not in shown]
    if not left_out:
        return []
    rows = "One row is" if len(left_out) == 1 else f"{len(left_out)} rows are"
    return [f"{rows} run at {_scales({each for row in left_out for each in row.at})} scale only."]


def _columns(cells: list[list[str]], labels: list[str], versions: list[str]) -> list[str]:
    """Column specifications that fit their content; labels and versions share what is left, and are broken beyond."""
    shared = 70 + min((LABELS.get(line[-1], 0) for line in cells), default=0)
    label = _label_width(labels)
    data = min(shared - label, max([12, *(round(1.45 * len(text)) for text in versions)]))
    return [
        rf"@{{}}L{{{label}mm}}",
        "r@{}",
        "l",
        "l",
        rf"L{{{data}mm}}",
        r"r@{\,}",
        r"c@{\,}",
        "r@{}",
        "l",
        "r",
        "r",
        "l@{}",
    ]


def _aligned(lines: list[list[str] | str]) -> list[list[str] | str]:
    """The same lines with the numbers of each column (published, mean, deviation, difference) aligned."""
    cells = [line for line in lines if isinstance(line, list)]
    columns = [list(column) for column in zip(*cells, strict=True)]
    for index in (1, 5, 7, 10):
        columns[index] = latex.aligned(columns[index])
    rows = map(list, zip(*columns, strict=True))
    return [line if isinstance(line, str) else next(rows) for line in lines]


def _label_width(labels: list[str]) -> int:
    """Millimetres for row labels; longer ones are broken."""
    return min(50, max([20, *(round(1.55 * latex.breadth(text)) for text in labels)]))


def _number_columns(lines: list[list[str]], count: int, room: float, most: int) -> list[str]:
    """Columns for means with deviations: each what its widest needs, and an equal share of what is left of the room.

    Where there is too little room, a number breaks at its sign.

    Args:
        lines: the cells of each line; there may be none.
        count: of the columns.
        room: millimetres for all columns.
        most: millimetres that no column but a wider one's content takes.
    """
    needed = [max(map(_cell_width, column)) for column in zip(*lines, strict=True)] or [0.0] * count
    spare = (room - sum(needed)) / count
    return [f"R{{{max(width, min(most, width + spare)) if spare > 0 else width + spare:.1f}mm}}" for width in needed]


def _cell_width(cell: str) -> float:
    """About how many millimetres a mean with its deviation and dagger takes; a verdict's word at the least."""
    digits = sum(map(len, re.findall(r"\\num{(.*?)}", cell)))
    dagger = sum(1 + len(mark) for mark in re.findall(r"\\standinmark{(.*?)}", cell))
    return max(12, 1.55 * digits + 5 * cell.count(r"\pm") + 1.1 * dagger + 1)


def _shown(
    wanted: Table, experiment: Experiment, result: ExperimentResult, metrics: list[str]
) -> list[tuple[Row, str, Entry | None]]:
    """The lines of a table: by group, in the order of their first rows, then by metric, then by row.

    A metric that no row of a group has is left out there; a row that lacks one which others of its group have has no
    entry.
    """
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    rows = here(experiment, wanted.rows, result)
    shown = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        for metric in metrics:
            for row in members:
                if row.printed(metric) is not None and (row.id, metric) not in entries:
                    what = f"the results lack {metric} of row {row.id}"
                    raise UserError(what, where=experiment.id, hint="collect again")
            if any((row.id, metric) in entries for row in members):
                shown += [(row, metric, entries.get((row.id, metric))) for row in members]
    return shown


def _metric(info: MetricInfo) -> str:
    return f"{info.label} ({info.unit})" if info.unit else info.label


def _published(entry: Entry, info: MetricInfo) -> list[str]:
    """Cells: the number, the mark of a quoted one."""
    if entry.published is None:
        return [NOTHING, ""]
    return [latex.printed(entry.published, info.decimals), r"\quotedmark{}" if entry.quoted else ""]


def _measured(
    sample: Entry | Recorded, entry: Entry | None, info: MetricInfo, daggers: dict[str | None, str]
) -> list[str]:
    """Cells: evidence, data version, mean, sign, deviation, dagger, n, difference, verdict."""
    verdict = VERDICTS[sample.verdict]
    runs = sample.replicated
    if runs is None:
        return ["--", "", NOTHING, "", "", "", "", NOTHING, verdict]
    shape = r"\itshape " if sample.stand_in else ""
    digits = latex.places(runs.std, info.decimals)
    difference = NOTHING
    if entry and entry.published is not None and not sample.stand_in:
        difference = latex.fixed(runs.mean - entry.published, digits, sign=True)
    return [
        _evidence(sample),
        latex.escape(sample.dataset_version),
        shape + latex.fixed(runs.mean, digits),
        "" if runs.std is None else r"$\pm$",
        "" if runs.std is None else shape + latex.fixed(runs.std, digits),
        daggers[sample.stand_in],
        str(runs.n),
        difference,
        verdict,
    ]


def _evidence(sample: Entry | Recorded) -> str:
    return sample.scale if isinstance(sample, Entry) else rf"{sample.scale}\recordmark{{}}"


def _measurements(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """Where the paper prints nothing to compare with: a line for each row and its best record, metrics side by side."""
    metrics = wanted.metrics or list(experiment.metrics)
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    found: list[tuple[Row, dict[str, Entry] | dict[str, Recorded]]] = []
    rows = here(experiment, wanted.rows, result)
    groups = list(dict.fromkeys(row.group for row in rows))
    for row in sorted(rows, key=lambda row: groups.index(row.group)):
        own = {metric: entries[row.id, metric] for metric in metrics if (row.id, metric) in entries}
        kept = {metric: record for metric, entry in own.items() if (record := best_record(entry))}
        lacking = all(entry.verdict == "not run" for entry in own.values())
        found += [(row, own)] if own and not (kept and lacking) else []
        found += [(row, kept)] if kept else []
    used = [sample for _, samples in found for sample in samples.values() if sample.replicated]
    daggers = marks(sample.stand_in for sample in used)
    lines: list[list[str] | str] = []
    heading, before = "", None
    for row, samples in found:
        if row.group != heading:
            heading = row.group
            lines.append(latex.prose(heading))
        counts = {sample.replicated.n for sample in samples.values() if sample.replicated}
        evidence = "/".join(dict.fromkeys(_evidence(sample) for sample in samples.values() if sample.replicated))
        values = [_cell(samples.get(metric), experiment.metrics[metric], daggers) for metric in metrics]
        name = "" if row is before else latex.prose(row.label)
        lines.append([name, evidence or "--", *values, "/".join(map(str, sorted(counts)))])
        before = row
    # Of the 170 mm evidence and n take 26, the gaps 2.1 each.
    names = _label_width([row.label for row, _ in found])
    cells = [line[2:-1] for line in lines if isinstance(line, list)]
    numbers = _number_columns(cells, len(metrics), room=170 - names - 26 - 2.1 * (2 + len(metrics)), most=34)
    columns = [rf"@{{}}L{{{names}mm}}", "l", *numbers, "r@{}"]
    head = ["", "Evidence", *(latex.prose(_metric(experiment.metrics[metric])) for metric in metrics), "$n$"]
    versions = dict.fromkeys(latex.escape(sample.dataset_version) for sample in used)
    shown = {row.id for row in rows}
    below = notes(
        [sample.stand_in for sample in used],
        recorded=any(isinstance(sample, Recorded) for sample in used),
        more=[
            *_not_here(wanted, experiment, rows),
            *not_transcribed(each for (name, metric), each in entries.items() if name in shown and metric in metrics),
            *([f"Data: {', '.join(versions)}."] if used else []),
        ],
    )
    label = f"tab:{experiment.id}-{wanted.id}"
    return latex.table(columns, head, lines, caption=wanted.caption.strip(), label=label, notes=below)


def _cell(sample: Entry | Recorded | None, info: MetricInfo, daggers: dict[str | None, str]) -> str:
    """A mean with its deviation, what became of it where there is none, or nothing."""
    if sample is None or sample.replicated:
        return _value(sample, info, daggers)
    return VERDICTS[sample.verdict]


Samples = dict[tuple[str, str], Entry | Recorded]
"""(row, metric) -> what was measured of it."""


def _choice(wanted: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """For each group and each metric to choose by: the row with the smallest mean of it, and that row's numbers."""
    metrics = wanted.metrics or [name for name in experiment.metrics if name not in wanted.select_by]
    # Among rows of one scale alone a choice is fair.
    rows = at_scale(here(experiment, wanted.rows, result), experiment, result.scale)
    samples = _comparable(rows, result)
    chosen: list[tuple[str, str, list[Row], Row | None]] = []
    for group in dict.fromkeys(row.group for row in rows):
        for metric in wanted.select_by:
            had = [row for row in rows if row.group == group and (row.id, metric) in samples]
            chosen.append((group, metric, had, _smallest(had, metric, samples)))
    used = [samples[row.id, metric] for _, metric, _, row in chosen if row]
    daggers = marks(sample.stand_in for sample in used)
    lines: list[list[str] | str] = []
    heading = ""
    for group, metric, had, row in chosen:
        if group != heading:
            heading = group
            lines.append(latex.prose(group))
        name = latex.prose(experiment.metrics[metric].label)
        if row is None:
            lines.append([name, "no number", *[""] * (4 + len(metrics))])
            continue
        evidence = samples[row.id, metric]
        values = [_value(samples.get((row.id, each)), experiment.metrics[each], daggers) for each in (metric, *metrics)]
        runs = str(evidence.replicated.n) if evidence.replicated else ""
        lines.append([name, latex.prose(row.label), str(len(had)), _evidence(evidence), *values, runs])
    # Of the 170 mm the metric chosen by takes 24, the count, the evidence and n 24, the gaps 2.1 each.
    names = min(34, _label_width([row.label for *_, row in chosen if row]))
    cells = [line[4:-1] for line in lines if isinstance(line, list)]
    numbers = _number_columns(cells, 1 + len(metrics), room=170 - 24 - names - 24 - 2.1 * (6 + len(metrics)), most=24)
    columns = ["@{}L{24mm}", rf"L{{{names}mm}}", "r", "l", *numbers, "r@{}"]
    named = [latex.prose(_metric(experiment.metrics[metric])) for metric in metrics]
    head = ["Chosen by", "Chosen row", "of", "Evidence", "Its value", *named, "$n$"]
    below = notes(
        [sample.stand_in for sample in used],
        recorded=any(isinstance(sample, Recorded) for sample in used),
        more=_not_here(wanted, experiment, rows),
    )
    label = f"tab:{experiment.id}-{wanted.id}"
    return latex.table(columns, head, lines, caption=wanted.caption.strip(), label=label, notes=below)


def _comparable(rows: list[Row], result: ExperimentResult) -> Samples:
    """Numbers that may be held against each other: this report's own or, where it has none, the best kind on record."""
    names = {row.id for row in rows}
    entries = [entry for entry in result.entries if entry.row in names]
    own: Samples = {
        (entry.row, entry.metric): entry for entry in entries if entry.replicated and entry.verdict not in BROKEN
    }
    kept = {(e.row, e.metric): record for e in entries if (record := best_record(e)) and record.verdict not in BROKEN}
    best = min((KINDS.index(kind(each.scale, each.stand_in)) for each in kept.values()), default=None)
    return own or {at: each for at, each in kept.items() if KINDS.index(kind(each.scale, each.stand_in)) == best}


def _smallest(rows: list[Row], metric: str, samples: Samples) -> Row | None:
    """The row with the smallest mean, the first of equals; None of no rows."""

    def mean(row: Row) -> float:
        runs = samples[row.id, metric].replicated
        return runs.mean if runs else math.inf

    return min(rows, key=mean, default=None)


def _value(sample: Entry | Recorded | None, info: MetricInfo, daggers: dict[str | None, str]) -> str:
    """A mean with its deviation in one cell; empty where there is none."""
    if sample is None or sample.replicated is None:
        return ""
    runs = sample.replicated
    digits = latex.places(runs.std, info.decimals)
    shape = r"\itshape " if sample.stand_in else ""
    deviation = "" if runs.std is None else rf"\,$\pm$ {latex.number(latex.fixed(runs.std, digits))}"
    return f"{shape}{latex.number(latex.fixed(runs.mean, digits))}{deviation}{daggers.get(sample.stand_in, '')}"
