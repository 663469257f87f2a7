"""Theorems compared with trained networks."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.drawing import (
    DASHES,
    band,
    by_row,
    draw_rows,
    line,
    measured,
    of_evaluation,
    plane,
    ramp,
    styles,
    training_points,
)

NUMERICS = 1


@of_evaluation("on_the_line", "probability")
def along_the_line(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw class probabilities along a line of points, of networks and of the closed form (Chidambaram, Figure 1).

    From the evaluation "on_the_line"; bands reach from the smallest to the largest seed. Training points have the
    height of their own label: 1 for the class whose probability is drawn.
    """
    dark, light = ramp(2)
    network: dict[str, Any] = {"color": dark}
    closed: dict[str, Any] = {"color": light, "linestyle": DASHES[1], "linewidth": 1.1}
    points: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": "black", "markersize": 3}

    def draw(axes: Axes, _: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
        first = seeds[0]
        band(axes, seeds, "x", "probability", network)
        shown = {"trained network": line(network)}
        if first["optimal"]:
            optimal = [float("nan") if value is None else value for value in first["optimal"]]
            axes.plot(first["x"], optimal, **closed)
            shown["closed form"] = line(closed)
        axes.plot(first["examples"], [1 - label for label in first["labels"]], **points, clip_on=False, zorder=3)
        axes.set(xlabel="$x$", ylim=(0, 1))
        return {**shown, "training points": line(points)}

    found = measured(result, rows, "on_the_line", "probability")
    return draw_rows(result, rows, found, draw, "probability of class 1", groups=by_row(rows))


@of_evaluation("guaranteed", "guaranteed")
def guaranteed_regions(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw where a theorem fixes the class, and a network's boundary, for the first seed (Chidambaram, Thm 3.2).

    From the evaluation "guaranteed".
    """
    return draw_rows(
        result, rows, measured(result, rows, "guaranteed", "guaranteed"), _draw_regions, groups=by_row(rows)
    )


def _draw_regions(axes: Axes, _: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Shade the regions of both classes; draw the network's boundary as a line, and the training points."""
    found = seeds[0]
    for label, shade in ((0, "0.9"), (1, "0.68")):
        # One class at a time: 0 is between no class, -1, and 1, and would be drawn at their border.
        inside = [[float(value == label) for value in row] for row in found["guaranteed"]]
        axes.contourf(found["x"], found["y"], inside, levels=[0.5, 1.5], colors=[shade])
    if len({value for row in found["said"] for value in row}) > 1:
        axes.contour(found["x"], found["y"], found["said"], levels=[0.5], colors=[ramp(2)[0]], linewidths=1.1)
    training_points(axes, found["points"])
    plane(axes, f"seed {found['seed']}")
    return {}


@of_evaluation("robustness", "cosines")
def cosine_distribution(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw the distribution of |cos| of the angle between examples and gradients (Zhang et al., 2021, section 3.1).

    From the evaluation "robustness": `cosines`; all seeds together, as a share of the points.
    """
    looks = styles((row.id for row in rows), marker="")

    def draw(axes: Axes, row: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
        cosines = sorted(value for seed in seeds for value in seed["cosines"])
        shares = [(rank + 1) / len(cosines) for rank in range(len(cosines))]
        axes.step([0.0, *cosines], [0.0, *shares], where="post", **looks[row.id])
        axes.set(xlim=(0, 1), ylim=(0, 1))
        return {f"{row.group}, {row.label}": line(looks[row.id])}

    found = measured(result, rows, "robustness", "cosines")
    return draw_rows(result, rows, found, draw, "share of the points", r"$|\cos|$", [("", rows)])
