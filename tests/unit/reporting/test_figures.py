"""Figures show the results' numbers, mark surrogates, and survive grayscale."""

from __future__ import annotations

import io
import itertools
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, get_args

import matplotlib
import numpy
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from remixup.analysis.result_schema import ExperimentResult, Replicated
from remixup.config.experiment import Experiment, Row
from remixup.config.metrics import QUANTITIES, metric_names
from remixup.config.registry import load_registry
from remixup.reporting import figures
from remixup.reporting.figures import curves, drawing, planes, sweeps

from .sample_results import DIGITS, noise, recorded, tabular


def texts(figure: Figure) -> list[str]:
    """Titles of the panels and what stands in them."""
    return [text.get_text() for axes in figure.axes for text in (axes.title, *axes.texts)]


def panel(figure: Figure, title: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_title() == title)


def select(experiment: Experiment, *patterns: str) -> list[Row]:
    return experiment.select(list(patterns))


def test_curves_are_those_of_the_result() -> None:
    experiment, result = noise()
    figure = curves.error_curves(result, experiment.rows, quantity="test_error")
    assert [axes.get_title() for axes in figure.axes] == [
        r"20 % of labels replaced $\dagger$",
        r"50 % of labels replaced $\dagger$",
    ]
    first, second = figure.axes
    wanted = {"erm-20": first, "mixup-8-20": first, "erm-50": second, "mixup-8-50": second}
    for row, axes in wanted.items():
        curve = result.curves[row]["test_error"]
        assert any(list(line.get_ydata()) == curve.mean for line in axes.lines), row
        band = {
            round(float(y), 9)
            for each in axes.collections
            for path in each.get_paths()
            for y in numpy.asarray(path.vertices)[:, 1]
        }
        assert {round(y, 9) for y in (*curve.low, *curve.high)} <= band, row
    assert len(first.lines) == len(second.lines) == 2


def test_rows_without_curves_are_named_with_the_reason() -> None:
    experiment, result = noise()
    found = texts(curves.error_curves(result, experiment.rows))
    assert "ERM + dropout (p = 0.7): failed" in found
    assert "ERM + dropout (p = 0.7): diverged" in found


def test_a_figure_without_any_run_says_so() -> None:
    experiment, result = tabular()
    changes = {"curves": {}, "evaluations": {}, "entries": []}
    empty = result.model_copy(update=changes)
    rows = select(experiment, "iris-erm", "iris-mixup-0.1")
    for figure in (
        curves.error_curves(empty, rows),
        sweeps.sweep(empty, rows),
        planes.decision_surfaces(empty, rows),
    ):
        said = [text for text in texts(figure) if "no data" in text]
        assert said
        assert set(said) <= {"no data", *(f"{row.label}: no data" for row in rows)}
        assert not figure.legends


def test_no_dagger_without_surrogate() -> None:
    experiment, result = tabular()
    assert not any("dagger" in text for text in texts(sweeps.sweep(result, experiment.rows)))


def entries_of(result: ExperimentResult, group: str) -> dict[str, Any]:
    return {entry.row: entry for entry in result.entries if entry.row.startswith(group)}


def test_sweep_draws_means_intervals_and_published_numbers() -> None:
    experiment, result = tabular()
    axes = panel(sweeps.sweep(result, experiment.rows, metric="test_error.last"), "Iris")
    entries = entries_of(result, "iris")
    erm = entries.pop("iris-erm")
    alphas = [0.1, 0.2, 0.4, 1.0, 2.0, 8.0]
    means = [entries[f"iris-mixup-{alpha}"].replicated.mean for alpha in alphas]
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert (alphas, means) in drawn
    levels = {y[0] for x, y in drawn if list(x) == [0, 1]}  # horizontal lines reach from edge to edge
    assert levels == {erm.replicated.mean, erm.published, entries["iris-mixup-0.2"].published}
    bars = [tuple(segment[:, 1]) for each in axes.collections for segment in each.get_segments()]
    assert sorted(bars) == sorted(entry.replicated.ci95 for entry in entries.values())
    (band,) = axes.patches
    extent = band.get_extents().transformed(axes.transData.inverted())
    assert (extent.y0, extent.y1) == pytest.approx(erm.replicated.ci95)
    assert axes.get_xscale() == "log"


