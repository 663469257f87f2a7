"""What the article prints about the baseline gate: on how many claims there was a published number to check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from remixup.analysis.best_evidence import best_test, finding
from remixup.analysis.result_schema import ClaimResult, Replication
from remixup.config.experiment import Experiment


class Gate:
    """The functions that templates of the article call."""

    def __init__(self, experiments: Sequence[Experiment], whole: Replication) -> None:
        """Find the claims of the papers.

        Args:
            experiments: the experiment files.
            whole: the joined results.
        """
        self._stated = {(each.id, claim.id): claim for each in experiments for claim in each.claims}
        self._published = {
            (each.experiment, each.row, each.metric) for each in whole.entries if each.published is not None
        }
        self._claims = [each for each in whole.claims if each.source == "paper" and each.kind == "measured"]

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by name."""
        return {"unchecked": self.unchecked}

    def unchecked(self, outcome: str) -> int:
        """Count claims with an outcome under the published protocol whose baselines have no published number."""
        tests = [(claim, best_test(claim)) for claim in self._claims]
        found = [claim for claim, test in tests if test and not test.stand_in and finding(test) == outcome]
        return sum(not self._has_number(claim) for claim in found)

    def _has_number(self, claim: ClaimResult) -> bool:
        stated = self._stated[claim.experiment, claim.id]
        return any((claim.experiment, row, stated.metric) in self._published for row in stated.baselines)
