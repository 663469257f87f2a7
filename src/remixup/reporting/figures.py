"""The figures that an experiment file can name under `draw`.

Each function here is one: it takes a result and the rows to draw, and returns a vector figure no wider than the text,
to be printed at its own size. Lines differ in lightness, in dashes and in markers, so that they survive greyscale. A
dagger marks stand-ins; a row without runs is named, not left out.
"""

import textwrap
from collections.abc import Iterable
from importlib import resources
from operator import itemgetter
from typing import Any, Literal

import matplotlib
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from remixup.replication.results import Entry, ExperimentResult
from remixup.reporting import latex, tables
from remixup.spec.experiment import Row

NUMERICS = 1
WIDTH = 6.69
"""Width of the report's text, in inches (170 mm)."""
STYLE: Any = {
    **seaborn.axes_style("ticks"),
    **matplotlib.rc_params_from_file(
        str(resources.files("remixup.reporting") / "remixup.mplstyle"), use_default_template=False
    ),
}
"""rc parameters under which figures are made, and must be saved."""
RAMP = "mako"
"""The one palette: lightness falls steadily from end to end."""
SURFACE = ListedColormap(seaborn.color_palette(RAMP, 100)[96:34:-1])
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "osD^vP"
AXES = {
    "test_error": "test error (%)",
    "train_error": "training error (%)",
    "test_loss": "test loss",
    "train_loss": "training loss",
}
Metric = Literal[
    "test_error.last",
    "test_error.median10",
    "test_error.best",
    "train_error.last",
    "train_error.median10",
    "train_error.best",
    "test_loss.last",
    "test_loss.median10",
    "test_loss.best",
    "train_loss.last",
    "train_loss.median10",
    "train_loss.best",
]
UNSAFE = dict.fromkeys("<>|±×÷≤≥≠≈†‡−∞→", "${}$") | {"_": r"$\_$", "{": r"$\{{$", "}": r"$\}}$", "\\": r"$\backslash$"}
UNSAFE |= {"$": r"\$", '"': "''", "–": "-", "—": "-"}


def error_curves(
    result: ExperimentResult,
    rows: list[Row],
    *,
    quantity: Literal["test_error", "train_error", "test_loss", "train_loss"] = "test_error",
) -> Figure:
    """A quantity by epoch: a panel for each group, a line for each row, a band from smallest to largest seed."""
    with matplotlib.rc_context(STYLE):
        figure, panels = _panels(result, rows, AXES[quantity])
        styles = _styles(row.label for row in rows)
        for axes, members in panels:
            absent = []
            for row in members:
                curve = result.curves.get(row.id, {}).get(quantity)
                if curve is None:
                    absent.append(row)
                    continue
                style = {**styles[row.label], "marker": ""}
                axes.plot(curve.epoch, curve.mean, **style)
                axes.fill_between(curve.epoch, curve.low, curve.high, color=style["color"], alpha=0.18, linewidth=0)
            axes.set_xlabel("epoch")
            _name_absent(result, axes, absent, all_of=len(members))
        drawn = [row.label for row in rows if quantity in result.curves.get(row.id, {})]
        _legend(figure, {name: Line2D([], [], **{**styles[name], "marker": ""}) for name in drawn})
        return figure


def sweep(
    result: ExperimentResult,
    rows: list[Row],
    *,
    metric: Metric = "test_error.last",
    parameter: Literal["alpha"] = "alpha",
) -> Figure:
    """The replicated mean and its 95 % interval against the ratio's parameter: a panel for each group.

    A row that was not run here is drawn from its best recorded result, one whose vicinity has no ratio (ERM) as a
    horizontal band. Published numbers are dashed lines, or hollow markers where those of the same method differ; none
    is drawn beside a stand-in, with which it cannot be compared.
    """
    with matplotlib.rc_context(STYLE):
        figure, panels = _panels(result, rows, AXES[metric.partition(".")[0]])
        erm_colour, mix_colour = _ramp(2)
        entries = {entry.row: _or_recorded(entry) for entry in result.entries if entry.metric == metric}
        shown: dict[str, Any] = {}
        for axes, members in panels:
            mixed = {row.id: value for row in members if (value := _ratio(row, parameter)) is not None}
            for row in members:
                if row.id not in mixed and row.id in entries:
                    shown |= _draw_reference(axes, entries[row.id], erm_colour)
            points = sorted(((x, entries[name]) for name, x in mixed.items() if name in entries), key=itemgetter(0))
            shown |= _draw_sweep(axes, points, mix_colour)
            shown |= _draw_published(axes, points, mix_colour)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator(sorted(set(mixed.values())) or [1.0]))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.set_xlabel(r"$\alpha$")
            absent = [row for row in members if row.id not in entries or entries[row.id].replicated is None]
            _name_absent(result, axes, absent, all_of=len(members))
        _legend(figure, shown)
        return figure


