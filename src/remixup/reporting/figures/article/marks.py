"""Shared parts of the article's figures: styles of domains and methods, intervals, samples, notes on missing runs."""

import re
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.markers import CARETDOWN, CARETLEFT, CARETRIGHT, CARETUP

from remixup.analysis.best_evidence import KINDS, best_sample, kind
from remixup.analysis.pairs import Pair
from remixup.analysis.result_schema import Domain, ExperimentResult, Fit, Replicated, Standing
from remixup.reporting.figures.drawing import DASHES

SMALL = 7
"""Points: the smallest type."""
GRAY = "0.45"
DOMAINS: dict[Domain, dict[str, Any]] = {
    "image": {"color": "#1b4f8a", "marker": "o"},
    "speech": {"color": "#c8611a", "marker": "s"},
    "time series": {"color": "#2a9d76", "marker": "^"},
    "table": {"color": "#7b7b7b", "marker": "v"},
}
METHODS: dict[str, dict[str, Any]] = {
    "ERM": {"color": "#101a2b", "marker": "o", "linestyle": DASHES[0]},
    "mixup": {"color": "#c8611a", "marker": "s", "linestyle": DASHES[1]},
}
PUBLISHED: dict[str, Any] = {"color": "black", "marker": "D", "markerfacecolor": "black", "linestyle": "none"}
"""Style of a published effect."""


def domain_look(domain: Domain, standing: Standing) -> dict[str, Any]:
    """Return color and shape of a domain: filled where the result is confirmatory, else hollow."""
    look = DOMAINS[domain]
    return {**look, "markerfacecolor": look["color"] if standing == "confirmatory" else "white", "linestyle": "none"}


def within(value: float, limits: tuple[float, float]) -> float:
    """Return a value, or the limit that it is beyond."""
    return min(max(value, limits[0]), limits[1])


def clipped(
    axes: Axes, at: float, interval: tuple[float, float] | None, limits: tuple[float, float], color: str, across: bool
) -> None:
    """Draw an interval at a place, cut at the limits, with a small arrow head where it is cut.

    Args:
        axes: the panel.
        at: its place on the other axis.
        interval: low and high end; None draws nothing.
        limits: of the axis that it is along.
        color: of the line.
        across: whether it is horizontal.
    """
    if interval is None:
        return
    ends = [within(end, limits) for end in interval]
    first, second = (ends, [at, at]) if across else ([at, at], ends)
    axes.plot(first, second, color=color, linewidth=0.8, zorder=2, solid_capstyle="butt")
    for end, limit, head in zip(
        interval, limits, (CARETLEFT, CARETRIGHT) if across else (CARETDOWN, CARETUP), strict=True
    ):
        if (end < limit) if limit == limits[0] else (end > limit):
            x, y = (limit, at) if across else (at, limit)
            axes.plot([x], [y], marker=head, markersize=3.4, color=color, clip_on=False, zorder=2)


def passes(pair: Pair) -> int:
    """Return the number of passes over the training examples in the setting of a pair."""
    return number_in(pair, r"(\d+) pass")


def number_in(pair: Pair, pattern: str) -> int:
    """Return the number that the group of a pattern finds in the words of a setting."""
    found = re.search(pattern, pair.setting)
    assert found is not None, f"{pair.setting} has no {pattern}"
    return int(found[1])


def sample(results: Mapping[str, ExperimentResult], experiment: str, row: str, metric: str) -> Replicated | None:
    """Return the best sample of a number: of this report's runs, or on record.

    None without any, and where the best one is of a surrogate at embedded scale, which tests the code.
    """
    if experiment not in results:
        return None
    found = (each for each in results[experiment].entries if (each.row, each.metric) == (row, metric))
    best = next((best_sample(each) for each in found), None)
    return best.replicated if best and kind(best.scale, best.surrogate) != "surrogate" else None


def best_fit(results: Mapping[str, ExperimentResult], experiment: str, row: str) -> Fit | None:
    """Return how the classifier of a row fits, of the same evidence as `sample`; None as there."""
    fits = results[experiment].fits.get(row, []) if experiment in results else []

    def rank(each: Fit) -> tuple[int, bool, int]:
        return KINDS.index(kind(each.scale, each.surrogate)), each.standing == "exploratory", -each.n

    return min((each for each in fits if kind(each.scale, each.surrogate) != "surrogate"), key=rank, default=None)


def seeds(results: Mapping[str, ExperimentResult], experiment: str, row: str, evaluation: str) -> list[dict[str, Any]]:
    """Return what an evaluation of this report's runs measured, seed by seed; empty where there is none."""
    result = results.get(experiment)
    return (result.evaluations.get(row, {}).get(evaluation) or []) if result else []


def note_missing(axes: Axes, why: str = "no runs") -> None:
    """Write into an empty panel why it is empty."""
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=GRAY)
