"""Bounds, definitions, what is untested, and sentences that say "no more"; comparisons have a file of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from remixup.analysis.result_schema import ClaimResult, Outcome
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.claims import Bound, Claim, Pair
from remixup.config.experiment import Experiment, MetricInfo, Row

METRIC = "test_error.last"
PLACE = {"statement": "A sentence.", "where": "Table 2"}
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


WITHIN, BEYOND = [3.9, 4.0, 4.1, 4.05, 3.95], [5.9, 6.0, 6.1, 6.05, 5.95]


def test_a_bound_on_several_rows_is_on_the_greatest_value_of_each_seed() -> None:
    # The greatest values are 4.5, 4.7, 4.6, 4.5, 4.6 at seeds 0 to 4; seed 5 is not common to both rows.
    erm, mixup = [4.5, 0.5, 4.6, 4.5, 4.6, 9.0], [1.0, 4.7, 1.0, 1.0, 1.0]
    (within,) = decide([bound(5.0, row=["erm", "mixup"])], erm=erm, mixup=mixup)
    assert (within.outcome, within.n, within.effect) == ("supported", 5, pytest.approx(4.58))
    (beyond,) = decide([bound(4.0, row=["erm", "mixup"])], erm=erm, mixup=mixup)
    assert (beyond.outcome, beyond.effect, beyond.limit) == ("contradicted", pytest.approx(4.58), 4.0)
    (lacking,) = decide([bound(5.0, row=["erm", "mixup"])], erm=erm)
    assert (lacking.outcome, lacking.why) == ("open", "no test_error.last of mixup")


@pytest.mark.parametrize(
    ("values", "outcome", "why"),
    [
        (WITHIN, "supported", "the values are below the limit of 5 (95 % interval)"),
        (BEYOND, "contradicted", "the values are above the limit of 5 (95 % interval)"),
        ([4.0, 5.0, 6.1, 5.0, 5.0], "open", "the 95 % interval spans the limit of 5"),
        ([5.0] * 5, "supported", "every value is 5 itself, which the limit includes (all 5 seeds agree)"),
        ([5.0] * 4 + [5.0 + 1e-12], "supported", "every value is 5 itself"),  # up to round-off
        ([5.0] * 4 + [5.001], "open", "the 95 % interval spans the limit of 5"),
        ([5.001] * 5, "contradicted", "the values are above the limit of 5 (all 5 seeds agree)"),
        ([4.0] * 4, "open", "at least 5 seeds common to its rows are needed (erm has 4)"),
        ([], "open", "no test_error.last of erm"),
    ],
)
def test_a_bound_is_met_or_exceeded_or_open(values: list[float], outcome: Outcome, why: str) -> None:
    (found,) = decide([bound(5.0)], erm=values)
    assert found.why.startswith(why)
    assert (found.outcome, found.kind, found.n) == (outcome, "measured", len(values))
    assert (found.smallest_effect, found.limit, found.unit) == (0.0, 5.0, "points")


def test_a_bound_shows_the_value_and_tests_it_against_the_limit() -> None:
    (found,) = decide([bound(5.0)], erm=WITHIN)
    assert found.effect == pytest.approx(4.0)
    assert found.ci95 == pytest.approx(stats.t.interval(0.95, 4, 4.0, stats.sem(WITHIN)))
    assert found.p == pytest.approx(stats.ttest_1samp(WITHIN, 5.0).pvalue)


def test_a_limit_on_what_does_not_vary_holds_up_to_the_very_limit() -> None:
    """Counts that are the same for every seed, against limits from below them to above: at most means <=."""
    generator = np.random.default_rng(4)
    for count in generator.integers(0, 20, size=50).tolist():
        limit = count + int(generator.integers(-1, 2))
        (found,) = decide([bound(float(limit))], erm=[float(count)] * int(generator.integers(5, 8)))
        assert found.outcome == ("supported" if count <= limit else "contradicted")
        assert (found.ci95, found.p) == ((count, count), None)


def test_the_surrogate_of_a_bounded_row_must_be_informative() -> None:
    for values in (WITHIN, [5.0] * 5):
        for reason, outcome in ((None, "supported"), ("ERM does not fit", "not informative")):
            erm = Evidence("embedded", "digits", lambda _, reason=reason: reason, {METRIC: dict(enumerate(values))})
            (found,) = decide_claims(small([bound(5.0)]), {"erm": erm, "mixup": Evidence("paper")})
            assert (found.outcome, found.n) == (outcome, 5)


@pytest.mark.parametrize(("claim", "kind"), [(DEFINITION, "definition"), (TEXT, "untested")])
def test_sentences_that_runs_do_not_decide_say_nothing(claim: Claim, kind: str) -> None:
    (found,) = decide([claim], erm=[1.0, 2.0])
    assert (found.kind, found.outcome, found.p, found.effect, found.ci95, found.n) == (
        kind,
        "open",
        None,
        None,
        None,
        0,
    )
    assert (found.statement, found.where) == ("A sentence.", "Table 2")
    assert found.why == (
        "nobody has that many GPUs"
        if kind == "untested"
        else "a definition: tests/unit/test_x.py::test_y holds the code to it"
    )


def test_they_keep_their_place() -> None:
    found = decide([DEFINITION, bound(5.0), TEXT], erm=WITHIN)
    assert [(each.id, each.outcome) for each in found] == [
        ("definition", "open"),
        ("bound", "supported"),
        ("text", "open"),
    ]


@pytest.mark.parametrize(
    ("effects", "more", "no_more", "why"),
    [
        ([1.0, 1.1, 0.9, 1.0, 1.05], "supported", "contradicted", "the effect is more than 0.3 (95 % interval)"),
        ([0.0, 0.1, -0.1, 0.05, 0.0], "no effect", "supported", "the effect is no more than 0.3 (5 % level)"),
        ([-0.9, -0.8, -1.0, -0.9, -0.9], "contradicted", "supported", "the effect is no more than 0.3 (5 % level)"),
        ([0.5, 0.1, 0.6, 0.2, 0.4], "positive", "positive", "the effect is above 0; whether it is more than 0.3 is"),
        ([0.9, -0.7, 0.5, -0.3, 0.4], "open", "open", "the 95 % interval has both 0 and 0.3"),
    ],
)
def test_a_sentence_may_say_that_there_is_no_more(effects: list[float], more: str, no_more: str, why: str) -> None:
    erm = [5.0, 5.2, 5.4, 5.1, 5.3]
    mixup = [each - effect for each, effect in zip(erm, effects, strict=True)]
    (plain,) = decide([compare(0.3)], erm=erm, mixup=mixup)
    (denied,) = decide([compare(0.3, expect="no more")], erm=erm, mixup=mixup)
    assert (plain.outcome, denied.outcome) == (more, no_more)
    assert (plain.effect, plain.ci95) == (denied.effect, denied.ci95)
    assert denied.why.startswith(why)