def decision_surfaces(result: ExperimentResult, rows: list[Row]) -> Figure:
    """p(y = 1 | x) over the plane with the training points, side by side, for the first seed (mixup, Figure 1b)."""
    with matplotlib.rc_context(STYLE):
        figure, panels = _panels(result, rows, groups=[(row.label, [row]) for row in rows])
        filled = None
        for axes, (row,) in panels:
            measured = result.evaluations.get(row.id, {}).get("decision_surface")
            if not measured:
                _name_absent(result, axes, [row], all_of=1)
                continue
            first = measured[0]
            levels = [step / 10 for step in range(11)]
            filled = axes.contourf(first["x"], first["y"], first["probability"], levels=levels, cmap=SURFACE)
            filled.set_edgecolor("face")  # else viewers show hairlines between the bands
            for label, marker, face in ((0, "o", "white"), (1, "^", "black")):
                own = [(x, y) for x, y, c in first["points"] if c == label]
                edge = "black" if face == "white" else "white"
                xs, ys = zip(*own, strict=True) if own else ((), ())
                axes.scatter(xs, ys, s=8, marker=marker, facecolor=face, edgecolor=edge, linewidth=0.4)
            axes.set_aspect("equal")
            axes.grid(False)
            axes.set(xticks=[], yticks=[], xlabel=f"seed {first['seed']}")
        if filled is not None:
            colourbar = figure.colorbar(filled, ax=[axes for axes, _ in panels], ticks=[0, 0.5, 1], pad=0.02, aspect=18)
            colourbar.set_label(r"$p(y = 1 \mid x)$")
            colourbar.outline.set_linewidth(0.5)
        return figure


def _ramp(n: int) -> list[tuple[float, float, float]]:
    """So many colours of the palette, dark to light, the lightest still readable on white."""
    colours = seaborn.color_palette(RAMP, 100)
    return [colours[10 + round(65 * index / max(1, n - 1))] for index in range(n)]


def _styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A style for each label, the same in all panels."""
    names = list(dict.fromkeys(labels))
    colours = _ramp(min(len(names), 6))
    return {
        name: {
            "color": colours[index % 6],
            "linestyle": DASHES[(index + index // 6) % len(DASHES)],
            "marker": MARKERS[index % 6],
        }
        for index, name in enumerate(names)
    }


def _panels(
    result: ExperimentResult,
    rows: list[Row],
    ylabel: str = "",
    groups: list[tuple[str, list[Row]]] | None = None,
) -> tuple[Figure, list[tuple[Axes, list[Row]]]]:
    """A figure with a titled panel for each group of rows, in their order, three abreast."""
    if groups is None:
        names = dict.fromkeys(row.group for row in rows)
        groups = [(name, [row for row in rows if row.group == name]) for name in names]
    across = min(3, len(groups))
    down = -(-len(groups) // across)
    width = {1: 0.62, 2: 0.85, 3: 1.0}[across] * WIDTH
    figure = Figure(figsize=(width, 2.05 * down + 0.35), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    stand_ins = {entry.row for entry in result.entries if entry.stand_in}
    for index, (panel, (name, members)) in enumerate(zip(axes, groups, strict=False)):
        mark = r" $\dagger$" if any(row.id in stand_ins for row in members) else ""
        panel.set_title(_text(_wrapped(name, 34 if across == 3 else 48)) + mark)
        panel.set_ylabel("" if index % across else ylabel)
    for spare in axes[len(groups) :]:
        spare.remove()
    return figure, [(panel, members) for panel, (_, members) in zip(axes, groups, strict=False)]


def _legend(figure: Figure, handles: dict[str, Any]) -> None:
    if handles:
        names = [_text(name) for name in handles]
        figure.legend(list(handles.values()), names, loc="outside lower center", ncols=min(4, len(names)))


def _name_absent(result: ExperimentResult, axes: Axes, absent: list[Row], all_of: int) -> None:
    """Says in the panel which rows have nothing to draw, and why."""
    if not absent:
        return
    why = {entry.row: entry.verdict for entry in result.entries}
    reasons = {_why(why.get(row.id)) for row in absent}
    if len(absent) == all_of and len(reasons) == 1:
        lines = sorted(reasons)
    else:
        lines = [f"{_text(row.label)}: {_why(why.get(row.id))}" for row in absent]
    if len(absent) == all_of:
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        axes.text(0.5, 0.5, "\n".join(lines), transform=axes.transAxes, ha="center", va="center", fontsize=7)
    else:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(0.98, 0.97, "\n".join(lines), transform=axes.transAxes, ha="right", va="top", fontsize=6.5, bbox=box)


def _why(verdict: str | None) -> str:
    return verdict if verdict in ("failed", "diverged", "not run") else "no data"


def _ratio(row: Row, parameter: str) -> float | None:
    """The ratio's parameter as the row states it; None where the row states none (ERM)."""
    ratio = (row.run.get("vicinity") or {}).get("ratio")
    value = ratio.get(parameter) if isinstance(ratio, dict) else None
    return None if value is None else float(value)


