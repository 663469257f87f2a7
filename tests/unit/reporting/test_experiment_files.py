"""The repository's own experiment files, with made-up numbers in place of results: all of them can be set."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from remixup.analysis.best_evidence import summary
from remixup.analysis.numbers import target, verdict
from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.experiment import Experiment
from remixup.config.settings import Config, Scale
from remixup.costs.estimate import seed_costs
from remixup.planning.plan import PlannedRow, plan_experiment
from remixup.reporting import build, figures
from remixup.reporting.missing_runs import outstanding
from remixup.reporting.typeset import typeset
from tests.experiments import committed

from .sample_evaluations import between, snapshots, strengths
from .sample_results import COMMIT, cost, curve, entry, environment, recorded, replicated, result_with, surface
from .small_experiment import exactly

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "paper"
MEASURED = {
    "decision_surface": lambda row: surface(8.0),
    "in_between": lambda row: between(row),
    "attack_curve": lambda row: strengths(row),
    "modes": lambda row: snapshots(row, modes=25 if row.startswith("grid") else 8),
}


def of(path: Path, experiment: Experiment, scale: Scale) -> ExperimentResult:
    """A result with a number for everything that the experiment asks for at a scale, and a record for a part of it."""
    plan = plan_experiment(path, experiment, Config(scale=scale))
    draw = random.Random(experiment.id)
    entries, evidence = [], {row.id: Evidence(scale) for row in experiment.rows}
    for row in plan.rows:
        values: dict[str, dict[int, float]] = {}
        for metric, info in experiment.metrics.items():
            if not exists(row, metric):
                continue
            printed = row.row.printed(metric)
            published = printed.value if printed else None
            size = 10 ** draw.uniform(0.5, 1.9)
            sample = replicated(published or size, 0.05 * (published or size), row.seeds, row.row.id + metric)
            values[metric] = dict(zip(sample.seeds, sample.values, strict=True))
            changes: dict[str, Any] = {"experiment": experiment.id, "unit": info.unit, "scale": row.scale}
            changes |= {"transcribed": row.row.transcribed(metric), "where": printed.where if printed else ""}
            changes |= {"quoted": printed.quoted if printed else False, "surrogate": row.surrogate}
            changes["dataset_version"] = f"{row.run.dataset.name} {row.run.dataset.version}"
            if draw.random() < 0.3:
                changes["recorded"] = [recorded(replicated(size, 0.1 * size, 3, metric), surrogate="30 epochs for 200")]
            verdicts = verdict(sample.values, target(experiment, row.row, metric), surrogate=row.surrogate)
            entries.append(entry(row.row.id, metric, published, sample, verdict=verdicts, **changes))
        evidence[row.row.id] = Evidence(row.scale, row.surrogate, values=values)
    named = {row.row.id: {part["name"] for part in row.evaluate} for row in plan.rows}
    entries += [
        entry(each.id, each.kind, each.published, exactly(1.234, 0.05), experiment=experiment.id, unit="")
        for each in experiment.derived
    ]
    return result_with(
        scale=scale,
        experiment=experiment.id,
        entries=entries,
        claims=decide_claims(experiment, evidence),
        curves={name: {"test_error": curve(60, draw.uniform(2, 30), 30)} for name in named},
        evaluations={
            name: {each: MEASURED[each](name) for each in sorted(asked & set(MEASURED))}
            for name, asked in named.items()
        },
        costs=[
            cost(key, list(range(seeds)), 123.4 * seeds, "NVIDIA H100 80GB HBM3", "cuda")
            for key, seeds in {row.key: row.seeds for row in plan.rows}.items()
        ],
    )


def exists(row: PlannedRow, metric: str) -> bool:
    """Whether a row's runs measure this: those of evaluations only where it asks for them."""
    source = metric.partition(".")[0]
    if metric in row.row.published or source in ("test_error", "test_top5_error", "train_loss", "test_loss"):
        return True
    if source.startswith("validation"):
        return row.run.dataset.validation is not None or "speech" in row.run.dataset.name
    return any(part["name"] == source for part in row.evaluate)


@pytest.fixture(scope="module", params=[pytest.param(each, marks=pytest.mark.slow) for each in ("embedded", "reduced")])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What LaTeX says of all experiment files at a scale."""
    folder, scale = tmp_path_factory.mktemp(request.param), request.param
    files = committed()
    experiments = [experiment for _, experiment in files.values()]
    results = [of(path, experiment, scale) for path, experiment in files.values()]
    for experiment, result in zip(experiments, results, strict=True):
        build.draw_figures(experiment, result, folder / "generated")
    entries = [each for result in results for each in result.entries]
    claims = [each for result in results for each in result.claims]
    code, counts = {"commit": COMMIT, "dirty": False}, summary(entries, claims)
    whole = Replication(scale=scale, code=code, summary=counts, entries=entries, claims=claims)
    plans = [plan_experiment(path, experiment, Config(), "paper") for path, experiment in files.values()]
    wanting = outstanding(plans, results, seed_costs(plans))
    build.write_supplement(results, experiments, whole, environment(), wanting, folder / "generated")
    typeset(PAPER / "supplement.tex", folder / "generated", folder / "work", folder / "supplement.pdf")
    return (folder / "work" / "supplement.log").read_text(encoding="utf-8", errors="replace")


def test_nothing_runs_off_a_page(log: str) -> None:
    boxes = re.findall(r"Overfull \\[hv]box \(([0-9.]+)pt too \w+\).*", log)
    assert [width for width in boxes if float(width) > 1] == []
    assert "Float too large" not in log
    assert "LaTeX Font Warning" not in log


def test_every_figure_of_the_files_exists() -> None:
    named = {figure.draw["name"] for _, each in committed().values() for figure in each.figures}
    assert named <= set(figures.components())
