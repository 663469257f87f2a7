"""A number against the strength of mixing."""

from operator import itemgetter
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from remixup.analysis.best_evidence import best_record
from remixup.analysis.result_schema import Entry, ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.curves import AXIS_LABELS
from remixup.reporting.figures.drawing import DASHES, legend, line, name_absent, panels, ramp, ticks

NUMERICS = 1
GENERALIZATION = {
    "generalization.train_error": "training error (%)",
    "generalization.test_error": "test error (%)",
    "generalization.gap": "gap (points)",
}
Metric = Literal[
    "test_error.last",
    "test_error.median10",
    "test_error.best",
    "test_error.chosen",
    "test_loss.last",
    "test_loss.median10",
    "test_loss.best",
    "train_loss.last",
    "train_loss.median10",
    "train_loss.best",
    "generalization.train_error",
    "generalization.test_error",
    "generalization.gap",
]


def sweep(
    result: ExperimentResult,
    rows: list[Row],
    *,
    metric: Metric = "test_error.last",
    parameter: Literal["alpha"] = "alpha",
) -> Figure:
    """Draw the replicated mean and its 95 % interval against the ratio's parameter: a panel for each group.

    A row that was not run here is drawn from its best recorded result, one whose mixing has no ratio (ERM) as a
    horizontal band. Published numbers are dashed lines, or hollow markers where those of the same method differ; none
    is drawn beside a surrogate, with which it cannot be compared.

    Args:
        result: the experiment's results.
        rows: the rows to draw.
        metric: what is drawn.
        parameter: the ratio's parameter on the horizontal axis.
    """
    ylabel = GENERALIZATION.get(metric) or AXIS_LABELS[metric.partition(".")[0]]
    figure, drawn = panels(result, rows, ylabel)
    erm_color, mix_color = ramp(2)
    entries = {entry.row: _or_recorded(entry) for entry in result.entries if entry.metric == metric}
    shown: dict[str, Any] = {}
    for axes, members in drawn:
        mixed = {row.id: value for row in members if (value := _ratio(row, parameter)) is not None}
        for row in members:
            if row.id not in mixed and row.id in entries:
                shown |= _draw_reference(axes, entries[row.id], erm_color)
        points = sorted(((x, entries[name]) for name, x in mixed.items() if name in entries), key=itemgetter(0))
        shown |= _draw_sweep(axes, points, mix_color)
        shown |= _draw_published(axes, points, mix_color)
        axes.set_xscale("log")
        ticks(axes, sorted(set(mixed.values())) or [1.0])
        axes.set_xlabel(r"$\alpha$")
        absent = [row for row in members if row.id not in entries or entries[row.id].replicated is None]
        name_absent(result, axes, absent, all_of=len(members))
    legend(figure, shown)
    return figure


def _ratio(row: Row, parameter: str) -> float | None:
    """Return the ratio's parameter as the row states it; None where the row states none (ERM)."""
    ratio = (row.run.get("mixing") or {}).get("ratio")
    value = ratio.get(parameter) if isinstance(ratio, dict) else None
    return None if value is None else float(value)


def _or_recorded(entry: Entry) -> Entry:
    """Return the entry, with its best recorded sample instead of one that was not run here."""
    record = best_record(entry)
    if entry.verdict != "not run" or record is None:
        return entry
    return entry.model_copy(update={"replicated": record.replicated, "surrogate": record.surrogate})


def _draw_reference(axes: Axes, entry: Entry, color: Any) -> dict[str, Any]:
    """Draw ERM: its mean as a line, its interval as a band, the published number dashed."""
    shown: dict[str, Any] = {}
    if entry.replicated:
        low, high = entry.replicated.ci95 or (entry.replicated.mean, entry.replicated.mean)
        axes.axhspan(low, high, color=color, alpha=0.15, linewidth=0)
        axes.axhline(entry.replicated.mean, color=color)
        shown["ERM"] = (Patch(facecolor=(*color, 0.15)), line({"color": color}))
    if entry.published is not None and not entry.surrogate:
        dashed = {"color": color, "linestyle": DASHES[1], "linewidth": 0.9}
        axes.axhline(entry.published, **dashed)
        shown["ERM, published"] = line(dashed)
    return shown


def _draw_sweep(axes: Axes, points: list[tuple[float, Entry]], color: Any) -> dict[str, Any]:
    """Draw means joined by a line, intervals as bars."""
    found = [(x, entry.replicated) for x, entry in points if entry.replicated]
    if not found:
        return {}
    style: dict[str, Any] = {"color": color, "marker": "o", "linewidth": 0.9}
    axes.plot([x for x, _ in found], [sample.mean for _, sample in found], **style)
    for x, sample in found:
        if sample.ci95:
            axes.vlines(x, *sample.ci95, color=color, linewidth=0.9)
    return {"mixup": line(style)}


def _draw_published(axes: Axes, points: list[tuple[float, Entry]], color: Any) -> dict[str, Any]:
    """Draw published numbers of the mixed rows: one line where all are the same, else a marker each."""
    found = [(x, entry.published) for x, entry in points if entry.published is not None and not entry.surrogate]
    label = "mixup, published"
    if not found:
        return {}
    if len({value for _, value in found}) == 1:
        dashed = {"color": color, "linestyle": DASHES[2], "linewidth": 1.1}
        axes.axhline(found[0][1], **dashed)
        return {label: line(dashed)}
    style: dict[str, Any] = {"color": color, "marker": "D", "markerfacecolor": "white", "linestyle": "none"}
    axes.plot([x for x, _ in found], [value for _, value in found], **style)
    return {label: line(style)}
