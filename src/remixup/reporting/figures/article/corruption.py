"""Corrupted labels: test error over the passes, and training error on the corrupted labels at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult, Fit
from remixup.reporting.figures.article.marks import METHODS, SMALL, best_fit, note_missing, sample
from remixup.reporting.figures.drawing import WIDTH, shade

PANELS = {
    "20 %": {"ERM": "erm-20", "mixup": "mixup-20"},
    "50 %": {"ERM": "erm-50", "mixup": "mixup-50"},
}
"""Share of the labels that are random -> method -> row."""


def corruption(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw the test error by passes, a panel for each share, and the last training errors on corrupted labels.

    Bands reach from the smallest to the largest seed. Published numbers, of the whole training set, are written
    above the curves, and diamonds at the right.
    """
    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    *left, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.05])
    for axes, (share, rows) in zip(left, PANELS.items(), strict=True):
        _draw_curves(axes, {method: best_fit(results, "corruption", row) for method, row in rows.items()})
        _write_levels(axes, {method: published(results, row, "test_error.last") for method, row in rows.items()})
        axes.set_title(f"{share} of the labels random")
    left[0].set_ylabel("test error (%)")
    left[1].sharey(left[0])
    left[1].tick_params(labelleft=False)
    low, high = left[0].get_ylim()
    left[0].set_ylim(low, high + 0.2 * (high - low))
    _draw_memorized(right, results)
    handles = [Line2D([], [], **look, label=method) for method, look in METHODS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=1.0)
    return figure


def _draw_curves(axes: Axes, fits: dict[str, Fit | None]) -> None:
    for method, found in fits.items():
        if found is None or found.test_error_curve is None or found.setting is None:
            continue
        curve, setting = found.test_error_curve, found.setting
        x = [epoch * setting.passes / curve.epoch[-1] for epoch in curve.epoch]
        axes.plot(x, curve.mean, **METHODS[method], markersize=2.6)
        shade(axes, x, curve.low, curve.high, METHODS[method])
        axes.set_xlabel(f"passes over {setting.training_examples:,} images")
    axes.set_xlim(left=0)
    if not any(fits.values()):
        note_missing(axes)


def _write_levels(axes: Axes, levels: dict[str, float | None]) -> None:
    """Write the published last test errors, which are far below the axis."""
    words = ", ".join(f"{method} {level:g}" for method, level in levels.items() if level is not None)
    if words:
        place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": SMALL}
        place["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        axes.text(0.98, 0.98, f"published, 50,000 images:\n{words}", **place)


def published(results: Mapping[str, ExperimentResult], row: str, metric: str) -> float | None:
    """Return a published number of the experiment."""
    entries = results["corruption"].entries if "corruption" in results else []
    return next((each.published for each in entries if (each.row, each.metric) == (row, metric)), None)


def _draw_memorized(axes: Axes, results: Mapping[str, ExperimentResult]) -> None:
    """Draw the last training errors on corrupted labels: a line for each share and method."""
    metric = "memorization.corrupted"
    lines = [(method, row, f"{method}, {share}") for share, rows in PANELS.items() for method, row in rows.items()]
    diamond: dict[str, Any] = {"marker": "D", "markersize": 3.2, "markerfacecolor": "white", "linestyle": "none"}
    for height, (method, row, _) in enumerate(lines):
        look = {**METHODS[method], "linestyle": "none"}
        ours, level = sample(results, "corruption", row, metric), published(results, row, metric)
        if ours:
            axes.hlines(height, *(ours.ci95 or (ours.mean, ours.mean)), color=look["color"], linewidth=0.9)
            axes.plot([ours.mean], [height], **look, markersize=4.2, zorder=3, clip_on=False)
        if level is not None:
            axes.plot([level], [height - 0.3], color="black", **diamond, zorder=2, clip_on=False)
    axes.set_yticks(range(len(lines)), [label for *_, label in lines])
    axes.set(xlim=(0, 100), ylim=(len(lines) - 0.5, -0.6), title="at the end, on corrupted labels")
    axes.set_xlabel("training error (%); diamond: published")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
