"""Between two examples, and under attack: digits only, where curves are measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import GRAY, METHODS, note_missing, seeds
from remixup.reporting.figures.drawing import DASHES, WIDTH, band

BETWEEN = {"miss": "misses (%)", "loss_gradient": "gradient norm of the loss"}
ROWS = {"ERM": "erm", "mixup": "mixup"}
ATTACKED = {"ERM": "fgsm-erm", "mixup": "fgsm-mixup"}
CHANCE = 90.0
"""Error of guessing one of ten digits."""


def between(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw misses and gradient norms between two training examples, and the error under FGSM over its strength.

    Bands reach from the smallest to the largest seed.
    """
    figure = Figure(figsize=(WIDTH, 2.35), layout="constrained")
    *left, right = figure.subplots(1, 3)
    for axes, (quantity, label) in zip(left, BETWEEN.items(), strict=True):
        found = {method: seeds(results, "between", row, "in_between") for method, row in ROWS.items()}
        _draw(axes, found, "lam", quantity)
        axes.set(xlabel=r"$\lambda$", title=f"{label}\ndigits (surrogate)")
    found = {method: seeds(results, "attacks", row, "attack_curve") for method, row in ATTACKED.items()}
    _draw(right, found, "eps", "error")
    right.axhline(CHANCE, color=GRAY, linestyle=DASHES[3], linewidth=0.8)
    right.set_xscale("symlog", linthresh=0.0157, linscale=0.5)
    right.set_xticks([0, 0.031, 0.125, 0.5], ["0", "0.03", "0.13", "0.5"])
    right.minorticks_off()
    right.set(xlabel=r"strength of FGSM $\epsilon$", title="error under attack (%)\ndigits (surrogate)")
    right.set(xlim=(0, 0.5), ylim=(0, 102))
    handles = [Line2D([], [], **METHODS[method], label=method) for method in ROWS]
    handles.append(Line2D([], [], color=GRAY, linestyle=DASHES[3], linewidth=0.8, label="chance"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _draw(axes: Axes, found: dict[str, list[dict[str, Any]]], x: str, y: str) -> None:
    whole = {method: [seed for seed in own if None not in seed[y]] for method, own in found.items()}
    for method, own in whole.items():
        if own:
            band(axes, own, x, y, {**METHODS[method], "markersize": 2.6})
    if not any(whole.values()):
        note_missing(axes)
