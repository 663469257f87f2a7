"""The article's figures of curves: corrupted labels, strengths, between examples, theory."""

from __future__ import annotations

from typing import Any

import pytest

from remixup.analysis.result_schema import Curve, Fit, Setting
from remixup.analysis.statistics import summarize
from remixup.reporting.figures.article.alpha import ALPHAS, ERM, WIDTHS, alpha
from remixup.reporting.figures.article.between import ROWS, between
from remixup.reporting.figures.article.corruption import PANELS, corruption
from remixup.reporting.figures.article.gan import ITERATIONS, gan
from remixup.reporting.figures.article.marks import METHODS, best_fit, sample
from remixup.reporting.figures.article.theory import BOUNDARIES, FEATURES, STRENGTHS, theory
from tests.experiments import committed

from .article_samples import curve, marks, named, on_record, result, written
from .sample_results import entry


def fitted(passes: int, loss: float, errors: list[float], **changes: Any) -> Fit:
    low, high = [each - 1 for each in errors], [each + 1 for each in errors]
    found = Curve(epoch=list(range(1, len(errors) + 1)), mean=errors, low=low, high=high)
    fields: dict[str, Any] = {"digest": "s", "protocol": "p", "dataset": "CIFAR-10", "domain": "image"}
    setting = Setting(**fields, training_examples=2000, passes=passes, words="MLP, 9 passes")
    values: dict[str, Any] = {"scale": "reduced-cpu", "surrogate": "small", "recorded": True, "erm": True, "run": "r"}
    values |= {"n": 5, "training_loss": loss, "failed_seeds": [], "setting": setting, "test_error_curve": found}
    values |= dict.fromkeys(["fits_at", "training_error", "corrupted_error", "test_error", "linear_error"])
    return Fit.model_validate(values | changes)


def test_test_errors_are_drawn_over_passes() -> None:
    fits = {
        "erm-20": [fitted(9, 60.0, [0.0, 0.0, 0.0], scale="embedded"), fitted(9, 60.0, [80.0, 70.0, 60.0])],
        "mixup-20": [fitted(9, 90.0, [81.0, 71.0, 61.0])],
        "erm-50": [fitted(90, 5.0, [50.0, 40.0, 45.0])],
    }
    entries = [
        on_record("erm-20", "memorization.corrupted", [40.0, 50.0, 60.0], published=0.28),
        entry("erm-50", "test_error.last", 44.6, None),
    ]
    fifth, half, memorized = corruption(result("corruption", fits=fits, entries=entries), []).axes
    assert curve(fifth, METHODS["ERM"]["color"]) == ([3.0, 6.0, 9.0], [80.0, 70.0, 60.0])
    assert curve(fifth, METHODS["mixup"]["color"])[1] == [81.0, 71.0, 61.0]
    assert curve(half, METHODS["ERM"]["color"]) == ([30.0, 60.0, 90.0], [50.0, 40.0, 45.0])
    assert [axes.get_title() for axes in (fifth, half)] == ["20 % of the labels random", "50 % of the labels random"]
    assert (written(fifth), written(half)) == ([], ["published, 50,000 images:\nERM 44.6"])
    assert fifth.get_ylim() == half.get_ylim()
    assert fifth.get_ylim()[0] > 30, "the curves fill the panel"
    assert marks(memorized, "o") == [(50.0, 0.0)]
    assert marks(memorized, "D") == [(0.28, -0.3)]
    assert [label.get_text() for label in memorized.get_yticklabels()][:2] == ["ERM, 20 %", "mixup, 20 %"]


def test_a_panel_without_runs_says_so() -> None:
    for draw in (alpha, between, theory):
        assert [written(axes) for axes in draw({}, []).axes] == [["no runs"]] * 3
    short, *_ = corruption({}, []).axes
    assert written(short) == ["no runs"]


def test_strengths_are_in_their_place_and_digits_are_left_out() -> None:
    metric = "generalization.train_error"
    digits = summarize([0.0, 2.0], range(2))
    entries = [
        on_record("wide-erm", metric, [3.0, 5.0]),
        on_record("wide-a1", metric, [20.0, 30.0]),
        on_record("wide-a32", metric, [40.0, 50.0]),
        entry("narrow-a1", metric, None, digits, scale="embedded", surrogate="digits"),
        on_record("wide-erm", "generalization.gap", [70.0, 80.0]),
    ]
    fits = {"wide-erm": [fitted(9, 1.0, [3.0])]}
    results = result("alpha", entries=entries, fits=fits)
    training, test, gap = alpha(results, []).axes
    assert marks(training, "o") == [(ERM, 4.0), (1.0, 25.0), (32.0, 45.0)]
    assert marks(training, "s") == []
    joined = next(line for line in training.lines if len(line.get_xdata()) == 2)
    assert (list(joined.get_xdata()), list(joined.get_ydata())) == ([1.0, 32.0], [25.0, 45.0])
    assert written(test) == ["no runs"]
    assert (training.get_ylim()[0], gap.get_ylim()[1] > 75.0) == (0.0, True), "the panels share their scale"
    assert sample(results, "alpha", "narrow-a1", metric) is None
    assert named(alpha(results, [])) == ["MLP", "narrow"]


def test_the_best_fit_is_of_the_best_evidence() -> None:
    def best(*fits: Fit) -> Fit | None:
        return best_fit(result("x", fits={"erm": list(fits)}), "x", "erm")

    digits, cpu, gpu = (fitted(3, 1.0, [3.0], scale=scale) for scale in ("embedded", "reduced-cpu", "reduced"))
    frozen, larger = fitted(3, 1.0, [3.0], standing="confirmatory"), fitted(3, 1.0, [3.0], n=9)
    assert best(digits) is None
    assert best(digits, cpu, gpu) == gpu
    assert best(cpu, frozen, larger) == frozen
    assert best(cpu, larger) == larger


