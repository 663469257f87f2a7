"""What the article prints about pairs of ERM and mixup, and about costs."""

from __future__ import annotations

from typing import Any

import pytest

from remixup.analysis.pairs import Pair
from remixup.config.experiment import Experiment
from remixup.costs.estimate import SeedCosts
from remixup.errors import UserError
from remixup.reporting.article_costs import Costs
from remixup.reporting.article_pairs import Pairs
from remixup.reporting.missing_runs import Lacking, Outstanding

from .article_samples import pair as made_up
from .small_experiment import small


def pair(treatment: str, loss: float | None, effect: float, **changes: Any) -> Pair:
    fields: dict[str, Any] = {"experiment": "made-up", "treatment": treatment, "setting": "MLP, 30 passes"}
    fields |= {"ci95": (effect - 0.5, effect + 0.5)}
    return made_up(treatment, effect, loss, **{**fields, **changes})


PAIRS = [
    pair("far", 60.0, -3.0),
    pair("fits", 1.0, 2.0),
    pair("strong", 1.0, -9.0, setting_digest="fits", alpha=32.0),
    pair("unclear", 8.0, 0.2),
    pair("alone", 15.0, 1.0, ci95=None, n=1),
    pair("table", 3.0, 4.0, domain="table"),
    pair("unknown", None, 5.0),
]


def test_pairs_by_name() -> None:
    listed = {"number-made-up.fits.test_error.last", "number-made-up.far.generalization.test_error"}
    found = Pairs(PAIRS, listed)
    effect = r"\num{2.0} points [\num{1.5}, \num{2.5}]"
    assert found.pair_effect("made-up/fits") == rf"\result{{number-made-up.fits.test_error.last}}{{{effect}}}"
    assert found.pair_effect("made-up/far").startswith(r"\result{number-made-up.far.generalization.test_error}{")
    assert found.pair_effect("made-up/alone", "") == r"\num{1.0}", "its row is not in the page"
    signs = [found.pair_sign(f"made-up/{name}") for name in ("fits", "far", "unclear", "alone")]
    assert signs == ["+", "-", "none", "none"]
    with pytest.raises(UserError, match="unknown pair 'made-up/fit'"):
        found.pair("made-up/fit")


def test_of_several_samples_the_published_protocol_then_the_frozen_then_the_larger_counts() -> None:
    small_sample, large = pair("twice", 1.0, 1.0), pair("twice", 1.0, 2.0, n=9)
    frozen = pair("twice", 1.0, 4.0, standing="confirmatory")
    published = pair("twice", 1.0, 3.0, n=3, published_protocol=True)
    assert Pairs([large, small_sample]).pair("made-up/twice") is large
    assert Pairs([large, frozen, small_sample]).pair("made-up/twice") is frozen
    assert Pairs([large, published, frozen, small_sample]).pair("made-up/twice") is published
    joined = pair("one", 1.0, 1.0, names=("made-up/one", "another/two"))
    assert Pairs([joined]).pair("made-up/one") is Pairs([joined]).pair("another/two") is joined


def test_each_setting_has_a_letter_in_the_order_of_the_loss() -> None:
    found = Pairs(PAIRS)
    assert [(letter, each.treatment) for letter, each in found.settings()] == [
        ("A", "fits"),
        ("B", "unclear"),
        ("C", "alone"),
        ("D", "far"),
    ]
    assert found.letter("made-up/strong") == "A", "it is of the same setting"


def test_the_trend_has_the_pairs_of_one_dataset_from_the_least_loss_on() -> None:
    named = {"experiment": "fit", "setting": "PreAct ResNet of width 8, 8 passes"}
    own = [pair("long", 0.1, 2.0, experiment="fit"), pair("short", 60.0, -2.0, **named)]
    other = pair("other", 1.0, 1.0, experiment="fit", dataset="CIFAR-100")
    assert Pairs([own[1], other, *PAIRS, own[0]]).trend("CIFAR-10") == own
    assert Pairs(own).trend("CIFAR-10", 8) == [own[1]]


