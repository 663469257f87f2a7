from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from scipy import stats

from remixup.analysis.result_schema import ClaimResult, Verdict
from remixup.analysis.verdicts import Evidence, decide_claims, default_tolerance, verdict
from remixup.config.experiment import Claim, Experiment, MetricInfo, Pair, Row
from remixup.config.settings import Scale

METRIC = "test_error.median10"


def judge(
    published: float | None,
    values: list[float],
    *,
    tolerance: float | None = None,
    decimals: int = 1,
    stand_in: str | None = None,
) -> Verdict:
    return verdict(published, values, tolerance=tolerance, decimals=decimals, stand_in=stand_in)


@pytest.mark.parametrize(("published", "tolerance"), [(4.2, 0.3), (6.0, 0.3), (20.0, 1.0), (-20.0, 1.0), (0.0, 0.3)])
def test_default_tolerance(published: float, tolerance: float) -> None:
    assert default_tolerance(published) == pytest.approx(tolerance)


# The half-width for three runs a - d, a, a + d is 4.30265 d / sqrt 3 = 2.48414 d, that of the prediction 4.96828 d.
@pytest.mark.parametrize(
    ("published", "values", "expected"),
    [
        (4.2, [4.1, 4.2, 4.3], "replicated"),
        (4.2, [4.3, 4.4, 4.5], "replicated"),  # 0.2 off, half-width 0.248
        (4.2, [4.2, 4.2], "inconclusive"),  # two runs
        (4.2, [4.2], "inconclusive"),
        (4.2, [4.08, 4.2, 4.32], "replicated"),  # half-width 0.298
        (4.2, [4.07, 4.2, 4.33], "inconclusive"),  # half-width 0.323
        (20.0, [19.6, 20.0, 20.4], "replicated"),  # half-width 0.994 of 1
        (4.2, [5.1, 5.2, 5.3], "not replicated"),  # 1.0 off, next run within 0.497
        (4.2, [5.0, 5.2, 5.4], "inconclusive"),  # 1.0 off, next run within 0.994, and 0.05 of rounding
        (4.2, [3.0, 3.2, 3.4], "inconclusive"),
        (4.2, [5.02, 5.2, 5.38], "not replicated"),  # next run within 0.894, under 0.95
        (4.2, [3.02, 3.2, 3.38], "not replicated"),  # from the other side
        (4.2, [4.599, 4.6, 4.601], "not replicated"),  # barely beyond 0.35
        (4.2, [4.499, 4.5, 4.501], "replicated"),  # the paper's number would not be the next run, but is near enough
        (4.2, [6.0, 6.0], "not replicated"),  # two runs may exclude it
        (4.2, [5.0, 7.0], "inconclusive"),  # unless they differ: next run within 22
        (4.2, [9.0], "inconclusive"),  # one may not
    ],
)
def test_verdict(published: float, values: list[float], expected: str) -> None:
    assert judge(published, values) == expected


@pytest.mark.parametrize("published", [4.2, 3.1, 0.3, 5.7])
@pytest.mark.parametrize("side", [1, -1])
def test_the_tolerance_includes_its_edge(published: float, side: int) -> None:
    """4.2 + 0.35 is 4.55 and 4.2 - 0.35 is 3.85, whatever binary fractions make of them."""
    edge = round(published + side * 0.35, 2)
    over = round(published + side * 0.351, 3)
    assert judge(published, [edge] * 3) == "replicated"
    assert judge(published, [over] * 3) == "not replicated"


def test_a_half_width_at_the_tolerance_is_within() -> None:
    """The tolerance is the half-width itself, from scipy."""
    values = [4.1, 4.2, 4.3]
    half = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    assert judge(4.2, values, tolerance=half) == "replicated"
    assert judge(4.2, values, tolerance=half - 1e-6) == "inconclusive"


def test_the_row_states_its_tolerance() -> None:
    values = [4.8, 4.85, 4.9]
    assert judge(4.2, values) == "not replicated"
    assert judge(4.2, values, tolerance=0.7) == "replicated"
    assert judge(40.0, [41.0] * 3) == "replicated"
    assert judge(40.0, [41.0] * 3, tolerance=0.5) == "not replicated"


