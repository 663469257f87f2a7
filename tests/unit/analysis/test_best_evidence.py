"""Which evidence of a number or a claim is the best, and how outcomes are counted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.reporting.sample_claims import EMBEDDED, NEVER, SHORT, on_record
from tests.unit.reporting.sample_results import DIGITS, claim, entry, recorded
from tests.unit.reporting.small_experiment import exactly

from remixup.analysis.best_evidence import best_evidence, best_record, best_test, count_claims, dissenting_test, summary
from remixup.analysis.result_schema import Outcome, RecordedClaim


def test_the_best_kind_counts_then_the_most_seeds() -> None:
    scales = ("reduced-cpu", "reduced", "paper")
    cpu, gpu, paper = (on_record(scale, **SHORT) for scale in scales)
    own = claim("c", **EMBEDDED)
    assert best_test(claim("c", **EMBEDDED, recorded=[cpu])) is not own
    assert best_test(claim("c", **EMBEDDED, recorded=[cpu])) == cpu, "real data before a surrogate"
    assert best_test(claim("c", **EMBEDDED, recorded=[cpu, gpu])) == gpu
    assert best_test(claim("c", recorded=[gpu])) == claim("c", recorded=[gpu]), "this report's own, at paper scale"
    assert best_test(claim("c", **NEVER, recorded=[cpu, paper])) == cpu, "a surrogate at paper scale is one"
    more = on_record("reduced", n=9, **SHORT)
    assert best_test(claim("c", **NEVER, recorded=[gpu, more])) == more
    whole, some = on_record("paper", n=3), on_record("paper", n=9, untried=["a row"])
    assert best_test(claim("c", **NEVER, recorded=[some, whole])) == whole, "a choice among all rows"
    frozen = {"standing": "confirmatory", "freeze": "x-1"}
    first, second = gpu.model_copy(update=frozen), more.model_copy(update={**frozen, "freeze": "x-2"})
    assert best_test(claim("c", **NEVER, recorded=[more, first, second])) == first, "no choice among freezes"
    assert best_test(claim("c", **NEVER)) is None


@pytest.mark.parametrize(
    ("own", "recorded", "says"),
    [
        ("supported", "open", "supported"),  # the better evidence is open, the weaker agrees
        ("supported", "supported", None),  # both agree
        ("open", "supported", None),  # the weaker is open: nothing is contradicted
        ("positive", "no effect", None),
        ("contradicted", "no effect", None),  # neither is in favor
        ("no effect", "supported", "no effect"),
        ("not informative", "supported", None),
        ("open", "open", None),
    ],
)
def test_only_a_weaker_answer_that_differs_dissents(own: Outcome, recorded: Outcome, says: Outcome | None) -> None:
    found = dissenting_test(claim("c", **EMBEDDED, outcome=own, recorded=[on_record("reduced-cpu", outcome=recorded)]))
    assert (found.outcome if found else None) == says


def test_what_is_not_informative_is_no_evidence_if_anything_else_is() -> None:
    useless = on_record("reduced-cpu", outcome="not informative", **SHORT)
    own = claim("c", **EMBEDDED, recorded=[useless])
    assert best_test(own) is own
    assert best_test(claim("c", **NEVER, recorded=[useless])) == useless


def test_of_records_that_are_alike_the_newest_counts() -> None:
    older, newer = (recorded(exactly(5.0, 0.1), date=date) for date in ("2025-01-01", "2025-02-01"))
    for order in ([older, newer], [newer, older]):
        found = best_record(entry("r", "test_error.last", None, None, recorded=order, verdict="not run"))
        assert found is not None
        assert found.date == "2025-02-01"


def test_best_evidence_of_a_number() -> None:
    runs, more = exactly(4.0, 0.1, 3), exactly(4.1, 0.1, 5)
    reduced = recorded(more, scale="reduced", verdict="replicated")
    surrogate = {"surrogate": DIGITS, "scale": "embedded", "verdict": "surrogate"}

    def best(*arguments: Any, **changes: Any) -> tuple[str, str]:
        return best_evidence(entry("r", "test_error.last", 4.0, *arguments, **changes))

    assert best(None) == ("none", "not run")
    assert best(None, verdict="failed") == ("none", "failed")
    assert best(runs, **surrogate) == ("surrogate", "surrogate")
    assert best(runs, **surrogate, recorded=[reduced]) == ("reduced", "replicated")
    assert best(None, verdict="diverged", recorded=[reduced]) == ("reduced", "replicated")
    assert best(runs, verdict="not replicated", recorded=[reduced]) == ("paper", "not replicated")
    assert best(runs, scale="embedded") == ("embedded", "inconclusive")
    on_surrogate = recorded(more, surrogate="imagenette for ImageNet", scale="paper", verdict="surrogate")
    assert best(None, recorded=[on_surrogate]) == ("surrogate", "surrogate")
    shorter = recorded(more, scale="reduced", surrogate="30 epochs for 200", verdict="surrogate")
    assert best(runs, **surrogate, recorded=[shorter]) == ("reduced", "surrogate")
    paper = recorded(more, scale="paper", verdict="replicated")
    assert best(runs, recorded=[paper]) == ("paper", "replicated"), "of equals, the one with more runs"
    fewer = recorded(runs, scale="paper", verdict="replicated")
    assert best(more, recorded=[fewer]) == ("paper", "inconclusive")
    assert best(more, verdict="diverged", recorded=[fewer]) == ("paper", "replicated"), "a broken sample counts less"


def test_the_summary_by_hand() -> None:
    """By best evidence; what is not transcribed is no number, and definitions are no claims that runs decide."""
    runs = exactly(4.0, 0.1)
    entries = [
        entry("a", "test_error.last", 4.0, runs, verdict="replicated"),
        entry("b", "test_error.last", 4.0, None, recorded=[recorded(runs, verdict="not replicated")]),
        entry("c", "test_error.last", 4.0, None),
        entry("d", "test_error.last", None, runs, verdict="no published number"),
        entry("e", "test_error.last", None, runs, verdict="not transcribed", transcribed=False),
        entry("f", "test_error.last", None, None, transcribed=False),
    ]
    definition = claim("d", kind="definition", **NEVER)
    ours = claim("c", outcome="contradicted", source="ours")
    claims = [claim("a"), claim("b", outcome="no effect", **SHORT), claim("e", **NEVER), ours, definition]
    found = summary(entries, claims)
    assert (found.published_numbers, found.not_transcribed) == (3, 2)
    assert found.by_verdict == {"replicated": 1, "not replicated": 1, "not run": 1}
    theirs = found.paper_claims
    assert (theirs.claims, theirs.published_protocol, theirs.not_run) == (3, {"supported": 1}, 1)
    assert theirs.surrogate == {"disagrees": 1}
    assert (found.our_claims.claims, found.our_claims.published_protocol) == (1, {"contradicted": 1})


def test_claim_counts_by_hand() -> None:
    record = {"scale": "reduced", "outcome": "supported", "why": "w", "effect": 1.0, "ci95": (0.9, 1.1), "n": 5}
    paper, shorter = (RecordedClaim.model_validate({**record, "surrogate": each}) for each in (None, "30 epochs"))
    claims = [
        claim("a", primary=True),
        claim("b", outcome="contradicted"),
        claim("c", **SHORT, outcome="no effect"),
        claim("d", **EMBEDDED, outcome="open", recorded=[paper]),
        claim("e", **NEVER),
        claim("f", **NEVER, recorded=[shorter]),
        claim("g", **SHORT, outcome="positive"),
        claim("h", **SHORT, outcome="not informative"),
        claim("i", outcome="protocol not recovered"),
        claim("j", outcome="positive"),
        claim("k", outcome="no effect"),
        claim("l", outcome="open"),
        claim("m", **EMBEDDED),
        claim("n", **EMBEDDED, recorded=[shorter]),
    ]
    found = count_claims(claims)
    assert (found.claims, found.not_run) == (14, 2), "e, and m, whose surrogate checks the code"
    assert found.published_protocol == {
        **dict.fromkeys(("positive", "no effect", "contradicted", "open", "protocol not recovered"), 1),
        "supported": 2,
    }
    assert found.surrogate == {**dict.fromkeys(("disagrees", "open", "not informative"), 1), "agrees": 2}