def _or_recorded(entry: Entry) -> Entry:
    """The entry with its best recorded sample in the place of one that was not run here."""
    record = tables.best_record(entry)
    if entry.verdict != "not run" or record is None:
        return entry
    return entry.model_copy(update={"replicated": record.replicated, "stand_in": record.stand_in})


def _draw_reference(axes: Axes, entry: Entry, colour: Any) -> dict[str, Any]:
    """ERM: its mean as a line, its interval as a band, the published number dashed."""
    shown: dict[str, Any] = {}
    if entry.replicated:
        low, high = entry.replicated.ci95 or (entry.replicated.mean, entry.replicated.mean)
        axes.axhspan(low, high, color=colour, alpha=0.15, linewidth=0)
        axes.axhline(entry.replicated.mean, color=colour)
        shown["ERM"] = (Patch(facecolor=(*colour, 0.15)), Line2D([], [], color=colour))
    if entry.published is not None and not entry.stand_in:
        axes.axhline(entry.published, color=colour, linestyle=DASHES[1], linewidth=0.9)
        shown["ERM, published"] = Line2D([], [], color=colour, linestyle=DASHES[1], linewidth=0.9)
    return shown


def _draw_sweep(axes: Axes, points: list[tuple[float, Entry]], colour: Any) -> dict[str, Any]:
    """Means joined by a line, intervals as bars."""
    found = [(x, entry.replicated) for x, entry in points if entry.replicated]
    if not found:
        return {}
    style: dict[str, Any] = {"color": colour, "marker": "o", "linewidth": 0.9}
    axes.plot([x for x, _ in found], [sample.mean for _, sample in found], **style)
    for x, sample in found:
        if sample.ci95:
            axes.vlines(x, *sample.ci95, color=colour, linewidth=0.9)
    return {"mixup": Line2D([], [], **style)}


def _draw_published(axes: Axes, points: list[tuple[float, Entry]], colour: Any) -> dict[str, Any]:
    """Published numbers of the mixed rows: one line where all are the same, else a marker each."""
    found = [(x, entry.published) for x, entry in points if entry.published is not None and not entry.stand_in]
    label = "mixup, published"
    if not found:
        return {}
    if len({value for _, value in found}) == 1:
        axes.axhline(found[0][1], color=colour, linestyle=DASHES[2], linewidth=1.1)
        return {label: Line2D([], [], color=colour, linestyle=DASHES[2], linewidth=1.1)}
    style: dict[str, Any] = {"color": colour, "marker": "D", "markerfacecolor": "white", "linestyle": "none"}
    axes.plot([x for x, _ in found], [value for _, value in found], **style)
    return {label: Line2D([], [], **style)}


def _text(label: str) -> str:
    """A label for matplotlib: $...$ is mathematics, and so is what the text font lacks or has in the wrong place."""
    return "".join(part if index % 2 else "".join(map(_sign, part)) for index, part in enumerate(latex.pieces(label)))


def _wrapped(text: str, width: int) -> str:
    """Text in lines of about so many characters, broken at spaces outside mathematics."""
    pieces = latex.pieces(text)
    kept = "".join(part.replace(" ", "\0") if index % 2 else part for index, part in enumerate(pieces))
    return textwrap.fill(kept, width, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def _sign(char: str) -> str:
    if "α" <= char <= "ω" and char in latex.MATHS:
        return rf"$\{latex.MATHS[char]}$"
    return UNSAFE.get(char, "{}").format(char)
