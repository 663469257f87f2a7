"""The title page, with counts of all numbers and claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from remixup.analysis.best_evidence import Kind, best_evidence, count_claims
from remixup.analysis.result_schema import Cost, Entry, Replication, Verdict
from remixup.config.experiment import Experiment
from remixup.reporting.evidence import PUBLISHED, SURROGATE, cells_of_count, printed_kinds
from remixup.reporting.experiment_section import spent_by
from remixup.reporting.templates import render


def title_page(experiments: list[Experiment], papers: list[str], replication: Replication, costs: list[Cost]) -> str:
    """Print title, abstract, and the tables of numbers by paper and of claims by outcome.

    Args:
        experiments: those of the report.
        papers: keys of references.bib.
        replication: all entries and claims.
        costs: of all runs, each once.
    """
    entries = replication.entries
    kinds, verdicts = count_numbers(entries)
    claims = [claim for claim in replication.claims if claim.source == "paper"]
    counts = {
        "Primary": count_claims(claim for claim in claims if claim.primary),
        "Secondary": count_claims(claim for claim in claims if not claim.primary),
    }
    return render(
        "title.tex",
        experiments=sum(bool(experiment.rows) for experiment in experiments),
        number_kinds=kinds,
        verdicts=verdicts,
        papers={paper: count_numbers(entry for entry in entries if entry.paper == paper) for paper in papers},
        kinds=printed_kinds(kinds),
        not_transcribed=sum(not entry.transcribed for entry in entries),
        claims={name: count for name, count in counts.items() if count.claims},
        decided=count_claims(claims),
        ours=count_claims(claim for claim in replication.claims if claim.source == "ours"),
        outcomes=(PUBLISHED, SURROGATE),
        counted=cells_of_count,
        sentences=Counter(claim.kind for claim in replication.claims),
        spent=spent_by(costs),
    )


def count_numbers(entries: Iterable[Entry]) -> tuple[Counter[Kind], Counter[Verdict]]:
    """Count published numbers by kind of their best evidence, and by its verdict."""
    best = [best_evidence(entry) for entry in entries if entry.published is not None]
    return Counter(_coarse(kind) for kind, _ in best), Counter(verdict for _, verdict in best)


def _coarse(kind: Kind) -> Kind:
    """Count both reduced scales as one."""
    return "reduced" if kind == "reduced-cpu" else kind
