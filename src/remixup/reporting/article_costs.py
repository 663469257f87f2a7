"""Costs that the article prints: those of recorded results, and those of missing ones."""

from __future__ import annotations

from markupsafe import Markup

from remixup.analysis import records
from remixup.errors import UserError, did_you_mean
from remixup.reporting import latex, templates
from remixup.reporting.missing_runs import Outstanding

RATE = 1e14
"""Operations per second of a GPU: a third of the peak of an NVIDIA A100 in bfloat16."""
DAY = 86_400


class Costs:
    """The functions that templates of the article call."""

    def __init__(self, missing: Outstanding) -> None:
        """Find the costs by experiment."""
        self._missing = missing
        self._by_name = {each.experiment.id: each for each in missing.experiments}

    def gpu_days(self, *experiments: str) -> Markup:
        """Print the days that a GPU of `RATE` needs for the missing trainings of some experiments, or of all."""
        runs: dict[str, int] = {} if experiments else self._missing.together
        for name in experiments:
            if name not in self._by_name:
                hint = did_you_mean(name, self._by_name)
                raise UserError(f"nothing is missing of {name!r}", where=templates.position(), hint=hint)
            runs |= self._by_name[name].runs
        days = self._missing.operations(runs) * 1e15 / RATE / DAY
        return Markup(latex.number(f"{days:.1f}") if 1 <= days < 10 else latex.amount(days))

    def missing_numbers(self, *experiments: str) -> int:
        """Count the published numbers of some experiments, or all, without runs of the published protocol."""
        return sum(each.numbers for name, each in self._by_name.items() if not experiments or name in experiments)

    def missing_claims(self, *experiments: str) -> int:
        """Count their claims in the same way."""
        return sum(each.claims for name, each in self._by_name.items() if not experiments or name in experiments)

    def trainings(self) -> int:
        """Count the trainings that are missing."""
        return sum(self._missing.together.values())

    def settings_missing(self) -> int:
        """Count the settings of the missing trainings."""
        return len(self._missing.together)

    def most_seeds(self) -> int:
        """Return the most seeds that a setting has."""
        return max(self._missing.together.values())

    def core_hours(self) -> Markup:
        """Print the core hours of training of the recorded results."""
        return Markup(latex.amount(records.core_hours(records.read_all())))
