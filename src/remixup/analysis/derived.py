"""Numbers that the text of a paper derives from two rows of its tables, such as "2.7 times more robust"."""

from __future__ import annotations

from collections.abc import Mapping

from remixup.analysis.records import OnRecord
from remixup.analysis.result_schema import Entry, Recorded, Verdict
from remixup.analysis.run_results import Harvest
from remixup.analysis.statistics import summarise
from remixup.analysis.verdicts import joined, verdict
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


def entries(harvest: Harvest, on_record: OnRecord) -> list[Entry]:
    """Return the derived numbers of an experiment whose rows are run at the plan's scale."""
    rows = {row.row.id: row for row in harvest.plan.rows}
    return [
        _entry(harvest, wanted, rows[wanted.baseline], rows[wanted.treatment], _recorded(on_record, wanted))
        for wanted in harvest.plan.experiment.derived
        if wanted.baseline in rows and wanted.treatment in rows
    ]


def _entry(
    harvest: Harvest, wanted: Derived, baseline: PlannedRow, treatment: PlannedRow, recorded: list[Recorded]
) -> Entry:
    measured = [harvest.samples(row, wanted.metric) for row in (baseline, treatment)]
    ratios = accuracy_ratios(*({**values, **dict.fromkeys(missing)} for values, missing in measured))
    values = {seed: value for seed, value in ratios.items() if value is not None}
    replicated = summarise(list(values.values()), list(values)) if values else None
    lacks = [harvest.lack(row, missing) for row, (_, missing) in zip((baseline, treatment), measured, strict=True)]
    lack = next(filter(None, lacks), None)
    stand_in = joined(baseline.stand_in, treatment.stand_in)
    if lack is None and len(values) < len(ratios):
        lack = "no value"
    if lack is None and replicated is None:
        lack = "not run"
    runs = list(dict.fromkeys([baseline.key, treatment.key]))
    return Entry(
        paper=harvest.plan.experiment.paper,
        experiment=harvest.plan.experiment.id,
        row=wanted.id,
        metric=wanted.kind,
        unit="",
        where=wanted.where,
        published=wanted.published,
        quoted=False,
        tolerance=wanted.tolerance,
        replicated=replicated,
        scale=min(baseline.scale, treatment.scale, key=SCALES.index),
        stand_in=stand_in,
        dataset_version=f"{treatment.run.dataset.name} {treatment.run.dataset.version}",
        verdict=lack or _verdict(wanted, list(values.values()), stand_in),
        log=next((harvest.failed[run] for run in runs if run in harvest.failed), None),
        runs=runs,
        recorded=recorded,
    )


def _recorded(on_record: OnRecord, wanted: Derived) -> list[Recorded]:
    """Return what is on record of a derived number: a result for each real scale that both rows have."""
    results = []
    for scale, treatment in on_record.found[wanted.treatment].items():
        baseline = on_record.found[wanted.baseline].get(scale)
        if baseline is None:
            continue
        ratios = accuracy_ratios(baseline.measured(wanted.metric), treatment.measured(wanted.metric))
        values = {seed: value for seed, value in ratios.items() if value is not None}
        if values:
            stand_in = joined(baseline.planned.stand_in, treatment.planned.stand_in)
            decided = _verdict(wanted, list(values.values()), stand_in)
            result = treatment.recorded(scale, values, decided, lacking=len(values) < len(ratios))
            results.append(result.model_copy(update={"stand_in": stand_in}))
    return results


def _verdict(wanted: Derived, values: list[float], stand_in: str | None) -> Verdict:
    return verdict(wanted.published, values, tolerance=wanted.tolerance, decimals=wanted.decimals, stand_in=stand_in)
