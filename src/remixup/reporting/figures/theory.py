"""Theorems compared with trained networks."""

from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.drawing import (
    DASHES,
    STYLE,
    band,
    legend,
    line,
    measured,
    name_absent,
    panels,
    ramp,
    styles,
    training_points,
)

NUMERICS = 1


def along_the_line(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw class probabilities along a line of points, of networks and of the closed form (Chidambaram, Figure 1).

    From the evaluation "on_the_line"; bands reach from the smallest to the largest seed. Training points stand at the
    height of their own label: 1 for the class whose probability is drawn.
    """
    with matplotlib.rc_context(STYLE):
        groups = [(f"{row.group}: {row.label}", [row]) for row in rows]
        figure, parts = panels(result, rows, "probability of class 1", groups)
        dark, light = ramp(2)
        network: dict[str, Any] = {"color": dark}
        closed: dict[str, Any] = {"color": light, "linestyle": DASHES[1], "linewidth": 1.1}
        points: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": "black", "markersize": 3}
        shown: dict[str, Any] = {}
        for axes, (row,) in parts:
            found = [each for each in measured(result, row, "on_the_line") if each["probability"]]
            if not found:
                name_absent(result, axes, [row], all_of=1)
                continue
            first = found[0]
            band(axes, first["x"], [each["probability"] for each in found], network)
            shown["trained network"] = line(network)
            if first["optimal"]:
                optimal = [float("nan") if value is None else value for value in first["optimal"]]
                axes.plot(first["x"], optimal, **closed)
                shown["closed form"] = line(closed)
            axes.plot(first["examples"], [1 - label for label in first["labels"]], **points, clip_on=False, zorder=3)
            shown["training points"] = line(points)
            axes.set(xlabel="$x$", ylim=(0, 1))
        legend(figure, shown)
        return figure


def guaranteed_regions(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw where a theorem fixes the class, and a network's boundary, for the first seed (Chidambaram, Thm 3.2).

    From the evaluation "guaranteed".
    """
    with matplotlib.rc_context(STYLE):
        groups = [(f"{row.group}: {row.label}", [row]) for row in rows]
        figure, parts = panels(result, rows, groups=groups)
        for axes, (row,) in parts:
            found = measured(result, row, "guaranteed")
            if found:
                _draw_regions(axes, found[0])
            else:
                name_absent(result, axes, [row], all_of=1)
        return figure


def _draw_regions(axes: Axes, found: dict[str, Any]) -> None:
    """Shade the regions of both classes; draw the network's boundary as a line, and the training points."""
    for label, shade in ((0, "0.9"), (1, "0.68")):
        # One class at a time: between no class, -1, and 1 lies 0, and would be drawn.
        inside = [[float(value == label) for value in row] for row in found["guaranteed"]]
        axes.contourf(found["x"], found["y"], inside, levels=[0.5, 1.5], colors=[shade])
    if len({value for row in found["said"] for value in row}) > 1:
        axes.contour(found["x"], found["y"], found["said"], levels=[0.5], colors=[ramp(2)[0]], linewidths=1.1)
    training_points(axes, found["points"])
    axes.set_aspect("equal")
    axes.grid(False)
    axes.set(xticks=[], yticks=[], xlabel=f"seed {found['seed']}")


def cosine_distribution(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw the distribution of |cos| of the angle between examples and gradients (Zhang et al., 2021, section 3.1).

    From the evaluation "robustness": `cosines`; all seeds together, as a share of the points.
    """
    with matplotlib.rc_context(STYLE):
        groups = [("", rows)]
        figure, parts = panels(result, rows, "share of the points", groups)
        looks = {row.id: style for row, style in zip(rows, styles(row.id for row in rows).values(), strict=True)}
        shown: dict[str, Any] = {}
        for axes, members in parts:
            absent = []
            for row in members:
                cosines = sorted(
                    value for each in measured(result, row, "robustness") for value in each.get("cosines") or []
                )
                if not cosines:
                    absent.append(row)
                    continue
                style = {**looks[row.id], "marker": ""}
                shares = [(rank + 1) / len(cosines) for rank in range(len(cosines))]
                axes.step([0.0, *cosines], [0.0, *shares], where="post", **style)
                shown[f"{row.group}, {row.label}"] = line(style)
            axes.set(xlabel=r"$|\cos|$", xlim=(0, 1), ylim=(0, 1))
            name_absent(result, axes, absent, all_of=len(members))
        legend(figure, shown)
        return figure
