"""The article's figures of pairs and of numbers: each mark is where its value says."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETUP
from matplotlib.text import Text

from remixup.analysis.decisions import decide_alone, effect_p_values
from remixup.analysis.numbers import compare
from remixup.analysis.statistics import summarise
from remixup.reporting.figures.article import ARTICLE_FIGURES, outcomes
from remixup.reporting.figures.article.fit import fit
from remixup.reporting.figures.article.marks import DOMAINS
from remixup.reporting.figures.article.numbers import by_unit, numbers
from remixup.reporting.figures.article.outcomes import CLAIMS, NUMBERS, PUBLISHED, SMALLEST, five
from remixup.reporting.figures.article.settings import settings
from remixup.reporting.figures.drawing import HEIGHT, WIDTH

from .article_samples import marks, named, pair, result, written
from .sample_results import entry

PAIRS = [
    pair("fits", 1.0, 0.5),
    pair("far", -2.0, 60.0, standing="confirmatory", published_effect=1.5, why_uninformative="it does not fit"),
    pair("speech", -22.0, 30.0, domain="speech", dataset="spoken digits", ci95=(-30.0, 5.0), published_effect=43.0),
    pair("unknown", 3.5, None, domain="table", published_protocol=True),
]


@pytest.mark.parametrize("name", ARTICLE_FIGURES)
def test_each_figure_draws_without_results_and_is_as_wide_as_the_text(name: str) -> None:
    for pairs in ([], PAIRS):
        figure = ARTICLE_FIGURES[name]({}, pairs)
        assert figure.get_figwidth() == WIDTH
        assert figure.get_figheight() <= HEIGHT
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
        assert min(sizes) >= 7


def test_the_effect_is_drawn_at_the_loss_hollow_if_exploratory() -> None:
    axes = fit({}, PAIRS).axes[0]
    circle, square = DOMAINS["image"]["marker"], DOMAINS["speech"]["marker"]
    assert marks(axes, circle) == [(0.5, 1.0), (60.0, -2.0)]
    hollow = [line.get_markerfacecolor() == "white" for line in axes.lines if line.get_marker() == circle]
    assert hollow == [True, False]
    assert marks(axes, square) == [(30.0, -11.0)], "cut at the lower limit"
    assert "spoken digits, 2,000: $-22$" in written(axes)
    assert marks(axes, DOMAINS["table"]["marker"]) == [], "a pair without a loss has no place"


def test_intervals_are_drawn_and_cut_at_the_limits() -> None:
    axes = fit({}, PAIRS).axes[0]
    drawn = [(line.get_xdata()[0], list(line.get_ydata())) for line in axes.lines if len(line.get_xdata()) == 2]
    assert (0.5, [0.5, 1.5]) in drawn
    assert (30.0, [-11.0, 5.0]) in drawn
    assert marks(axes, CARETDOWN) == [(30.0, -11.0)], "an arrow head where it is cut, and none above"
    assert marks(axes, CARETUP) == []


def test_published_effects_are_in_a_panel_without_a_loss() -> None:
    def difference(experiment: str, row: str, value: float, metric: str = "test_error.last") -> object:
        return {**entry(row, metric, value, None).model_dump(), "experiment": experiment, "baseline": "erm"}

    results = {
        **result("cifar", differences=[difference("cifar", "cifar10-a", 1.4), difference("cifar", "cifar100-a", 4.5)]),
        **result(
            "imagenet",
            differences=[
                difference("imagenet", "r50", 0.2),
                difference("imagenet", "r50", 0.9, "test_top5_error.last"),
            ],
        ),
    }
    left, right = fit(results, PAIRS).axes
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in right.lines if line.get_marker() == "D"]
    assert drawn == [([0], [1.4]), ([1], [4.5]), ([2], [0.2])]
    assert not [line for line in left.lines if line.get_marker() == "D"]


def test_settings_are_sorted_within_their_domain() -> None:
    axes = settings({}, PAIRS).axes[0]
    # Lines: image, fits, far, speech, the spoken digits, table, unknown.
    assert marks(axes, "o") == [(1.0, 1.0), (-2.0, 2.0)]
    assert marks(axes, "s") == [(-10.0, 4.0)]
    assert marks(axes, DOMAINS["table"]["marker"]) == [(3.5, 6.0)]
    assert marks(axes, "D") == [(1.5, 2.0), (11.0, 4.0)], "published effects, the second at the edge"
    at = {(text.get_position()[1], text.get_text()) for text in axes.texts}
    assert {(1, "0.50"), (2, "60.0"), (6, "?")} <= at
    assert {(1, "yes"), (2, "no"), (6, "protocol")} <= at
    assert {(4, "$-22$"), (4, "$43$"), (4, "spoken digits, 2,000"), (4, "MLP, 3 passes")} <= at


def test_numbers_are_sorted_by_unit_and_marked_by_verdict() -> None:
    sample = summarise([2.0, 3.0, 4.0], range(3))
    entries = [
        entry("a", "on_the_line.point0", 0.5, summarise([0.4, 0.4], range(2)), unit="", verdict="replicated"),
        entry("b", "test_error.last", 3.5, sample, verdict="not replicated"),
        entry("c", "test_error.last", 9.0, sample, verdict="stand-in", stand_in="small"),
        entry("d", "test_error.last", None, sample, verdict="no published number"),
        entry("e", "collisions.train_mean", 300.0, summarise([1.0, 1.0], range(2)), unit="", verdict="inconclusive"),
        entry("f", "test_error.chosen", 1.5, sample, unit="", verdict="inconclusive"),
    ]
    results = result("x", entries=entries)
    assert {unit: len(found) for unit, found in by_unit(results).items()} == {
        "probabilities": 1,
        "errors (%)": 1,
        "regression errors": 1,
        "distances": 1,
    }
    probabilities, errors, _, distances = numbers(results, []).axes
    assert marks(probabilities, "o") == [(0.5, 0.4)]
    assert marks(errors, "X") == [(3.5, 3.0)]
    assert (distances.get_xscale(), errors.get_xscale()) == ("log", "linear")
    assert all(axes.get_xlim() == axes.get_ylim() for axes in (probabilities, errors, distances))


@pytest.fixture(scope="module")
def schematic() -> Figure:
    return outcomes({}, [])


def test_the_drawn_numbers_show_all_verdicts(schematic: Figure) -> None:
    verdicts = [compare(five(*each), PUBLISHED) for each in NUMBERS.values()]
    assert verdicts == ["replicated", "inconclusive", "inconclusive", "not replicated"]
    labels = [label.get_text().split("\n")[-1] for label in schematic.axes[0].get_yticklabels()]
    assert labels == verdicts


@pytest.mark.parametrize("drawn", CLAIMS)
def test_the_drawn_claims_are_where_their_outcomes_say(schematic: Figure, drawn: str) -> None:
    effects = five(*CLAIMS[drawn])
    assert drawn.startswith(decide_alone(effect_p_values(effects, SMALLEST)))
    axes = schematic.axes[1]
    height = [label.get_text() for label in axes.get_yticklabels()].index(drawn)
    assert (CLAIMS[drawn][0], height) in marks(axes, "o")
    assert "90 % interval" in named(schematic)
