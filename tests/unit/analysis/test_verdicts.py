from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from scipy import stats

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.experiment import Claim, Experiment, MetricInfo, Pair, Row
from remixup.config.settings import Scale

METRIC = "test_error.median10"


def claim(
    compare: Iterable[tuple[str, str]] = (("erm", "mixup"),), smallest: float = 0.3, name: str = "better"
) -> Claim:
    pairs = [Pair(baseline=baseline, treatment=treatment) for baseline, treatment in compare]
    return Claim(
        id=name, statement="Mixup is better.", where="Table 2", metric=METRIC, compare=pairs, smallest_effect=smallest
    )


def experiment(*claims: Claim) -> Experiment:
    rows = {name for each in claims for pair in each.compare for name in (*pair.baseline, *pair.treatment)}
    return Experiment(
        id="cifar",
        paper="zhang2018mixup",
        title="",
        where="Table 2",
        summary="",
        metrics={METRIC: MetricInfo(label="test error", unit="points")},
        rows=[Row(id=name, label=name) for name in sorted(rows)],
        claims=list(claims),
    )


def measured(
    values: Iterable[float],
    *,
    first_seed: int = 0,
    scale: Scale = "paper",
    stand_in: str | None = None,
    uninformative: str | None = None,
) -> Evidence:
    return Evidence(scale, stand_in, lambda _: uninformative, {METRIC: dict(enumerate(values, first_seed))})


def decide(evidence: dict[str, Evidence], *claims: Claim) -> list[ClaimResult]:
    return decide_claims(experiment(*(claims or (claim(),))), evidence)


def test_a_claim_by_hand() -> None:
    """Effects 0.9, 1.0, 1.1: interval 1 +- 0.2484; against 0.3, t = 0.7 / (0.1 / sqrt 3) = 12.12, p = 0.0067."""
    (found,) = decide({"erm": measured([5.0, 5.2, 5.4]), "mixup": measured([4.1, 4.2, 4.3])})
    assert found.holds is True
    assert (found.id, found.experiment, found.where, found.unit) == ("better", "cifar", "Table 2", "points")
    assert (found.smallest_effect, found.n, found.scale, found.stand_in) == (0.3, 3, "paper", None)
    assert found.effect == pytest.approx(1.0)
    assert found.ci95 == pytest.approx((0.75159, 1.24841), abs=1e-5)
    assert found.p == pytest.approx(0.0067, abs=5e-5)
    assert found.why == "the effect lies above the smallest of interest (5 % level)"


@pytest.mark.parametrize(
    ("treatment", "holds", "word"),
    [
        ([4.1, 4.2, 4.3], True, "above"),
        ([5.0, 5.2, 5.4], False, "below"),  # no effect at all
        ([4.9, 5.1, 5.31], False, "below"),  # surely better, but by too little to matter
        ([6.0, 6.2, 6.5], False, "below"),  # worse
        ([4.7, 4.9, 5.1], None, "spans"),  # by exactly the smallest effect, in floating point or out of it
        ([4.0, 4.9, 5.2], None, "spans"),
    ],
)
def test_the_three_answers(treatment: list[float], holds: bool | None, word: str) -> None:
    (found,) = decide({"erm": measured([5.0, 5.2, 5.4]), "mixup": measured(treatment)})
    assert found.holds is holds
    assert word in found.why


def test_seeds_are_paired() -> None:
    """The same values against other seeds: the differences spread, and the claim is open."""
    mixup = [4.0, 5.0, 6.0]
    paired_up = {"erm": measured([5.0, 6.1, 7.0]), "mixup": measured(mixup)}
    turned = {"erm": measured([7.0, 6.1, 5.0]), "mixup": measured(mixup)}
    assert [decide(evidence)[0].holds for evidence in (paired_up, turned)] == [True, None]


def test_the_effect_is_the_mean_over_pairs_for_each_seed() -> None:
    """Pairs of effects (1, 2, 3) and (3, 2, 1): 2 for every seed."""
    evidence = {
        "erm-a": measured([5.0, 6.0, 7.0]),
        "mixup-a": measured([4.0, 4.0, 4.0]),
        "erm-b": measured([7.0, 6.0, 5.0]),
        "mixup-b": measured([4.0, 4.0, 4.0]),
    }
    both = claim([("erm-a", "mixup-a"), ("erm-b", "mixup-b")])
    (found,) = decide(evidence, both)
    assert (found.effect, found.ci95, found.p, found.holds) == (2.0, (2.0, 2.0), 0.0, True)
    assert decide(evidence, claim([("erm-a", "mixup-a")]))[0].holds is None


