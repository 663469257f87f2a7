"""The effect of mixup against how well ERM fits its training set: the article's first figure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from remixup.analysis.pairs import Pair, lettered, one_per_setting
from remixup.analysis.result_schema import ExperimentResult
from remixup.analysis.thresholds import FIT
from remixup.reporting.figures.article.marks import DOMAINS, GRAY, PUBLISHED, SMALL, clipped, domain_look, within
from remixup.reporting.figures.drawing import DASHES, WIDTH

LIMITS = (-11.0, 14.0)
"""Smallest and largest effect that is drawn, in points. An arrowhead marks an interval that is cut."""
NAMED = 3.0
"""Effects beyond this many points have the letter of their setting, except those on tables."""
CHARACTER = 0.09
"""Width of a letter in powers of ten of the training loss."""
COLUMNS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet": "ImageNet", "speech": "speech"}
"""Published effects: the beginning of a row's name or its experiment -> heading of its column."""


def fit(results: Mapping[str, ExperimentResult], pairs: Sequence[Pair]) -> Figure:
    """Draw mixup's effect against ERM's final training loss, one pair for each setting, and the published effects.

    Papers do not state the training loss of their networks, so published effects have a panel of their own.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[5.6, 1], sharey=True)
    shown = sorted((pair for pair in one_per_setting(pairs) if pair.loss), key=lambda pair: pair.domain != "table")
    for axes in (left, right):
        axes.axhline(0, color="0.2", linewidth=0.7, zorder=1)
    letters = {pair.setting_digest: letter for letter, pair in lettered(pairs)}
    for pair in shown:
        _draw_pair(left, pair)
        if abs(pair.effect) > NAMED or pair.standing == "confirmatory":
            _name(left, pair, letters.get(pair.setting_digest, ""), shown)
    left.axvline(FIT, color=GRAY, linestyle=DASHES[1], linewidth=0.8, zorder=1)
    left.text(FIT * 0.93, LIMITS[1], f"ERM fits: at most {FIT:g} %", fontsize=SMALL, ha="right", va="center_baseline")
    left.set_xscale("log")
    left.set(
        ylim=(LIMITS[0] - 0.5, LIMITS[1] + 0.5),
        xlabel="final training loss of ERM (% of the loss of a uniform guess)",
    )
    left.set_ylabel("mixup lowers test error by (points)")
    left.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if shown:
        left.set_xlim(0.6 * min(pair.loss or 1.0 for pair in shown))
    _draw_published(right, published_effects(results))
    figure.legend(handles=_handles(shown), loc="outside lower center", ncols=8, columnspacing=1.0, handletextpad=0.3)
    return figure


def _draw_pair(axes: Axes, pair: Pair) -> None:
    assert pair.loss is not None
    look = domain_look(pair.domain, pair.standing)
    clipped(axes, pair.loss, pair.ci95, LIMITS, look["color"], across=False)
    size = 3.2 if pair.domain == "table" else 4.4
    axes.plot([pair.loss], [within(pair.effect, LIMITS)], **look, markersize=size, zorder=3, clip_on=False)


def _name(axes: Axes, pair: Pair, letter: str, others: Sequence[Pair]) -> None:
    """Write the letter of a pair's setting to the right or left of its mark, if no other pair is drawn there."""
    height = within(pair.effect, LIMITS)
    text = letter + (f": ${pair.effect:.0f}$" if height != pair.effect else "")
    for side, align in ((1, "left"), (-1, "right")):
        start = math.log10(pair.loss or 1.0) + side * 0.07
        ends = sorted((start, start + side * CHARACTER * len(text)))
        if letter and not any(_is_drawn(each, ends, height) for each in others if each is not pair):
            axes.text(10**start, height, text, fontsize=SMALL, ha=align, va="center_baseline", zorder=1.5)
            return


def _is_drawn(pair: Pair, ends: Sequence[float], height: float) -> bool:
    """Return whether a pair's mark or interval reaches a place: between powers of ten, at a height."""
    at = within(pair.effect, LIMITS)
    low, high = pair.ci95 or (at, at)
    beside = not ends[0] - 0.04 < math.log10(pair.loss or 1.0) < ends[1] + 0.04
    return not beside and min(low, at) - 0.7 < height < max(high, at) + 0.7


def published_effects(results: Mapping[str, ExperimentResult]) -> dict[str, list[float]]:
    """Return the effects on test error that the original paper prints with true labels, by column."""
    found: dict[str, list[float]] = {column: [] for column in COLUMNS.values()}
    for name in ("cifar", "imagenet", "speech"):
        for each in results[name].differences if name in results else []:
            start = each.row.partition("-")[0] if name == "cifar" else name
            if each.metric.startswith("test_error.") and each.published is not None and start in COLUMNS:
                found[COLUMNS[start]].append(each.published)
    return found


def _draw_published(axes: Axes, effects: dict[str, list[float]]) -> None:
    for column, (name, values) in enumerate(effects.items()):
        axes.plot([column] * len(values), values, **PUBLISHED, markersize=3.2, zorder=3)
        axes.text(column, min([0.0, *values]) - 0.6, name, rotation=90, fontsize=SMALL, ha="center", va="top")
    axes.set(xlim=(-0.6, len(effects) - 0.4), xticks=[])
    axes.set_xlabel("published:\nloss not stated")


def _handles(pairs: Sequence[Pair]) -> list[Any]:
    domains = {pair.domain for pair in pairs}
    handles = [
        Line2D([], [], **domain_look(name, "exploratory"), markersize=4.4, label=name)
        for name in DOMAINS
        if name in domains
    ]
    for runs, face in (("exploratory", "white"), ("frozen runs", GRAY)):
        if len({pair.standing for pair in pairs}) > 1:
            plain: dict[str, Any] = {"marker": "h", "color": GRAY, "markerfacecolor": face, "linestyle": "none"}
            label = f"{'hollow' if face == 'white' else 'filled'}: {runs}"
            handles.append(Line2D([], [], **plain, markersize=4.4, label=label))
    return [*handles, Line2D([], [], **PUBLISHED, markersize=3.2, label="published effect")]
