"""Collect the run store into `results/<scale>/experiments/<id>.json`, and these files into `replication.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from remixup.analysis import derived, freezes
from remixup.analysis.best_evidence import summary
from remixup.analysis.measurements import fit
from remixup.analysis.on_record import Measured, OnRecord, Sample, distinct
from remixup.analysis.result_schema import ClaimResult, Code, ExperimentResult, Fit, RecordedClaim, Replication, Summary
from remixup.analysis.run_results import RunResults
from remixup.analysis.verdicts import Evidence, decide_claims, decide_primary
from remixup.config.experiment import read_experiments
from remixup.config.settings import SCALES, Config, Scale
from remixup.errors import UserError
from remixup.files import write_json, write_text
from remixup.planning.plan import Plan, PlannedRow, plan_row
from remixup.store.provenance import code
from remixup.store.run_store import Store


def read_part(config: Config, experiment: str) -> ExperimentResult:
    """Read an experiment's results; UserError where they are missing or of another shape."""
    return _read(ExperimentResult, config.collected(experiment), f"remixup collect {experiment}")


def read_all(config: Config, experiments: list[str]) -> tuple[list[ExperimentResult], Replication]:
    """Read the results of some experiments, their claims as the joined results decide them, and the joined results."""
    parts, whole = [read_part(config, experiment) for experiment in experiments], read_whole(config)
    for part in parts:
        part.claims = [claim for claim in whole.claims if claim.experiment == part.experiment]
    return parts, whole


def read_whole(config: Config) -> Replication:
    """Read the joined results."""
    return _read(Replication, config.home / "replication.json", "remixup collect")


Shape = TypeVar("Shape", bound=BaseModel)


def _read(model: type[Shape], path: Path, command: str) -> Shape:
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError("not there yet", where=str(path), hint=f"`{command}` makes it") from None
    except ValidationError as error:
        raise UserError(f"not a result: {error.errors()[0]['msg']}", where=str(path), hint=f"`{command}`") from None


def collect(config: Config, plan: Plan, store: Store | None = None) -> Path:
    """Write an experiment's results; return the file. A store is read instead of the configured one."""
    path = config.collected(plan.experiment.id)
    write_text(path, results_of(config, plan, store).model_dump_json(indent=1) + "\n")
    return path


def results_of(config: Config, plan: Plan, store: Store | None = None) -> ExperimentResult:
    """Compute an experiment's results from the run store and the records."""
    results, on_record = RunResults(config, plan, store), OnRecord(plan.path, plan.experiment, config)
    metrics = plan.experiment.metrics
    entries = [
        results.entry(row, metric, on_record.numbers(row.row, metric))
        for row in plan.rows
        for metric in metrics
        if results.has(row, metric)
    ]
    for row in _rows_of_other_scales(config, plan):
        for metric in metrics:
            recorded = on_record.numbers(row.row, metric)
            if recorded or metric in row.row.published:
                entries.append(results.entry(row, metric, recorded))
    return ExperimentResult(
        scale=config.scale,
        experiment=plan.experiment.id,
        entries=entries + derived.entries(results, on_record),
        differences=derived.differences(results, on_record),
        claims=_decided_claims(results, on_record),
        fits=_fits(results, on_record),
        curves={row.row.id: curves for row in plan.rows if (curves := results.curves(row))},
        evaluations={row.row.id: _evaluations(results, row) for row in plan.runnable if row.evaluate},
        frozen_evaluations={
            name: _evaluations(*first) for name, found in on_record.found.items() if (first := _first_freeze(found))
        },
        costs=results.costs(),
        sources=results.sources(),
    )


def _evaluations(results: RunResults, row: PlannedRow) -> dict[str, Any]:
    """Return what the evaluations of a row measured, by name."""
    planned = [wanted for part in row.evaluate if (wanted := results.plan.evaluation(row, part))]
    return {wanted.part["name"]: results.evaluation(row, wanted) for wanted in planned}


def _first_freeze(found: Mapping[Sample, Measured]) -> Measured | None:
    """Return the results of a row under its first freeze, if it has evaluations there."""
    frozen = {freezes.number(sample.freeze): each for sample, each in found.items() if sample.freeze}
    return frozen[min(frozen)] if frozen and frozen[min(frozen)][1].evaluate else None


def _rows_of_other_scales(config: Config, plan: Plan) -> list[PlannedRow]:
    """Return the rows that the plan's scale lacks, planned at the most faithful scale that has them.

    They count as rows without data: their numbers are "not run" here, but may have records.
    """
    experiment, planned = plan.experiment, {row.row.id for row in plan.rows}
    scales = {row.id: scale for scale in SCALES for row in experiment.at(scale)}  # the last is the most faithful
    return [
        replace(plan_row(str(plan.path), experiment, row, config, scales[row.id]), available=False)
        for row in experiment.rows
        if row.id in scales.keys() - planned
    ]