def test_only_common_seeds_count() -> None:
    erm = measured([90.0, 5.0, 5.2, 5.4], first_seed=0)
    mixup = measured([4.1, 4.2, 4.3, -90.0], first_seed=1)
    (found,) = decide({"erm": erm, "mixup": mixup})
    assert (found.n, found.holds) == (3, True)
    assert found.effect == pytest.approx(1.0)
    assert found.why.endswith("; 3 of 5 seeds are common to its rows")


def test_missing_rows_are_named() -> None:
    both = claim([("erm", "mixup"), ("erm", "cutmix")])
    (found,) = decide({"erm": measured([5.0, 5.2]), "mixup": Evidence("paper"), "cutmix": Evidence("paper")}, both)
    assert (found.holds, found.effect, found.ci95, found.p, found.n) == (None, None, None, None, 0)
    assert found.why == f"no {METRIC} of mixup, cutmix"


def test_another_metric_does_not_stand_in() -> None:
    other = Evidence("paper", values={"test_error.last": {0: 4.0, 1: 4.1, 2: 4.2}})
    (found,) = decide({"erm": measured([5.0, 5.2, 5.4]), "mixup": other})
    assert (found.holds, found.why) == (None, f"no {METRIC} of mixup")


@pytest.mark.parametrize(("first_seed", "n", "effect"), [(2, 1, 1.4), (3, 0, None)])
def test_too_few_common_seeds(first_seed: int, n: int, effect: float | None) -> None:
    (found,) = decide({"erm": measured([5.0, 5.2, 5.4]), "mixup": measured([4.0, 4.1], first_seed=first_seed)})
    assert (found.holds, found.ci95, found.p, found.n) == (None, None, None, n)
    assert found.effect == pytest.approx(effect)
    assert found.why == "two seeds common to its rows are needed (erm has 3, mixup has 2)"


@pytest.mark.parametrize(
    ("stand_in", "uninformative", "holds", "word"),
    [
        ("digits for CIFAR-10", None, True, "above"),
        ("digits for CIFAR-10", "ERM does not fit", None, "not informative: ERM does not fit"),
        (None, None, True, "above"),
    ],
)
def test_a_surrogate_must_be_informative(
    stand_in: str | None, uninformative: str | None, holds: bool | None, word: str
) -> None:
    erm = measured([5.0, 5.2, 5.4], stand_in=stand_in, uninformative=uninformative)
    (found,) = decide({"erm": erm, "mixup": measured([4.1, 4.2, 4.3], stand_in=stand_in)})
    assert found.holds is holds
    assert word in found.why
    assert found.stand_in == stand_in
    assert found.effect == pytest.approx(1.0)


def test_every_baseline_must_be_informative() -> None:
    evidence = {
        "erm-a": measured([5.0, 5.2, 5.4], stand_in="digits"),
        "erm-b": measured([5.0, 5.2, 5.4], stand_in="digits", uninformative="it is too easy"),
        "mixup": measured([4.1, 4.2, 4.3], stand_in="digits"),
    }
    (found,) = decide(evidence, claim([("erm-a", "mixup"), ("erm-b", "mixup")]))
    assert found.holds is None
    assert "erm-b" in found.why


def test_scale_and_stand_ins_are_those_of_all_rows() -> None:
    evidence = {
        "a": measured([5.0, 5.2], scale="paper"),
        "b": measured([4.0, 4.1], scale="embedded", stand_in="digits for CIFAR-10; 30 epochs for 200"),
        "c": measured([4.0, 4.1], scale="reduced", stand_in="digits for CIFAR-10"),
    }
    three, two, one = decide(
        evidence,
        claim([("a", "b"), ("a", "c")], name="x"),
        claim([("a", "c")], name="y"),
        claim([("a", "a")], name="z"),
    )
    assert (three.scale, three.stand_in) == ("embedded", "digits for CIFAR-10; 30 epochs for 200")
    assert (two.scale, two.stand_in) == ("reduced", "digits for CIFAR-10")
    assert (one.scale, one.stand_in) == ("paper", None)


EFFECTS = [0.5, 0.8, 0.9, 1.0]  # mean 0.8, standard error 0.108


