"""Figures of theorems beside trained networks: what is drawn is what was measured, absent rows are named."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.path import Path

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures import theory

from .sample_results import DIGITS, tabular

ERM, MIXUP = "iris-erm", "iris-mixup-1.0"


def rows_of(*names: str) -> list[Row]:
    return tabular()[0].select(list(names))


def measured(name: str, **found: Any) -> ExperimentResult:
    """The made-up result with one evaluation of each of some rows."""
    evaluations = {row: {name: seeds} for row, seeds in found.items()}
    return tabular()[1].model_copy(update={"evaluations": evaluations})


def said(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def drawn(axes: Axes) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


def along(seed: int, probability: list[float] | None, optimal: list[float | None] | None = None) -> dict[str, Any]:
    """What "on_the_line" measures; the second of three points is of the other class."""
    found = {"seed": seed, "x": [-0.25, 0.5, 1.25, 2.25], "probability": probability, "optimal": optimal}
    return found | {"examples": [0.0, 1.0, 2.0], "labels": [0, 1, 0]}


def test_a_line_shows_networks_closed_form_and_points() -> None:
    closed = [None, 1.0, 0.7, 0.9]
    seeds = [along(0, [0.9, 0.5, 0.2, 0.8], closed), along(1, None, closed), along(2, [0.7, 0.6, 0.4, 1.0], closed)]
    figure = theory.along_the_line(measured("on_the_line", **{ERM: seeds}), rows_of(ERM))
    (axes,) = figure.axes
    assert axes.get_title() == "Iris: ERM"
    assert axes.get_ylabel() == "probability of class 1"
    network, optimal, points = drawn(axes)
    assert network == (seeds[0]["x"], pytest.approx([0.8, 0.55, 0.3, 0.9])), "the second seed is not finite"
    assert optimal == (seeds[0]["x"], pytest.approx([math.nan, 1.0, 0.7, 0.9], nan_ok=True))
    assert points == ([0.0, 1.0, 2.0], [1, 0, 1])
    (band,) = axes.collections
    corners = {(round(float(x), 9), round(float(y), 9)) for x, y in numpy.asarray(band.get_paths()[0].vertices)}
    for seed in (seeds[0], seeds[2]):
        assert set(zip(seed["x"], seed["probability"], strict=True)) <= corners
    names = ["trained network", "closed form", "training points"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()


def test_each_row_has_its_line_and_one_without_closed_form_has_none() -> None:
    first, second = [along(0, [0.9, 0.5, 0.2, 0.8])], [along(0, [0.6, 0.5, 0.4, 0.3])]
    figure = theory.along_the_line(measured("on_the_line", **{ERM: first, MIXUP: second}), rows_of(ERM, MIXUP))
    for axes, (found,) in zip(figure.axes, (first, second), strict=True):
        assert [line[1] for line in drawn(axes)] == [found["probability"], [1, 0, 1]]
    assert "closed form" not in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("seeds", [[], [along(0, None, [1.0] * 4), along(1, None)]])
def test_a_row_without_a_line_is_named(seeds: list[dict[str, Any]]) -> None:
    result = measured("on_the_line", **{ERM: seeds, MIXUP: [along(0, [0.6, 0.5, 0.4, 0.3])]})
    absent, present = theory.along_the_line(result, rows_of(ERM, MIXUP)).axes
    assert said(absent) == "no data"
    assert not absent.lines
    assert said(present) == ""


# Class 0 at the left end, class 1 at the right one, nothing between; but the lowest line is all of class 1.
GUARANTEED = [[1] * 7, *[[0, 0, -1, -1, -1, 1, 1]] * 4]
SAID = [[0, 0, 0, 1, 1, 1, 1]] * 5


def regions(seed: int = 0, **changes: Any) -> dict[str, Any]:
    found = {"seed": seed, "share": 60.0, "broken": 5.0, "x": [float(x) for x in range(7)], "y": [0.0, 10, 20, 30, 40]}
    found |= {"guaranteed": GUARANTEED, "said": SAID, "points": [[0, 40, 0], [6, 40, 1], [1, 30, 0]]}
    return {**found, **changes}


def shaded(axes: Axes, shade: str) -> list[Path]:
    fills = [each for each in axes.collections if len(each.get_facecolor()) and each.get_paths()]
    return [
        path
        for each in fills
        if numpy.allclose(each.get_facecolor()[0][:3], float(shade)) and not numpy.ptp(each.get_facecolor()[0][:3])
        for path in each.get_paths()
        if len(path.vertices)
    ]


def covers(paths: list[Path], x: float, y: float) -> bool:
    return any(path.contains_point((x, y)) for path in paths)


def test_regions_are_shaded_where_a_class_is_guaranteed() -> None:
    (axes,) = theory.guaranteed_regions(measured("guaranteed", **{ERM: [regions(), regions(1)]}), rows_of(ERM)).axes
    light, dark = shaded(axes, "0.9"), shaded(axes, "0.68")
    assert axes.get_title() == "Iris: ERM"
    assert axes.get_xlabel() == "seed 0"
    for x, y, in_light, in_dark in ((0.5, 25, 1, 0), (3.1, 25, 0, 0), (5.5, 25, 0, 1), (3.1, 2, 0, 1), (0.5, 2, 0, 1)):
        assert (covers(light, x, y), covers(dark, x, y)) == (in_light, in_dark), (x, y)


def test_no_rim_of_class_0_is_drawn_around_class_1() -> None:
    (axes,) = theory.guaranteed_regions(measured("guaranteed", **{ERM: [regions()]}), rows_of(ERM)).axes
    light = shaded(axes, "0.9")
    assert light
    assert not any(covers(light, x, 25) for x in numpy.linspace(2, 6, 200))
    assert not any(covers(light, 3.1, y) for y in numpy.linspace(0, 40, 200))


def test_the_boundary_is_where_the_network_changes_its_mind() -> None:
    (axes,) = theory.guaranteed_regions(measured("guaranteed", **{ERM: [regions()]}), rows_of(ERM)).axes
    edges = [each for each in axes.collections if not len(each.get_facecolor())]
    places = numpy.concatenate([path.vertices for each in edges for path in each.get_paths()])
    assert set(places[:, 0]) == {2.5}
    assert (places[:, 1].min(), places[:, 1].max()) == (0, 40)
    *_, own, others = axes.collections
    assert own.get_offsets().tolist() == [[0, 40], [1, 30]]
    assert others.get_offsets().tolist() == [[6, 40]]


@pytest.mark.filterwarnings("error")
def test_a_network_of_one_opinion_has_no_boundary_and_nothing_may_be_guaranteed() -> None:
    nothing = regions(guaranteed=[[-1] * 7] * 5, said=[[0] * 7] * 5, points=[[0, 40, 0]])
    (axes,) = theory.guaranteed_regions(measured("guaranteed", **{ERM: [nothing]}), rows_of(ERM)).axes
    assert not shaded(axes, "0.9")
    assert not shaded(axes, "0.68")
    assert not [each for each in axes.collections if not len(each.get_facecolor()) and each.get_paths()]


def test_a_row_without_regions_is_named() -> None:
    present, absent = theory.guaranteed_regions(measured("guaranteed", **{ERM: [regions()]}), rows_of(ERM, MIXUP)).axes
    assert (said(present), said(absent)) == ("", "no data")


def test_cosines_of_all_seeds_are_a_distribution() -> None:
    found = {
        ERM: [{"seed": 0, "cosines": [0.8, 0.2]}, {"seed": 1, "cosine": None}, {"seed": 2, "cosines": [0.5, 0.2]}],
        MIXUP: [{"seed": 0, "cosines": [0.9]}],
    }
    figure = theory.cosine_distribution(measured("robustness", **found), rows_of(ERM, MIXUP))
    (axes,) = figure.axes
    erm, mixup = drawn(axes)
    # A quarter each: from the point on, as a share of the points up to it.
    assert erm == ([0, 0.2, 0.2, 0.5, 0.8], [0, 0.25, 0.5, 0.75, 1])
    assert mixup == ([0, 0.9], [0, 1])
    assert {line.get_drawstyle() for line in axes.lines} == {"steps-post"}
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["Iris, ERM", r"Iris, mixup ($\alpha$ = 1)"]
    assert said(axes) == ""


def test_rows_without_cosines_are_named() -> None:
    found = {ERM: [{"seed": 0, "cosines": [0.8, 0.2]}], MIXUP: [{"seed": 0, "cosine": None}]}
    (axes,) = (figure := theory.cosine_distribution(measured("robustness", **found), rows_of(ERM, MIXUP))).axes
    assert len(axes.lines) == len(figure.legends[0].get_texts()) == 1
    assert said(axes) == r"mixup ($\alpha$ = 1): no data"


@pytest.mark.parametrize("draw", [theory.along_the_line, theory.guaranteed_regions, theory.cosine_distribution])
def test_without_any_run_a_figure_says_so_and_has_no_legend(draw: Any) -> None:
    figure = draw(measured("nothing"), rows_of(ERM, MIXUP))
    assert {said(axes) for axes in figure.axes} == {"no data"}
    assert not figure.legends


@pytest.mark.parametrize("draw", [theory.along_the_line, theory.guaranteed_regions, theory.cosine_distribution])
def test_surrogates_have_a_dagger(draw: Any) -> None:
    result = measured("nothing")
    surrogates = [each.model_copy(update={"surrogate": DIGITS}) for each in result.entries if each.row == ERM]
    (plain,) = draw(result, rows_of(ERM)).axes
    (marked,) = draw(result.model_copy(update={"entries": surrogates}), rows_of(ERM)).axes
    assert marked.get_title() == (plain.get_title() or "surrogate") + r" $\dagger$"
