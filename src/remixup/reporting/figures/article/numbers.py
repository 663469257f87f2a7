"""Published numbers against ours, for all that have a verdict."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from remixup.analysis.best_evidence import best_sample
from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import JUDGED, Entry, ExperimentResult, Replicated, Verdict
from remixup.reporting.figures.article.marks import note_missing
from remixup.reporting.figures.drawing import WIDTH

LOOKS: dict[Verdict, dict[str, Any]] = {
    "replicated": {"color": "#1b4f8a", "marker": "o", "markerfacecolor": "#1b4f8a", "markersize": 3.4},
    "inconclusive": {"color": "0.5", "marker": "o", "markerfacecolor": "white", "markersize": 3.4},
    "not replicated": {"color": "#c8611a", "marker": "X", "markerfacecolor": "#c8611a", "markersize": 4.6},
}
Number = tuple[float, Replicated, Verdict]


def numbers(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw our mean with its 95 % interval against the published number: a panel for each unit, with the identity."""
    figure = Figure(figsize=(WIDTH, 2.15), layout="constrained")
    found = by_unit(results)
    panels = figure.subplots(1, len(found))
    for axes, (title, values) in zip(panels, found.items(), strict=True):
        _draw(axes, values)
        axes.set_title(f"{len(values)} {title}")
        axes.set_xlabel("published")
    panels[0].set_ylabel("ours")
    handles = [Line2D([], [], **look, linestyle="none", label=verdict) for verdict, look in LOOKS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def by_unit(results: Mapping[str, ExperimentResult]) -> dict[str, list[Number]]:
    """Return all numbers with a verdict by what they are: published value, our sample, verdict."""
    found: dict[str, list[Number]] = {
        "probabilities": [],
        "errors (%)": [],
        "regression errors": [],
        "distances": [],
    }
    for result in results.values():
        for entry, number in _judged(result):
            found[_unit(entry)].append(number)
    return found


def _judged(result: ExperimentResult) -> Iterator[tuple[Entry, Number]]:
    for entry in result.entries:
        best = best_sample(entry) if entry.published is not None else None
        if best is not None and best.verdict in JUDGED and best.replicated and entry.published is not None:
            yield entry, (entry.published, best.replicated, best.verdict)


def _unit(entry: Entry) -> str:
    quantity = entry.metric.partition(".")[0]
    if quantity in ("on_the_line", "at_ten_points"):
        return "probabilities"
    if quantity in ("collisions", "collinearity"):
        return "distances"
    return "errors (%)" if entry.unit == "%" else "regression errors"


def _draw(axes: Axes, values: list[Number]) -> None:
    axes.set_box_aspect(1)
    if not values:
        note_missing(axes)
        return
    ends = [end for published, ours, _ in values for end in (published, ours.mean)]
    low, high = _limits(axes, ends)
    axes.plot([low, high], [low, high], color="0.6", linewidth=0.7, zorder=1)
    for published, ours, verdict in sorted(values, key=lambda number: number[2] != "inconclusive"):  # on top
        look = LOOKS[verdict]
        if ours.ci95:
            axes.vlines(published, *ours.ci95, color=look["color"], linewidth=0.7, zorder=2)
        axes.plot([published], [ours.mean], **look, linestyle="none", zorder=3)
    axes.set(xlim=(low, high), ylim=(low, high))


def _limits(axes: Axes, ends: list[float]) -> tuple[float, float]:
    """Scale both axes alike, logarithmically where positive values span more than a factor of 50; return the limits."""
    low, high = min(ends), max(ends)
    if low > 0 and high / low > 50:
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        return 10 ** (math.log10(low) - 0.15), 10 ** (math.log10(high) + 0.15)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4))
    margin = 0.06 * (high - low or 1.0)
    return low - margin, high + margin
