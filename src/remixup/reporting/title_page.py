"""The title page, with counts of all numbers and claims."""

from __future__ import annotations

from collections import Counter

from remixup.analysis.best_evidence import count_claims
from remixup.analysis.result_schema import Cost, Replication
from remixup.config.experiment import Experiment
from remixup.reporting.evidence import PUBLISHED, SURROGATE, cells_of_count
from remixup.reporting.experiment_section import spent_by
from remixup.reporting.number_tables import CONVENTION_NAMES, count_numbers
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
    claims = [claim for claim in replication.claims if claim.source == "paper"]
    counts = {
        "Primary": count_claims(claim for claim in claims if claim.primary),
        "Secondary": count_claims(claim for claim in claims if not claim.primary),
    }
    return render(
        "title.tex",
        experiments=sum(bool(experiment.rows) for experiment in experiments),
        numbers=count_numbers(entries),
        papers={paper: count_numbers(entry for entry in entries if entry.paper == paper) for paper in papers},
        differences=count_numbers(replication.differences),
        conventions=[(CONVENTION_NAMES[name], each) for name, each in replication.summary.by_convention.items()],
        not_transcribed=sum(not entry.transcribed for entry in entries),
        claims={name: count for name, count in counts.items() if count.claims},
        decided=count_claims(claims),
        ours=count_claims(claim for claim in replication.claims if claim.source == "ours"),
        outcomes=(PUBLISHED, SURROGATE),
        counted=cells_of_count,
        sentences=Counter(claim.kind for claim in replication.claims),
        spent=spent_by(costs),
    )
