"""Figures of mixed points and of noise: what is drawn is what was measured, absent rows are named."""

from __future__ import annotations

from typing import Any

from remixup.analysis.result_schema import ExperimentResult
from remixup.config.experiment import Row
from remixup.reporting.figures.mixing import mixed_points, noise_curves

from .sample_results import tabular

ERM, MIXUP = "iris-erm", "iris-mixup-1.0"
POINTS = [[0.0, 1.0, 0], [2.0, 3.0, 1]]


def rows_of(*names: str) -> list[Row]:
    return tabular()[0].select(list(names))


def measured(name: str, **found: Any) -> ExperimentResult:
    return tabular()[1].model_copy(update={"evaluations": {row: {name: seeds} for row, seeds in found.items()}})


def test_mixed_points_lie_over_the_points_of_the_first_seed() -> None:
    seeds = [{"seed": seed, "points": POINTS, "mixtures": [[1.0 + seed, 2.0]], "beyond": 41.6} for seed in (0, 1)]
    result = measured("mixing", **{MIXUP: seeds, ERM: [{"seed": 0, "points": None, "mixtures": None, "beyond": 3.0}]})
    absent, axes = mixed_points(result, rows_of(ERM, MIXUP)).axes
    data, mixed = axes.lines
    assert [list(data.get_xdata()), list(data.get_ydata())] == [[0.0, 2.0], [1.0, 3.0]]
    assert [list(mixed.get_xdata()), list(mixed.get_ydata())] == [[1.0], [2.0]]
    assert data.get_color() != mixed.get_color()
    assert axes.get_title().startswith("Iris: mixup")
    assert axes.get_xlabel() == "42 % beyond the data"
    assert [text.get_text() for text in absent.texts] == ["no data"]


def test_noise_curves_are_means_in_bands_and_seeds_without_numbers_are_left_out() -> None:
    sigma = [0.5, 1.0]
    errors = [[10.0, 20.0], [None, None], [20.0, 40.0]]
    found = [{"seed": seed, "sigma": sigma, "error": error} for seed, error in enumerate(errors)]
    figure = noise_curves(measured("noisy", **{MIXUP: found, ERM: found[1:2]}), rows_of(ERM, MIXUP))
    (axes,) = figure.axes
    (line,) = axes.lines
    assert [list(line.get_xdata()), list(line.get_ydata())] == [sigma, [15.0, 30.0]]
    corners = {tuple(map(float, corner)) for corner in axes.collections[0].get_paths()[0].vertices}
    assert {(0.5, 10.0), (0.5, 20.0), (1.0, 20.0), (1.0, 40.0)} <= corners
    assert any("ERM: no data" in text.get_text() for text in axes.texts)
    assert len(figure.legends[0].get_texts()) == 1
