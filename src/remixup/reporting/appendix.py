"""The appendix: where results come from, and how long the runs took."""

from __future__ import annotations

from collections import Counter
from typing import Any

from remixup.analysis.result_schema import Cost, ExperimentResult, Replication
from remixup.config.experiment import Experiment
from remixup.reporting.experiment_section import spent_by
from remixup.reporting.templates import render


def appendix(
    results: list[ExperimentResult],
    experiments: list[Experiment],
    replication: Replication,
    environment: dict[str, Any],
) -> str:
    """Print the sources and the machine, datasets, training time by experiment, and origins of results on record."""
    titles = {experiment.id: experiment.title for experiment in experiments if experiment.rows}
    uses = Counter(run for result in results for run in {cost.run for cost in result.costs})
    times = []
    for result in (result for result in results if result.experiment in titles):
        shared = sum(uses[run] > 1 for run in {cost.run for cost in result.costs})
        times.append((titles[result.experiment], spent_by(result.costs), shared))
    origins = Counter(
        (record.date, record.scale, record.code.commit or "", record.code.dirty, record.precision, record.hardware)
        for entry in replication.entries
        for record in entry.recorded
    )
    sources = {(source.name, source.version): source for result in results for source in result.sources}
    return render(
        "appendix.tex",
        code=replication.code,
        environment=environment,
        packages=", ".join(f"{name} {version}" for name, version in environment["versions"].items()),
        sources=[source for _, source in sorted(sources.items())],
        times=times,
        total=spent_by(distinct(results)),
        shared=sum(count > 1 for count in uses.values()),
        origins=sorted(origins.items(), key=str),
    )


def distinct(results: list[ExperimentResult]) -> list[Cost]:
    """Return what the runs of all experiments took; runs that experiments share count once."""
    return list({(cost.run, *cost.seeds): cost for result in results for cost in result.costs}.values())
