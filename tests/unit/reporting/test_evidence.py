"""The claims of all papers, each with the best evidence of it."""

from __future__ import annotations

import pytest

from remixup.reporting.evidence import in_order, judge

from .sample_claims import CLAIMS, experiment, judged, results
from .sample_results import claim
from .small_experiment import result_of


def test_effects_are_divided_by_the_smallest_of_interest() -> None:
    found = judged()
    assert found["confirmed"].ratios == (4.0, 3.0, 5.0)
    assert found["shown"].ratios == pytest.approx((2.0, 1.8, 2.2)), "those of the record"
    assert found["limit"].ratios is None
    assert found["never"].ratios is None
    single = claim("confirmed", effect=1.0, ci95=None, p=None, n=1)
    assert judge([experiment()], [result_of(claims=[single])])[0].ratios == (2.0, 2.0, 2.0)


def test_only_claims_that_runs_decide_are_judged_in_the_order_of_the_report() -> None:
    assert list(judged()) == [*CLAIMS, "limit"]
    first, other, late = experiment("a"), experiment("b", "zhang2021"), experiment("c")
    assert [each.id for each in in_order([first, other, late])] == ["a", "c", "b"]
    found = [result_of(claims=results()[:1]).model_copy(update={"experiment": name}) for name in "bc"]
    assert [each.experiment.id for each in judge([first, other, late], found)] == ["c", "b"]
