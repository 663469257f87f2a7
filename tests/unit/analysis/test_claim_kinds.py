"""Bounds, definitions, what is untested, and sentences that say "no more"; comparisons have a file of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.experiment import Bound, Claim, Experiment, MetricInfo, Pair, Row

METRIC = "test_error.last"
PLACE = {"statement": "A sentence.", "where": "Table 2"}
VALUES = [4.2, 4.5, 4.4, 4.85]
"""A p-value against 5 that one claim passes, and one of two does not."""
TEXT = Claim(id="text", untested="nobody has that many GPUs", **PLACE)
DEFINITION = Claim(id="definition", definition="tests/unit/test_x.py::test_y", **PLACE)


def bound(at_most: float, name: str = "bound", row: str | list[str] = "erm") -> Claim:
    return Claim(id=name, metric=METRIC, bound=Bound(row=row, at_most=at_most), **PLACE)


def compare(smallest: float, name: str = "better", **more: object) -> Claim:
    pair = Pair(baseline="erm", treatment="mixup")
    return Claim(id=name, metric=METRIC, compare=[pair], smallest_effect=smallest, **PLACE, **more)


def small(claims: list[Claim]) -> Experiment:
    return Experiment(
        id="small",
        paper="zhang2018mixup",
        title="",
        where="",
        summary="",
        metrics={METRIC: MetricInfo(label="error", unit="points")},
        rows=[Row(id=name, label=name) for name in ("erm", "mixup")],
        claims=claims,
    )


def decide(claims: list[Claim], **values: list[float]) -> list[ClaimResult]:
    evidence = {name: Evidence("paper", values={METRIC: dict(enumerate(found))}) for name, found in values.items()}
    return decide_claims(small(claims), {"erm": Evidence("paper"), "mixup": Evidence("paper"), **evidence})


def test_rows_without_a_value_are_named_unless_none_of_many_has_one() -> None:
    seeds = [1.0, 2.0]
    (one,) = decide([compare(0.5)], erm=seeds)
    (none,) = decide([compare(0.5)])
    assert (one.why, none.why) == ("no test_error.last of mixup", "no test_error.last of erm, mixup")
    claim = compare(0.5).model_copy(update={"compare": [Pair(baseline="erm", treatment=name) for name in "abc"]})
    experiment = small([]).model_copy(update={"claims": [claim]})
    (many,) = decide_claims(experiment, {name: Evidence("paper") for name in ("erm", *"abc")})
    assert many.why == "no test_error.last of any of its rows"


def test_a_bound_on_several_rows_is_on_the_greatest_value_of_each_seed() -> None:
    # The greatest values are 4.5, 4.7 and 4.6 at seeds 0 to 2; seed 3 is not common to both rows.
    (within,) = decide([bound(5.0, row=["erm", "mixup"])], erm=[4.5, 0.5, 4.6, 9.0], mixup=[1.0, 4.7, 1.0])
    assert (within.holds, within.n, within.effect) == (True, 3, pytest.approx(0.4))
    (beyond,) = decide([bound(4.0, row=["erm", "mixup"])], erm=[4.5, 0.5, 4.6], mixup=[1.0, 4.7, 1.0])
    assert (beyond.holds, beyond.effect) == (False, pytest.approx(-0.6))
    (lacking,) = decide([bound(5.0, row=["erm", "mixup"])], erm=[4.5, 4.6])
    assert (lacking.holds, lacking.why) == (None, "no test_error.last of mixup")


@pytest.mark.parametrize(
    ("values", "holds", "why"),
    [
        ([3.9, 4.0, 4.1], True, "the values lie within 5 (5 % level)"),
        ([5.9, 6.0, 6.1], False, "the values lie beyond 5 (5 % level)"),
        ([4.0, 5.0, 6.1], None, "the 95 % interval spans the limit"),
        ([4.9, 5.0, 5.1], None, "the 95 % interval spans the limit"),
        ([5.0, 5.0, 5.0], True, "every value is 5 itself, which the limit includes"),
        ([5.0, 5.0 + 1e-12], True, "every value is 5 itself, which the limit includes"),  # up to round-off
        ([5.0, 5.0, 5.001], None, "the 95 % interval spans the limit"),
        ([5.001, 5.001, 5.001], False, "the values lie beyond 5 (5 % level)"),
        ([5.0], None, "two seeds common to its rows are needed (erm has 1)"),
        ([4.0], None, "two seeds common to its rows are needed (erm has 1)"),
        ([], None, "no test_error.last of erm"),
    ],
)
def test_a_bound_holds_or_is_refuted_or_stays_open(values: list[float], holds: bool | None, why: str) -> None:
    (found,) = decide([bound(5.0)], erm=values)
    assert (found.holds, found.why, found.kind, found.n) == (holds, why, "measured", len(values))
    assert (found.smallest_effect, found.unit) == (0.0, "points")


def test_a_limit_on_what_does_not_vary_holds_up_to_the_very_limit() -> None:
    """Counts that are the same for every seed, against limits from below them to above: at most means <=."""
    generator = np.random.default_rng(4)
    for count in generator.integers(0, 20, size=50).tolist():
        limit = count + int(generator.integers(-1, 2))
        (found,) = decide([bound(float(limit))], erm=[float(count)] * int(generator.integers(2, 6)))
        assert found.holds is (count <= limit)
        assert found.ci95 == (limit - count, limit - count)


def test_a_limit_that_is_the_true_mean_is_seldom_decided() -> None:
    """Of what does vary, a decision would be an error, and is one time in twenty at most."""
    generator = np.random.default_rng(5)
    decided = [
        decide([bound(5.0)], erm=generator.normal(5.0, 0.4, size=4).tolist())[0].holds is not None for _ in range(400)
    ]
    assert 0 < sum(decided) / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(
    ("uninformative", "holds", "why"),
    [
        (None, True, "within 5"),
        ("ERM does not fit", None, "the surrogate of erm is not informative: ERM does not fit"),
    ],
)
def test_the_surrogate_of_a_bounded_row_must_be_informative(
    uninformative: str | None, holds: bool | None, why: str
) -> None:
    on_limit = "every value is 5 itself" if holds else why
    for values, said in (([3.9, 4.0, 4.1], why), ([5.0, 5.0, 5.0], on_limit)):
        evidence = Evidence("embedded", "digits", lambda _: uninformative, {METRIC: dict(enumerate(values))})
        (found,) = decide_claims(small([bound(5.0)]), {"erm": evidence, "mixup": Evidence("paper")})
        assert (found.holds, found.n) == (holds, 3)
        assert said in found.why


def test_the_effect_of_a_bound_is_what_is_left_to_the_limit() -> None:
    """5 - 4 = 1, and a one-sample t test of 5."""
    values = [3.9, 4.0, 4.1]
    (found,) = decide([bound(5.0)], erm=values)
    assert found.effect == pytest.approx(1.0)
    assert found.ci95 == pytest.approx((0.75159, 1.24841), abs=1e-5)
    assert found.p == pytest.approx(stats.ttest_1samp(values, 5.0).pvalue)


def test_bounds_are_of_the_family_that_holm_corrects() -> None:
    """Alone it is decided; with another claim that has a larger p, by twice its p, it is not."""
    values = VALUES
    raw = stats.ttest_1samp(values, 5.0).pvalue
    other_raw = stats.ttest_1samp(values, 4.85).pvalue
    assert 0.025 < raw < 0.05 < other_raw
    (alone,) = decide([bound(5.0)], erm=values)
    assert (alone.holds, alone.p) == (True, pytest.approx(raw))
    first, second = decide([bound(5.0), bound(4.85, "other")], erm=values)
    assert (first.holds, first.p) == (None, pytest.approx(2 * raw))
    assert first.why.startswith("the 95 % interval leaves out the limit, but nothing is decided after Holm")
    assert second.holds is None


@pytest.mark.parametrize(("claim", "kind"), [(DEFINITION, "definition"), (TEXT, "untested")])
def test_sentences_that_runs_do_not_decide_hold_nothing(claim: Claim, kind: str) -> None:
    (found,) = decide([claim], erm=[1.0, 2.0])
    assert (found.kind, found.holds, found.p, found.effect, found.ci95, found.n) == (kind, None, None, None, None, 0)
    assert (found.statement, found.where) == ("A sentence.", "Table 2")
    assert found.why == (
        "nobody has that many GPUs"
        if kind == "untested"
        else "a definition: tests/unit/test_x.py::test_y holds the code to it"
    )


def test_they_do_not_count_for_holm_and_keep_their_place() -> None:
    found = decide([DEFINITION, bound(5.0), TEXT], erm=VALUES)
    assert [each.id for each in found] == ["definition", "bound", "text"]
    assert [each.holds for each in found] == [None, True, None]
    assert "Holm" not in found[1].why


@pytest.mark.parametrize(
    ("mixup", "more", "no_more"),
    [
        ([4.0, 4.1, 4.3], True, False),  # an effect of about 1
        ([4.9, 5.2, 5.4], False, True),  # of about 0
        ([4.7, 4.9, 5.1], None, None),  # of 0.3
    ],
)
def test_a_sentence_may_say_that_there_is_no_more(mixup: list[float], more: bool | None, no_more: bool | None) -> None:
    erm = [5.0, 5.2, 5.4]
    (plain,) = decide([compare(0.3)], erm=erm, mixup=mixup)
    (denied,) = decide([compare(0.3, expect="no more")], erm=erm, mixup=mixup)
    assert (plain.holds, denied.holds) == (more, no_more)
    assert (plain.effect, plain.ci95, plain.p, plain.why) == (denied.effect, denied.ci95, denied.p, denied.why)
