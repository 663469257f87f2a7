"""Curves over epochs, mixing ratios and strengths of an attack."""

from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.config.metrics import Quantity
from remixup.config.registry import load_registry
from remixup.reporting.figures.drawing import DASHES, STYLE, band, legend, line, measured, name_absent, panels, styles

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
    """Draw a quantity by epoch: a panel for each group, a line for each row, a band from smallest to largest seed."""
    with matplotlib.rc_context(STYLE):
        figure, parts = panels(result, rows, AXIS_LABELS[quantity])
        plain = {name: {**style, "marker": ""} for name, style in styles(row.label for row in rows).items()}
        for axes, members in parts:
            absent = []
            for row in members:
                curve = result.curves.get(row.id, {}).get(quantity)
                if curve is None:
                    absent.append(row)
                    continue
                style = plain[row.label]
                axes.plot(curve.epoch, curve.mean, **style)
                axes.fill_between(curve.epoch, curve.low, curve.high, color=style["color"], alpha=0.18, linewidth=0)
            axes.set_xlabel("epoch")
            name_absent(result, axes, absent, all_of=len(members))
        drawn = {row.label for row in rows if quantity in result.curves.get(row.id, {})}
        legend(figure, {name: line(style) for name, style in plain.items() if name in drawn})
        return figure


def in_between(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw misses and gradient norms along the line between two examples (mixup, Figure 2).

    Bands reach from the smallest to the largest seed.

    From the evaluation "in_between": for each seed `lam`, and as long as it `miss` (percent), `loss_gradient` and
    `logit_gradient`, None where they are not finite.
    """
    with matplotlib.rc_context(STYLE):
        several = len({row.group for row in rows}) > 1
        labels = {row.id: f"{row.group}: {row.label}" if several else row.label for row in rows}
        plain = {name: {**style, "marker": ""} for name, style in styles(labels.values()).items()}
        figure, parts = panels(result, rows, groups=[(title, rows) for title in BETWEEN.values()])
        drawn = set()
        for (axes, _), quantity in zip(parts, BETWEEN, strict=True):
            absent = []
            for row in rows:
                fine = [each for each in measured(result, row, "in_between") if each[quantity] is not None]
                if not fine:
                    absent.append(row)
                    continue
                drawn.add(labels[row.id])
                band(axes, fine[0]["lam"], [each[quantity] for each in fine], plain[labels[row.id]])
            axes.set_xlabel(r"$\lambda$")
            if quantity == "miss" or len(absent) == len(rows):  # once is enough
                name_absent(result, axes, absent, all_of=len(rows))
        legend(figure, {name: line(style) for name, style in plain.items() if name in drawn})
        return figure


def attack_curves(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw the error over the strength of an attack: a panel for each group, chance dashed.

    Bands reach from the smallest to the largest seed.

    From the evaluation "attack_curve": for each seed `eps` (ascending, 0 perhaps among them) and `error` (percent),
    some None where the outputs are not finite.
    """
    with matplotlib.rc_context(STYLE):
        figure, parts = panels(result, rows, "error under attack (%)")
        looks = styles(row.label for row in rows)
        guess: dict[str, Any] = {"color": "0.45", "linestyle": DASHES[1], "linewidth": 0.8}
        shown: dict[str, Any] = {}
        for axes, members in parts:
            found = {row.id: _finite(measured(result, row, "attack_curve")) for row in members}
            drawn = [row for row in members if found[row.id]]
            for row in drawn:
                band(axes, found[row.id][0]["eps"], [each["error"] for each in found[row.id]], looks[row.label])
                shown[row.label] = line(looks[row.label])
            for chance in sorted({_chance(row) for row in drawn}):
                axes.axhline(chance, **guess)
            _strengths(axes, sorted({eps for row in drawn for eps in found[row.id][0]["eps"]}))
            name_absent(result, axes, [row for row in members if row not in drawn], all_of=len(members))
        legend(figure, {**shown, "chance": line(guess)} if shown else {})
        return figure


def _finite(seeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in seeds if None not in each["error"]]


def _chance(row: Row) -> float:
    """Return the error of guessing, in percent, where all classes are equally likely."""
    classes: int = load_registry()["datasets"][row.run["dataset"]["name"]]["classes"]
    return 100 * (1 - 1 / classes)


def _strengths(axes: Axes, strengths: list[float]) -> None:
    """Scale an axis of strengths linearly from 0 to the smallest, then logarithmically, and label it."""
    axes.set_xlabel(r"largest perturbation $\epsilon$")
    positive = [eps for eps in strengths if eps > 0]
    if not positive:
        return
    axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
    named = strengths if len(strengths) <= 6 else strengths[::2]
    axes.xaxis.set_major_locator(FixedLocator(named))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{eps:g}" for eps in named]))
    axes.xaxis.set_minor_locator(FixedLocator(strengths))
