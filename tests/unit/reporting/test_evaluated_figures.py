"""Figures of what is measured on trained networks: the numbers are those of the result, absent rows are named."""

from __future__ import annotations

import statistics
from typing import Any

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.planning.plan import overlaid_run
from remixup.reporting.figures import curves, drawing, planes, sweeps

from .sample_evaluations import between, evaluated, snapshots, strengths
from .sample_results import entry, replicated, tabular
from .test_theory_figures import drawn, said


def rows_of(*patterns: str) -> list[Row]:
    experiment, result = evaluated()
    selected = experiment.select(list(patterns))
    return [row.model_copy(update={"run": overlaid_run(experiment, row, result.scale)}) for row in selected]


def edges(axes: Axes) -> list[set[tuple[float, float]]]:
    """The corners of each band."""
    paths = [path for each in axes.collections for path in each.get_paths()]
    return [{(round(float(x), 9), round(float(y), 9)) for x, y in numpy.asarray(path.vertices)} for path in paths]


def with_evaluations(evaluations: dict[str, dict[str, Any]], **changes: Any) -> ExperimentResult:
    return evaluated()[1].model_copy(update={"evaluations": evaluations, **changes})


def test_a_figure_without_results_of_its_evaluation_is_empty() -> None:
    """The records of an evaluation have numbers of each seed, and not all that its figure draws."""
    _, result = evaluated()
    assert not drawing.is_empty(curves.in_between, result, rows_of("erm", "lost"))
    assert drawing.is_empty(curves.in_between, result, rows_of("lost"))
    numbers = with_evaluations({"erm": {"in_between": [{"seed": 0, "mean_miss": 4.0}]}})
    assert drawing.is_empty(curves.in_between, numbers, rows_of("erm"))
    assert drawing.is_empty(curves.noise_curves, result, rows_of("erm"))
    assert not drawing.is_empty(curves.error_curves, result, rows_of("lost")), "of no evaluation"


def test_in_between_draws_mean_and_extremes_of_finite_seeds() -> None:
    figure = curves.in_between(evaluated()[1], rows_of("erm", "mixup", "lost"))
    assert [axes.get_title() for axes in figure.axes] == [
        r"misses (%) $\dagger$",
        r"gradient norm of the loss $\dagger$",
        r"gradient norm of the top logit $\dagger$",
    ]
    for axes, name in zip(figure.axes, ("miss", "loss_gradient", "logit_gradient"), strict=True):
        for row, line, corners in zip(("erm", "mixup"), drawn(axes), edges(axes), strict=True):
            first, _, last = between(row)  # the second seed is not finite
            mean = [(a + b) / 2 for a, b in zip(first[name], last[name], strict=True)]
            assert line[0] == first["lam"]
            assert line[1] == pytest.approx(mean)
            for seed in (first, last):
                points = zip(seed["lam"], seed[name], strict=True)
                assert {(round(x, 9), round(y, 9)) for x, y in points} <= corners
    assert said(figure.axes[0]) == "never run: not run"
    assert not figure.axes[1].texts, "named once"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ERM", r"mixup ($\alpha = 1$)"]


def test_groups_with_the_same_labels_are_told_apart() -> None:
    result = with_evaluations({name: {"in_between": between(name)} for name in ("erm", "mixup")})
    rows = [row.model_copy(update={"label": "ERM", "group": row.id}) for row in rows_of("erm", "mixup")]
    figure = curves.in_between(result, rows)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["erm: ERM", "mixup: ERM"]
    first, second = figure.axes[0].lines
    assert first.get_color() != second.get_color()


def test_attack_curves_reach_from_zero_and_name_chance() -> None:
    (axes,) = (figure := curves.attack_curves(evaluated()[1], rows_of("erm", "mixup"))).axes
    *lines, chance = drawn(axes)
    for row, line in zip(("erm", "mixup"), lines, strict=True):
        seeds = strengths(row)
        mean = [statistics.fmean(each) for each in zip(*(seed["error"] for seed in seeds), strict=True)]
        assert line[0] == seeds[0]["eps"]
        assert line[1] == pytest.approx(mean)
    assert set(chance[1]) == {90.0}, "the digits have ten classes"
    assert axes.get_xscale() == "symlog"
    places = axes.transData.transform([(eps, 0.0) for eps in strengths("erm")[0]["eps"]])[:, 0]
    assert all(numpy.diff(places) > 0.03 * numpy.ptp(places)), "0 and the small ones do not fall on one point"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.004", "0.0157", "0.063", "0.25"]
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "chance"


