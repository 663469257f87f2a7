"""Build the report's long tables: rows, cells, marks, and notes below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from remixup.analysis.result_schema import ClaimTest, Entry, ExperimentResult, Recorded, RecordedClaim
from remixup.config.experiment import Experiment, MetricInfo, Row
from remixup.config.settings import Scale
from remixup.reporting import latex
from remixup.reporting.templates import render

Sample = Entry | Recorded
"""A result of this report, or one on record."""


@dataclass
class Line:
    """A line of a table, as LaTeX: cells, or one text across all columns."""

    cells: list[str] = field(default_factory=list)
    heading: str = ""
    sentence: str = ""
    keep: bool = False
    """Whether the next line must be on the same page."""


class TableBuilder:
    """Collect the lines of a table, the marks of its surrogates, and the notes that explain the marks.

    Args:
        samples: all results that the table prints.
    """

    def __init__(self, samples: Iterable[Sample | ClaimTest]) -> None:
        listed = list(samples)
        self._surrogates = [sample.stand_in for sample in listed]
        self._recorded = any(isinstance(sample, Recorded | RecordedClaim) for sample in listed)
        self._heading = ""
        self.marks = marks(self._surrogates)
        self.lines: list[Line] = []

    def heading(self, text: str) -> None:
        """Add a heading (LaTeX) unless it is the last one."""
        if text != self._heading:
            self._heading = text
            self.lines.append(Line(heading=text))

    def sentence(self, text: str) -> None:
        """Add a line across all columns that describes the next line."""
        self.lines.append(Line(sentence=text, keep=True))

    def line(self, *cells: str, continued: bool = False) -> None:
        """Add a line of LaTeX cells; a `continued` one belongs to the line before and has no label of its own."""
        if continued:
            self.lines[-1].keep = True
        self.lines.append(Line(list(cells)))

    def align(self, *columns: int) -> None:
        """Align the decimal points of columns."""
        lines = [line for line in self.lines if line.cells]
        for column in columns:
            for line, cell in zip(lines, latex.aligned([line.cells[column] for line in lines]), strict=True):
                line.cells[column] = cell

    def render(
        self, template: str, caption: str, label: str, *, quoted: bool = False, more: Iterable[str] = (), **values: Any
    ) -> str:
        r"""Print the table.

        Args:
            template: file in paper/templates that extends table.tex.
            caption: LaTeX.
            label: what \ref refers to.
            quoted: whether the mark of quoted numbers needs a note.
            more: further sentences below the table, LaTeX.
            **values: what else the template prints.
        """
        differences = split_differences(self._surrogates)
        values |= {"caption": caption, "label": label, "differences": differences, "more": more, "quoted": quoted}
        return render(template, lines=self.lines, recorded=self._recorded, **values)


def split_differences(surrogates: Iterable[str | None]) -> list[str]:
    """List each difference from the published setting once; a run may have several, separated by semicolons."""
    return list(dict.fromkeys(difference for text in surrogates if text for difference in text.split("; ")))


def marks(surrogates: Iterable[str | None]) -> dict[str | None, str]:
    """Return the dagger for each surrogate, with numbers where the table has several differences."""
    texts = list(dict.fromkeys(surrogates))
    differences = split_differences(texts)
    found: dict[str | None, str] = {None: ""}
    for text in filter(None, texts):
        numbers = [str(differences.index(difference) + 1) for difference in text.split("; ")]
        found[text] = rf"\surrogatemark{{{','.join(numbers) if len(differences) > 1 else ''}}}"
    return found


def shown_rows(patterns: list[str], experiment: Experiment, result: ExperimentResult) -> list[Row]:
    """Select the rows that run at the result's scale, have a published number, or are on record."""
    known = {row.id for row in experiment.at(result.scale)} | {entry.row for entry in result.entries}
    return [row for row in experiment.select(patterns) if row.id in known]


def rows_at_scale(rows: list[Row], experiment: Experiment, scale: Scale) -> list[Row]:
    """Select the rows that run at a scale; all of them where none does."""
    run = {row.id for row in experiment.at(scale)}
    return [row for row in rows if row.id in run] or rows


def metric_name(info: MetricInfo) -> str:
    """Return the label of a metric with its unit."""
    return f"{info.label} ({info.unit})" if info.unit else info.label


def scale_cell(sample: Sample) -> str:
    """Print the scale of a result, with a mark where it is on record."""
    return rf"{sample.scale}\recordmark{{}}" if isinstance(sample, Recorded) else sample.scale


def label_cell(text: str) -> str:
    """Print a label; paper/supplement.tex says how wide it may be."""
    return rf"\rowlabel{{{latex.prose(text)}}}"


def value_cell(sample: Sample | None, info: MetricInfo, marks: dict[str | None, str]) -> str:
    """Print a mean and its standard deviation in one cell; leave it empty without runs."""
    if sample is None or sample.replicated is None:
        return ""
    runs = sample.replicated
    digits = latex.places(runs.std, info.decimals)
    shape = r"\itshape " if sample.stand_in else ""
    deviation = "" if runs.std is None else rf"\,$\pm$ {latex.number(latex.fixed(runs.std, digits))}"
    return f"{shape}{latex.number(latex.fixed(runs.mean, digits))}{deviation}{marks[sample.stand_in]}"
