"""What happens in the plane: what a network says all over it, and where a generator puts its samples."""

from typing import Any

import matplotlib
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.drawing import (
    DAGGER,
    HEIGHT,
    RAMP,
    STYLE,
    WIDTH,
    measured,
    name_absent,
    panels,
    ramp,
    stands_in,
    text,
    training_points,
    wrapped,
)

NUMERICS = 1
SURFACE = ListedColormap(seaborn.color_palette(RAMP, 100)[96:34:-1])


def decision_surfaces(result: ExperimentResult, rows: list[Row]) -> Figure:
    """p(y = 1 | x) over the plane with the training points, side by side, for the first seed (mixup, Figure 1b)."""
    with matplotlib.rc_context(STYLE):
        figure, parts = panels(result, rows, groups=[(row.label, [row]) for row in rows])
        filled = None
        for axes, (row,) in parts:
            found = measured(result, row, "decision_surface")
            if not found:
                name_absent(result, axes, [row], all_of=1)
                continue
            first = found[0]
            levels = [step / 10 for step in range(11)]
            filled = axes.contourf(first["x"], first["y"], first["probability"], levels=levels, cmap=SURFACE)
            filled.set_edgecolor("face")  # else viewers show hairlines between the bands
            training_points(axes, first["points"])
            axes.set_aspect("equal")
            axes.grid(False)
            axes.set(xticks=[], yticks=[], xlabel=f"seed {first['seed']}")
        if filled is not None:
            colourbar = figure.colorbar(filled, ax=[axes for axes, _ in parts], ticks=[0, 0.5, 1], pad=0.02, aspect=18)
            colourbar.set_label(r"$p(y = 1 \mid x)$")
            colourbar.outline.set_linewidth(0.5)
        return figure


def gan_snapshots(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Samples of a generator in the course of training, one row for each row, for the first seed (mixup, Figure 5).

    From the evaluation "modes": for each seed `centres` of the data's modes and `snapshots`, each with `iteration`,
    `points` (both as [x, y]), `covered` (number of modes) and `good` (percent of the points). All panels have the same
    limits, about the centres; points beyond them are counted.
    """
    with matplotlib.rc_context(STYLE):
        first = {row.id: found[0] for row in rows if (found := measured(result, row, "modes"))}
        iterations = sorted({shot["iteration"] for each in first.values() for shot in each["snapshots"]}) or [0]
        across, down, labels = max(3, len(iterations)), len(rows), 0.55
        side = min((WIDTH - labels) / across, (HEIGHT - 0.2) / down - 0.2)
        layout = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
        size = (side * len(iterations) + labels, (side + 0.2) * down + 0.2)
        figure = Figure(figsize=size, layout=layout)
        limits = _limits([centre for each in first.values() for centre in each["centres"]])
        several = len({row.group for row in rows}) > 1
        for row, line in zip(rows, figure.subplots(down, len(iterations), squeeze=False), strict=True):
            label = wrapped(f"{row.group}: {row.label}" if several else row.label, 22)
            line[0].set_ylabel(text(label) + (DAGGER if stands_in(result, [row]) else ""), fontsize=7)
            shots = {shot["iteration"]: shot for shot in first[row.id]["snapshots"]} if row.id in first else {}
            for axes, iteration in zip(line, iterations, strict=True):
                axes.grid(False)
                axes.set(xticks=[], yticks=[], box_aspect=1)
                if iteration in shots:
                    _draw_samples(axes, shots[iteration], first[row.id]["centres"], limits)
                elif row.id in first:
                    axes.text(0.5, 0.5, "not finite", transform=axes.transAxes, ha="center", va="center", fontsize=7)
            if row.id not in first:
                name_absent(result, line[0], [row], all_of=1)
        for axes, iteration in zip(figure.axes, iterations, strict=False):
            axes.set_title(f"iteration {iteration:,}" if first else "")
        return figure


def _limits(centres: list[list[float]]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of x and of y: about all centres, with a third of their extent on either side."""
    if not centres:
        return (0, 1), (0, 1)
    middle = [(max(values) + min(values)) / 2 for values in _columns(centres)]
    reach = max(max(values) - min(values) for values in _columns(centres)) * (0.5 + 1 / 3) or 1.0
    x, y = ((each - reach, each + reach) for each in middle)
    return x, y


def _draw_samples(
    axes: Axes,
    shot: dict[str, Any],
    centres: list[list[float]],
    limits: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    """Rings at the modes, a light dot for each sample within the limits, what was found below, how many lie beyond."""
    (left, right), (bottom, top) = limits
    seen = [[x, y] for x, y in shot["points"] if left <= x <= right and bottom <= y <= top]
    dark, *_ = ramp(6)
    axes.scatter(*_columns(centres), s=14, facecolor="none", edgecolor="0.72", linewidth=0.5)
    axes.scatter(*_columns(seen), s=1.8, color=dark, alpha=0.35, linewidth=0)
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.set_xlabel(f"{shot['covered']}/{len(centres)} modes, {shot['good']:.0f} % good", fontsize=6.5)
    if beyond := len(shot["points"]) - len(seen):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(0.97, 0.97, f"{beyond} beyond", transform=axes.transAxes, ha="right", va="top", fontsize=6, bbox=box)


def _columns(points: list[list[float]]) -> tuple[list[float], list[float]]:
    """[x, y] by [x, y] as all x and all y."""
    return [x for x, _ in points], [y for _, y in points]
