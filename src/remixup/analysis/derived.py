"""Numbers that come from two rows, seed by seed: ratios that a paper's text states, and published differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from remixup.analysis.conventions import best_fit, by_convention
from remixup.analysis.numbers import Target, derived_target, difference_target, target
from remixup.analysis.on_record import OnRecord, distinct
from remixup.analysis.result_schema import Difference, Entry, Recorded, Replicated, Verdict
from remixup.analysis.run_results import RunResults, judge
from remixup.analysis.verdicts import joined
from remixup.config.experiment import Experiment
from remixup.config.settings import SCALES
from remixup.planning.plan import PlannedRow

BySeed = Mapping[int, float | None]
"""Seed -> value; None for a seed without one."""
Measured = tuple[RunResults, PlannedRow]


def accuracy_ratios(baseline: BySeed, treatment: BySeed) -> dict[int, float | None]:
    """Return, for each seed of both, the treatment's accuracy over the baseline's.

    Args:
        baseline: error in percent by seed.
        treatment: the same of the other row.

    Returns:
        Seed -> (100 - treatment) / (100 - baseline); None where an error is missing or the baseline is never right.
    """
    found: dict[int, float | None] = {}
    for seed in sorted(baseline.keys() & treatment.keys()):
        below, above = baseline[seed], treatment[seed]
        found[seed] = None if below is None or above is None or below >= 100 else (100 - above) / (100 - below)
    return found


def differences_by_seed(baseline: BySeed, treatment: BySeed) -> dict[int, float | None]:
    """Return baseline - treatment for each seed of both; None where one of them is missing."""
    found: dict[int, float | None] = {}
    for seed in sorted(baseline.keys() & treatment.keys()):
        first, second = baseline[seed], treatment[seed]
        found[seed] = None if first is None or second is None else first - second
    return found


@dataclass(frozen=True)
class _Combined:
    """A published number that is computed from two rows."""

    baseline: str
    treatment: str
    metric: str
    target: Target
    combine: Callable[[BySeed, BySeed], dict[int, float | None]]

    def number(self, baseline: Measured, treatment: Measured, metric: str) -> tuple[Replicated | None, Verdict]:
        """Return the sample, and its verdict."""
        both = (baseline, treatment)
        values = self.combine(*(results.measured(row, metric) for results, row in both))
        lacks = [lack for results, row in both if (lack := results.lack(row, metric))]
        if None in values.values():
            lacks.append("no value")
        surrogate = joined(*(row.surrogate for _, row in both))
        return judge(values, next(iter(lacks), None), self.target, surrogate=surrogate)

    def recorded(self, on_record: OnRecord) -> list[Recorded]:
        """Return what is on record: a result for each sample that both rows have."""
        found = []
        baselines, treatments = on_record.found[self.baseline], on_record.found[self.treatment]
        for baseline, treatment in ((baselines[each], treatments[each]) for each in treatments if each in baselines):
            replicated, decided = self.number(baseline, treatment, self.metric)
            if replicated is not None:
                result = treatment[0].recorded(treatment[1], replicated, decided)
                surrogate = joined(baseline[1].surrogate, treatment[1].surrogate)
                conventions = self.conventions(baseline, treatment)
                found.append(result.model_copy(update={"surrogate": surrogate, **conventions}))
        return distinct(found)

    def conventions(self, baseline: Measured, treatment: Measured) -> dict[str, object]:
        """Return the fields of a result that compare conventions; a ratio has none."""
        if self.combine is not differences_by_seed:
            return {}
        compared = by_convention(self.metric, self.target.value, partial(self.number, baseline, treatment))
        return {"by_convention": compared, "best_fit": best_fit(compared)}

    def fields(self, results: RunResults, on_record: OnRecord) -> dict[str, object]:
        """Return the fields of an entry that do not depend on the kind of number."""
        rows = {row.row.id: row for row in results.plan.rows}
        baseline, treatment = rows[self.baseline], rows[self.treatment]
        both = ((results, baseline), (results, treatment))
        replicated, decided = self.number(*both, self.metric)
        runs = list(dict.fromkeys([baseline.key, treatment.key]))
        return {
            "paper": results.plan.experiment.paper,
            "experiment": results.plan.experiment.id,
            "published": self.target.value,
            "published_runs": self.target.runs if self.target.runs > 1 else None,
            "published_standard_deviation": self.target.standard_deviation,
            "tolerance": self.target.tolerance,
            "replicated": replicated,
            "scale": min(baseline.scale, treatment.scale, key=SCALES.index),
            "surrogate": joined(baseline.surrogate, treatment.surrogate),
            "dataset_version": f"{treatment.run.dataset.name} {treatment.run.dataset.version}",
            "verdict": decided,
            "log": next((results.failed[run] for run in runs if run in results.failed), None),
            "runs": runs,
            "recorded": self.recorded(on_record),
            **self.conventions(*both),
        }


def entries(results: RunResults, on_record: OnRecord) -> list[Entry]:
    """Return the derived numbers of an experiment whose rows are run at the plan's scale."""
    rows = {row.row.id for row in results.plan.rows}
    found = []
    for each in results.plan.experiment.derived:
        if {each.baseline, each.treatment} <= rows:
            published = derived_target(each)
            combined = _Combined(each.baseline, each.treatment, each.metric, published, accuracy_ratios)
            fields = combined.fields(results, on_record)
            fields |= {"row": each.id, "metric": each.kind, "unit": "", "where": each.where, "quoted": False}
            found.append(Entry.model_validate(fields))
    return found


def differences(results: RunResults, on_record: OnRecord) -> list[Difference]:
    """Return the published differences of an experiment's pairs of rows that are run at the plan's scale."""
    experiment, rows = results.plan.experiment, {row.row.id for row in results.plan.rows}
    found = []
    for combined in _published_differences(experiment):
        if {combined.baseline, combined.treatment} <= rows:
            row = next(each for each in experiment.rows if each.id == combined.treatment)
            printed = row.printed(combined.metric)
            fields = combined.fields(results, on_record)
            fields |= {"row": combined.treatment, "baseline": combined.baseline, "metric": combined.metric}
            fields |= {"unit": experiment.metrics[combined.metric].unit, "quoted": False}
            fields["where"] = (printed.where if printed else "") or row.where or experiment.where
            found.append(Difference.model_validate(fields))
    return found


def _published_differences(experiment: Experiment) -> list[_Combined]:
    found = []
    for baseline, treatment in experiment.pairs():
        for metric in experiment.metrics:
            targets = target(experiment, baseline, metric), target(experiment, treatment, metric)
            if targets[0] is not None and targets[1] is not None:
                published = difference_target(targets[0], targets[1])
                found.append(_Combined(baseline.id, treatment.id, metric, published, differences_by_seed))
    return found
