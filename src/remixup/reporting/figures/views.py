"""The features that a network has learned."""

import matplotlib
from matplotlib.figure import Figure

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.drawing import MARKERS, STYLE, measured, name_absent, panels, ramp

NUMERICS = 1


def feature_plane(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Draw each class's output at its first feature alone against its second alone (2210.13512, section 4).

    From the evaluation "learned_features": `strength`; a mark for each class, all seeds together, a shade and shape for
    each seed. Near an axis one feature is learnt, away from both axes both are.
    """
    with matplotlib.rc_context(STYLE):
        groups = [(f"{row.group}: {row.label}", [row]) for row in rows]
        figure, parts = panels(result, rows, "output at the second feature", groups)
        for axes, (row,) in parts:
            found = [each for each in measured(result, row, "learned_features") if each["strength"]]
            if not found:
                name_absent(result, axes, [row], all_of=1)
                continue
            for k, (each, colour) in enumerate(zip(found, ramp(len(found)), strict=True)):
                first, second = zip(*each["strength"], strict=True)
                axes.scatter(first, second, s=9, marker=MARKERS[k % len(MARKERS)], color=colour, linewidth=0, alpha=0.8)
            reach = 1.05 * max(value for each in found for pair in each["strength"] for value in pair)
            axes.set(xlabel="output at the first feature", xlim=(-0.04 * reach, reach), ylim=(-0.04 * reach, reach))
        return figure
