"""Claims that choose among rows by another metric than the one they compare: both sides tuned, then held together."""

from __future__ import annotations

import pytest
from tests.unit.config.sample_experiment import plan, write

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.claims import Claim, Pair
from remixup.config.experiment import Experiment, MetricInfo, Row, read_experiment
from remixup.errors import UserError

TEST, VALIDATION = "test_error.last", "validation_error.last"
ROWS = ["erm", "a1", "a2", "k1", "k2"]
CLAIM = Claim(
    id="tuned",
    statement="A sentence.",
    where="abstract",
    metric=TEST,
    compare=[Pair(baseline=["a1", "a2"], treatment=["k1", "k2"])],
    select_by=VALIDATION,
    smallest_effect=0.5,
)


def decide(claim: Claim, **found: tuple[list[float], list[float]]) -> ClaimResult:
    """Row -> its validation and its test errors by seed."""
    experiment = Experiment(
        id="small",
        paper="zhang2018mixup",
        title="",
        where="",
        summary="",
        metrics={TEST: MetricInfo(label="error"), VALIDATION: MetricInfo(label="validation error")},
        rows=[Row(id=name, label=name) for name in ROWS],
        claims=[claim],
    )
    evidence = {name: Evidence("paper") for name in ROWS}
    for name, (validation, test) in found.items():
        values = {VALIDATION: dict(enumerate(validation)), TEST: dict(enumerate(test))}
        evidence[name] = Evidence("paper", values=values)
    return decide_claims(experiment, evidence)[0]


A1 = ([3.0, 3.1, 3.0, 3.0, 3.0], [9.0, 9.1, 9.2, 9.0, 9.1])
# A2 has the least of the first two seeds, not on average, and the least test error.
A2 = ([2.0, 2.1, 9.9, 9.9, 9.9], [1.0, 1.1, 1.2, 1.0, 1.1])
K1 = ([5.0] * 5, [2.0] * 5)
K2 = ([4.0] * 5, [7.0, 7.1, 7.2, 7.1, 7.0])


def test_the_rows_with_the_least_mean_validation_error_are_compared() -> None:
    found = decide(CLAIM, a1=A1, a2=A2, k1=K1, k2=K2)
    assert found.effect == pytest.approx(2.0)  # a1 - k2, whatever the test errors of the others
    assert found.outcome == "supported"
    assert found.why.endswith("; by validation_error.last: a1, k2")


def test_a_side_of_one_row_is_that_row() -> None:
    claim = CLAIM.model_copy(update={"compare": [Pair(baseline="erm", treatment=["k1", "k2"])]})
    found = decide(claim, erm=([0.0] * 5, [8.0, 8.1, 8.2, 8.1, 8.0]), k1=K1, k2=K2)
    assert found.effect == pytest.approx(1.0)
    assert found.why.endswith("erm, k2")


def test_a_choice_names_the_rows_that_it_could_not_try() -> None:
    assert decide(CLAIM, a1=A1, a2=A2, k1=K1, k2=K2).untried == []
    partly = decide(CLAIM, a1=A1, k2=K2)
    assert (partly.outcome, partly.untried) == ("supported", ["a2", "k1"])
    nothing = decide(CLAIM, a1=A1)
    assert (nothing.effect, nothing.untried) == (None, []), "not tested: why says what is missing"


def test_a_row_that_lacks_seeds_is_not_chosen() -> None:
    """It may have diverged on them."""
    found = decide(CLAIM, a1=A1, a2=([0.1, 0.1], [5.0, 5.0]), k1=K1, k2=K2)
    assert found.why.endswith("a1, k2")
    assert found.n == 5


def test_without_any_values_nothing_is_decided_and_the_first_are_named() -> None:
    found = decide(CLAIM, a1=A1, a2=A2)
    assert (found.outcome, found.effect) == ("open", None)
    assert found.why == "no test_error.last of k1; by validation_error.last: a1, k1"


def test_a_claim_that_chooses_not_says_nothing_of_it() -> None:
    claim = CLAIM.model_copy(update={"compare": [Pair(baseline="erm", treatment="k1")], "select_by": None})
    assert "by validation" not in decide(claim, erm=A1, k1=K1).why


BASE = {"id": "tuned", "statement": "x", "where": "y", "metric": TEST, "smallest_effect": 0.5}
METRICS = {TEST: {"label": "x"}, VALIDATION: {"label": "y"}}


def claims(tmp_path, compare, **changes):
    rows = [{"id": "erm", "label": "x"}, {"id": "mix-{alpha}", "label": "x", "each": {"alpha": [1, 2, 4]}}]
    rows[1]["run"] = {"mixing": {"ratio": {"name": "beta", "alpha": "{alpha}"}}}
    claim = {**BASE, "compare": [compare], **changes}
    return write(tmp_path, metrics=METRICS, rows=rows, tables=[], claims=[claim])


def test_a_pattern_stands_for_all_rows_that_fit_also_those_written_out(tmp_path) -> None:
    path = claims(tmp_path, {"baseline": "erm", "treatment": "mix-*"}, select_by=VALIDATION)
    (claim,) = read_experiment(path).claims
    assert claim.compare[0].treatment == ["mix-1", "mix-2", "mix-4"]
    assert claim.rows == ["erm", "mix-1", "mix-2", "mix-4"]
    assert claim.baselines == ["erm"]


@pytest.mark.parametrize(
    ("compare", "changes", "expected"),
    [
        ({"baseline": "erm", "treatment": "mix-*"}, {}, "has `select_by` where it names several rows"),
        (
            {"baseline": "erm", "treatment": "mix-1"},
            {"select_by": VALIDATION},
            "has `select_by` where it names several",
        ),
        ({"baseline": "erm", "treatment": "mxi-*"}, {"select_by": VALIDATION}, "select_by"),
        ({"baseline": "erm", "treatment": ["mix-1", "mix-3"]}, {"select_by": VALIDATION}, "unknown row 'mix-3'"),
        ({"baseline": "erm", "treatment": []}, {"select_by": VALIDATION}, "at least 1 item"),
        (
            {"baseline": "erm", "treatment": "mix-*"},
            {"select_by": "test_loss.last"},
            "'test_loss.last' is not described",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, compare, changes, expected) -> None:
    with pytest.raises(UserError, match=expected):
        read_experiment(claims(tmp_path, compare, **changes))


def test_a_row_is_not_chosen_against_itself(tmp_path) -> None:
    claim = {**BASE, "compare": [{"baseline": ["erm", "mixup"], "treatment": "mixup"}], "select_by": VALIDATION}
    with pytest.raises(UserError, match="mixup and mixup are the same run"):
        plan(tmp_path, metrics=METRICS, tables=[], claims=[claim])
