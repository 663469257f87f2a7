"""Numbers that the text of a paper derives from two rows of its tables, such as "2.7 times more robust"."""

from __future__ import annotations

from collections.abc import Mapping

from remixup.analysis.records import OnRecord
from remixup.analysis.result_schema import Entry, Recorded, Replicated, Verdict
from remixup.analysis.run_results import RunResults, judge
from remixup.analysis.verdicts import joined
from remixup.config.experiment import Derived
from remixup.config.settings import SCALES
from remixup.planning.plan import PlannedRow


def accuracy_ratios(
    baseline: Mapping[int, float | None], treatment: Mapping[int, float | None]
) -> dict[int, float | None]:
    """Return, for each seed of both, the treatment's accuracy over the baseline's.

    Args:
        baseline: seed -> error in percent; None for a seed without one.
        treatment: the same of the other row.

    Returns:
        Seed -> (100 - treatment) / (100 - baseline); None where an error is missing or the baseline is never right.
    """
    found: dict[int, float | None] = {}
    for seed in sorted(baseline.keys() & treatment.keys()):
        below, above = baseline[seed], treatment[seed]
        found[seed] = None if below is None or above is None or below >= 100 else (100 - above) / (100 - below)
    return found


def entries(results: RunResults, on_record: OnRecord) -> list[Entry]:
    """Return the derived numbers of an experiment whose rows are run at the plan's scale."""
    rows = {row.row.id: row for row in results.plan.rows}
    return [
        _entry(results, wanted, rows[wanted.baseline], rows[wanted.treatment], _recorded(on_record, wanted))
        for wanted in results.plan.experiment.derived
        if wanted.baseline in rows and wanted.treatment in rows
    ]


def _entry(
    results: RunResults, wanted: Derived, baseline: PlannedRow, treatment: PlannedRow, recorded: list[Recorded]
) -> Entry:
    replicated, decided = _number(wanted, (results, baseline), (results, treatment))
    runs = list(dict.fromkeys([baseline.key, treatment.key]))
    return Entry(
        paper=results.plan.experiment.paper,
        experiment=results.plan.experiment.id,
        row=wanted.id,
        metric=wanted.kind,
        unit="",
        where=wanted.where,
        published=wanted.published,
        quoted=False,
        tolerance=wanted.tolerance,
        replicated=replicated,
        scale=min(baseline.scale, treatment.scale, key=SCALES.index),
        stand_in=joined(baseline.stand_in, treatment.stand_in),
        dataset_version=f"{treatment.run.dataset.name} {treatment.run.dataset.version}",
        verdict=decided,
        log=next((results.failed[run] for run in runs if run in results.failed), None),
        runs=runs,
        recorded=recorded,
    )


def _recorded(on_record: OnRecord, wanted: Derived) -> list[Recorded]:
    """Return what is on record of a derived number: a result for each real scale that both rows have."""
    found = []
    for scale, treatment in on_record.found[wanted.treatment].items():
        baseline = on_record.found[wanted.baseline].get(scale)
        if baseline is None:
            continue
        replicated, decided = _number(wanted, baseline, treatment)
        if replicated is not None:
            result = treatment[0].recorded(treatment[1], scale, replicated, decided)
            found.append(result.model_copy(update={"stand_in": joined(baseline[1].stand_in, treatment[1].stand_in)}))
    return found


def _number(
    wanted: Derived, baseline: tuple[RunResults, PlannedRow], treatment: tuple[RunResults, PlannedRow]
) -> tuple[Replicated | None, Verdict]:
    """Return the sample of a derived number, and its verdict."""
    both = (baseline, treatment)
    ratios = accuracy_ratios(*(results.measured(row, wanted.metric) for results, row in both))
    lacks = [lack for results, row in both if (lack := results.lack(row, wanted.metric))]
    if None in ratios.values():
        lacks.append("no value")
    stand_in = joined(*(row.stand_in for _, row in both))
    rules = {"tolerance": wanted.tolerance, "decimals": wanted.decimals, "stand_in": stand_in}
    return judge(ratios, next(iter(lacks), None), wanted.published, **rules)
