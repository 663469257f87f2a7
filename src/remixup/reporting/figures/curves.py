"""Curves over epochs, mixing ratios, and strengths of noise and of an attack."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remixup.analysis.result_schema import Curve, ExperimentResult
from remixup.config.experiment import Row
from remixup.config.metrics import Quantity
from remixup.config.registry import load_registry
from remixup.reporting.figures.drawing import (
    DASHES,
    band,
    draw_rows,
    legend,
    line,
    measured,
    name_absent,
    of_evaluation,
    panels,
    shade,
    styles,
    ticks,
)

NUMERICS = 1
AXIS_LABELS: dict[str, str] = {
    "test_error": "test error (%)",
    "test_loss": "test loss",
    "train_loss": "training loss",
    "original_error": "error on the training set (%)",
    "original_loss": "loss on the training set",
    "test_top5_error": "top-5 test error (%)",
    "validation_error": "validation error (%)",
    "validation_loss": "validation loss",
    "validation_top5_error": "top-5 validation error (%)",
    "test_f1_error": "100 less macro-F1 (%)",
    "test_mape": "mean absolute percentage error (%)",
    "test_worst_error": "error of the worst domain",
    "validation_f1_error": "100 less macro-F1, validation (%)",
    "epsilon": r"$\varepsilon$ spent",
}
BETWEEN = {
    "miss": "misses (%)",
    "loss_gradient": "gradient norm of the loss",
    "logit_gradient": "gradient norm of the top logit",
}


def error_curves(result: ExperimentResult, rows: list[Row], *, quantity: Quantity = "test_error") -> Figure:
    """Draw a quantity by epoch: a panel for each group, a line for each row, a band from smallest to largest seed.

    Args:
        result: the experiment's results.
        rows: the rows to draw.
        quantity: what is drawn.
    """
    looks = styles((row.label for row in rows), marker="")
    found = {row: curves[quantity] for row, curves in result.curves.items() if quantity in curves}

    def draw(axes: Axes, row: Row, curve: Curve) -> dict[str, Any]:
        axes.plot(curve.epoch, curve.mean, **looks[row.label])
        shade(axes, curve.epoch, curve.low, curve.high, looks[row.label])
        return {row.label: line(looks[row.label])}

    return draw_rows(result, rows, found, draw, AXIS_LABELS[quantity], "epoch")


@of_evaluation("noisy", "error")
def noise_curves(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw the test error over the noise's standard deviation: a panel for each group, bands as in error_curves.

    From the evaluation "noisy".
    """
    looks = styles(row.label for row in rows)
    found = measured(result, rows, "noisy", "error")

    def draw(axes: Axes, row: Row, seeds: list[dict[str, Any]]) -> dict[str, Any]:
        band(axes, seeds, "sigma", "error", looks[row.label])
        return {row.label: line(looks[row.label])}

    return draw_rows(result, rows, found, draw, "test error (%)", r"standard deviation of the noise $\sigma$")


@of_evaluation("in_between", "miss")
def in_between(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw misses and gradient norms along the line between two examples (mixup, Figure 2).

    Bands reach from the smallest to the largest seed.

    From the evaluation "in_between": for each seed `lam`, and as long as it `miss` (percent), `loss_gradient` and
    `logit_gradient`, None where they are not finite.
    """
    several = len({row.group for row in rows}) > 1
    labels = {row.id: f"{row.group}: {row.label}" if several else row.label for row in rows}
    looks = styles(labels.values(), marker="")
    figure, drawn = panels(result, rows, groups=[(title, rows) for title in BETWEEN.values()])
    shown: dict[str, Any] = {}
    for (axes, _), quantity in zip(drawn, BETWEEN, strict=True):
        found = measured(result, rows, "in_between", quantity)
        for row, seeds in found.items():
            band(axes, seeds, "lam", quantity, looks[labels[row]])
            shown[labels[row]] = line(looks[labels[row]])
        axes.set_xlabel(r"$\lambda$")
        if quantity == "miss" or not found:  # once is enough
            name_absent(result, axes, [row for row in rows if row.id not in found], all_of=len(rows))
    legend(figure, shown)
    return figure


@of_evaluation("attack_curve", "error")
def attack_curves(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw the error over the strength of an attack: a panel for each group, chance dashed.

    Bands reach from the smallest to the largest seed.

    From the evaluation "attack_curve": for each seed `eps` (ascending, 0 perhaps among them) and `error` (percent),
    some None where the outputs are not finite.
    """
    figure, drawn = panels(result, rows, "error under attack (%)")
    looks = styles(row.label for row in rows)
    dashed: dict[str, Any] = {"color": "0.45", "linestyle": DASHES[1], "linewidth": 0.8}
    shown: dict[str, Any] = {}
    found = measured(result, rows, "attack_curve", "error")
    for axes, members in drawn:
        present = [row for row in members if row.id in found]
        for row in present:
            band(axes, found[row.id], "eps", "error", looks[row.label])
            shown[row.label] = line(looks[row.label])
        for chance in sorted({_chance(row) for row in present}):
            axes.axhline(chance, **dashed)
        _strengths(axes, sorted({eps for row in present for eps in found[row.id][0]["eps"]}))
        name_absent(result, axes, [row for row in members if row not in present], all_of=len(members))
    legend(figure, {**shown, "chance": line(dashed)} if shown else {})
    return figure


def _chance(row: Row) -> float:
    """Return the error of guessing, in percent, where all classes are equally likely."""
    classes: int = load_registry()["datasets"][row.run["dataset"]["name"]]["classes"]
    return 100 * (1 - 1 / classes)


def _strengths(axes: Axes, strengths: list[float]) -> None:
    """Scale an axis of strengths linearly from 0 to the smallest, then logarithmically, and label it."""
    axes.set_xlabel(r"largest perturbation $\epsilon$")
    positive = [eps for eps in strengths if eps > 0]
    if positive:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
        ticks(axes, strengths if len(strengths) <= 6 else strengths[::2], minor=strengths)
