"""Figures in the plane: examples, mixed points, decision surfaces, samples of a generator, learned features."""

from typing import Any

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
    MARKERS,
    RAMP,
    WIDTH,
    Limits,
    by_row,
    columns,
    draw_rows,
    draw_samples,
    is_surrogate,
    limits_about,
    line,
    measured,
    name_absent,
    of_evaluation,
    plane,
    ramp,
    text,
    training_points,
    wrapped,
)

NUMERICS = 1
SURFACE = ListedColormap(seaborn.color_palette(RAMP, 100)[96:34:-1])


@of_evaluation("mixing", "mixtures")
def mixed_points(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw training examples in the plane, and mixed points over them: a panel for each row (k-mixup, 2106.02933).

    From the evaluation "mixing", of the first seed; below each panel the share of mixed points beyond the data.
    """
    dots: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 1.8}
    data, mixed = dots | {"color": "0.72"}, dots | {"color": ramp(3)[1]}

    def draw(axes: Axes, _: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
        axes.plot(*columns(seeds[0]["points"]), **data)
        axes.plot(*columns(seeds[0]["mixtures"]), **mixed, alpha=0.6)
        plane(axes, f"{seeds[0]['beyond']:.0f} % beyond the data")
        return {"training examples": line(data), "mixed points": line(mixed)}

    found = measured(result, rows, "mixing", "mixtures")
    return draw_rows(result, rows, found, draw, groups=by_row(rows))


@of_evaluation("learned_features", "strength")
def feature_plane(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw each class's output at its first feature alone against its second alone (2210.13512, section 4).

    From the evaluation "learned_features": `strength`; a mark for each class, all seeds together, a shade and shape for
    each seed. Near an axis one feature is learned, away from both axes both are.
    """

    def draw(axes: Axes, _: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
        for k, (seed, color) in enumerate(zip(seeds, ramp(len(seeds)), strict=True)):
            marker = MARKERS[k % len(MARKERS)]
            axes.scatter(*columns(seed["strength"]), s=9, marker=marker, color=color, linewidth=0, alpha=0.8)
        reach = 1.05 * max(value for seed in seeds for pair in seed["strength"] for value in pair)
        axes.set(xlabel="output at the first feature", xlim=(-0.04 * reach, reach), ylim=(-0.04 * reach, reach))
        return {}

    found = measured(result, rows, "learned_features", "strength")
    return draw_rows(result, rows, found, draw, "output at the second feature", groups=by_row(rows))


@of_evaluation("decision_surface", "probability")
def decision_surfaces(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw p(y = 1 | x) over the plane with the training points, for the first seed (mixup, Figure 1b)."""
    filled: list[Any] = []

    def draw(axes: Axes, _: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
        first, levels = seeds[0], [step / 10 for step in range(11)]
        filled.append(axes.contourf(first["x"], first["y"], first["probability"], levels=levels, cmap=SURFACE))
        filled[-1].set_edgecolor("face")  # else viewers show hairlines between the bands
        training_points(axes, first["points"])
        plane(axes, f"seed {first['seed']}")
        return {}

    found = measured(result, rows, "decision_surface", "probability")
    figure = draw_rows(result, rows, found, draw, groups=[(row.label, [row]) for row in rows])
    if filled:
        colorbar = figure.colorbar(filled[-1], ax=figure.axes, ticks=[0, 0.5, 1], pad=0.02, aspect=18)
        colorbar.set_label(r"$p(y = 1 \mid x)$")
        colorbar.outline.set_linewidth(0.5)
    return figure


@of_evaluation("modes", "snapshots")
def gan_snapshots(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw samples of a generator during training, a line of panels for each row, for the first seed (mixup, Figure 5).

    From the evaluation "modes": for each seed `centres` of the data's modes and `snapshots`, each with `iteration`,
    `points` (both as [x, y]), `covered` (number of modes) and `good` (percent of the points). All panels have the same
    limits, about the centres; points beyond them are counted.
    """
    first = {row: seeds[0] for row, seeds in measured(result, rows, "modes", "snapshots").items()}
    iterations = sorted({shot["iteration"] for each in first.values() for shot in each["snapshots"]}) or [0]
    across, down, labels = max(3, len(iterations)), len(rows), 0.55
    side = min((WIDTH - labels) / across, (HEIGHT - 0.2) / down - 0.2)
    layout = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    size = (side * len(iterations) + labels, (side + 0.2) * down + 0.2)
    figure = Figure(figsize=size, layout=layout)
    limits = limits_about([centre for each in first.values() for centre in each["centres"]])
    several = len({row.group for row in rows}) > 1
    for row, drawn in zip(rows, figure.subplots(down, len(iterations), squeeze=False), strict=True):
        label = wrapped(f"{row.group}: {row.label}" if several else row.label, 22)
        drawn[0].set_ylabel(text(label) + (DAGGER if is_surrogate(result, [row]) else ""), fontsize=7)
        shots = {shot["iteration"]: shot for shot in first[row.id]["snapshots"]} if row.id in first else {}
        for axes, iteration in zip(drawn, iterations, strict=True):
            axes.grid(False)
            axes.set(xticks=[], yticks=[], box_aspect=1)
            if iteration in shots:
                _draw_snapshot(axes, shots[iteration], first[row.id]["centres"], limits)
            elif row.id in first:
                axes.text(0.5, 0.5, "not finite", transform=axes.transAxes, ha="center", va="center", fontsize=7)
        if row.id not in first:
            name_absent(result, drawn[0], [row], all_of=1)
    for axes, iteration in zip(figure.axes, iterations, strict=False):
        axes.set_title(f"iteration {iteration:,}" if first else "")
    return figure


def _draw_snapshot(axes: Axes, shot: dict[str, Any], centres: list[list[float]], limits: Limits) -> None:
    """Draw a snapshot; write what was found, and how many samples are beyond the limits."""
    beyond = draw_samples(axes, shot["points"], centres, limits)
    axes.set_xlabel(f"{shot['covered']}/{len(centres)} modes, {shot['good']:.0f} % good", fontsize=6.5)
    if beyond:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(0.97, 0.97, f"{beyond} beyond", transform=axes.transAxes, ha="right", va="top", fontsize=6, bbox=box)