def test_counts_leave_out_single_seeds_and_confirmatory_pairs() -> None:
    found = Pairs([*PAIRS, pair("frozen", 2.0, -1.0, standing="confirmatory")])
    assert (found.count(-1, 5).settings, found.count(-1, 5).shown_better) == (1, 1), "nor do tables count"
    assert (found.count(5, 19).settings, found.count(19, 1000).shown_worse) == (1, 1)
    related = found.by_fit()
    assert (related.settings, related.fits.settings, related.rest.settings) == (3, 1, 2)
    assert found.by_fit_with_tables().settings == 4
    with_frozen = found.by_fit_with_frozen()
    assert (with_frozen.settings, with_frozen.fits.settings, with_frozen.fits.mixup_better) == (4, 2, 1)
    assert (with_frozen.fits.least_effect, with_frozen.fits.greatest_effect) == (-1.0, 2.0)
    random = pair("random", 1.5, 9.0, setting="MLP, 30 passes, 50 % random labels")
    found = Pairs([*PAIRS, random])
    assert (found.by_fit_with_frozen().fits.settings, found.by_fit_with_right_labels().fits.settings) == (2, 1)


def test_a_chance_that_mixup_is_better_equally_often() -> None:
    """Better in 3 of 3 and 0 of 3: of the 20 ways to place three among six, one is so and one the reverse."""
    fitting = [pair(f"fits{number}", 1.0 + number, 2.0) for number in range(3)]
    others = [pair(f"far{number}", 50.0 + number, -2.0) for number in range(3)]
    assert Pairs([*fitting, *others]).by_fit().split_p == pytest.approx(0.1)


def test_unmet_conditions_have_the_numbers_of_the_list() -> None:
    assert Pairs([]).unmet(pair("far", 60.0, -3.0, unmet=("resolution", "fit"))) == "1, 4"
    assert Pairs([]).unmet(pair("fits", 1.0, 2.0)) == ""


def test_which_settings_fail_one_condition_alone() -> None:
    odd = pair("odd", 0.5, -4.0, unmet=("resolution",))
    both, alone = pair("both", 0.6, 1.0, unmet=("fit", "resolution")), pair("one", 0.7, 1.0, unmet=("fit",), n=1)
    found = Pairs([odd, both, alone, *PAIRS])
    assert found.only_fails("resolution") == [("A", odd)]
    assert found.only_fails("fit") == [], "one of them fails another one, too, and one has a single seed"


def test_the_mean_over_pairs_has_an_interval_over_their_common_seeds() -> None:
    """Means of the seeds 1 and 2 are 1 and 3: the interval is 2 ± 12.706, the quantile of t with one degree."""
    one = pair("one", 1.0, 9.0, effects={1: 2.0, 2: 3.0, 3: 9.0})
    other = pair("two", 1.0, 9.0, effects={2: 3.0, 1: 0.0})
    assert Pairs([]).mean_effect([one, other]) == r"\num{2.0} points [\num{-10.7}, \num{14.7}]"


def costs() -> Costs:
    def lacking(name: str, numbers: int, **runs: int) -> Lacking:
        experiment: Experiment = small().model_copy(update={"id": name})
        return Lacking(experiment, numbers, 2, runs)

    operations = {"short": 8.64e17, "long": 8.64e18}  # a tenth of a day, and a day, at 10^14 a second
    experiments = [lacking("one", 12, short=5), lacking("two", 30, short=3, long=20)]
    return Costs(Outstanding(experiments, SeedCosts(operations, {}, "")))


def test_days_of_a_gpu() -> None:
    assert costs().gpu_days("one") == r"\num{0.5}"
    assert costs().gpu_days("two") == r"\num{20}"
    assert costs().gpu_days() == r"\num{20}", "a run that both need counts once, with the most seeds"
    with pytest.raises(UserError, match="nothing is missing of 'three'"):
        costs().gpu_days("three")


def test_what_is_missing() -> None:
    assert (costs().missing_numbers("one"), costs().missing_numbers()) == (12, 42)
    assert (costs().missing_claims("two"), costs().missing_claims()) == (2, 4)
    assert (costs().trainings(), costs().settings_missing(), costs().most_seeds()) == (25, 2, 20)
