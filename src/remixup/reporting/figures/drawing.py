"""What figures share: fonts, palette, panels, legends, daggers, and notes on rows without data."""

import textwrap
from collections.abc import Iterable
from importlib import resources
from typing import Any

import matplotlib
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting import latex

WIDTH = 6.69
"""Width of the report's text, in inches (170 mm)."""
HEIGHT = 8.4
"""Height that a figure may have, in inches: a page less its caption."""
STYLE: Any = {
    **seaborn.axes_style("ticks"),
    **matplotlib.rc_params_from_file(
        str(resources.files("remixup.reporting") / "remixup.mplstyle"), use_default_template=False
    ),
}
"""rc parameters under which figures are made, and must be saved."""
RAMP = "mako"
"""The one palette: lightness falls steadily from end to end."""
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "osD^vP"
UNSAFE = dict.fromkeys("<>|±×÷≤≥≠≈†‡−∞→", "${}$") | {"_": r"$\_$", "{": r"$\{{$", "}": r"$\}}$", "\\": r"$\backslash$"}
UNSAFE |= {"$": r"\$", '"': "''", "–": "-", "—": "-"}
GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi"
    " psi omega"
)
GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψω", GREEK_NAMES.split(), strict=True))
DAGGER = r" $\dagger$"


def ramp(n: int) -> list[tuple[float, float, float]]:
    """Return n colors of the palette, from dark to light, all readable on white."""
    colours = seaborn.color_palette(RAMP, 100)
    return [colours[10 + round(65 * index / max(1, n - 1))] for index in range(n)]


def styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Choose a style for each label, the same in all panels."""
    names = list(dict.fromkeys(labels))
    colours = ramp(min(len(names), 6))
    return {
        name: {
            "color": colours[index % 6],
            "linestyle": DASHES[(index + index // 6) % len(DASHES)],
            "marker": MARKERS[index % 6],
        }
        for index, name in enumerate(names)
    }


def panels(
    result: ExperimentResult,
    rows: list[Row],
    ylabel: str = "",
    groups: list[tuple[str, list[Row]]] | None = None,
) -> tuple[Figure, list[tuple[Axes, list[Row]]]]:
    """Make a figure with a titled panel for each group of rows, at most three in a line."""
    if groups is None:
        names = dict.fromkeys(row.group for row in rows)
        groups = [(name, [row for row in rows if row.group == name]) for name in names]
    across = min(3, len(groups))
    down = -(-len(groups) // across)
    width = {1: 0.62, 2: 0.85, 3: 1.0}[across] * WIDTH
    figure = Figure(figsize=(width, min(HEIGHT, 2.05 * down + 0.35)), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for index, (panel, (name, members)) in enumerate(zip(axes, groups, strict=False)):
        title = text(wrapped(name, 34 if across == 3 else 48))
        panel.set_title((title or "stand-in") + DAGGER if stands_in(result, members) else title)
        panel.set_ylabel("" if index % across else ylabel)
    for spare in axes[len(groups) :]:
        spare.remove()
    return figure, [(panel, members) for panel, (_, members) in zip(axes, groups, strict=False)]


def stands_in(result: ExperimentResult, rows: list[Row]) -> bool:
    """Return whether some of these rows are surrogates."""
    names = {row.id for row in rows}
    return any(entry.stand_in for entry in result.entries if entry.row in names)


def legend(figure: Figure, handles: dict[str, Any]) -> None:
    """Add one legend for all panels, below them."""
    if handles:
        names = [text(name) for name in handles]
        columns = min(4, len(names), max(1, 100 // (8 + max(map(len, names)))))
        figure.legend(list(handles.values()), names, loc="outside lower center", ncols=columns)


def line(style: dict[str, Any]) -> Line2D:
    """Make a line of this style for the legend."""
    return Line2D([], [], **style)


def band(axes: Axes, x: list[float], series: list[list[float]], style: dict[str, Any]) -> None:
    """Draw the mean of several series as a line, and their range as a band."""
    columns = list(zip(*series, strict=True))
    axes.plot(x, [sum(column) / len(column) for column in columns], **style)
    low, high = [min(column) for column in columns], [max(column) for column in columns]
    axes.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)


def training_points(axes: Axes, points: list[list[float]]) -> None:
    """Draw points [x, y, class] of two classes on top, with a shape for each class that is visible on any shade."""
    for label, marker, face, edge in ((0, "o", "white", "black"), (1, "^", "black", "white")):
        own = [(x, y) for x, y, c in points if c == label]
        xs, ys = zip(*own, strict=True) if own else ((), ())
        axes.scatter(xs, ys, s=8, marker=marker, facecolor=face, edgecolor=edge, linewidth=0.4, zorder=3)


def name_absent(result: ExperimentResult, axes: Axes, absent: list[Row], all_of: int) -> None:
    """Write in the panel which rows have nothing to draw, and why."""
    if not absent:
        return
    reasons = {why_absent(result, row) for row in absent}
    if len(absent) == all_of and len(reasons) == 1:
        lines = sorted(reasons)
    else:
        lines = [f"{text(row.label)}: {why_absent(result, row)}" for row in absent]
    if len(absent) == all_of:
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        axes.text(0.5, 0.5, "\n".join(lines), transform=axes.transAxes, ha="center", va="center", fontsize=7)
    else:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(0.98, 0.97, "\n".join(lines), transform=axes.transAxes, ha="right", va="top", fontsize=6.5, bbox=box)


def why_absent(result: ExperimentResult, row: Row) -> str:
    """Say why a row has nothing to draw."""
    verdicts = {entry.verdict for entry in result.entries if entry.row == row.id}
    if not verdicts and result.scale not in row.at:
        return "not run at this scale"
    return next((verdict for verdict in ("failed", "diverged", "not run") if verdict in verdicts), "no data")


def measured(result: ExperimentResult, row: Row, evaluation: str) -> list[dict[str, Any]]:
    """Return an evaluation's results on a row's runs, seed by seed; empty without any."""
    found: list[dict[str, Any]] = result.evaluations.get(row.id, {}).get(evaluation) or []
    return found


def text(label: str) -> str:
    """Return a label for matplotlib, with characters that its text font lacks as mathematics."""
    return "".join(part if index % 2 else "".join(map(_sign, part)) for index, part in enumerate(latex.pieces(label)))


def wrapped(label: str, width: int) -> str:
    """Break text at spaces outside mathematics into lines of about this many characters."""
    pieces = latex.pieces(label)
    kept = "".join(part.replace(" ", "\0") if index % 2 else part for index, part in enumerate(pieces))
    return textwrap.fill(kept, width, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def _sign(char: str) -> str:
    if char in GREEK:
        return rf"$\{GREEK[char]}$"
    return UNSAFE.get(char, "{}").format(char)
