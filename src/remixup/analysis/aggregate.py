"""Collect the run store into `results/<scale>/experiments/<id>.json`, and these files into `replication.json`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from remixup.analysis import derived
from remixup.analysis.best_evidence import summary
from remixup.analysis.records import OnRecord
from remixup.analysis.result_schema import Code, ExperimentResult, Replication
from remixup.analysis.run_results import RunResults
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.settings import SCALES, Config
from remixup.errors import UserError
from remixup.planning.plan import Plan, PlannedRow, plan_experiment
from remixup.store.files import write_json, write_text
from remixup.store.provenance import code


def read_part(config: Config, experiment: str) -> ExperimentResult:
    """Read an experiment's results; UserError where they are missing or of another shape."""
    return _read(ExperimentResult, config.collected(experiment), f"remixup collect {experiment}")


def read_whole(config: Config) -> Replication:
    """Read the joined results."""
    return _read(Replication, Path(config.results) / config.scale / "replication.json", "remixup collect")


Shape = TypeVar("Shape", bound=BaseModel)


def _read(model: type[Shape], path: Path, command: str) -> Shape:
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("not there yet", where=str(path), hint=f"`{command}` makes it") from None
    except ValidationError as error:
        raise UserError(f"not a result: {error.errors()[0]['msg']}", where=str(path), hint=f"`{command}`") from None


def collect(config: Config, plan: Plan) -> Path:
    """Write an experiment's results; return the file."""
    path = config.collected(plan.experiment.id)
    write_text(path, results_of(config, plan).model_dump_json(indent=1) + "\n")
    return path


def results_of(config: Config, plan: Plan) -> ExperimentResult:
    """Compute an experiment's results from the run store and the records."""
    results = RunResults(config, plan)
    metrics = plan.experiment.metrics
    evidence = {row.id: Evidence(config.scale) for row in plan.experiment.rows}
    claims = decide_claims(
        plan.experiment, evidence | {row.row.id: results.evidence(row, metrics) for row in plan.rows}
    )
    on_record = OnRecord(plan.path, plan.experiment, config)
    on_record.add_to_claims(claims)
    return ExperimentResult(
        scale=config.scale,
        experiment=plan.experiment.id,
        entries=[
            results.entry(row, metric, on_record.numbers(row.row, metric))
            for row in plan.rows
            for metric in metrics
            if results.has(row, metric)
        ]
        + [
            results.entry(row, metric, recorded)
            for row in _run_elsewhere(config, plan)
            for metric in metrics
            if (recorded := on_record.numbers(row.row, metric)) or metric in row.row.published
        ]
        + derived.entries(results, on_record),
        claims=claims,
        curves={row.row.id: curves for row in plan.rows if (curves := results.curves(row))},
        evaluations={
            row.row.id: {
                wanted.part["name"]: results.evaluation(row, wanted)
                for part in row.evaluate
                if (wanted := plan.evaluation(row, part))
            }
            for row in plan.runnable
            if row.evaluate
        },
        costs=results.costs(),
        sources=results.sources(),
    )


def _run_elsewhere(config: Config, plan: Plan) -> list[PlannedRow]:
    """Return the rows that are not run at the plan's scale, as they are planned at the most faithful scale they have.

    They count as rows without data: their numbers are "not run" here, and may be on record.
    """
    left = {row.id for row in plan.experiment.rows} - {row.row.id for row in plan.rows}
    found: dict[str, PlannedRow] = {}
    for scale in reversed(SCALES):
        if left - found.keys():
            rows = plan_experiment(plan.path, plan.experiment, config, scale).rows
            found |= {row.row.id: replace(row, available=False) for row in rows if row.row.id in left - found.keys()}
    return [found[row.id] for row in plan.experiment.rows if row.id in found]


def join(config: Config, experiments: list[str]) -> Path:
    """Write `replication.json` from the experiments' results, and beside it what `dvc metrics` and `dvc plots` read."""
    parts = [read_part(config, experiment) for experiment in experiments]
    state = code()
    entries = [entry for part in parts for entry in part.entries]
    claims = [claim for part in parts for claim in part.claims]
    whole = Replication(
        scale=config.scale,
        code=Code(commit=state.commit, dirty=state.dirty),
        summary=summary(entries, claims),
        entries=entries,
        claims=claims,
    )
    home = Path(config.results) / config.scale
    write_json(home / "metrics.json", flat_metrics(whole))
    write_json(home / "curves.json", flat_curves(parts))
    write_text(home / "replication.json", whole.model_dump_json(indent=1) + "\n")
    return home / "replication.json"


def flat_metrics(whole: Replication) -> dict[str, Any]:
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