def test_sweep_draws_no_published_number_beside_a_surrogate() -> None:
    experiment, result = tabular()
    surrogates = [e.model_copy(update={"surrogate": DIGITS, "scale": "embedded"}) for e in result.entries]
    figure = sweeps.sweep(result.model_copy(update={"entries": surrogates}), experiment.rows)
    axes = panel(figure, r"Iris $\dagger$")
    erm = next(entry for entry in surrogates if entry.row == "iris-erm")
    levels = [line.get_ydata()[0] for line in axes.lines if list(line.get_xdata()) == [0, 1]]
    assert erm.replicated
    assert levels == [erm.replicated.mean]
    assert not any("published" in text.get_text() for text in figure.legends[0].get_texts())


def test_published_numbers_that_differ_stand_at_their_own_ratio() -> None:
    experiment, result = tabular()
    changed = [e.model_copy(update={"published": 18.5}) if e.row == "iris-mixup-8.0" else e for e in result.entries]
    axes = panel(sweeps.sweep(result.model_copy(update={"entries": changed}), experiment.rows), "Iris")
    assert ([0.2, 8.0], [19.2, 18.5]) in [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


def test_decision_surfaces_draw_the_first_seed() -> None:
    experiment, result = tabular()
    measured = {name: {**each} for name, each in result.evaluations.items()}
    first, second = measured["iris-erm"]["decision_surface"]
    flat = [[0.05] * len(first["x"]) for _ in first["y"]]
    measured["iris-erm"]["decision_surface"] = [first, {**second, "probability": flat, "points": []}]
    figure = planes.decision_surfaces(
        result.model_copy(update={"evaluations": measured}), select(experiment, "iris-erm", "iris-mixup-1.0")
    )
    erm, mixup = figure.axes[:2]
    assert (erm.get_title(), mixup.get_title()) == ("ERM", r"mixup ($\alpha$ = 1)")
    assert erm.get_xlabel() == "seed 0"
    filled, *points = erm.collections
    for label, drawn in enumerate(points):
        wanted = [[x, y] for x, y, c in first["points"] if c == label]
        assert numpy.allclose(drawn.get_offsets(), wanted)
    # p = 1 / (1 + exp(-20 (r - 0.7))) is below 0.1 up to r = 0.7 - log(9) / 20, and above 0.9 from 0.7 + log(9) / 20.
    lightest, darkest = (numpy.hypot(*numpy.asarray(filled.get_paths()[index].vertices).T) for index in (0, -1))
    assert lightest.max() == pytest.approx(0.59, abs=0.01)
    assert darkest.min() == pytest.approx(0.81, abs=0.01)
    shades = [lightness(color[:3]) for color in filled.get_facecolor()]
    assert shades == sorted(shades, reverse=True)


def test_nothing_is_wider_than_the_text() -> None:
    experiment, result = tabular()
    for rows in (experiment.rows, select(experiment, "iris*"), select(experiment, "iris*", "htru2*")):
        figure = sweeps.sweep(result, rows)
        assert figure.get_size_inches()[0] <= drawing.WIDTH
    assert abs(drawing.WIDTH * 25.4 - 170) < 0.1


def luminance(color: Any) -> float:
    """Relative luminance of an sRGB color."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lightness(color: Any) -> float:
    """CIE L*: 0 is black, 100 white."""
    y = luminance(color)
    return 116 * math.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


def test_lines_differ_in_greyscale() -> None:
    styles = drawing.styles(f"method {index}" for index in range(6))
    shades = [lightness(style["color"]) for style in styles.values()]
    assert all(light - dark > 8 for dark, light in itertools.pairwise(shades))
    assert shades[-1] < 80, "readable on white"
    many = drawing.styles(f"method {index}" for index in range(12))
    assert len({(style["color"], str(style["linestyle"])) for style in many.values()}) == 12


def test_a_label_has_one_style_in_all_panels() -> None:
    experiment, result = noise()
    first, second = curves.error_curves(result, experiment.rows).axes
    assert [line.get_color() for line in first.lines] == [line.get_color() for line in second.lines]
    assert first.lines[0].get_color() != first.lines[1].get_color()


def test_every_sign_of_a_label_is_drawn_as_it_is() -> None:
    signs = "".join(chr(code) for code in range(32, 127)) + "αβλωΩ×±≤≥≠≈†→∞éü–—”中"[:-1]
    with matplotlib.rc_context(drawing.STYLE), warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that is missing from the fonts is a warning
        figure = Figure()
        figure.text(0.1, 0.5, drawing.text(signs))
        figure.savefig(io.BytesIO(), format="pdf")
    assert drawing.text("a_b <c> $5") == r"a$\_$b $<$c$>$ \$5"
    assert drawing.text(r"a_b ($\alpha_1 = 1$)") == r"a$\_$b ($\alpha_1 = 1$)", "mathematics stays as it is"


def test_long_titles_are_broken_outside_mathematics() -> None:
    title = r"CIFAR-10 with mixup at $\alpha = 1 + 0$ and a normalized stem"
    assert drawing.wrapped(title, 24) == "CIFAR-10 with mixup at\n" + r"$\alpha = 1 + 0$ and a" + "\nnormalized stem"


def test_what_can_be_named_under_draw() -> None:
    wanted = {"attack_curves", "decision_surfaces", "error_curves", "gan_snapshots", "in_between", "sweep", "privacy"}
    wanted |= {"along_the_line", "cosine_distribution", "guaranteed_regions"}
    wanted |= {"mixed_points", "noise_curves", "feature_plane"}
    assert set(figures.components()) == wanted
    assert wanted == set(load_registry()["kinds"]["figure"]), "run `make schema`"
    assert figures.components()["sweep"] is sweeps.sweep


def test_figures_know_only_numbers_that_are_recorded() -> None:
    assert set(curves.AXIS_LABELS) == set(QUANTITIES)
    assert set(get_args(sweeps.Metric)) <= set(metric_names())


def test_a_sweep_draws_what_is_on_record_where_nothing_was_run() -> None:
    experiment, result = tabular()
    rows = select(experiment, "iris-mixup-0.1")
    mine = next(each for each in result.entries if each.row == "iris-mixup-0.1")
    stored = recorded(
        Replicated(mean=12.5, std=0.5, n=5, ci95=(12, 13), values=[12.5] * 5, seeds=[0, 1, 2, 3, 4]), scale="paper"
    )
    absent = mine.model_copy(update={"replicated": None, "verdict": "not run", "recorded": [stored]})
    figure = sweeps.sweep(result.model_copy(update={"entries": [absent]}), rows)
    heights = {float(y) for axes in figure.axes for line in axes.lines for y in line.get_ydata()}
    assert 12.5 in {round(height, 6) for height in heights}


DRAW = """
import sys
from pathlib import Path
from remixup.reporting import build
from tests.unit.reporting.sample_results import noise
from remixup.reporting.figures import curves
experiment, result = noise()
build.save(lambda: curves.error_curves(result, experiment.rows), Path(sys.argv[1]))
"""
RC = "text.usetex: True\nsavefig.bbox: tight\nfont.size: 20\nlines.linewidth: 9\nbackend: TkAgg\n"


@pytest.mark.slow
def test_figures_do_not_depend_on_the_users_settings(tmp_path: Path) -> None:
    """Fails, tried out: without matplotlib's defaults below the style, and without a backend of our own."""
    drawn = []
    for name, text, backend in (("plain", "", None), ("changed", RC, "that of a notebook")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "matplotlibrc").write_text(text)
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MATPLOTLIBRC": str(folder)}
        variables |= {"MPLBACKEND": backend} if backend else {}
        subprocess.run([sys.executable, "-c", DRAW, "f.pdf"], cwd=folder, env=variables, check=True)
        drawn.append((folder / "f.pdf").read_bytes())
    assert drawn[0] == drawn[1]
