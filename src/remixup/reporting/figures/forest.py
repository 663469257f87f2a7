"""The forest plot of all claims: effects in units of their smallest effect of interest, marked by kind of evidence."""

import re
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from remixup.analysis.best_evidence import KINDS, Kind
from remixup.config.experiment import Experiment
from remixup.reporting.evidence import Judged, of
from remixup.reporting.figures.drawing import HEIGHT, MARKERS, WIDTH, ramp, text

CLIP = 100.0
"""Effects beyond this many smallest effects of interest are an arrow at the edge."""
LABELS = 1.62
"""Inches left of each panel, for the names of its claims."""
APART = 0.15
"""Inches right of each panel."""
LINE = 0.118
"""Inches from one claim to the next."""
ABOVE, BELOW = 0.22, 0.72
"""Inches above and below the panels: ticks; ticks, their label and the legend."""
SMALL = 5.8
"""Points: the type of the claims' names."""
HEADING: Any = {"fontsize": 6.4, "va": "center_baseline"}
BLANK = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
BAND = "0.93"


def forest(claims: list[Judged], numbers: Mapping[tuple[str, str], int] | None = None) -> Figure:
    """Draw the papers' claims: effects with 95 % intervals, two columns of them under the names of their experiments.

    Args:
        claims: in the order of the report; those of ours, and those that are not `drawn`, are left out.
        numbers: experiment and claim -> its number in the supplement, which follows its name.

    Returns:
        A figure of the report's width. The scale is linear up to one smallest effect of interest, and logarithmic
        beyond. Full marks are of claims that hold to the right of 1, hollow ones of claims that hold to the left.
    """
    claims = [each for each in of("paper", claims) if each.drawn]
    columns = _columns(claims)
    longest = max(1, *map(len, columns))
    height = min(HEIGHT, LINE * longest + ABOVE + BELOW)
    figure = Figure(figsize=(WIDTH, height))
    for index, lines in enumerate(columns):
        left, width = index * WIDTH / 2 + LABELS, WIDTH / 2 - LABELS - APART
        place = (left / WIDTH, BELOW / height, width / WIDTH, 1 - (ABOVE + BELOW) / height)
        axes = figure.add_axes(place)
        _frame(axes, longest)
        _fill(axes, lines, width, numbers or {})
    shown = [name for name in KINDS if any(each.kind == name for each in claims)]
    _legend(figure, shown, hollow=any(each.stated.expect == "no more" for each in claims))
    return figure


def _columns(claims: list[Judged]) -> list[list[Judged | Experiment]]:
    """List claims under their experiments, split at the experiment that leaves both columns most alike."""
    lines: list[Judged | Experiment] = []
    for index, each in enumerate(claims):
        if index == 0 or each.experiment is not claims[index - 1].experiment:
            lines.append(each.experiment)
        lines.append(each)
    heads = [index for index, line in enumerate(lines) if isinstance(line, Experiment)] + [len(lines)]
    middle = min(heads, key=lambda index: (abs(2 * index - len(lines)), -index))
    return [lines[:middle], lines[middle:]]


def style(name: Kind) -> dict[str, Any]:
    """Return color and shape of a kind of evidence: the better, the darker."""
    index = KINDS.index(name)
    return {"color": ramp(len(KINDS) - 1)[index], "marker": MARKERS[index], "markersize": 3.2 if index else 3.6}


def _frame(axes: Axes, lines: int) -> None:
    axes.set_xscale("symlog", linthresh=1, linscale=0.8)
    axes.set(xlim=(-CLIP, CLIP), ylim=(lines - 0.4, -0.6), yticks=[])
    ticks = [-100, -10, -1, 0, 1, 10, 100]
    axes.set_xticks(ticks, [f"${tick}$" for tick in ticks], fontsize=6.5)
    axes.minorticks_off()
    axes.tick_params(top=True, labeltop=True, pad=2)
    axes.spines["left"].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.grid(False)
    axes.axvspan(-1, 1, color=BAND, linewidth=0, zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.5, zorder=1)
    axes.axvline(1, color="0.2", linewidth=0.6, linestyle=(0, (4, 1.5)), zorder=1)
    axes.set_xlabel("effect, in smallest effects of interest", fontsize=7)


def _fill(axes: Axes, lines: list[Judged | Experiment], width: float, numbers: Mapping[tuple[str, str], int]) -> None:
    """Draw a column; where another paper begins, draw a line across, and its name."""
    place, left, paper = axes.get_yaxis_transform(), -LABELS / width, ""
    for line, entry in enumerate(lines):
        if isinstance(entry, Judged):
            _claim(axes, line, entry, numbers.get((entry.experiment.id, entry.claim.id), ""))
            continue
        axes.text(left, line, text(entry.title), transform=place, **HEADING)
        if entry.paper != paper:
            paper = entry.paper
            axes.text(1, line, named(paper), transform=place, **HEADING, ha="right", bbox=BLANK)
            if line:
                axes.plot([left, 1], [line - 0.5] * 2, transform=place, color="0.6", linewidth=0.4, clip_on=False)


def named(paper: str) -> str:
    """Return first author and year of a paper, from its key in the bibliography."""
    found = re.match(r"([a-z]+)(\d{4})", paper)
    return f"{found[1].title()} {found[2]}" if found else text(paper)


def _claim(axes: Axes, line: int, each: Judged, number: int | str) -> None:
    assert each.ratios
    effect, low, high = each.ratios
    look = style(each.kind)
    no_more = each.stated.expect == "no more"
    name, place = (
        (r"$\leq$ " if no_more else "") + text(f"{each.claim.id} {number}".strip()),
        axes.get_yaxis_transform(),
    )
    axes.text(-0.03, line, name, transform=place, fontsize=SMALL, ha="right", va="center_baseline", color="0.25")
    axes.plot([max(low, -CLIP), min(high, CLIP)], [line, line], color=look["color"], linewidth=0.8, zorder=2)
    if abs(effect) > CLIP:
        look |= {"marker": ">" if effect > 0 else "<"}
    face = "white" if no_more else look["color"]
    axes.plot(
        [min(max(effect, -CLIP), CLIP)], [line], **look, markerfacecolor=face, linestyle="none", zorder=3, clip_on=False
    )


def _legend(figure: Figure, shown: list[Kind], hollow: bool) -> None:
    handles: list[Any] = [Line2D([], [], **style(name), linestyle="-", linewidth=0.8, label=name) for name in shown]
    if hollow:
        plain = {**style("paper"), "color": "0.35", "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], **plain, label=r"$\leq$: holds left of 1"))
    handles.append(Patch(color=BAND, label="less than the smallest effect of interest"))
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), fontsize=6.5, handlelength=1.8)
