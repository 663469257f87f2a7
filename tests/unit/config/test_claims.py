"""Sentences of a paper: compared, bounded, definitions, and those that nothing here tests."""

import pytest

from remixup.config.claims import Claim
from remixup.config.experiment import read_experiment
from remixup.errors import UserError
from remixup.planning.jobs import make_jobs
from tests.unit.config.sample_experiment import plan, write

BASE = {"id": "one", "statement": "x", "where": "y"}
METRIC = {"metric": "test_error.last"}
COMPARE = {**METRIC, "compare": [{"baseline": "erm", "treatment": "mixup"}], "smallest_effect": 0.5}
BOUND = {**METRIC, "bound": {"row": "mixup", "at_most": 5.0}}
DEFINITION = {"definition": "tests/unit/mixing/test_mixing.py::test_mix_by_hand"}
UNTESTED = {"untested": "takes a year"}


def claims(tmp_path, *found):
    path = write(tmp_path, claims=[{**BASE, "id": f"claim-{k}", **claim} for k, claim in enumerate(found)])
    return read_experiment(path).claims


def test_the_four_kinds_and_the_rows_that_they_rest_on(tmp_path):
    twice = {**COMPARE, "compare": [*COMPARE["compare"], {"baseline": "erm", "treatment": "erm"}]}
    found = claims(tmp_path, COMPARE, BOUND, DEFINITION, UNTESTED, twice, {**COMPARE, "expect": "no more"})
    assert [claim.rows for claim in found] == [["erm", "mixup"], ["mixup"], [], [], ["erm", "mixup"], ["erm", "mixup"]]
    assert [claim.expect for claim in found] == ["more"] * 5 + ["no more"]


def test_an_experiment_may_consist_of_sentences_alone(tmp_path):
    definition = {**BASE, **DEFINITION}
    found = plan(tmp_path, rows=[], tables=[], metrics={}, claims=[definition])
    assert (found.rows, make_jobs([found]), found.evaluations()) == ([], [], {})


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({}, r"exactly one of compare, bound, definition, untested"),
        (METRIC, r"exactly one"),
        ({**COMPARE, **BOUND}, r"exactly one"),
        ({**COMPARE, **UNTESTED}, r"exactly one"),
        ({**DEFINITION, **UNTESTED}, r"exactly one"),
        ({**METRIC, "compare": [], "smallest_effect": 0.5}, r"exactly one"),
        ({"definition": ""}, r"exactly one"),
        ({**COMPARE, "metric": None}, r"a metric where it compares or bounds"),
        ({**BOUND, "metric": None}, r"a metric where it compares or bounds"),
        ({**DEFINITION, **METRIC}, r"a metric where it compares or bounds"),
        ({**COMPARE, "smallest_effect": None}, r"a smallest_effect where it compares"),
        ({**BOUND, "smallest_effect": 0.5}, r"a smallest_effect where it compares"),
        ({**UNTESTED, "smallest_effect": 0.5}, r"a smallest_effect where it compares"),
        ({**BOUND, "expect": "no more"}, r"`expect` only where it compares"),
        ({**COMPARE, "expect": "less"}, r"'more' or 'no more'"),
        ({**COMPARE, "smallest_effect": 0}, r"greater than 0"),
        ({**BOUND, "bound": {"row": "mixpu", "at_most": 5.0}}, r"claim claim-0: unknown row 'mixpu'; did you mean"),
        ({**BOUND, "bound": {"row": ["erm", "mixpu"], "at_most": 5.0}}, r"unknown row 'mixpu'; did you mean"),
        ({**BOUND, "bound": {"row": [], "at_most": 5.0}}, r"bound.row: List should have at least 1 item"),
        ({**BOUND, "bound": {"row": "mixup"}}, r"at_most: this key is needed"),
        ({**BOUND, "bound": {"row": "mixup", "at_most": float("inf")}}, r"finite"),
        ({**BOUND, "bound": {"row": "mixup", "at_least": 5.0}}, r"unknown key 'at_least'; did you mean 'at_most'"),
        ({**BOUND, "metric": "test_loss.last"}, r"metric 'test_loss.last' is not described"),
        ({**UNTESTED, "untestd": "x"}, r"unknown key 'untestd'; did you mean 'untested'"),
    ],
)
def test_mistakes_in_claims_are_named(tmp_path, claim, expected):
    with pytest.raises(UserError, match=expected):
        claims(tmp_path, claim)


def test_a_bound_may_be_zero():
    assert Claim.model_validate({**BASE, **METRIC, "bound": {"row": "mixup", "at_most": 0}}).bound.at_most == 0.0


def test_rows_are_run_at_their_scales_only(tmp_path):
    surrogate = {"embedded": {"surrogate": "one epoch", "run": {"epochs": 1}}}
    changes = {"scales": surrogate, "rows__1__at": ["paper", "reduced"]}
    assert [row.row.id for row in plan(tmp_path, "paper", **changes).rows] == ["erm", "mixup"]
    embedded = plan(tmp_path, "embedded", **changes)
    assert [row.row.id for row in embedded.rows] == ["erm"]
    assert len(embedded.runs()) == 1
    # its claims and tables stay valid: the row exists, though not here
    assert embedded.experiment.claims[0].rows == ["erm", "mixup"]


@pytest.mark.parametrize(
    ("at", "expected"), [([], r"at least 1 item"), (["papr"], r"'embedded', 'reduced-cpu', 'reduced' or 'paper'")]
)
def test_scales_of_a_row_are_known_ones(tmp_path, at, expected):
    with pytest.raises(UserError, match=expected):
        plan(tmp_path, rows__1__at=at)


def test_at_a_scale_where_a_row_is_not_run_its_settings_are_not_asked_for(tmp_path):
    """A row of the published protocol alone may depart from it elsewhere without saying so."""
    changes = {"rows__1__scales": {"embedded": {"run": {"epochs": 1}}}, "claims": []}
    with pytest.raises(UserError, match="surrogate"):
        plan(tmp_path, "embedded", **changes)
    assert len(plan(tmp_path, "embedded", rows__1__at=["paper"], **changes).rows) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"treatment": "mixpu"}, "known_effects: unknown row 'mixpu'; did you mean 'mixup'"),
        ({"metric": "test_loss.last"}, "known_effects: metric 'test_loss.last' is not described"),
    ],
)
def test_a_known_effect_names_rows_and_a_metric_of_the_file(tmp_path, changes, said):
    known = {"baseline": "erm", "treatment": "mixup", "metric": "test_error.last"}
    path = write(tmp_path, known_effects=[known | changes])
    if said is None:
        assert read_experiment(path).known_effects[0].treatment == "mixup"
    else:
        with pytest.raises(UserError, match=said):
            read_experiment(path)
