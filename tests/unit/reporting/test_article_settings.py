"""The article's figures of settings: effect over fit, and the forest of settings."""

from __future__ import annotations

from remixup.analysis.pairs import Pair
from remixup.reporting.figures.article.fit import LIMITS, fit
from remixup.reporting.figures.article.marks import METHODS
from remixup.reporting.figures.article.settings import settings
from remixup.reporting.figures.article.trend import trend

from .article_samples import curve, marks, named, pair, written

PAIRS = [
    pair("far", -30.0, 40.0),
    pair("fits", 4.0, 2.0, published_effect=1.5),
    pair("small", 1.0, 9.0),
    pair("table", 5.0, 1.0, domain="table", dataset="Iris"),
]


def test_large_effects_have_the_letter_of_their_setting() -> None:
    left, _ = fit({}, PAIRS).axes
    assert sorted(marks(left, "o")) == [(2.0, 4.0), (9.0, 1.0), (40.0, LIMITS[0])]
    assert written(left)[:2] == ["C: $-30$", "A"], "small effects and tables have none"
    assert named(fit({}, PAIRS)) == ["image", "table", "published effect"]


def test_confirmatory_marks_are_named_where_there_are_some() -> None:
    figure = fit({}, [*PAIRS, pair("frozen", 0.1, 3.0, standing="confirmatory")])
    assert named(figure)[2:4] == ["hollow: exploratory", "filled: frozen runs"]
    assert "B" in written(figure.axes[0]), "the frozen one has its letter, though it is small"
    assert named(settings({}, PAIRS))[0] == "ours"


def test_a_letter_is_not_written_over_another_mark_or_interval() -> None:
    def place(*others: Pair) -> str | None:
        left, _ = fit({}, [pair("named", 8.0, 1.0), *others]).axes
        return next((text.get_ha() for text in left.texts if text.get_text() == "A"), None)

    right, leftwards = pair("right", 8.2, 1.3, domain="table"), pair("left", 2.0, 0.8, ci95=(1.0, 9.0), domain="table")
    assert (place(), place(right), place(leftwards)) == ("left", "right", "left")
    assert place(right, leftwards) is None
    assert place(pair("below", 5.0, 1.3, domain="table")) == "left", "a mark far below is not in the way"


def test_settings_are_in_the_order_of_their_letters_and_tables_apart() -> None:
    left, right = settings({}, PAIRS).axes
    labels = [label.get_text().split() for label in left.get_yticklabels()]
    assert [label[0] for label in labels] == ["A", "B", "C"]
    assert labels[0][1:] == ["CIFAR-10,", "2,000,", "3", "passes"]
    noisy = settings({}, [pair("noisy", 1.0, 1.0, setting="MLP, 3 passes, 20 % random labels")]).axes[0]
    assert noisy.get_yticklabels()[0].get_text() == "A   CIFAR-10, 2,000, 3 passes, 20 % random labels"
    assert marks(left, "o") == [(4.0, 0.0), (1.0, 1.0), (-10.0, 2.0)]
    assert marks(left, "D") == [(1.5, 0.0)]
    assert written(left) == ["$-30$"]
    assert marks(right, "v") == [(5.0, 0.0)]
    assert [written(axes) for axes in settings({}, []).axes] == [["no runs"]] * 2


def test_the_trend_is_over_passes_and_over_the_loss_of_erm() -> None:
    def trained(width: int, passes: int, effect: float, loss: float, dataset: str = "CIFAR-10") -> Pair:
        setting = f"PreAct ResNet of width {width}, {passes} passes"
        return pair(f"{width}-{passes}", effect, loss, experiment="fit", dataset=dataset, setting=setting)

    pairs = [
        trained(16, 128, 2.0, 0.1),
        trained(16, 8, -3.0, 60.0),
        trained(16, 32, 1.0, 7.0),
        trained(8, 8, -1.0, 65.0),
    ]
    pairs += [*PAIRS, trained(16, 64, 5.0, 1.0, "CIFAR-100")]
    wide, _, effects, _, _, other = trend({}, pairs).axes
    assert curve(wide, METHODS["ERM"]["color"]) == ([8.0, 32.0, 128.0], [50.0, 50.0, 50.0])
    assert curve(wide, METHODS["mixup"]["color"]) == ([8.0, 32.0, 128.0], [53.0, 49.0, 48.0]), (
        "in the order of the passes"
    )
    assert marks(effects, "o") == [(60.0, -3.0), (7.0, 1.0), (0.1, 2.0)]
    assert marks(effects, "s") == [(65.0, -1.0)]
    assert marks(other, "o") == [(1.0, 5.0)], "a row for each dataset"
    assert [written(axes) for axes in trend({}, PAIRS).axes] == [["no runs"]] * 3
