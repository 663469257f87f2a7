"""Samples of generators during training, with and without mixup (the mixup paper's Figure 5)."""

from collections.abc import Mapping, Sequence
from math import dist
from statistics import fmean, median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import SMALL, note_missing
from remixup.reporting.figures.drawing import WIDTH, draw_samples, limits_about

TOYS = {"ring of eight Gaussians": "ring", "grid of 25 Gaussians": "grid"}
METHODS = {"ordinary": "erm", "mixup": "mixup"}
ITERATIONS = (100, 1_000, 10_000, 20_000)


def gan(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw samples of the first frozen seed after some numbers of iterations: lines are methods, halves are toys.

    Below each panel the number of modes that its samples cover, and their median distance from the center of the data.
    """
    figure = Figure(figsize=(WIDTH, 2.3), layout="constrained")
    measured = results["gan"].frozen_evaluations if "gan" in results else {}
    for side, (title, toy) in zip(figure.subfigures(1, 2, wspace=0.03, squeeze=False)[0], TOYS.items(), strict=True):
        side.suptitle(title, fontsize="medium")
        panels = side.subplots(len(METHODS), len(ITERATIONS))
        for line, (method, row) in zip(panels, METHODS.items(), strict=True):
            _draw_line(line, measured.get(f"{toy}-{row}", {}).get("modes", []))
            line[0].set_ylabel(method)
        for axes, iteration in zip(panels[0], ITERATIONS, strict=True):
            axes.set_title(f"{iteration:,}", fontsize=SMALL)
    return figure


def _draw_line(line: Sequence[Axes], seeds: list[dict[str, Any]]) -> None:
    shots = {shot["iteration"]: shot for seed in seeds[:1] for shot in seed["snapshots"]}
    for axes, iteration in zip(line, ITERATIONS, strict=True):
        axes.grid(False)
        axes.set(xticks=[], yticks=[], box_aspect=1)
        if iteration not in shots:
            note_missing(axes, "not finite" if seeds else "no runs")
            continue
        shot, centres = shots[iteration], seeds[0]["centres"]
        draw_samples(axes, shot["points"], centres, limits_about(centres))
        distance = _distance(shot["points"], centres)
        away = f"{distance:,.0f}" if distance >= 10 else f"{distance:.1f}"
        axes.set_xlabel(f"{shot['covered']} of {len(centres)}\nat {away}", fontsize=SMALL, labelpad=2)


def _distance(points: list[list[float]], centres: list[list[float]]) -> float:
    """Return the median distance of points from the mean of the modes, to two significant digits."""
    middle = [fmean(values) for values in zip(*centres, strict=True)]
    return float(f"{median(dist(point, middle) for point in points):.2g}")
