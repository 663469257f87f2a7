"""The primary claims of a paper: decided together over its experiments, at each scale by itself."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import Any

import pytest
from pydantic import ValidationError
from tests.experiments import committed
from tests.unit.analysis.claim_samples import BETTER, ERM, claim, experiment, measured

from remixup.analysis.result_schema import ClaimResult, RecordedClaim
from remixup.analysis.verdicts import decide_claims, decide_primary
from remixup.config.claims import Claim
from remixup.config.experiment import Experiment

ON_THE_EDGE = [each - 0.2 for each in BETTER[:4]] + [BETTER[4] + 0.87]
"""Against 0.3 alone p = 0.048: more than half of 5 %."""


def case(mixup: list[float], name: str, **more: Any) -> ClaimResult:
    """One claim in an experiment of its own, before the primary claims are decided."""
    stated = experiment(claim(primary=True, **more), name=name)
    return decide_claims(stated, {"erm": measured(ERM), "mixup": measured(mixup)})[0]


def decide(*claims: ClaimResult, family: int = 2) -> None:
    decide_primary(claims, {each.experiment: "paper" for each in claims}, {"paper": family})


def test_a_primary_claim_is_open_until_the_results_are_joined() -> None:
    found = case(BETTER, "a")
    assert (found.outcome, found.p) == ("open", None)
    assert found.why == "the primary claims of a paper are decided together"
    assert [each.outcome for each in found.statements] == ["supported", "contradicted", "no effect", "positive"]


def test_the_claims_of_two_experiments_are_corrected_together() -> None:
    raw = case(ON_THE_EDGE, "a").statements[0].p
    assert 0.025 < raw < 0.05
    alone, first, second = case(ON_THE_EDGE, "a"), case(ON_THE_EDGE, "a"), case(BETTER, "b")
    decide(alone)
    assert (alone.outcome, alone.p) == ("positive", pytest.approx(2 * alone.statements[3].p)), "the other has no test"
    decide(first, second)
    assert (first.outcome, first.p) == ("supported", pytest.approx(raw)), "the other was decided first"
    assert (second.outcome, second.p) == ("supported", pytest.approx(2 * second.statements[0].p))
    assert first.why == "the effect is more than 0.3 (5 % level for all primary claims of the paper)"


def test_what_is_not_shown_says_so_and_keeps_its_notes() -> None:
    found = case([*[each + 0.9 for each in BETTER[:2]], *BETTER[2:], 1.0], "a")
    decide(found, family=5)
    assert found.outcome == "open"
    assert found.why.startswith("nothing is shown at the 5 % level for all primary claims of the paper; 5 of 6 seeds")


def test_freezes_are_decided_apart_from_exploratory_results() -> None:
    """The first claim has a freeze and exploratory results, the second a freeze alone."""
    first, second = case(ON_THE_EDGE, "a"), case(BETTER, "b")
    for each, freezes in ((first, (None, "x-1")), (second, ("y-1",))):
        fields = each.model_dump(include=set(RecordedClaim.model_fields)) | {"scale": "reduced"}
        each.recorded = [RecordedClaim.model_validate({**fields, "freeze": name}) for name in freezes]
    decide(first, second)
    assert [each.outcome for each in first.recorded] == ["positive", "supported"]


def test_no_effect_of_a_primary_claim_costs_twice_as_much() -> None:
    """Both directions are tested of it, each at half the level."""
    near = [each - shift for each, shift in zip(ERM, (0.1, -0.1, 0.1, -0.1, 0.0), strict=True)]
    (secondary,) = decide_claims(experiment(claim()), {"erm": measured(ERM), "mixup": measured(near)})
    primary, once = (
        next(each.p for each in found.statements if each.outcome == "no effect")
        for found in (case(near, "a"), secondary)
    )
    assert primary == pytest.approx(2 * once)


def test_each_scale_is_a_family_of_its_own() -> None:
    claims = [case(ON_THE_EDGE, name) for name in "ab"]
    for each in claims:
        each.recorded = [
            RecordedClaim.model_validate({**each.model_dump(include=set(RecordedClaim.model_fields)), "scale": scale})
            for scale in ("reduced", "paper")
        ]
    claims[1].recorded.pop()
    decide(*claims)
    assert [each.outcome for each in claims] == ["positive"] * 2, "both miss 2.5 %"
    claims[0].recorded[0].statements[0].p = 0.001
    decide(*claims)
    assert [each.recorded[0].outcome for each in claims] == ["supported"] * 2
    assert (claims[0].outcome, claims[0].recorded[1].outcome) == ("positive", "positive")


def test_results_of_former_settings_are_a_family_of_their_own() -> None:
    """They follow those of the present settings, and would else count as further claims of the paper."""
    first, second = case(ON_THE_EDGE, "a"), case(BETTER, "b")
    for each in (first, second):
        fields = each.model_dump(include=set(RecordedClaim.model_fields)) | {"scale": "reduced"}
        each.recorded = [RecordedClaim.model_validate(fields) for _ in ("present", "former")]
    second.recorded.pop()
    decide(first, second)
    assert [each.outcome for each in first.recorded] == ["supported", "positive"]
    assert [each.outcome for each in second.recorded] == ["supported"]


def test_an_undecided_claim_stays_as_it_is() -> None:
    few = case(BETTER[:4], "a")
    decide(few)
    assert (few.outcome, few.p) == ("open", None)
    assert few.why.startswith("at least 5 seeds")


def test_seeds_that_all_agree_come_first_and_have_no_p_value() -> None:
    equal, other = case([each - 1 for each in ERM], "a"), case(ON_THE_EDGE, "b")
    decide(equal, other)
    assert (equal.outcome, equal.p) == ("supported", None)
    assert (other.outcome, other.p) == ("supported", pytest.approx(other.statements[0].p)), "the level is 5 %"


@pytest.mark.parametrize("wrong", [{"source": "ours"}, {"compare": [], "metric": None, "untested": "x"}])
def test_only_a_measured_claim_of_the_paper_is_primary(wrong: dict[str, Any]) -> None:
    document = {**claim(primary=True).model_dump(), **wrong}
    document |= {"smallest_effect": None} if "untested" in wrong else {}
    with pytest.raises(ValidationError, match="a primary claim is the paper's"):
        Claim.model_validate(document)


FILES = [stated for _, stated in committed().values()]


def test_each_paper_has_two_to_five_primary_claims() -> None:
    measurable = Counter(e.paper for e in FILES for each in e.claims if each.metric and each.source == "paper")
    primary = Counter(e.paper for e in FILES for each in e.claims if each.primary)
    assert primary.keys() == measurable.keys()
    for paper, count in primary.items():
        assert min(2, measurable[paper]) <= count <= 5, paper


def published_effect(stated: Experiment, each: Claim) -> float | None:
    """The mean over the claim's pairs, if both sides of all have a published number."""
    rows = {row.id: row for row in stated.rows}
    effects = []
    for pair in each.compare:
        sides = [[rows[name].printed(each.metric or "") for name in side] for side in (pair.baseline, pair.treatment)]
        values = [[number.value for number in side if number and number.value is not None] for side in sides]
        if any(len(found) < len(side) for found, side in zip(values, sides, strict=True)):
            return None
        effects.append(min(values[0]) - min(values[1]))
    return fmean(effects) if effects else None


def test_the_smallest_effect_of_interest_is_at_most_half_of_the_published_one() -> None:
    """Of claims that there is more; those of no effect state how much is none."""
    wide = [
        (each.id, each.smallest_effect, effect)
        for stated in FILES
        for each in stated.claims
        if each.smallest_effect and each.expect == "more" and (effect := published_effect(stated, each)) is not None
        if each.smallest_effect > effect / 2 + 1e-9
    ]
    assert wide == []
