"""Shared parts of figures: fonts, palette, panels, legends, daggers, and notes on rows without data."""

import textwrap
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any, TypeVar

import matplotlib
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting import latex

WIDTH = 6.69
"""Width of the report's text, in inches (170 mm)."""
HEIGHT = 8.4
"""Height that a figure may have, in inches: a page less its caption."""
STYLE: Any = {
    **{key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")},
    **seaborn.axes_style("ticks"),
    **matplotlib.rc_params_from_file(
        str(resources.files("remixup.reporting") / "remixup.mplstyle"), use_default_template=False
    ),
}
"""rc parameters under which figures are made and saved: all that a figure depends on, whatever the user has set."""
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
NO_DATA = "no data"
DAGGER = r" $\dagger$"
Limits = tuple[tuple[float, float], tuple[float, float]]
"""Of x and of y."""
Draw = TypeVar("Draw", bound=Callable[..., Figure])


def ramp(n: int) -> list[tuple[float, float, float]]:
    """Return n colors of the palette, from dark to light, all readable on white."""
    colors = seaborn.color_palette(RAMP, 100)
    return [colors[10 + round(65 * index / max(1, n - 1))] for index in range(n)]


def styles(labels: Iterable[str], **changes: Any) -> dict[str, dict[str, Any]]:
    """Choose a style for each label, the same in all panels; changes apply to all."""
    names = list(dict.fromkeys(labels))
    colors = ramp(min(len(names), 6))
    return {
        name: {
            "color": colors[index % 6],
            "linestyle": DASHES[(index + index // 6) % len(DASHES)],
            "marker": MARKERS[index % 6],
            **changes,
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
        groups = by_group(rows)
    across = min(3, len(groups))
    down = -(-len(groups) // across)
    width = {1: 0.62, 2: 0.85, 3: 1.0}[across] * WIDTH
    figure = Figure(figsize=(width, min(HEIGHT, 2.05 * down + 0.35)), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for index, (panel, (name, members)) in enumerate(zip(axes, groups, strict=False)):
        title = text(wrapped(name, 34 if across == 3 else 48))
        panel.set_title((title or "surrogate") + DAGGER if is_surrogate(result, members) else title)
        panel.set_ylabel("" if index % across else ylabel)
    for spare in axes[len(groups) :]:
        spare.remove()
    return figure, [(panel, members) for panel, (_, members) in zip(axes, groups, strict=False)]


def by_group(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Give each group of rows a panel."""
    names = dict.fromkeys(row.group for row in rows)
    return [(name, [row for row in rows if row.group == name]) for name in names]


def by_row(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Give each row a panel of its own."""
    return [(f"{row.group}: {row.label}", [row]) for row in rows]


def draw_rows(
    result: ExperimentResult,
    rows: list[Row],
    found: dict[str, Any],
    draw: Callable[[Axes, Row, Any], dict[str, Any]],
    ylabel: str = "",
    xlabel: str = "",
    groups: list[tuple[str, list[Row]]] | None = None,
) -> Figure:
    """Draw rows in panels, name those without data, and add a legend.

    Without groups, a panel whose rows all lack data is left out if another one has some.

    Args:
        result: the experiment's results.
        rows: the rows.
        found: row -> its data, which `draw` takes; it returns entries of the legend.
        draw: draws a row.
        ylabel: label of the vertical axes.
        xlabel: label of the horizontal axes, which `draw` may replace.
        groups: title and rows of each panel; default: those of the rows.
    """
    if groups is None:
        known = {row.id for row in rows if row.id in found or why_absent(result, row) != NO_DATA}
        groups = [each for each in by_group(rows) if any(row.id in known for row in each[1])]
    figure, drawn = panels(result, rows, ylabel, groups or by_group(rows))
    handles: dict[str, Any] = {row.label: None for row in rows}  # the legend has the order of the rows
    for axes, members in drawn:
        axes.set_xlabel(xlabel)
        for row in members:
            if row.id in found:
                handles |= draw(axes, row, found[row.id])
        name_absent(result, axes, [row for row in members if row.id not in found], all_of=len(members))
    legend(figure, handles)
    return figure


def is_surrogate(result: ExperimentResult, rows: list[Row]) -> bool:
    """Return whether some of these rows are surrogates."""
    names = {row.id for row in rows}
    return any(entry.surrogate for entry in result.entries if entry.row in names)


def legend(figure: Figure, handles: dict[str, Any]) -> None:
    """Add one legend for all panels, below them."""
    shown = {text(name): handle for name, handle in handles.items() if handle}
    if shown:
        columns = min(4, len(shown), max(1, 100 // (8 + max(map(len, shown)))))
        figure.legend(list(shown.values()), list(shown), loc="outside lower center", ncols=columns)


def line(style: dict[str, Any]) -> Line2D:
    """Make a line of this style for the legend."""
    return Line2D([], [], **style)


def band(axes: Axes, seeds: list[dict[str, Any]], x: str, y: str, style: dict[str, Any]) -> None:
    """Draw the mean of a quantity over seeds as a line, and its range as a band; x and y name its coordinates."""
    columns = list(zip(*(seed[y] for seed in seeds), strict=True))
    axes.plot(seeds[0][x], [sum(column) / len(column) for column in columns], **style)
    shade(axes, seeds[0][x], [min(column) for column in columns], [max(column) for column in columns], style)


def shade(axes: Axes, x: list[Any], low: list[float], high: list[float], style: dict[str, Any]) -> None:
    """Fill a band in the color of a line."""
    axes.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)


def plane(axes: Axes, xlabel: str) -> None:
    """Show a plane: equal scales, no ticks."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[], aspect="equal", xlabel=xlabel)


def ticks(axes: Axes, major: list[float], minor: list[float] | None = None) -> None:
    """Name these values on the horizontal axis, and mark the minor ones."""
    axes.xaxis.set_major_locator(FixedLocator(major))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{value:g}" for value in major]))
    axes.xaxis.set_minor_locator(FixedLocator(minor or []))


def training_points(axes: Axes, points: list[list[float]]) -> None:
    """Draw points [x, y, class] of two classes on top, with a shape for each class that is visible on any shade."""
    for label, marker, face, edge in ((0, "o", "white", "black"), (1, "^", "black", "white")):
        own = [(x, y) for x, y, c in points if c == label]
        xs, ys = zip(*own, strict=True) if own else ((), ())
        axes.scatter(xs, ys, s=8, marker=marker, facecolor=face, edgecolor=edge, linewidth=0.4, zorder=3)


def columns(points: list[list[float]]) -> tuple[list[float], list[float]]:
    """Return all x and all y of points [x, y, ...]."""
    return [x for x, *_ in points], [y for _, y, *_ in points]


def limits_about(centres: list[list[float]]) -> Limits:
    """Return limits of x and y: about all centres, with a third of their extent on either side."""
    if not centres:
        return (0, 1), (0, 1)
    middle = [(max(values) + min(values)) / 2 for values in columns(centres)]
    reach = max(max(values) - min(values) for values in columns(centres)) * (0.5 + 1 / 3) or 1.0
    x, y = ((each - reach, each + reach) for each in middle)
    return x, y


def draw_samples(axes: Axes, points: list[list[float]], centres: list[list[float]], limits: Limits) -> int:
    """Draw rings at the modes and the samples within the limits; return how many are beyond."""
    (left, right), (bottom, top) = limits
    seen = [[x, y] for x, y in points if left <= x <= right and bottom <= y <= top]
    dark, *_ = ramp(6)
    axes.scatter(*columns(centres), s=14, facecolor="none", edgecolor="0.72", linewidth=0.5)
    axes.scatter(*columns(seen), s=1.8, color=dark, alpha=0.35, linewidth=0)
    axes.set(xlim=limits[0], ylim=limits[1])
    return len(points) - len(seen)


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
    return next((verdict for verdict in ("failed", "diverged", "not run") if verdict in verdicts), NO_DATA)


def of_evaluation(evaluation: str, quantity: str) -> Callable[[Draw], Draw]:
    """Declare what a figure is drawn from: where no row has it, `is_empty` says so.

    Args:
        evaluation: its name.
        quantity: a value of a seed's results.
    """

    def declare(draw: Draw) -> Draw:
        vars(draw)["drawn_from"] = (evaluation, quantity)
        return draw

    return declare


def is_empty(draw: Callable[..., Figure], result: ExperimentResult, rows: list[Row]) -> bool:
    """Return whether a figure is drawn from an evaluation that has no results on its rows."""
    source = getattr(draw, "drawn_from", None)
    return source is not None and not measured(result, rows, *source)


def measured(result: ExperimentResult, rows: list[Row], evaluation: str, quantity: str) -> dict[str, Any]:
    """Return the results of an evaluation on each row, for the seeds whose values of a quantity are all finite."""
    found = {}
    for row in rows:
        seeds = result.evaluations.get(row.id, {}).get(evaluation) or []
        found[row.id] = [seed for seed in seeds if seed.get(quantity) and None not in seed[quantity]]
    return {row: seeds for row, seeds in found.items() if seeds}


def text(label: str) -> str:
    """Return a label for matplotlib, with characters that its text font lacks as mathematics."""
    split = enumerate(latex.split_mathematics(label))
    return "".join(each if index % 2 else "".join(map(_sign, each)) for index, each in split)


def wrapped(label: str, width: int) -> str:
    """Break text at spaces outside mathematics into lines of about this many characters."""
    split = enumerate(latex.split_mathematics(label))
    joined = "".join(each.replace(" ", "\0") if index % 2 else each for index, each in split)
    return textwrap.fill(joined, width, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def _sign(char: str) -> str:
    if char in GREEK:
        return rf"$\{GREEK[char]}$"
    return UNSAFE.get(char, "{}").format(char)
