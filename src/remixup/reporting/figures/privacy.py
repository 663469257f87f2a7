"""Accuracy against the privacy that is spent."""

from collections import defaultdict

from matplotlib.figure import Figure

from remixup.analysis.result_schema import Entry, ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.drawing import legend, line, name_absent, panels, styles, ticks

NUMERICS = 1
_SPREAD = 0.03
"""By how much the points of one ε are apart, so that intervals can be told from each other; of a doubling of ε."""


def privacy(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw test accuracy and its 95 % interval against the ε that was spent, a line for each label.

    Rows of one label differ in ε; each is drawn at the ε that was spent, moved a little aside.
    """
    figure, [(axes, members)] = panels(result, rows, "test accuracy (%)", [("", rows)])
    found = {(entry.row, entry.metric): entry for entry in result.entries}
    curves: dict[str, list[tuple[float, Entry]]] = defaultdict(list)
    for row in members:
        error, spent = found.get((row.id, "test_error.last")), found.get((row.id, "epsilon.last"))
        if error and error.replicated and spent and spent.replicated:
            curves[row.label].append((spent.replicated.mean, error))
    style, shown = styles(row.label for row in members), {}
    for k, (label, points) in enumerate(curves.items()):
        aside = 2 ** (_SPREAD * (k - (len(curves) - 1) / 2))
        points.sort(key=lambda point: point[0])
        x = [epsilon * aside for epsilon, _ in points]
        samples = [entry.replicated for _, entry in points if entry.replicated]
        axes.plot(x, [100 - sample.mean for sample in samples], **style[label])
        for position, sample in zip(x, samples, strict=True):
            if sample.ci95:
                axes.vlines(position, 100 - sample.ci95[1], 100 - sample.ci95[0], color=style[label]["color"])
        shown[label] = line(style[label])
    axes.set_xscale("log", base=2)
    ticks(axes, sorted({round(epsilon, 1) for points in curves.values() for epsilon, _ in points}) or [1.0])
    axes.set_xlabel(r"$\varepsilon$")
    absent = [row for row in members if row.label not in curves]
    name_absent(result, axes, absent, all_of=len(members))
    legend(figure, shown)
    return figure
