"""The title page, with counts of all numbers and claims, and the macros that every page needs."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from remixup.analysis.best_evidence import Kind
from remixup.analysis.result_schema import Code, Cost, Entry, Replication
from remixup.config.experiment import Experiment
from remixup.reporting import latex
from remixup.reporting.evidence import DECIDED, DECISIONS, among, by_source, count_claims, count_numbers
from remixup.reporting.experiment_section import spent_by
from remixup.reporting.templates import render


def macros(state: Code, scale: str) -> list[str]:
    """Define the LaTeX commands that headers and footers use."""
    values = {
        "ScaleName": scale,
        "Commit": latex.code(state.commit[:12]) if state.commit else "outside a repository",
        "CommitDate": _day(state.commit),
        "DirtyNote": {True: "with uncommitted changes", False: "", None: "state unknown"}[state.dirty],
    }
    return [latex.macro(name, value) for name, value in values.items()]


def _day(commit: str | None) -> str:
    """Return the day of a commit (ISO 8601), or "undated" where git does not know the commit."""
    command = ["git", "show", "--no-patch", "--format=%cs", f"{commit}^{{commit}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "undated"
    return done.stdout.strip()


@dataclass(frozen=True)
class NumberCounts:
    """Published numbers by the kind of their best evidence, and by its verdict."""

    kinds: Counter[Kind]
    verdicts: Counter[str]

    @property
    def total(self) -> int:
        """Count the numbers."""
        return self.kinds.total()

    @property
    def without_verdict(self) -> int:
        """Count the numbers that were not compared."""
        return self.total - sum(self.verdicts[name] for name in ("replicated", "not replicated", "inconclusive"))


def count(entries: Iterable[Entry]) -> NumberCounts:
    """Count published numbers; both reduced scales count as one."""
    kinds, verdicts = count_numbers(entries)
    kinds["reduced"] += kinds.pop("reduced-cpu", 0)
    return NumberCounts(kinds, verdicts)


def title_page(experiments: list[Experiment], papers: list[str], replication: Replication, costs: list[Cost]) -> str:
    """Print title, abstract, and the tables of numbers by paper and of claims by evidence.

    Args:
        experiments: those of the report.
        papers: keys of references.bib.
        replication: all entries and claims.
        costs: of all runs, each once.
    """
    entries = replication.entries
    sources = by_source(replication.claims)
    claims = {kind: _by_outcome(counts) for kind, counts in count_claims(sources["paper"]).items()}
    claims["reduced"] += claims.pop("reduced-cpu")
    numbers = count(entries)
    return render(
        "title.tex",
        experiments=sum(bool(experiment.rows) for experiment in experiments),
        numbers=numbers,
        papers={paper: count(entry for entry in entries if entry.paper == paper) for paper in papers},
        kinds=among(numbers.kinds),
        not_transcribed=sum(not entry.transcribed for entry in entries),
        claims=claims,
        claim_kinds=among(Counter({kind: counts.total() for kind, counts in claims.items()})),
        outcomes=DECIDED,
        decided=sum(claims.values(), Counter[str]()),
        ours=_by_outcome(sum(count_claims(sources["ours"]).values(), Counter[str]())),
        sentences=Counter(claim.kind for claim in replication.claims),
        spent=spent_by(costs),
    )


def _by_outcome(counts: Counter[str]) -> Counter[str]:
    """Name decisions in words."""
    return Counter({name: counts[command] for name, command in zip(DECIDED, DECISIONS, strict=True)})
