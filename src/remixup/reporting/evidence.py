"""What counts as the best evidence for a number or a claim, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from remixup.replication.results import ClaimResult, Entry, Recorded, RecordedClaim
from remixup.spec.config import Scale

DECISIONS = (r"\Confirmed", r"\Refuted", r"\DirectionShown", r"\DirectionNotShown", r"\Undecided")
"""The commands, defined in paper/report.tex with their symbols, that print what is decided about a claim."""
BROKEN = ("failed", "diverged", "no value")
"""The verdicts on numbers that not all of their runs gave."""
Kind = Literal["paper", "reduced", "embedded", "stand-in", "none"]
KINDS: tuple[Kind, ...] = ("paper", "reduced", "embedded", "stand-in", "none")
"""Kinds of evidence, best first; "embedded" is a number measured there that stands in for nothing."""


def kind(scale: Scale, stand_in: str | None) -> Kind:
    """What a number that was measured counts as.

    At reduced scale, on a GPU or a CPU, the data is real and the schedule short, so that nearly all of its numbers
    stand in for others; "stand-in" is what stands in at any other scale.
    """
    if scale == "reduced" or scale == "reduced-cpu":
        return "reduced"
    return "stand-in" if stand_in else scale


def best_record(entry: Entry) -> Recorded | None:
    """The recorded result that says most (best kind, no stand-in, most runs, newest), if not this report's own."""
    return min(
        (
            record
            for record in sorted(entry.recorded, key=lambda record: record.date, reverse=True)
            if record.replicated != entry.replicated
        ),
        key=lambda r: (KINDS.index(kind(r.scale, r.stand_in)), r.stand_in is not None, -r.replicated.n),
        default=None,
    )


def best_evidence(entry: Entry) -> tuple[Kind, str]:
    """Kind and verdict of the best evidence for a number: the best kind, then whole samples, then the larger."""
    samples: list[Entry | Recorded] = [entry, *filter(None, [best_record(entry)])]
    found: list[tuple[Kind, bool, int, str]] = [
        (kind(each.scale, each.stand_in), each.verdict in BROKEN, -each.replicated.n, each.verdict)
        for each in samples
        if each.replicated
    ]
    best = min(found, key=lambda each: (KINDS.index(each[0]), *each[1:3]), default=("none", False, 0, entry.verdict))
    return best[0], best[3]


def best_test(claim: ClaimResult) -> ClaimResult | RecordedClaim | None:
    """The test of a claim on the best evidence, then the one with most seeds; None where there is none."""
    tests: list[ClaimResult | RecordedClaim] = [*([claim] if claim.n else []), *claim.recorded]
    return min(tests, key=lambda test: (KINDS.index(kind(test.scale, test.stand_in)), -test.n), default=None)


def decision(test: ClaimResult | RecordedClaim | None) -> str:
    """The command that prints what a test decides; a stand-in neither confirms nor refutes."""
    if test is None or test.holds is None:
        return r"\Undecided"
    if test.stand_in:
        return r"\DirectionShown" if test.holds else r"\DirectionNotShown"
    return r"\Confirmed" if test.holds else r"\Refuted"


def count_numbers(entries: Iterable[Entry]) -> tuple[Counter[Kind], Counter[str]]:
    """Published numbers by kind of their best evidence, and by its verdict."""
    best = [best_evidence(entry) for entry in entries if entry.published is not None]
    return Counter(kind for kind, _ in best), Counter(verdict for _, verdict in best)


def count_claims(claims: Iterable[ClaimResult]) -> dict[Kind, Counter[str]]:
    """For each kind of best evidence: how many of the claims that runs can decide have each of the `DECISIONS`."""
    counts: dict[Kind, Counter[str]] = {name: Counter() for name in KINDS}
    for claim in measured(claims):
        test = best_test(claim)
        counts[kind(test.scale, test.stand_in) if test else "none"][decision(test)] += 1
    return counts


def measured(claims: Iterable[ClaimResult]) -> list[ClaimResult]:
    """The claims that runs can decide: neither definitions nor sentences that are left untested."""
    return [claim for claim in claims if claim.kind == "measured"]
