"""The forest of settings: mixup's effect in each of them, beside the published effect."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.pairs import Pair, lettered, one_per_setting
from remixup.analysis.result_schema import ExperimentResult
from remixup.reporting.figures.article.marks import PUBLISHED, SMALL, clipped, domain_look, note_missing, passes, within
from remixup.reporting.figures.drawing import WIDTH, text

LIMITS = (-10.0, 14.0)
"""Smallest and largest effect that is drawn, in points. An arrowhead marks an interval that is cut."""
LINE = 0.142
"""Inches from one setting to the next."""
ROOM = 0.95
"""Inches for title, ticks, label and legend."""


def settings(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw the effect in each setting with its 95 % interval: with letters, sorted by ERM's loss, and on tables."""
    tables = sorted((pair for pair in one_per_setting(pairs) if pair.domain == "table"), key=lambda pair: -pair.effect)
    named = [
        (f"{letter}   {_data(pair)}, {passes(pair)} passes{_rest(pair)}", pair) for letter, pair in lettered(pairs)
    ]
    panels = {
        "images, speech, time series": named,
        "tables": [(_data(pair) + _rest(pair), pair) for pair in tables],
    }
    lines = max(1, *map(len, panels.values()))
    figure = Figure(figsize=(WIDTH, LINE * lines + ROOM), layout="constrained")
    for axes, (title, own) in zip(figure.subplots(1, 2, width_ratios=[1.6, 1]), panels.items(), strict=True):
        axes.set(xlim=LIMITS, ylim=(lines - 0.5, -0.5), title=title, xlabel="points saved")
        axes.set_yticks(range(len(own)), [text(name) for name, _ in own], fontsize=SMALL)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(False)
        axes.axvline(0, color="0.2", linewidth=0.7, zorder=1)
        for line, (_, pair) in enumerate(own):
            _draw(axes, line, pair)
        if not own:
            note_missing(axes)
    figure.legend(handles=_handles(pairs), loc="outside lower center", ncols=3)
    return figure


def _data(pair: Pair) -> str:
    return f"{pair.dataset}, {pair.training_examples:,}"


def _rest(pair: Pair) -> str:
    """Return what a setting is called after its passes, without its minibatches: ", 20 % random labels"."""
    return re.sub(", minibatches of [0-9]+", "", pair.setting.partition(" passes")[2])


def _draw(axes: Axes, line: int, pair: Pair) -> None:
    look = domain_look(pair.domain, pair.standing)
    clipped(axes, line, pair.ci95, LIMITS, look["color"], across=True)
    _mark(axes, line, pair.effect, {**look, "markersize": 4.0})
    if pair.published_effect is not None:
        _mark(axes, line, pair.published_effect, {**PUBLISHED, "markersize": 2.8})


def _mark(axes: Axes, line: int, effect: float, look: dict[str, Any]) -> None:
    """Draw an effect; one beyond the limits at the edge, with its value beside it."""
    low, high = LIMITS
    axes.plot([within(effect, LIMITS)], [line], **look, zorder=3, clip_on=False)
    if not low <= effect <= high:
        place = high + 0.4 if effect > high else low + 0.5  # right of the frame, where no interval is
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
        axes.text(place, line, f"${effect:.0f}$", fontsize=SMALL, ha="left", va="center_baseline", bbox=box, zorder=4)


def _handles(pairs: Sequence[Pair]) -> list[Line2D]:
    plain: dict[str, Any] = {"color": "0.3", "linestyle": "-", "markersize": 4.0, "marker": "o"}
    both = len({pair.standing for pair in pairs}) > 1
    handles = [Line2D([], [], **plain, markerfacecolor="white", label="ours, exploratory" if both else "ours")]
    if both:
        handles.append(Line2D([], [], **plain, label="ours, frozen runs"))
    return [*handles, Line2D([], [], **PUBLISHED, markersize=2.8, label="published, for the same rows")]
