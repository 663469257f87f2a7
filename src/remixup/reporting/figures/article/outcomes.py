"""Explain verdicts with made-up numbers and claims, each drawn as an interval with its verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from remixup.analysis.numbers import Target, compare
from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.analysis.statistics import mean_interval, prediction_interval
from remixup.reporting.figures.drawing import WIDTH, text

DARK, LIGHT, BAND = "#1f3b57", "#8fb0cc", "#e6eef5"
PUBLISHED = Target(value=0.0, tolerance=0.3, rounding=0.05)
SMALLEST = 0.5
"""The smallest effect of interest."""
NUMBERS = {
    "near, and the interval, too": (0.10, 0.12),
    "near, but the interval is wider": (0.10, 0.45),
    "off, within both sides' errors": (0.75, 0.30),
    "off by more than both errors": (0.85, 0.15),
}
"""What is seen -> mean and standard deviation of five runs, in points from the published number."""
CLAIMS = {
    "supported": (1.1, 0.4),
    "positive, size open": (0.6, 0.45),
    "no effect of interest": (0.05, 0.35),
    "contradicted": (-0.8, 0.5),
    "open": (0.2, 0.7),
}
"""Outcome -> mean and standard deviation of five effects."""


def outcomes(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw the verdicts on numbers and the outcomes of claims as intervals; no result is read."""
    figure = Figure(figsize=(WIDTH, 2.25), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_outcomes(left, right, smallest="δ")
    handles: list[Any] = [
        Line2D([], [], color=DARK, linewidth=3.2, label="90 % interval"),
        Line2D([], [], color=DARK, linewidth=1.2, label="95 % interval"),
        Line2D([], [], color=LIGHT, linewidth=1, label="95 %, errors of both sides"),
        Patch(color=BAND, label="too small to matter"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def draw_outcomes(left: Axes, right: Axes, smallest: str) -> None:
    """Draw each outcome as an interval: of numbers on the left, of claims on the right.

    Args:
        left: a panel.
        right: another one.
        smallest: sign of the smallest effect of interest.
    """
    left.axvspan(-PUBLISHED.margin, PUBLISHED.margin, color=BAND, zorder=0)
    left.axvline(0, color=DARK, linewidth=0.8)
    verdicts = {seen: compare(five(*sample), PUBLISHED) for seen, sample in NUMBERS.items()}
    _intervals(left, list(NUMBERS.values()), [f"{seen}:\n{verdict}" for seen, verdict in verdicts.items()])
    for height, sample in enumerate(NUMBERS.values()):
        low, high = prediction_interval(five(*sample)) or sample
        left.plot([low, high], [height, height], color=LIGHT, linewidth=1, zorder=1)
    left.set(title="A published number (schematic)", xlabel="our mean minus the published number")
    left.set_xticks([-PUBLISHED.margin, 0, PUBLISHED.margin], [text("-τ"), "0", text("τ")])
    right.axvspan(-SMALLEST, SMALLEST, color=BAND, zorder=0)
    right.axvline(0, color=DARK, linewidth=0.8)
    _intervals(right, list(CLAIMS.values()), list(CLAIMS))
    right.set(title="A claim of an effect (schematic)", xlabel="effect: baseline minus treatment")
    right.set_xticks([-SMALLEST, 0, SMALLEST], [text(f"-{smallest}"), "0", text(smallest)])


def five(mean: float, standard_deviation: float) -> list[float]:
    """Return five values: -1, -1, 0, 1, 1 have the standard deviation 1."""
    return [mean + standard_deviation * step for step in (-1, -1, 0, 1, 1)]


def _intervals(axes: Axes, samples: list[tuple[float, float]], labels: list[str]) -> None:
    """Draw means with their 90 % (thick) and 95 % (thin) intervals, from top to bottom."""
    for height, sample in enumerate(samples):
        for level, width in ((0.95, 1.2), (0.90, 3.2)):
            low, high = mean_interval(five(*sample), level) or sample
            axes.plot([low, high], [height, height], color=DARK, linewidth=width)
        axes.plot(sample[0], height, "o", color="white", markeredgecolor=DARK, markersize=5)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