def _fits(results: RunResults, on_record: OnRecord) -> dict[str, list[Fit]]:
    """Return how well classifiers fit, by row: those of the plan's scale, and those on record."""
    rows = {row.row.id: row for row in results.plan.rows}
    found = {}
    for name, recorded in on_record.found.items():
        own = fit(results, rows[name], recorded=False) if name in rows else None
        fits = [own, *(fit(source, row, True, sample.freeze) for sample, (source, row) in recorded.items())]
        if known := distinct(each for each in fits if each):
            found[name] = known
    return found


def _decided_claims(results: RunResults, on_record: OnRecord) -> list[ClaimResult]:
    """Test each claim on the runs of the plan's scale and on those on record, at each real scale and by freeze."""
    experiment = results.plan.experiment

    def decide(scale: Scale, found: Mapping[str, tuple[RunResults, PlannedRow]]) -> list[ClaimResult]:
        evidence = {row.id: Evidence(scale) for row in experiment.rows}
        evidence |= {name: source.evidence(row, experiment.metrics) for name, (source, row) in found.items()}
        return decide_claims(experiment, evidence)

    claims = decide(results.config.scale, {row.row.id: (results, row) for row in results.plan.rows})
    for sample in on_record.samples():
        found = {name: samples[sample] for name, samples in on_record.found.items() if sample in samples}
        frozen = freezes.read(sample.freeze) if sample.freeze else None
        for claim, stated, test in zip(claims, experiment.claims, decide(sample.scale, found), strict=True):
            if frozen and frozen.claims.get(claim.id) != freezes.frozen_fields(stated):
                continue
            if test.ci95 is not None:
                fields: dict[str, Any] = test.model_dump(include=set(RecordedClaim.model_fields))
                fields |= {"standing": "confirmatory" if frozen else "exploratory", "freeze": sample.freeze}
                claim.recorded = distinct([*claim.recorded, RecordedClaim(**fields)])
    return claims


def join(config: Config, experiments: list[str]) -> Path:
    """Write `replication.json` from the experiments' results, and beside it what `dvc metrics` and `dvc plots` read."""
    parts = [read_part(config, experiment) for experiment in experiments]
    entries = [entry for part in parts for entry in part.entries]
    differences = [each for part in parts for each in part.differences]
    files = [experiment for _, experiment in read_experiments().values()]
    # A family has all of a paper's primary claims, also of experiments that are not collected.
    families = Counter(experiment.paper for experiment in files for claim in experiment.claims if claim.primary)
    claims = [claim for part in parts for claim in part.claims]
    decide_primary(claims, {experiment.id: experiment.paper for experiment in files}, families)
    whole = Replication(
        scale=config.scale,
        code=Code.model_validate(code(), from_attributes=True),
        summary=summary(entries, claims, differences),
        entries=entries,
        differences=differences,
        claims=claims,
    )
    write_json(config.home / "metrics.json", counts(whole.summary))
    write_json(config.home / "means.json", flat_means(whole))
    write_json(config.home / "curves.json", flat_curves(parts))
    write_text(config.home / "replication.json", whole.model_dump_json(indent=1) + "\n")
    return config.home / "replication.json"


def counts(found: Summary) -> dict[str, int]:
    """Return what `dvc metrics show` prints: numbers and claims of the papers by their most telling outcomes."""
    numbers, claims = found.by_verdict, found.paper_claims
    return {
        "replicated": numbers.get("replicated", 0),
        "not_replicated": numbers.get("not replicated", 0),
        "inconclusive": numbers.get("inconclusive", 0),
        "supported": claims.published_protocol.get("supported", 0),
        "contradicted": claims.published_protocol.get("contradicted", 0),
        "open": claims.published_protocol.get("open", 0),
        "agrees": claims.surrogate.get("agrees", 0),
        "disagrees": claims.surrogate.get("disagrees", 0),
    }


def flat_means(whole: Replication) -> dict[str, Any]:
    """Return the means by experiment, row and metric."""
    found: dict[str, Any] = {}
    for entry in whole.entries:
        if entry.replicated:
            found.setdefault(entry.experiment, {}).setdefault(entry.row, {})[entry.metric] = entry.replicated.mean
    return found


def flat_curves(parts: list[ExperimentResult]) -> list[dict[str, Any]]:
    """Return the test error by epoch, a mapping for each row and epoch."""
    return [
        {"experiment": part.experiment, "row": row, "epoch": epoch, "test_error": mean}
        for part in parts
        for row, curves in part.curves.items()
        if "test_error" in curves
        for epoch, mean in zip(curves["test_error"].epoch, curves["test_error"].mean, strict=True)
    ]
