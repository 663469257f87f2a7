"""Training error, test error and gap over the strength of mixup, at two widths."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import best_fit, note_missing, sample
from remixup.reporting.figures.drawing import DASHES, WIDTH

PANELS = {
    "generalization.train_error": "training error (%)",
    "generalization.test_error": "test error (%)",
    "generalization.gap": "gap: test minus training (points)",
}
ALPHAS = (0.2, 1.0, 8.0, 32.0)
ERM = 0.05
"""Where ERM is drawn: the axis is logarithmic, and its strength is 0."""
WIDTHS: dict[str, dict[str, Any]] = {
    "wide": {"color": "#101a2b", "marker": "o", "markerfacecolor": "#101a2b", "linestyle": DASHES[0]},
    "narrow": {"color": "#c8611a", "marker": "s", "markerfacecolor": "white", "linestyle": DASHES[1]},
}


def alpha(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw means and 95 % intervals over the strength, ERM apart at the left; a strength without runs is left out."""
    figure = Figure(figsize=(WIDTH, 2.15), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (metric, title) in zip(panels, PANELS.items(), strict=True):
        drawn = [_draw(axes, results, width, metric) for width in WIDTHS]
        axes.set_xscale("log")
        axes.set_xticks([ERM, *ALPHAS], ["ERM", *(f"{value:g}" for value in ALPHAS)])
        axes.minorticks_off()
        axes.set(title=title, xlabel=r"$\alpha$", xlim=(ERM / 1.6, ALPHAS[-1] * 1.6))
        if not any(drawn):
            note_missing(axes)
    panels[0].set_ylim(bottom=0)
    handles = [Line2D([], [], **look, label=network(results, width)) for width, look in WIDTHS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def network(results: Mapping[str, ExperimentResult], width: str) -> str:
    """Return the network of a width in words; without runs the width alone."""
    fit = best_fit(results, "alpha", f"{width}-erm")
    return fit.setting.words.partition(",")[0] if fit and fit.setting else width


def _draw(axes: Axes, results: Mapping[str, ExperimentResult], width: str, metric: str) -> bool:
    """Draw a width; return whether there is anything."""
    look, rows = WIDTHS[width], {ERM: f"{width}-erm"} | {value: f"{width}-a{value:g}" for value in ALPHAS}
    found = {x: each for x, row in rows.items() if (each := sample(results, "alpha", row, metric))}
    line = [x for x in found if x != ERM]
    axes.plot(line, [found[x].mean for x in line], **{**look, "marker": ""})
    for x, each in found.items():
        axes.plot([x], [each.mean], **{**look, "linestyle": "none"}, markersize=4, zorder=3)
        if each.ci95:
            axes.vlines(x, *each.ci95, color=look["color"], linewidth=0.9)
    return bool(found)
