"""Choose the best evidence for a number or a claim, and say what it decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

from remixup.analysis.conventions import count
from remixup.analysis.result_schema import (
    ClaimCount,
    ClaimResult,
    ClaimTest,
    Difference,
    Entry,
    Fit,
    OnSurrogate,
    Outcome,
    Recorded,
    RecordedClaim,
    Summary,
    Verdict,
)
from remixup.config.settings import Scale

BROKEN = ("failed", "diverged", "no value")
"""The verdicts on numbers that lack results of some runs."""
Kind = Literal["paper", "reduced", "reduced-cpu", "embedded", "surrogate", "none"]
KINDS: tuple[Kind, ...] = ("paper", "reduced", "reduced-cpu", "embedded", "surrogate", "none")
"""Kinds of evidence, best first; "embedded" is one that is no surrogate."""


def kind(scale: Scale, surrogate: str | None) -> Kind:
    """Return the kind of evidence that a measured number is.

    At the reduced scales the data is real and the schedule short, so that nearly all numbers are of surrogates;
    "surrogate" is one at another scale.
    """
    if scale == "reduced" or scale == "reduced-cpu":
        return scale
    return "surrogate" if surrogate else scale


def _explores(each: Entry | Recorded | ClaimTest) -> bool:
    return not isinstance(each, Recorded | RecordedClaim) or each.standing == "exploratory"


def best_record(entry: Entry) -> Recorded | None:
    """Return the best record (kind, no surrogate, confirmatory, most runs, newest) that is not this report's own."""
    return min(
        (
            record
            for record in sorted(entry.recorded, key=lambda record: record.date, reverse=True)
            if record.replicated != entry.replicated
        ),
        key=lambda r: (KINDS.index(kind(r.scale, r.surrogate)), r.surrogate is not None, _explores(r), -r.replicated.n),
        default=None,
    )


def best_sample(entry: Entry) -> Entry | Recorded | None:
    """Return the best sample of a number: by kind, confirmatory, whole, and the largest; None without any."""
    samples: list[Entry | Recorded] = [entry, *filter(None, [best_record(entry)])]

    def rank(each: Entry | Recorded) -> tuple[int, bool, bool, int]:
        assert each.replicated is not None
        order = KINDS.index(kind(each.scale, each.surrogate))
        return order, _explores(each), each.verdict in BROKEN, -each.replicated.n

    return min((each for each in samples if each.replicated), key=rank, default=None)


def best_evidence(entry: Entry) -> tuple[Kind, Verdict]:
    """Return kind and verdict of the best evidence for a number."""
    best = best_sample(entry)
    return (kind(best.scale, best.surrogate), best.verdict) if best else ("none", entry.verdict)


def _rank(test: ClaimTest) -> tuple[bool, int, bool, int, int]:
    # Of several freezes the first counts. To prefer more seeds would reward freezing again until a result pleases.
    evidence = KINDS.index(kind(test.scale, test.surrogate))
    return test.outcome == "not informative", evidence, _explores(test), len(test.untried), -test.n * _explores(test)


def best_test(claim: ClaimResult) -> ClaimTest | None:
    """Return the test of a claim on the best evidence that is informative, confirmatory, on most rows and seeds."""
    tests: list[ClaimTest] = [*([claim] if claim.n else []), *claim.recorded]
    return min(tests, key=_rank, default=None)


def in_favor(test: ClaimTest) -> bool | None:
    """Return whether a test supports a claim; None where it leaves it open, also if only the size is."""
    return {"supported": True, "contradicted": False, "no effect": False}.get(test.outcome)


def dissenting_test(claim: ClaimResult) -> ClaimTest | None:
    """Return the best of the tests that decided otherwise than the best one, which may be open; None without any."""
    best = best_test(claim)
    other = [test for test in (claim, *claim.recorded) if best and in_favor(test) not in (None, in_favor(best))]
    return min(other, key=_rank, default=None)


def on_surrogate(outcome: Outcome) -> OnSurrogate:
    """Return what an outcome on a surrogate says; it neither supports nor contradicts."""
    said: dict[Outcome, OnSurrogate] = {
        "supported": "agrees",
        "contradicted": "disagrees",
        "no effect": "disagrees",
        "not informative": "not informative",
    }
    return said.get(outcome, "open")


def is_smoke_test(result: Entry | Recorded | ClaimTest | Fit) -> bool:
    """Return whether a result is of a surrogate at embedded scale, which checks the code and is no evidence."""
    return result.scale == "embedded" and result.surrogate is not None


Number = TypeVar("Number", bound=Entry)


def without_smoke_test(entry: Number) -> Number:
    """Return a number as if a surrogate at embedded scale had not been run."""
    own = {"replicated": None, "verdict": "not run"} if is_smoke_test(entry) else {}
    recorded = [each for each in entry.recorded if not is_smoke_test(each)]
    return entry.model_copy(update={**own, "recorded": recorded})


def claim_without_smoke_test(claim: ClaimResult) -> ClaimResult:
    """Return a claim as if a surrogate at embedded scale had not been run."""
    return claim.model_copy(update={"n": 0, "effect": None, "ci95": None}) if is_smoke_test(claim) else claim


def finding(test: ClaimTest | None) -> Outcome | OnSurrogate:
    """Return the printed finding of a test; a claim without a test is open."""
    if test is None:
        return "open"
    return on_surrogate(test.outcome) if test.surrogate else test.outcome


def count_claims(claims: Iterable[ClaimResult]) -> ClaimCount:
    """Count the outcomes of claims that runs can decide, each by its best evidence.

    Surrogates at embedded scale check the code and are no evidence: a claim with nothing else counts as not run.
    """
    measured = (claim for claim in claims if claim.kind == "measured")
    tests = [best_test(claim_without_smoke_test(claim)) for claim in measured]
    found = [test for test in tests if test]
    return ClaimCount(
        claims=len(tests),
        published_protocol=dict(Counter(test.outcome for test in found if not test.surrogate)),
        surrogate=dict(Counter(on_surrogate(test.outcome) for test in found if test.surrogate)),
        not_run=len(tests) - len(found),
    )


def summary(entries: list[Entry], claims: list[ClaimResult], differences: Sequence[Difference] = ()) -> Summary:
    """Return the counts of everything by its best evidence.

    A number that only a surrogate at embedded scale has counts as not run, as a claim does.
    """
    entries, differences = list(map(without_smoke_test, entries)), list(map(without_smoke_test, differences))
    verdicts = Counter(best_evidence(entry)[1] for entry in entries if entry.published is not None)
    return Summary(
        published_numbers=verdicts.total(),
        by_verdict=dict(verdicts),
        by_convention=count(filter(None, map(best_sample, entries))),
        differences_by_verdict=dict(Counter(best_evidence(each)[1] for each in differences)),
        not_transcribed=sum(not entry.transcribed for entry in entries),
        paper_claims=count_claims(claim for claim in claims if claim.source == "paper"),
        our_claims=count_claims(claim for claim in claims if claim.source == "ours"),
    )
