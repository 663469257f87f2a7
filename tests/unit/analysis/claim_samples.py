"""Made-up claims, and what their rows measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from remixup.analysis.result_schema import ClaimResult
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.claims import Claim, Pair
from remixup.config.experiment import Experiment, MetricInfo, Row
from remixup.config.settings import Scale

METRIC = "test_error.last"
ERM = [5.0, 5.2, 5.4, 5.1, 5.3]
BETTER = [4.1, 4.2, 4.3, 4.0, 4.4]
"""Effects 0.9, 1.0, 1.1, 1.1, 0.9: mean 1, standard deviation 0.1."""


def claim(
    compare: Iterable[tuple[str, str]] = (("erm", "mixup"),), smallest: float = 0.3, name: str = "better", **more: Any
) -> Claim:
    pairs = [Pair(baseline=baseline, treatment=treatment) for baseline, treatment in compare]
    place = {"statement": "Mixup is better.", "where": "Table 2"}
    return Claim(id=name, **place, metric=METRIC, compare=pairs, smallest_effect=smallest, **more)


def experiment(*claims: Claim, name: str = "cifar") -> Experiment:
    return Experiment(
        id=name,
        paper="zhang2018mixup",
        title="",
        where="Table 2",
        summary="",
        metrics={METRIC: MetricInfo(label="test error", unit="points")},
        rows=[Row(id=row, label=row) for row in sorted({row for each in claims for row in each.rows})],
        claims=list(claims),
    )


def measured(values: Iterable[float], *, first_seed: int = 0, scale: Scale = "paper", **more: Any) -> Evidence:
    if (reason := more.pop("uninformative", None)) is not None:
        more["uninformative"] = lambda _: reason
    return Evidence(scale, values={METRIC: dict(enumerate(values, first_seed))}, **more)


def decide(evidence: dict[str, Evidence], *claims: Claim) -> list[ClaimResult]:
    return decide_claims(experiment(*(claims or (claim(),))), evidence)