def test_between_examples_the_frozen_networks_are_drawn() -> None:
    def seed(number: int, middle: float | None) -> dict[str, Any]:
        gradients = {"logit_gradient": [3.0, 4.0, 3.0], "loss_gradient": [1.0, 2.0, 1.0]}
        return {"seed": number, "lam": [0.0, 0.5, 1.0], "miss": [0.0, middle, 0.0], **gradients}

    frozen: dict[str, Any] = {"erm": {"in_between": [seed(0, 10.0), seed(1, 20.0), seed(2, None)]}}
    digits = {"mixup": {"in_between": [seed(0, 90.0)]}}
    results = result("between", evaluations=digits, frozen_evaluations=frozen)
    misses, logit, loss = between(results, []).axes
    assert curve(misses, METHODS["ERM"]["color"]) == ([0.0, 0.5, 1.0], [0.0, 15.0, 0.0])
    assert curve(logit, METHODS["ERM"]["color"])[1] == [3.0, 4.0, 3.0]
    assert curve(loss, METHODS["ERM"]["color"])[1] == [1.0, 2.0, 1.0]
    assert len(misses.lines) == 1, "mixup's are of this report's digits alone"


def test_samples_of_generators_are_those_of_the_first_frozen_seed() -> None:
    centres = [[-1.0, 0.0], [1.0, 0.0]]  # so that the frame ends at -5/3 and 5/3

    def seed(*points: list[float]) -> dict[str, Any]:
        shots = [{"iteration": iteration, "points": list(points), "covered": 1} for iteration in (10, *ITERATIONS[:3])]
        return {"centres": centres, "snapshots": shots}

    frozen: dict[str, Any] = {"ring-mixup": {"modes": [seed([1.0, 0.0], [1.6, 0.0], [1.7, 0.0]), seed([0.5, 0.5])]}}
    short = {"ring-erm": {"modes": [seed([0.0, 0.0])]}}
    axes = gan(result("gan", evaluations=short, frozen_evaluations=frozen), []).axes
    ordinary, mixup, grid = axes[:4], axes[4:8], axes[8:]
    assert [written(each) for each in [*ordinary, *grid]] == [["no runs"]] * 12, "short runs of a report are not drawn"
    assert [each.get_xlabel() for each in mixup] == ["1 of 2\nat 1.6"] * 3 + [""]
    assert written(mixup[3]) == ["not finite"], "a snapshot that is not finite is absent"
    rings, samples = mixup[0].collections
    assert rings.get_offsets().tolist() == centres
    assert samples.get_offsets().tolist() == [[1.0, 0.0], [1.6, 0.0]]
    away = {"ring-mixup": {"modes": [seed([3.0, 4.0], [0.0, 12_340.0], [54_321.0, 0.0])]}}
    assert gan(result("gan", frozen_evaluations=away), []).axes[4].get_xlabel() == "1 of 2\nat 12,000"


def test_the_line_has_networks_and_closed_form() -> None:
    seeds = [
        {"seed": number, "x": [0.0, 1.0, 2.0], "probability": [1.0, middle, 1.0], "optimal": [1.0, None, 1.0]}
        | {"examples": [0.0, 1.0, 2.0], "labels": [0, 1, 0]}
        for number, middle in enumerate((0.2, 0.4))
    ]
    axes = theory(result("line", evaluations={"a32": {"on_the_line": seeds}}), []).axes[0]
    network, closed, points = axes.lines
    assert list(network.get_ydata()) == pytest.approx([1.0, 0.3, 1.0])
    assert list(closed.get_ydata())[::2] == [1.0, 1.0]
    assert list(points.get_ydata()) == [1, 0, 1], "class 1 of the outer points is at the top"


def test_boundaries_are_where_the_classes_meet_and_features_at_their_strength() -> None:
    surface = {"seed": 0, "x": [0.0, 1.0], "y": [0.0, 1.0], "probability": [[0.0, 1.0], [0.0, 1.0]]}
    moons = {"wide-erm": {"decision_surface": [surface | {"points": [[0.0, 0.0, 0], [1.0, 1.0, 1]]}]}}
    features = [{"seed": 0, "strength": [[3.0, 0.0], [1.0, 2.0]]}, {"seed": 1, "strength": [[0.0, 4.0]]}]
    results = result("moons", evaluations=moons, entries=[on_record("wide-erm", "boundary.bend", [1.0, 2.0])])
    results |= result("patches", evaluations={"erm": {"learned_features": features}})
    _, plane, strengths = theory(results, []).axes
    (contour,) = [each for each in plane.collections if hasattr(each, "levels")]
    assert {x for x, _ in contour.get_paths()[0].vertices} == {0.5}
    legend = plane.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["ERM: bend 1.5 %"]
    assert [list(line.get_ydata()) for line in strengths.lines] == [[0.0, 2.0, 4.0]]


def test_the_rows_that_are_drawn_exist() -> None:
    """Else a row with a new name would be missing without a word."""
    drawn = {
        "corruption": {row for panel in PANELS.values() for row in panel.values()},
        "alpha": {f"{width}-{row}" for width in WIDTHS for row in ("erm", *(f"a{value:g}" for value in ALPHAS))},
        "between": set(ROWS.values()),
        "line": set(STRENGTHS),
        "moons": set(BOUNDARIES),
        "patches": set(FEATURES),
    }
    files = {name: {row.id for row in experiment.rows} for name, (_, experiment) in committed().items()}
    assert {name: rows - files[name] for name, rows in drawn.items()} == {name: set() for name in drawn}