def test_a_seed_whose_outputs_are_not_finite_is_left_out_of_an_attack() -> None:
    first, second, third = strengths("erm")
    gone = {**second, "error": [*second["error"][:-1], None]}
    result = with_evaluations({"erm": {"attack_curve": [first, gone, third]}})
    (axes,) = curves.attack_curves(result, rows_of("erm", "mixup")).axes
    middle = [(a + b) / 2 for a, b in zip(first["error"], third["error"], strict=True)]
    assert drawn(axes)[0][1] == pytest.approx(middle)
    assert said(axes) == r"mixup ($\alpha = 1$): no data"


def panels(figure: Figure, across: int) -> list[list[Axes]]:
    return [figure.axes[start : start + across] for start in range(0, len(figure.axes), across)]


def test_snapshots_of_the_first_seed_side_by_side() -> None:
    figure = planes.gan_snapshots(evaluated()[1], rows_of("erm", "mixup", "lost"))
    first, second, absent = panels(figure, 3)
    assert [axes.get_title() for axes in first] == ["iteration 10", "iteration 100", "iteration 1,000"]
    assert [axes.get_ylabel() for axes in (first[0], second[0], absent[0])] == [
        r"ERM $\dagger$",
        r"mixup ($\alpha = 1$) $\dagger$",
        r"never run $\dagger$",
    ]
    assert said(absent[0]) == "not run"
    for row, line in (("erm", first), ("mixup", second)):
        seed = snapshots(row)[0]
        for axes, shot in zip(line, seed["snapshots"], strict=True):
            rings, points = axes.collections
            assert numpy.allclose(rings.get_offsets(), seed["centres"])
            near = [point for point in shot["points"] if point[0] < 5]
            assert numpy.allclose(points.get_offsets(), near)
            assert said(axes) == f"{len(shot['points']) - len(near)} beyond"
            assert axes.get_xlabel() == f"{shot['covered']}/8 modes, 98 % good"
            assert points.get_alpha() < 0.5
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in (*first, *second)}) == 1
    # The centres reach from -1 to 1: a third of 2 on either side.
    assert first[0].get_xlim() == pytest.approx((-5 / 3, 5 / 3))


def test_a_snapshot_that_is_not_finite_says_so() -> None:
    erm, mixup = snapshots("erm"), snapshots("mixup")
    erm[0] = {**erm[0], "snapshots": erm[0]["snapshots"][:2]}
    result = with_evaluations({"erm": {"modes": erm}, "mixup": {"modes": mixup}})
    first, second = panels(planes.gan_snapshots(result, rows_of("erm", "mixup")), 3)
    assert said(first[2]) == "not finite"
    assert "not finite" not in said(second[2])


def test_many_rows_of_snapshots_fit_a_page() -> None:
    rows = rows_of("erm") * 9
    figure = planes.gan_snapshots(evaluated()[1], rows)
    width, height = figure.get_size_inches()
    assert width <= drawing.WIDTH
    assert height <= drawing.HEIGHT


def test_rows_of_another_scale_are_not_called_missing_data() -> None:
    figure = curves.error_curves(evaluated()[1], rows_of("late"))
    assert said(figure.axes[0]) == "not run at this scale"


def test_figures_without_anything_name_each_row() -> None:
    empty = with_evaluations({}, entries=[])
    for draw in (curves.in_between, curves.attack_curves, planes.gan_snapshots):
        figure = draw(empty, rows_of("erm", "lost"))
        printed = {text for axes in figure.axes for text in said(axes).split("\n") if text}
        assert printed <= {"no data", "ERM: no data", "never run: no data"}
        assert printed
        assert not figure.legends


def test_a_sweep_of_an_evaluation() -> None:
    experiment, result = tabular()
    rows = experiment.select(["iris-*"])
    name = "generalization.gap"
    entries = [entry(row.id, name, None, replicated(7.0 + index, 0.1, 3)) for index, row in enumerate(rows)]
    (axes,) = sweeps.sweep(result.model_copy(update={"entries": entries}), rows, metric=name).axes
    assert axes.get_ylabel() == "gap (points)"
    (line,) = (line for line in axes.lines if len(line.get_xdata()) == 6)
    assert list(line.get_ydata()) == [each.replicated.mean for each in entries if each.replicated][1:]
