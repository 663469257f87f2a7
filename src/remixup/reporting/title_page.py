"""The title page, with counts of all numbers and claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from remixup.analysis.best_evidence import KINDS, Kind, best_test, outcome
from remixup.analysis.result_schema import ClaimResult, Cost, Outcome, Replication
from remixup.config.experiment import Experiment
from remixup.reporting.evidence import OUTCOMES, kind_of, printed_kinds
from remixup.reporting.experiment_section import spent_by
from remixup.reporting.number_tables import CONVENTION_NAMES, count_numbers
from remixup.reporting.templates import render


def title_page(experiments: list[Experiment], papers: list[str], replication: Replication, costs: list[Cost]) -> str:
    """Print title, abstract, and the tables of numbers by paper and of claims by evidence.

    Args:
        experiments: those of the report.
        papers: keys of references.bib.
        replication: all entries and claims.
        costs: of all runs, each once.
    """
    entries = replication.entries
    claims = count_claims(claim for claim in replication.claims if claim.source == "paper")
    ours = count_claims(claim for claim in replication.claims if claim.source == "ours")
    return render(
        "title.tex",
        experiments=sum(bool(experiment.rows) for experiment in experiments),
        numbers=count_numbers(entries),
        papers={paper: count_numbers(entry for entry in entries if entry.paper == paper) for paper in papers},
        differences=count_numbers(replication.differences),
        conventions=[(CONVENTION_NAMES[name], each) for name, each in replication.summary.by_convention.items()],
        not_transcribed=sum(not entry.transcribed for entry in entries),
        claims=claims,
        claim_kinds=printed_kinds(kind for kind, counts in claims.items() if counts),
        outcomes=OUTCOMES,
        decided=sum(claims.values(), Counter[Outcome]()),
        ours=sum(ours.values(), Counter[Outcome]()),
        sentences=Counter(claim.kind for claim in replication.claims),
        spent=spent_by(costs),
    )


def count_claims(claims: Iterable[ClaimResult]) -> dict[Kind, Counter[Outcome]]:
    """Count the outcomes of claims that runs can decide, by kind of their best evidence."""
    counts: dict[Kind, Counter[Outcome]] = {kind: Counter() for kind in KINDS}
    for test in (best_test(claim) for claim in claims if claim.kind == "measured"):
        counts[_coarse(kind_of(test))][outcome(test)] += 1
    return counts


def _coarse(kind: Kind) -> Kind:
    """Count both reduced scales as one."""
    return "reduced" if kind == "reduced-cpu" else kind