def test_rounding_is_that_of_the_printed_places() -> None:
    assert judge(20.0, [21.4] * 3, decimals=0) == "replicated"  # 1 + 0.5
    assert judge(20.0, [21.4] * 3, decimals=1) == "not replicated"
    assert judge(20.0, [21.004] * 3, decimals=2) == "replicated"  # 1 + 0.005
    assert judge(20.0, [21.006] * 3, decimals=2) == "not replicated"


def test_numbers_that_are_not_compared() -> None:
    assert judge(None, [4.2] * 3) == "no published number"
    assert judge(None, [4.2] * 3, stand_in="digits for CIFAR-10") == "no published number"
    assert judge(4.2, [4.2] * 3, stand_in="digits for CIFAR-10") == "stand-in"
    assert judge(4.2, [9.0] * 3, stand_in="digits for CIFAR-10") == "stand-in"


def test_a_number_that_could_not_be_read_is_not_compared() -> None:
    for stand_in in (None, "digits for CIFAR-10"):
        found = verdict(None, [4.2] * 3, tolerance=None, decimals=1, stand_in=stand_in, transcribed=False)
        assert found == "not transcribed"


@pytest.mark.parametrize("published", [4.2, None])
@pytest.mark.parametrize("values", [[], [4.2, math.nan, 4.2], [math.inf]])
def test_a_verdict_needs_numbers(published: float | None, values: list[float]) -> None:
    with pytest.raises(ValueError, match="empty sample" if not values else "not all finite"):
        judge(published, values)


def test_a_published_number_is_one() -> None:
    with pytest.raises(ValueError, match="nan"):
        judge(math.nan, [4.2] * 3)


def verdicts(true_error: float, spread: float, runs: int, published_error: float) -> dict[str, float]:
    """How often each verdict falls on a paper's single run, by simulation."""
    generator = np.random.default_rng(1)
    drawn = []
    for _ in range(500):
        printed = round(float(generator.normal(published_error, spread)), 1)
        drawn.append(judge(printed, generator.normal(true_error, spread, runs).tolist()))
    return {name: drawn.count(name) / 500 for name in set(drawn)}


def test_the_same_method_is_seldom_called_not_replicated() -> None:
    """With a spread far over the tolerance, the paper's run is one more run: outside at most one time in twenty."""
    assert verdicts(20.0, 3.0, 5, 20.0).get("not replicated", 0) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def test_the_same_method_is_replicated_where_the_spread_is_small() -> None:
    assert verdicts(4.2, 0.1, 5, 4.2)["replicated"] > 0.9


def test_another_method_is_not_replicated() -> None:
    assert verdicts(5.2, 0.1, 5, 4.2)["not replicated"] > 0.9


def test_a_wide_spread_is_inconclusive() -> None:
    assert verdicts(5.2, 1.0, 3, 4.2)["inconclusive"] > 0.9


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
    sound: bool | None = None,
) -> Evidence:
    return Evidence(scale, stand_in, sound, {METRIC: dict(enumerate(values, first_seed))})


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
    ("stand_in", "sound", "holds", "word"),
    [
        ("digits for CIFAR-10", True, True, "above"),
        ("digits for CIFAR-10", False, None, "does not beat logistic regression"),
        ("digits for CIFAR-10", None, None, "is not known to beat logistic regression"),
        (None, None, True, "above"),  # the paper's own data need not prove itself
    ],
)
def test_a_stand_in_must_be_sound(stand_in: str | None, sound: bool | None, holds: bool | None, word: str) -> None:
    erm = measured([5.0, 5.2, 5.4], stand_in=stand_in, sound=sound)
    (found,) = decide({"erm": erm, "mixup": measured([4.1, 4.2, 4.3], stand_in=stand_in)})
    assert found.holds is holds
    assert word in found.why
    assert found.stand_in == stand_in
    assert found.effect == pytest.approx(1.0)


def test_every_baseline_must_be_sound() -> None:
    evidence = {
        "erm-a": measured([5.0, 5.2, 5.4], stand_in="digits", sound=True),
        "erm-b": measured([5.0, 5.2, 5.4], stand_in="digits", sound=False),
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


def test_claims_on_an_unsound_baseline_count_for_holm() -> None:
    evidence = three_rows([4.0, 5.9, 3.9, 5.0])
    evidence["unsound"] = measured([5.0] * 4, stand_in="digits", sound=False)
    found = decide(evidence, claim(smallest=0.44, name="weak"), claim([("unsound", "cutmix")], name="other"))
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
