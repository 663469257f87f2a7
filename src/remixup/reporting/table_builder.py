"""Build the long tables of the supplement: headings, lines and cells, as LaTeX."""

from __future__ import annotations

from dataclasses import dataclass, field

from remixup.analysis.result_schema import Entry, Recorded, Replicated
from remixup.config.experiment import Experiment, MetricInfo
from remixup.reporting import latex
from remixup.reporting.templates import render

Sample = Entry | Recorded
"""A result of this report, or one on record."""
NOTHING = "--"


@dataclass
class Line:
    """A line of a table: cells, or a heading across all columns."""

    cells: list[str] = field(default_factory=list)
    heading: str = ""
    strong: bool = False


class TableBuilder:
    """Collect the lines of a table. A heading that repeats the last one of its kind is left out."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._last = {True: "", False: ""}

    def heading(self, text: str, *, strong: bool = False) -> None:
        """Add a heading (LaTeX), of a part if `strong`, else of a group within it."""
        if text and text != self._last[strong]:
            self.lines.append(Line(heading=text, strong=strong))
            self._last = {True: text, False: ""} if strong else self._last | {False: text}

    def line(self, *cells: str) -> None:
        """Add a line of LaTeX cells."""
        self.lines.append(Line(list(cells)))

    def render(self, columns: str, head: str, caption: str, label: str, entry: str = "") -> str:
        r"""Print the table; empty without lines.

        Args:
            columns: LaTeX's specification of the columns.
            head: cells above the columns, separated by ampersands.
            caption: LaTeX.
            label: what \ref refers to.
            entry: of the table of contents, if any; LaTeX.
        """
        if not self.lines:
            return ""
        return render(
            "table.tex",
            columns=columns,
            head=head,
            caption=caption,
            label=label,
            entry=entry,
            lines=self.lines,
            width=len(next(line.cells for line in self.lines if line.cells)),
        )


def metric_info(experiment: Experiment, entry: Entry) -> MetricInfo:
    """Return how a number is printed."""
    derived = {each.id: each for each in experiment.derived}
    if entry.row in derived and entry.metric == derived[entry.row].kind:
        return MetricInfo(label="accuracy ratio", unit="", decimals=derived[entry.row].decimals)
    return experiment.metrics[entry.metric]


def published(value: float, decimals: int) -> str:
    """Format a published number or difference; a difference of two printed numbers has their round-off."""
    return latex.printed(round(value, decimals + 1), decimals)


def metric_name(info: MetricInfo) -> str:
    """Return the label of a metric with its unit."""
    return f"{info.label} ({info.unit})" if info.unit else info.label


def mean_cell(runs: Replicated | None, decimals: int) -> str:
    """Print a mean and its standard deviation in one cell; empty without runs."""
    if runs is None:
        return ""
    digits = latex.places(runs.std, decimals)
    deviation = "" if runs.std is None else rf"\,$\pm$\,{latex.number(latex.fixed(runs.std, digits))}"
    return latex.number(latex.fixed(runs.mean, digits)) + deviation


def interval_cell(ends: tuple[float, float], digits: int) -> str:
    """Print an interval."""
    return "[{}, {}]".format(*(latex.number(latex.fixed(end, digits)) for end in ends))