def three_rows(cutmix: list[float]) -> dict[str, Evidence]:
    baseline = measured([5.0] * 4)
    return {"erm": baseline, "mixup": measured([5.0 - effect for effect in EFFECTS]), "cutmix": measured(cutmix)}


def test_holm_takes_back_what_one_test_would_decide() -> None:
    """Against 0.3 alone p = 0.0192; against 0.44, 0.0450: for two claims 0.0900, unless the other is decided first."""
    raw = [float(stats.ttest_1samp(EFFECTS, smallest).pvalue) for smallest in (0.44, 0.3)]
    weak, strong = claim(smallest=0.44, name="weak"), claim(smallest=0.3, name="strong")
    open_one = claim([("erm", "cutmix")], name="open")
    spread = three_rows([4.0, 5.9, 3.9, 5.0])

    (alone,) = decide(spread, weak)
    assert (alone.holds, alone.p) == (True, pytest.approx(raw[0]))

    first, second = decide(spread, weak, open_one)
    assert (first.holds, first.p) == (None, pytest.approx(2 * raw[0]))
    assert "leaves out" in first.why
    assert "nothing is decided after Holm's correction for 2 claims" in first.why
    assert first.ci95 is not None
    assert first.ci95[0] > 0.44
    assert "spans" in second.why

    first, second = decide(spread, weak, strong)
    assert (first.holds, first.p) == (True, pytest.approx(raw[0]))  # stepped down: the other was decided first
    assert (second.holds, second.p) == (True, pytest.approx(2 * raw[1]))
    assert second.why.endswith("(5 % level after Holm's correction for 2 claims)")


def test_claims_without_a_test_do_not_count_for_holm() -> None:
    weak, untested = claim(smallest=0.44, name="weak"), claim([("erm", "cutmix")], name="untested")
    found = decide(three_rows([]), weak, untested)
    assert [result.holds for result in found] == [True, None]
    assert "Holm" not in found[0].why


def test_claims_on_an_uninformative_baseline_count_for_holm() -> None:
    evidence = three_rows([4.0, 5.9, 3.9, 5.0])
    evidence["uninformative"] = measured([5.0] * 4, stand_in="digits", uninformative="it is too easy")
    found = decide(evidence, claim(smallest=0.44, name="weak"), claim([("uninformative", "cutmix")], name="other"))
    assert [result.holds for result in found] == [None, None]
    assert "for 2 claims" in found[0].why


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not all finite"):
        decide({"erm": measured([5.0, wrong, 5.4]), "mixup": measured([4.1, 4.2, 4.3])})


def test_a_row_without_evidence_is_a_bug() -> None:
    with pytest.raises(KeyError, match="mixup"):
        decide({"erm": measured([5.0, 5.2])})


NAMES = ["a", "b", "c", "d"]


def simulated(generator: np.random.Generator, effects: list[float], seeds: int) -> list[ClaimResult]:
    """Four treatments against one baseline, all with the seeds' own spread in common."""
    shared = generator.normal(20, 1.0, seeds)
    rows = {"erm": shared + generator.normal(0, 0.3, seeds)}
    for name, effect in zip(NAMES, effects, strict=True):
        rows[name] = shared - effect + generator.normal(0, 0.3, seeds)
    claims = [claim([("erm", name)], smallest=0.5, name=name) for name in NAMES]
    return decide({name: measured(values.tolist()) for name, values in rows.items()}, *claims)


@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("effects", [[0.5, 0.5, 0.5, 0.5], [0.49, 0.51, 0.45, 0.55], [3.0, -3.0, 0.5, 0.52]])
def test_an_experiment_seldom_says_anything_wrong(effects: list[float], seeds: int) -> None:
    """Effects at or next to the smallest of interest: one of them is decided wrongly one time in twenty at most."""
    generator = np.random.default_rng(2)
    wrong = 0
    for _ in range(300):
        decided = zip(effects, simulated(generator, effects, seeds), strict=True)
        wrong += any(
            found.holds is not None and (effect == 0.5 or found.holds is not (effect > 0.5))
            for effect, found in decided
        )
    assert wrong / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_an_experiment_finds_what_is_there() -> None:
    generator = np.random.default_rng(3)
    found = [[each.holds for each in simulated(generator, [3.0, 2.0, 0.0, -3.0], 10)] for _ in range(50)]
    share = [
        sum(holds[index] is expected for holds in found) / 50
        for index, expected in enumerate([True, True, False, False])
    ]
    assert min(share) > 0.6
    assert min(share[0], share[1], share[3]) > 0.95
