"""Claims that compare rows: which runs count, what is decided, and what is not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from scipy import stats
from tests.unit.analysis.claim_samples import BETTER, ERM, METRIC, claim, decide, measured

from remixup.analysis.result_schema import Outcome
from remixup.analysis.verdicts import Evidence


def test_a_claim_by_hand() -> None:
    """Mean effect 1, standard error 0.0447: interval 1 +- 0.1242; against 0.3, t = 0.7 / 0.0447 = 15.7."""
    (found,) = decide({"erm": measured(ERM), "mixup": measured(BETTER)})
    assert found.outcome == "supported"
    assert (found.id, found.experiment, found.where, found.unit) == ("better", "cifar", "Table 2", "points")
    assert (found.smallest_effect, found.limit, found.n, found.scale) == (0.3, None, 5, "paper")
    assert found.effect == pytest.approx(1.0)
    assert found.ci95 == pytest.approx((0.87583, 1.12417), abs=1e-5)
    effects = [baseline - treatment for baseline, treatment in zip(ERM, BETTER, strict=True)]
    assert found.p == pytest.approx(stats.ttest_1samp(effects, 0.3).pvalue)
    assert found.sign_flip_p is None, "2 / 2^5 is above 5 %"
    assert found.why == "the effect is more than 0.3 (95 % interval)"


@pytest.mark.parametrize(
    ("effects", "outcome", "why"),
    [
        ([0.1, 0.5, 0.4, 0.3, 0.2], "positive", "the effect is above 0; whether it is more than 0.3 is open"),
        ([0.1, -0.1, 0.1, -0.1, 0.0], "no effect", "the effect is within plus or minus 0.3 (90 % interval)"),
        ([-0.5, -0.6, -0.4, -0.5, -0.5], "contradicted", "the effect is below 0 (95 % interval)"),
        ([0.9, -0.9, 0.5, -0.3, 0.2], "open", "the 95 % interval has 0, and the 90 % interval exceeds plus or minus"),
    ],
)
def test_the_outcomes(effects: list[float], outcome: Outcome, why: str) -> None:
    mixup = [each - effect for each, effect in zip(ERM, effects, strict=True)]
    (found,) = decide({"erm": measured(ERM), "mixup": measured(mixup)})
    assert found.outcome == outcome
    assert found.why.startswith(why)
    assert found.p == min(each.p for each in found.statements if outcome in ("open", each.outcome))


def test_seeds_that_all_agree_have_no_p_value() -> None:
    for treatment, outcome in ((4.0, "supported"), (4.8, "no effect"), (5.1, "contradicted")):
        (found,) = decide({"erm": measured([5.0] * 7), "mixup": measured([treatment] * 7)})
        assert (found.outcome, found.p, found.sign_flip_p) == (outcome, None, None)
        assert "(all 7 seeds agree)" in found.why
        assert found.ci95 == pytest.approx((5 - treatment, 5 - treatment))


def test_six_seeds_have_a_sign_flip_test_of_the_same_hypothesis() -> None:
    """All six effects are above 0.3: one of 2^6 signs, and twice that for both sides."""
    (found,) = decide({"erm": measured([*ERM, 5.0]), "mixup": measured([*BETTER, 4.4])})
    assert (found.outcome, found.sign_flip_p) == ("supported", pytest.approx(2 / 64))
    (found,) = decide({"erm": measured([*ERM, 5.0]), "mixup": measured([*BETTER, 4.9])})
    assert found.sign_flip_p == pytest.approx(4 / 64), "one effect is 0.2 below, the least distance"


def test_seeds_are_paired() -> None:
    """The same values against other seeds have the same mean difference, and another spread: t(4) = 2.7764.

    Differences are 0.9, 1.0, 1.1, 1.1 and 0.9, or 0.6, 1.2, 1.1, 0.9 and 1.2.
    """
    for step, deviation in ((1, 0.1), (-1, 0.255)):
        (found,) = decide({"erm": measured(ERM), "mixup": measured(BETTER[::step])})
        assert found.effect == pytest.approx(1.0)
        half = 2.7764 * deviation / 5**0.5
        assert found.ci95 == pytest.approx((1 - half, 1 + half), abs=2e-3)


def test_a_surrogate_is_judged_by_its_baseline_alone() -> None:
    evidence = {"erm": measured(ERM, surrogate="x"), "mixup": measured(BETTER, surrogate="x", uninformative="y")}
    assert decide(evidence)[0].outcome == "supported"


def test_only_common_seeds_count() -> None:
    (found,) = decide({"erm": measured([90.0, *ERM]), "mixup": measured([*BETTER, -90.0], first_seed=1)})
    assert (found.n, found.outcome) == (5, "supported")
    assert found.effect == pytest.approx(1.0)
    assert found.why.endswith("; 5 of 7 seeds are common to its rows")


@pytest.mark.parametrize(("first_seed", "n"), [(1, 4), (4, 1), (5, 0)])
def test_fewer_than_five_common_seeds_decide_nothing(first_seed: int, n: int) -> None:
    (found,) = decide({"erm": measured(ERM), "mixup": measured(BETTER, first_seed=first_seed)})
    assert (found.outcome, found.p, found.n, found.statements) == ("open", None, n, [])
    assert found.why.startswith("at least 5 seeds common to its rows are needed (erm has 5, mixup has 5)")
    assert (found.effect is None, found.ci95 is None) == (n == 0, n < 2), "what there is is shown"


def test_missing_rows_are_named() -> None:
    both = claim([("erm", "mixup"), ("erm", "cutmix")])
    (found,) = decide({"erm": measured(ERM), "mixup": Evidence("paper"), "cutmix": Evidence("paper")}, both)
    assert (found.outcome, found.effect, found.ci95, found.p, found.n) == ("open", None, None, None, 0)
    assert found.why == f"no {METRIC} of mixup, cutmix"
    other = Evidence("paper", values={"test_error.best": dict(enumerate(BETTER))})
    assert decide({"erm": measured(ERM), "mixup": other})[0].why == f"no {METRIC} of mixup"


def pairs(**origins: str) -> dict[str, Evidence]:
    """Two pairs of rows with effects of 1 and of 3."""
    rows = {"erm-a": ERM, "mixup-a": BETTER, "erm-b": ERM, "mixup-b": [each - 2 for each in BETTER]}
    return {
        name: measured(values, origins={METRIC: origins[name]} if name in origins else {})
        for name, values in rows.items()
    }


BOTH = [("erm-a", "mixup-a"), ("erm-b", "mixup-b")]


def test_the_effect_is_the_mean_over_distinct_pairs() -> None:
    (found,) = decide(pairs(), claim(BOTH))
    assert (found.effect, "pairs" in found.why) == (pytest.approx(2.0), False)
    shared = {"erm-a": "run-1", "erm-b": "run-1", "mixup-a": "run-2", "mixup-b": "run-2"}
    (found,) = decide(pairs(**shared), claim([*BOTH, ("erm-a", "mixup-b")]))
    assert found.effect == pytest.approx(1.0), "the first pair of the two runs"
    assert found.why.endswith("; 2 of 3 pairs have the same runs as another and do not count")
    one_side = {"erm-a": "run-1", "erm-b": "run-1"}
    assert decide(pairs(**one_side), claim(BOTH))[0].effect == pytest.approx(2.0), "one baseline, two treatments"


def test_two_rows_of_one_run_are_no_pair() -> None:
    (found,) = decide(pairs(**{"erm-a": "run-1", "mixup-a": "run-1"}), claim(BOTH))
    assert (found.outcome, found.effect, found.n) == ("open", None, 0)
    assert found.why == "erm-a and mixup-a are the same run"


SURROGATE: dict[str, Any] = {"surrogate": "digits for CIFAR-10", "scale": "embedded"}


def test_a_surrogate_must_be_informative() -> None:
    mixup = measured(BETTER, **SURROGATE)
    (found,) = decide({"erm": measured(ERM, **SURROGATE), "mixup": mixup})
    assert (found.outcome, found.surrogate) == ("supported", "digits for CIFAR-10")
    (found,) = decide({"erm": measured(ERM, **SURROGATE, uninformative="ERM does not fit"), "mixup": mixup})
    assert (found.outcome, found.p, found.statements) == ("not informative", None, [])
    assert found.why == "the surrogate of erm is not informative: ERM does not fit"
    assert found.effect == pytest.approx(1.0)


def test_every_baseline_must_be_informative() -> None:
    rows = {"erm-a": measured(ERM, **SURROGATE), "erm-b": measured(ERM, **SURROGATE, uninformative="it is too easy")}
    (found,) = decide({**rows, "mixup": measured(BETTER, **SURROGATE)}, claim([("erm-a", "mixup"), ("erm-b", "mixup")]))
    assert found.outcome == "not informative"
    assert "erm-b" in found.why


def test_both_rows_of_a_pair_are_surrogates_or_none_is() -> None:
    """Else the effect is that of the surrogate as well."""
    (found,) = decide({"erm": measured(ERM), "mixup": measured(BETTER, **SURROGATE)})
    assert (found.outcome, found.why) == ("open", "of erm and mixup, only one is a surrogate")


def test_a_method_that_diverges_is_not_judged_by_the_seeds_that_did_not() -> None:
    (found,) = decide({"erm": measured(ERM), "mixup": measured(BETTER, diverged=[7, 8])})
    assert (found.outcome, found.why) == ("open", "training of mixup diverged with seed 7, 8")
    assert found.effect == pytest.approx(1.0)


def test_a_seed_without_a_value_leaves_a_claim_open() -> None:
    """Else the claim would be about the seeds that have one, as if a network that has none were not there."""
    treated = measured([*BETTER, 4.2], without_value={METRIC: [6], "test_error.best": [7]})
    (found,) = decide({"erm": measured([*ERM, 5.1]), "mixup": treated})
    assert (found.outcome, found.why) == ("open", f"mixup has no {METRIC} with seed 6")
    other = measured(BETTER, without_value={"test_error.best": [7]})
    assert decide({"erm": measured(ERM), "mixup": other})[0].outcome == "supported"


def test_the_published_protocol_must_be_recovered() -> None:
    def decided(verdict: Any, **more: Any) -> tuple[Outcome, str]:
        published = {METRIC: verdict} if verdict else {}
        erm = measured(ERM, published=published, **more)
        (found,) = decide({"erm": erm, "mixup": measured(BETTER, published={METRIC: "not replicated"}, **more)})
        return found.outcome, found.why

    assert decided("replicated")[0] == "supported", "what the treatment gives is what the claim is about"
    assert decided(None)[0] == "supported", "the paper prints no number for the baseline"
    for verdict in ("not replicated", "inconclusive"):
        expected = f"the published {METRIC} of erm is {verdict}"
        assert decided(verdict) == ("protocol not recovered", expected)
    assert decided("inconclusive", surrogate="digits")[0] == "supported", "a surrogate does not follow the protocol"
    few = {"erm": measured(ERM[:4], published={METRIC: "inconclusive"}), "mixup": measured(BETTER)}
    assert decide(few)[0].outcome == "open", "four seeds replicate no number"


def test_scale_and_surrogates_are_those_of_all_rows() -> None:
    evidence = {
        "a": measured(ERM, scale="paper"),
        "b": measured(BETTER, scale="embedded", surrogate="digits for CIFAR-10; 30 epochs for 200"),
        "c": measured(BETTER, scale="reduced", surrogate="digits for CIFAR-10"),
    }
    two, one = decide(evidence, claim([("a", "b"), ("a", "c")], name="x"), claim([("a", "c")], name="y"))
    assert (two.scale, two.surrogate) == ("embedded", "digits for CIFAR-10; 30 epochs for 200")
    assert (one.scale, one.surrogate) == ("reduced", "digits for CIFAR-10")


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not all finite"):
        decide({"erm": measured([wrong, *ERM[1:]]), "mixup": measured(BETTER)})


def test_a_row_without_evidence_is_a_bug() -> None:
    with pytest.raises(KeyError, match="mixup"):
        decide({"erm": measured(ERM)})
