"""Figures of mixed points, noise and learned features: they draw what was measured and name absent rows."""

from __future__ import annotations

import numpy

from remixup.reporting.figures.curves import noise_curves
from remixup.reporting.figures.planes import feature_plane, mixed_points

from .test_theory_figures import ERM, MIXUP, measured, rows_of, said

POINTS = [[0.0, 1.0, 0], [2.0, 3.0, 1]]


def test_mixed_points_are_drawn_over_the_points_of_the_first_seed() -> None:
    seeds = [{"seed": seed, "points": POINTS, "mixtures": [[1.0 + seed, 2.0]], "beyond": 41.6} for seed in (0, 1)]
    result = measured("mixing", **{MIXUP: seeds, ERM: [{"seed": 0, "points": None, "mixtures": None, "beyond": 3.0}]})
    absent, axes = mixed_points(result, rows_of(ERM, MIXUP)).axes
    data, mixed = axes.lines
    assert [list(data.get_xdata()), list(data.get_ydata())] == [[0.0, 2.0], [1.0, 3.0]]
    assert [list(mixed.get_xdata()), list(mixed.get_ydata())] == [[1.0], [2.0]]
    assert data.get_color() != mixed.get_color()
    assert axes.get_title().startswith("Iris: mixup")
    assert axes.get_xlabel() == "42 % beyond the data"
    assert said(absent) == "no data"


def test_noise_curves_are_means_in_bands_of_the_seeds_with_numbers() -> None:
    sigma = [0.5, 1.0]
    errors = [[10.0, 20.0], [None, None], [20.0, 40.0]]
    found = [{"seed": seed, "sigma": sigma, "error": error} for seed, error in enumerate(errors)]
    figure = noise_curves(measured("noisy", **{MIXUP: found, ERM: found[1:2]}), rows_of(ERM, MIXUP))
    (axes,) = figure.axes
    (line,) = axes.lines
    assert [list(line.get_xdata()), list(line.get_ydata())] == [sigma, [15.0, 30.0]]
    corners = {tuple(map(float, corner)) for corner in axes.collections[0].get_paths()[0].vertices}
    assert {(0.5, 10.0), (0.5, 20.0), (1.0, 20.0), (1.0, 40.0)} <= corners
    assert "ERM: no data" in said(axes)
    assert len(figure.legends[0].get_texts()) == 1


def test_a_mark_for_each_class_and_seed() -> None:
    first, second = [[4.0, 0.0], [0.5, 3.0]], [[0.0, 2.0], [1.0, 1.0]]
    found = [{"seed": seed, "strength": strength} for seed, strength in enumerate((first, None, second))]
    axes, absent = feature_plane(measured("learned_features", **{ERM: found}), rows_of(ERM, MIXUP)).axes
    assert [numpy.asarray(each.get_offsets()).tolist() for each in axes.collections] == [first, second]
    colors = [tuple(each.get_facecolor()[0]) for each in axes.collections]
    assert colors[0] != colors[1]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[1] > 4.0
    assert said(absent)
    assert not absent.collections
