"""Pairs of ERM and mixup in one setting, and how the effect depends on ERM's fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from remixup.analysis.pairs import TREND, Pair, find_pairs, group, lettered, letters, moderator, one_per_setting
from remixup.analysis.result_schema import ExperimentResult, Fit, Setting
from remixup.config.experiment import Experiment

METRICS = {"test_error.last": {"label": "last"}, "test_error.best": {"label": "best"}}


def experiment(name: str = "one", **published: dict[str, float]) -> Experiment:
    rows = [{"id": each, "label": each, "published": published.get(each, {})} for each in ("erm", "mixup", "other")]
    fields = {"id": name, "paper": "zhang2018mixup", "title": "t", "where": "w", "summary": "s"}
    return Experiment.model_validate({**fields, "metrics": METRICS, "rows": rows})


def fitted(errors: dict[int, float], alpha: float | None = None, digest: str = "s", **changes: Any) -> Fit:
    """A classifier on record that is a surrogate at reduced-cpu; ERM without a strength."""
    setting = Setting(
        digest=digest,
        protocol=f"{digest}-{alpha}",
        dataset="CIFAR-10",
        domain="image",
        training_examples=2000,
        passes=3,
        words="MLP, 3 passes",
    )
    values: dict[str, Any] = {"scale": "reduced-cpu", "surrogate": "small", "recorded": True, "erm": alpha is None}
    values |= {"run": "r", "n": len(errors), "training_loss": 4.0, "fits_at": 50.0, "training_error": 1.0}
    values["training_losses"] = dict.fromkeys(errors, 4.0)
    values |= {"corrupted_error": None, "test_error": None, "linear_error": None, "failed_seeds": []}
    return Fit.model_validate(values | {"setting": setting, "alpha": alpha, "test_errors": errors} | changes)


def result(fits: dict[str, list[Fit]], name: str = "one") -> ExperimentResult:
    nothing: dict[str, Any] = {each: [] for each in ("entries", "claims", "costs", "sources")}
    return ExperimentResult(scale="embedded", experiment=name, fits=fits, curves={}, evaluations={}, **nothing)


ERM = fitted({0: 10.0, 1: 12.0, 2: 99.0}, training_losses={0: 3.0, 1: 5.0, 2: 40.0}, unmet=["headroom"])
MIXUP = fitted({0: 9.0, 1: 8.0, 7: 0.0}, alpha=1.0)


def test_a_pair_is_compared_on_the_seeds_of_both() -> None:
    published = {"erm": {"test_error.best": 5.0}, "mixup": {"test_error.best": 3.5}}
    (pair,) = find_pairs([experiment(**published)], [result({"erm": [ERM], "mixup": [MIXUP]})])
    assert (pair.baseline, pair.treatment, pair.n, pair.alpha) == ("erm", "mixup", 2, 1.0)
    assert (pair.erm_error, pair.mixup_error, pair.effect, pair.effects) == (11.0, 8.5, 2.5, {0: 1.0, 1: 4.0})
    # The differences are 1 and 4: s = 3 / sqrt(2), so that s / sqrt(2) = 1.5, and t(1) = 12.7062.
    assert pair.ci95 == pytest.approx((2.5 - 12.7062 * 1.5, 2.5 + 12.7062 * 1.5), abs=1e-3)
    assert (pair.loss, pair.published_effect, pair.published_protocol) == (4.0, 1.5, False)
    assert (pair.unmet, pair.informative) == (("headroom",), False)
    assert (pair.dataset, pair.training_examples, pair.setting) == ("CIFAR-10", 2000, "MLP, 3 passes")


def test_one_common_seed_has_no_interval() -> None:
    (pair,) = find_pairs([experiment()], [result({"erm": [fitted({3: 4.0})], "mixup": [fitted({3: 5.0}, alpha=1.0)]})])
    assert (pair.effect, pair.ci95, pair.n, pair.published_effect) == (-1.0, None, 1, None)


@pytest.mark.parametrize(
    "other",
    [
        fitted({0: 9.0}, alpha=1.0, digest="another setting"),
        fitted({5: 9.0}, alpha=1.0),
        fitted({0: 9.0}, alpha=None, erm=False),
        fitted({0: 9.0}, alpha=1.0, recorded=False),
        fitted({0: 9.0}, alpha=1.0, freeze="one-1"),
        fitted({0: 9.0}, alpha=1.0, setting=None),
    ],
    ids=["setting", "seeds", "method", "machine", "freeze", "unknown"],
)
def test_what_is_no_pair(other: Fit) -> None:
    assert find_pairs([experiment()], [result({"erm": [ERM], "other": [other]})]) == []


def test_embedded_surrogates_and_points_are_left_out() -> None:
    def found(**changes: Any) -> list[Pair]:
        fits = {
            "erm": [fitted({0: 2.0, 1: 2.0}, **changes)],
            "mixup": [fitted({0: 1.0, 1: 1.0}, alpha=1.0, **changes)],
        }
        return find_pairs([experiment()], [result(fits)])

    assert found(scale="embedded") == []
    assert found(setting=ERM.setting.model_copy(update={"domain": None}) if ERM.setting else None) == []
    (pair,) = found(scale="embedded", surrogate=None)
    assert pair.published_protocol


def test_two_runs_count_once_by_their_best_sample() -> None:
    few = {"erm": [fitted({0: 2.0, 1: 2.0})], "mixup": [fitted({0: 1.0, 1: 1.0}, alpha=1.0)]}
    many = {
        "erm": [fitted({0: 2.0, 1: 2.0, 2: 2.0})],
        "mixup": [fitted({0: 1.0, 1: 1.0, 2: 1.0}, alpha=1.0)],
    }
    both = [experiment(), experiment("two")]
    (pair,) = find_pairs(both, [result(few), result(many, "two")])
    assert (pair.experiment, pair.n) == ("two", 3)
    frozen: dict[str, Any] = {"freeze": "one-1", "standing": "confirmatory"}
    few["erm"].append(fitted({8: 4.0}, **frozen))
    few["mixup"].append(fitted({8: 1.0}, alpha=1.0, **frozen))
    (pair,) = find_pairs(both, [result(few), result(many, "two")])
    assert (pair.experiment, pair.standing, pair.effect) == ("one", "confirmatory", 3.0)
    assert pair.names == ("one/mixup",)


def test_all_seeds_of_several_freezes_count() -> None:
    frozen = [{"freeze": f"{name}-1", "standing": "confirmatory"} for name in ("one", "two")]
    first = {
        "erm": [fitted({0: 9.0, 1: 9.0}), fitted({2: 6.0}, training_losses={2: 1.0}, unmet=["headroom"], **frozen[0])],
        "mixup": [fitted({0: 1.0, 1: 1.0}, alpha=1.0), fitted({2: 5.0}, alpha=1.0, **frozen[0])],
    }
    second = {
        "erm": [fitted({3: 4.0, 4: 5.0}, training_losses={3: 2.0, 4: 6.0}, unmet=["budget"], **frozen[1])],
        "other": [fitted({3: 2.0, 4: 5.0}, alpha=1.0, **frozen[1])],
    }
    (pair,) = find_pairs([experiment(), experiment("two")], [result(first), result(second, "two")])
    assert pair.effects == {2: 1.0, 3: 2.0, 4: 0.0}, "not those without a freeze"
    assert (pair.n, pair.effect, pair.loss, pair.erm_error, pair.mixup_error) == (3, 1.0, 3.0, 5.0, 4.0)
    assert (pair.names, pair.treatment) == (("one/mixup", "two/other"), "other"), "named after the larger sample"
    assert set(pair.unmet) == {"headroom", "budget"}, "what fails in one of them fails"


def strengths(*alphas: float) -> list[float]:
    """The strength that is chosen of several in one setting."""
    fits = {"erm": [ERM], "mixup": [fitted({0: 1.0}, alpha=alpha) for alpha in alphas]}
    return [pair.alpha for pair in one_per_setting(find_pairs([experiment()], [result(fits)]))]


def test_the_greatest_strength_up_to_one_is_chosen() -> None:
    assert strengths(0.2, 1.0, 10.0) == [1.0]
    assert strengths(2.0, 0.1, 0.4) == [0.4]
    assert strengths(32.0, 8.0) == [8.0]


def test_each_setting_has_one_pair() -> None:
    fits = {
        "erm": [ERM, fitted({0: 5.0}, digest="b")],
        "mixup": [MIXUP, fitted({0: 1.0}, alpha=1.0, digest="b"), fitted({0: 2.0}, alpha=0.5, digest="b")],
    }
    pairs = find_pairs([experiment()], [result(fits)])
    assert len(pairs) == 3
    assert [(pair.setting_digest, pair.effect) for pair in one_per_setting(pairs)] == [("s", 2.5), ("b", 4.0)]


def test_the_choice_does_not_depend_on_the_order() -> None:
    """Two ways to draw partners are two protocols of one strength."""
    (pair,) = find_pairs([experiment()], [result({"erm": [ERM], "mixup": [MIXUP]})])
    several = [pair, replace(pair, treatment="b", n=9, effect=-1.0), replace(pair, treatment="a", n=9, effect=0.0)]
    assert one_per_setting(several) == one_per_setting(several[::-1]) == [several[2]]


def pairs_with(losses: list[float | None], effects: list[float]) -> list[Pair]:
    found = []
    for number, (loss, effect) in enumerate(zip(losses, effects, strict=True)):
        fits = {
            "erm": [fitted({0: 50.0}, digest=str(number), training_losses={} if loss is None else {0: loss})],
            "mixup": [fitted({0: 50.0 - effect}, digest=str(number), alpha=1.0)],
        }
        found += find_pairs([experiment()], [result(fits)])
    return found


def test_the_moderator_counts_settings_that_erm_fits_and_others() -> None:
    found = moderator(pairs_with([1.0, 5.0, 5.1, 20.0, 60.0, None], [2.0, 1.0, 0.5, 0.0, -3.0, 9.0]))
    assert (found.settings, found.correlation) == (5, pytest.approx(-1.0))
    assert (found.fits.settings, found.fits.mixup_better, found.fits.median_effect) == (2, 2, 1.5)
    assert (found.rest.settings, found.rest.mixup_better, found.rest.mixup_worse) == (3, 1, 1)


def test_a_group_is_of_a_range() -> None:
    pairs = pairs_with([5.0, 12.0, 12.1, None], [2.0, 3.0, -1.0, 9.0])
    shown = [replace(pair, ci95=(pair.effect - 1.5, pair.effect + 1.5)) for pair in pairs]
    assert (group(shown, 5.0, 12.0).settings, group(shown, 5.0, 12.0).shown_better) == (1, 1)
    assert (group(shown).settings, group(shown).shown_better, group(shown).shown_worse) == (3, 2, 0)
    assert group(shown, 50.0).median_effect is None


def test_settings_but_tables_have_letters_in_the_order_of_the_loss() -> None:
    one, two, three = pairs_with([9.0, 1.0, 5.0], [0.0, 0.0, 0.0])
    found = lettered([one, two, replace(three, domain="table"), replace(three, setting_digest="t", experiment=TREND)])
    assert [(letter, pair.loss) for letter, pair in found] == [("A", 1.0), ("B", 9.0)]
    assert letters(28)[24:] == ["Y", "Z", "AA", "AB"]


def test_the_correlation_is_of_ranks() -> None:
    # Ranks 1 2 3 4 and 2 1 4 3: 1 - 6 (1 + 1 + 1 + 1) / (4 * 15) = 0.6.
    assert moderator(pairs_with([1, 2, 3, 400], [20.0, 10.0, 40.0, 30.0])).correlation == pytest.approx(0.6)
    with pytest.raises(ValueError, match="2 pairs"):
        moderator(pairs_with([1, 2, None], [1.0, 2.0, 3.0]))
