"""The frozen test of whether mixup's effect rises with ERM's fit: errors over passes, and effects over ERM's loss."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from remixup.analysis.pairs import TREND, Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import METHODS, note_missing, number_in, passes
from remixup.reporting.figures.drawing import WIDTH

DATASETS = ("CIFAR-10", "CIFAR-100", "Fashion-MNIST")
EFFECT = "mixup lowers test error by (points)"
PASSES, LOSS = "passes over 2,000 images", "final training loss of ERM (%)"
WIDTHS: dict[int, dict[str, Any]] = {
    16: {"marker": "o", "color": "#1b4f8a", "markersize": 4},
    8: {"marker": "s", "color": "#6f9fc8", "markersize": 7, "fillstyle": "none"},
}
"""Width of the network -> how its effects look; marks of both can be seen where they coincide."""


def trend(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw a row for each dataset: test errors over the passes, by width, and their difference over ERM's loss."""
    own = {each: [pair for pair in pairs if pair.experiment == TREND and pair.dataset == each] for each in DATASETS}
    own = {dataset: found for dataset, found in own.items() if found} or {DATASETS[0]: []}
    figure = Figure(figsize=(WIDTH, 0.2 + 2.1 * len(own)), layout="constrained")
    rows = figure.subplots(len(own), 3, squeeze=False)
    for panels, (dataset, found) in zip(rows, own.items(), strict=True):
        _draw_row(panels, found)
        panels[0].set_ylabel(f"{dataset}: test error (%)")
    for axes, title in zip(rows[0], [*(f"width {width}" for width in WIDTHS), EFFECT], strict=True):
        axes.set_title(title)
    for axes, label in zip(rows[-1], [PASSES] * len(WIDTHS) + [LOSS], strict=True):
        axes.set_xlabel(label)
    if any(own.values()):
        rows[0][0].legend()
        rows[0][2].legend()
    return figure


def _draw_row(panels: Sequence[Axes], pairs: Sequence[Pair]) -> None:
    """Draw a dataset in three panels."""
    panels[1].sharey(panels[0])
    for axes, (width, look) in zip(panels[:2], WIDTHS.items(), strict=True):
        found = sorted((pair for pair in pairs if number_in(pair, r"width (\d+)") == width), key=passes)
        _draw_errors(axes, found)
        _draw_effects(panels[2], found, look, f"width {width}")
    panels[2].axhline(0, color="0.2", linewidth=0.7, zorder=1)
    if pairs:
        panels[2].set_xscale("log")
        panels[2].xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        note_missing(panels[2])


def _draw_errors(axes: Axes, pairs: Sequence[Pair]) -> None:
    numbers = [passes(pair) for pair in pairs]
    if not pairs:
        note_missing(axes)
        return
    for name, errors in (("ERM", [pair.erm_error for pair in pairs]), ("mixup", [pair.mixup_error for pair in pairs])):
        axes.plot(numbers, errors, **METHODS[name], label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.xaxis.set_minor_locator(NullLocator())


def _draw_effects(axes: Axes, pairs: Sequence[Pair], look: Mapping[str, Any], label: str) -> None:
    for index, pair in enumerate(pairs):
        assert pair.loss is not None
        if pair.ci95:
            axes.plot([pair.loss] * 2, pair.ci95, color=look["color"], linewidth=0.8, zorder=2)
        named = label if index == 0 else None
        axes.plot([pair.loss], [pair.effect], **look, linestyle="none", label=named, zorder=3)
