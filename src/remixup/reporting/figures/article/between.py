"""Between two training examples: misses and gradients, of the frozen networks."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import METHODS, note_missing
from remixup.reporting.figures.drawing import WIDTH, band

PANELS = {
    "miss": "misses (%)",
    "logit_gradient": "gradient of the largest logit",
    "loss_gradient": "gradient of the loss",
}
ROWS = {"ERM": "erm", "mixup": "mixup"}


def between(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw misses and gradient norms along the segment between two training examples.

    Lines are means over the seeds of the freeze, bands reach from the smallest to the largest seed.
    """
    figure = Figure(figsize=(WIDTH, 2.15), layout="constrained")
    result = results.get("between")
    measured = result.frozen_evaluations if result else {}
    found = {method: measured.get(row, {}).get("in_between", []) for method, row in ROWS.items()}
    for axes, (quantity, title) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
        _draw(axes, found, quantity)
        axes.set(title=title, xlabel=r"$\lambda$", xlim=(0, 1))
        axes.set_ylim(bottom=0)
    handles = [Line2D([], [], **METHODS[method], label=method) for method in ROWS]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(ROWS))
    return figure


def _draw(axes: Axes, found: Mapping[str, list[dict[str, Any]]], quantity: str) -> None:
    finite = {method: [seed for seed in seeds if None not in seed[quantity]] for method, seeds in found.items()}
    for method, seeds in finite.items():
        if seeds:
            band(axes, seeds, "lam", quantity, {**METHODS[method], "markersize": 2.6})
    if not any(finite.values()):
        note_missing(axes)
