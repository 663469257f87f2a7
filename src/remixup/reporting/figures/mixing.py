"""Where mixed points lie, and what noise does to networks trained on them."""

from typing import Any

import matplotlib
from matplotlib.figure import Figure

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.drawing import STYLE, band, legend, line, measured, name_absent, panels, ramp, styles

NUMERICS = 1


def mixed_points(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Training examples in the plane, and mixed points over them: a panel for each row (k-mixup, 2106.02933).

    From the evaluation "mixing", of the first seed; below each panel the share of mixed points beyond the data.
    """
    with matplotlib.rc_context(STYLE):
        groups = [(f"{row.group}: {row.label}", [row]) for row in rows]
        figure, parts = panels(result, rows, groups=groups)
        data: dict[str, Any] = {"color": "0.72", "marker": "o", "linestyle": "none", "markersize": 1.8}
        mixed: dict[str, Any] = {"color": ramp(3)[1], "marker": "o", "linestyle": "none", "markersize": 1.8}
        shown: dict[str, Any] = {}
        for axes, (row,) in parts:
            axes.grid(False)
            axes.set(xticks=[], yticks=[])
            found = [each for each in measured(result, row, "mixing") if each["mixtures"]]
            if not found:
                name_absent(result, axes, [row], all_of=1)
                continue
            xs, ys, _ = zip(*found[0]["points"], strict=True)
            axes.plot(xs, ys, **data)
            xs, ys = zip(*found[0]["mixtures"], strict=True)
            axes.plot(xs, ys, **mixed, alpha=0.6)
            shown = {"training examples": line(data), "mixed points": line(mixed)}
            axes.set_aspect("equal")
            axes.set_xlabel(f"{found[0]['beyond']:.0f} % beyond the data")
        legend(figure, shown)
        return figure


def noise_curves(result: ExperimentResult, rows: list[Row]) -> Figure:
    """Test error over the noise's standard deviation: a panel for each group, bands from smallest to largest seed.

    From the evaluation "noisy".
    """
    with matplotlib.rc_context(STYLE):
        figure, parts = panels(result, rows, "test error (%)")
        looks = styles(row.label for row in rows)
        shown: dict[str, Any] = {}
        for axes, members in parts:
            absent = []
            for row in members:
                found = [each for each in measured(result, row, "noisy") if None not in each["error"]]
                if not found:
                    absent.append(row)
                    continue
                band(axes, found[0]["sigma"], [each["error"] for each in found], looks[row.label])
                shown[row.label] = line(looks[row.label])
            axes.set_xlabel(r"standard deviation of the noise $\sigma$")
            name_absent(result, axes, absent, all_of=len(members))
        legend(figure, shown)
        return figure
