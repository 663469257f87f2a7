"""Compare theory and trained networks: points on a line, two moons, and two features."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import note_missing, sample, seeds
from remixup.reporting.figures.drawing import DASHES, WIDTH, band, training_points

STRENGTHS = {"a1": (r"$\alpha = 1$", "#101a2b"), "a32": (r"$\alpha = 32$", "#c8611a")}
"""Row of the line -> its name, and its color."""
BOUNDARIES: dict[str, tuple[str, str, Any]] = {
    "wide-erm": ("ERM", "#101a2b", DASHES[0]),
    "wide-a1": ("mixup", "#c8611a", DASHES[1]),
    "wide-kept-a1": ("mixup, gradients kept", "#2a9d76", DASHES[3]),
}
"""Row of the moons -> its name, color and dashes."""
FEATURES: dict[str, dict[str, Any]] = {
    "erm": {"label": "ERM", "marker": "o", "color": "#101a2b", "markerfacecolor": "white"},
    "midpoint": {"label": "midpoint mixup", "marker": "s", "color": "#c8611a", "markerfacecolor": "#c8611a"},
}
LEGEND: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.22), "handlelength": 2.2}


def theory(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw networks and closed form on a line, boundaries between two moons, and the features that are learned."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_line(left, results)
    _draw_moons(middle, results)
    _draw_features(right, results)
    for axes, title in ((left, "three points on a line"), (middle, "two moons"), (right, "two features in each class")):
        axes.set_title(title)
    return figure


def _draw_line(axes: Axes, results: Mapping[str, ExperimentResult]) -> None:
    """Draw the probability of the outer class: of networks as a line with its range, and of the closed form."""
    handles = []
    for row, (name, color) in STRENGTHS.items():
        found = seeds(results, "line", row, "on_the_line")
        if not found:
            continue
        band(axes, found, "x", "probability", {"color": color, "linestyle": DASHES[0]})
        optimal = [float("nan") if value is None else value for value in found[0]["optimal"]]
        axes.plot(found[0]["x"], optimal, color=color, linestyle=DASHES[2], linewidth=1.3)
        points: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": "black", "markersize": 3.5}
        axes.plot(found[0]["examples"], [1 - label for label in found[0]["labels"]], **points, clip_on=False, zorder=3)
        handles.append(Line2D([], [], color=color, label=f"network, {name}"))
    if not handles:
        note_missing(axes)
        return
    handles.append(Line2D([], [], color="0.3", linestyle=DASHES[2], label="closed form, in their colors"))
    handles.append(Line2D([], [], marker="o", linestyle="none", color="black", markersize=3.5, label="training point"))
    axes.set(xlabel="$x$", ylabel="probability of class 1", ylim=(0, 1))
    axes.legend(handles=handles, **LEGEND, ncols=1)


def _draw_moons(axes: Axes, results: Mapping[str, ExperimentResult]) -> None:
    """Draw the boundaries of the first seed, and say how much of the plane is beside the best straight line."""
    handles: list[Line2D] = []
    for row, (name, color, dashes) in BOUNDARIES.items():
        found = seeds(results, "moons", row, "decision_surface")
        if not found:
            continue
        first = found[0]
        if not handles:
            training_points(axes, first["points"])
        drawn: dict[str, Any] = {"colors": [color], "linestyles": [dashes], "linewidths": 1.3}
        axes.contour(first["x"], first["y"], first["probability"], levels=[0.5], **drawn)
        bend = sample(results, "moons", row, "boundary.bend")
        share = f": bend {bend.mean:.1f} %" if bend else ""
        handles.append(Line2D([], [], color=color, linestyle=dashes, label=name + share))
    if not handles:
        note_missing(axes)
        return
    axes.grid(False)
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.legend(handles=handles, **LEGEND)


def _draw_features(axes: Axes, results: Mapping[str, ExperimentResult]) -> None:
    """Draw the output at each feature alone, a mark for each class and seed."""
    handles = []
    for row, look in FEATURES.items():
        found = seeds(results, "patches", row, "learned_features")
        strengths = [pair for seed in found for pair in seed["strength"]]
        if not strengths:
            continue
        style = {key: value for key, value in look.items() if key != "label"}
        axes.plot(*zip(*strengths, strict=True), **style, linestyle="none", markersize=3.2, alpha=0.85, clip_on=False)
        both = sample(results, "patches", row, "learned_features.both")
        share = f": both learned, {both.mean:.0f} %" if both else ""
        handles.append(Line2D([], [], **style, linestyle="none", markersize=3.2, label=look["label"] + share))
    if not handles:
        note_missing(axes)
        return
    axes.set(xlabel="output at the first feature", ylabel="output at the second feature", box_aspect=1)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.legend(handles=handles, **LEGEND)
