"""Compare a published error with ours under each convention: last epoch, median of the last ten, best test epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from remixup.analysis.result_schema import JUDGED, Compared, ConventionCount, Entry, Recorded, Replicated, Verdict
from remixup.analysis.statistics import ROUND_OFF
from remixup.config.metrics import CONVENTIONS, Convention

Number = Callable[[str], tuple[Replicated | None, Verdict]]
"""The sample of a metric, and its verdict against a published number."""


def by_convention(metric: str, published: float | None, number: Number) -> dict[Convention, Compared]:
    """Return the verdicts on a published number, had the paper meant each of the conventions.

    Args:
        metric: the metric that the number is compared with, such as `test_error.last`.
        published: the number.
        number: gives the sample of a metric and its verdict against that number.

    Returns:
        For each convention that the runs have a value of. Empty for a metric without conventions, and for a number
        that is not judged: of a surrogate, without runs, or without a published value.
    """
    quantity, _, reduction = metric.partition(".")
    if published is None or reduction not in CONVENTIONS:
        return {}
    found: dict[Convention, Compared] = {}
    for convention in CONVENTIONS:
        replicated, decided = number(f"{quantity}.{convention}")
        if replicated is not None and decided in JUDGED:
            off = replicated.mean - published
            found[convention] = Compared(mean=replicated.mean, difference=off, n=replicated.n, verdict=decided)
    return found


def best_fit(compared: Mapping[Convention, Compared]) -> Convention | None:
    """Return the convention whose mean is nearest to the published number; None where two are equally near."""
    distances = sorted((abs(each.difference), convention) for convention, each in compared.items())
    if len(distances) < 2 or distances[1][0] - distances[0][0] <= ROUND_OFF:
        return None
    return distances[0][1]


def count(samples: Iterable[Entry | Recorded]) -> dict[Convention, ConventionCount]:
    """Count verdicts and best fits over numbers, by convention."""
    verdicts: dict[Convention, Counter[Verdict]] = {convention: Counter() for convention in CONVENTIONS}
    fits: Counter[Convention | None] = Counter()
    for sample in samples:
        fits[sample.best_fit] += 1
        for convention, each in sample.by_convention.items():
            verdicts[convention][each.verdict] += 1
    return {
        convention: ConventionCount(
            compared=found.total(),
            compatible=found.total() - found["not replicated"],
            by_verdict=dict(found),
            best_fit=fits[convention],
        )
        for convention, found in verdicts.items()
        if found
    }
