"""The forest of settings: mixup's effect in each of them, sorted, beside the published effect."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair, one_per_setting
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import DOMAINS, PUBLISHED, SMALL, clipped, domain_look, note_missing
from remixup.reporting.figures.drawing import WIDTH, text

LIMITS = (-10.0, 11.0)
"""Of the effects that are drawn, in points; what is beyond is cut, and says so."""
LINE = 0.142
"""Inches from one setting to the next."""
LEFT, RIGHT, ABOVE, BELOW = 3.78, 1.1, 0.22, 0.62
"""Inches around the panel: names of the settings; loss and kind of evidence; their heads; ticks, label and legend."""
COLUMNS = {"setting": 1.12 - LEFT, "loss": 0.38, "informative?": 0.48}
"""Inches from the panel, of columns: settings from its left side, the others from its right side."""
RULE: Any = {"color": "0.8", "linewidth": 0.4, "clip_on": False, "zorder": 0}


def settings(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw the effect in each setting with its 95 % interval, sorted within each domain; at the right ERM's loss."""
    lines: list[Pair | str] = []
    for domain in DOMAINS:
        own = sorted((pair for pair in one_per_setting(pairs) if pair.domain == domain), key=lambda pair: -pair.effect)
        lines += [domain, *own] if own else []
    height = LINE * max(1, len(lines)) + ABOVE + BELOW
    figure = Figure(figsize=(WIDTH, height))
    width = WIDTH - LEFT - RIGHT
    axes = figure.add_axes((LEFT / WIDTH, BELOW / height, width / WIDTH, 1 - (ABOVE + BELOW) / height))
    axes.set(xlim=LIMITS, ylim=(max(1, len(lines)) - 0.5, -0.5), yticks=[])
    axes.set_xlabel("mixup lowers test error by (points)")
    axes.spines["left"].set_visible(False)
    axes.grid(False)
    axes.axvline(0, color="0.2", linewidth=0.7, zorder=1)
    across = axes.get_yaxis_transform()
    if not lines:
        note_missing(axes)
    for line, each in enumerate(lines):
        if isinstance(each, str):
            _write(axes, -LEFT / width, line, each, ha="left", color="0.45")
            axes.plot([COLUMNS["setting"] / width, 1 + RIGHT / width], [line, line], **RULE, transform=across)
        else:
            _draw(axes, line, each, width)
    _write(axes, 1 + COLUMNS["loss"] / width, -1, "loss (%)", ha="right")
    _write(axes, 1 + COLUMNS["informative?"] / width, -1, "informative?", ha="left")
    _legend(figure)
    return figure


def informative(pair: Pair) -> str:
    """Return whether a pair is of the published protocol, or of a surrogate that is informative or not."""
    if pair.published_protocol:
        return "protocol"
    return "yes" if pair.informative else "no"


def _write(axes: Axes, x: float, line: float, words: str, **style: Any) -> None:
    axes.text(x, line, words, transform=axes.get_yaxis_transform(), fontsize=SMALL, va="center_baseline", **style)


def _draw(axes: Axes, line: int, pair: Pair, width: float) -> None:
    look = domain_look(pair.domain, pair.standing)
    clipped(axes, line, pair.ci95, LIMITS, look["color"], across=True)
    _mark(axes, line, pair.effect, {**look, "markersize": 4.0})
    if pair.published_effect is not None:
        _mark(axes, line, pair.published_effect, {**PUBLISHED, "markersize": 2.8})
    _write(axes, -LEFT / width, line, text(f"{pair.dataset}, {pair.training_examples:,}"), ha="left")
    _write(axes, COLUMNS["setting"] / width, line, text(pair.setting), ha="left")
    loss = "?" if pair.loss is None else f"{pair.loss:.{2 if pair.loss < 1 else 1}f}"
    _write(axes, 1 + COLUMNS["loss"] / width, line, loss, ha="right")
    _write(axes, 1 + COLUMNS["informative?"] / width, line, informative(pair), ha="left")


def _mark(axes: Axes, line: int, effect: float, look: dict[str, Any]) -> None:
    """Draw an effect; one beyond the limits at the edge, with its value beside it."""
    low, high = LIMITS
    axes.plot([min(max(effect, low), high)], [line], **look, zorder=3, clip_on=False)
    if not low <= effect <= high:
        place, align = (high - 0.5, "right") if effect > high else (low + 0.5, "left")
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
        axes.text(place, line, f"${effect:.0f}$", fontsize=SMALL, ha=align, va="center_baseline", bbox=box, zorder=4)


def _legend(figure: Figure) -> None:
    plain: dict[str, Any] = {"color": "0.3", "linestyle": "none", "markersize": 4.0}
    handles = [
        Line2D([], [], **{**plain, "linestyle": "-"}, marker="o", markerfacecolor="white", label="ours, exploratory"),
        Line2D([], [], **{**plain, "linestyle": "-"}, marker="o", label="ours, confirmatory"),
        Line2D([], [], **PUBLISHED, markersize=2.8, label="published for the row that the setting stands for"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3)
