"""A small finished project, and each write of its store as a function that can be repeated."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml

from remixup.analysis import records
from remixup.cli.pipeline import train_job
from remixup.config.settings import Config
from remixup.data import prepare_as_configured
from remixup.evaluation.runner import evaluate
from remixup.planning.plan import linear_baseline
from remixup.planning.workflow import Workflow, plan_workflow
from remixup.store.blocks import EvaluatedBlock
from remixup.store.manifest import JobManifest
from remixup.store.run_store import Store
from remixup.training import checkpoints, runner
from tests.workflow.conftest import SURFACE

DOCUMENT = {**SURFACE, "run": {**SURFACE["run"], "epochs": 2}}


def write_experiment(document: dict[str, Any]) -> None:
    """Write an experiment file in the working directory."""
    path = Path("experiments/mixup") / f"{document['id']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))


def finish() -> Workflow:
    """Train, evaluate and record the experiments of the working directory."""
    workflow = plan_workflow(Config())
    for name in workflow.jobs:
        train_job(workflow, name, attempt=1, processes=1, gpu_slots=0)
    for plan in workflow.plans:
        records.write(workflow.config, plan)
    return workflow


@dataclass
class Writes:
    """The writes of a finished project in the working directory: the steps of each, and the folders that it writes."""

    steps: dict[str, list[Callable[[], Any]]]
    results: dict[str, list[str]]

    def make(self, name: str) -> None:
        """Write something, in all its steps."""
        for step in self.steps[name]:
            step()

    def undo(self, name: str) -> None:
        """Remove what a write has written, folders included."""
        for pattern in self.results[name]:
            for path in Path().glob(pattern):
                shutil.rmtree(path)


def make_project() -> Writes:
    """Finish a project in the working directory."""
    write_experiment(DOCUMENT)
    prepare_as_configured(Config(), "blob-and-ring", "generated")
    workflow = finish()
    (plan,) = workflow.plans
    (row,) = plan.rows
    (job,) = workflow.jobs
    store, scratch = Store(Path("results")), Store(Path("results"), scratch=Path("scratch"))
    (block,) = store.blocks(row.key)
    make = runner.Runner(store, Path("data"), torch.device("cpu"), lambda *_: None)
    training = runner.start(row.run, [0], make.inputs(row.run, [0]), make.device)
    training.run(lambda _: None)
    (evaluated,) = Path("results/evaluations").glob("*/*.json")
    measured, manifest = EvaluatedBlock.read(evaluated), JobManifest.read(workflow.config.job_manifest(job))
    baseline = linear_baseline(row)
    data = row.run.dataset

    def resume_point(epoch: int) -> None:
        training.epoch = epoch
        checkpoints.save_resume_point(training, scratch.resume_point(row.key, [0]))

    def write_manifest(attempt: int) -> None:
        manifest.model_copy(update={"attempt": attempt}).write(workflow.config.job_manifest(job))

    without_evaluations = replace(plan, rows=[replace(row, evaluate=[])])
    return Writes(
        {
            "run": [lambda: store.publish(row.run, [0], training.history, block.provenance)],
            "weights": [lambda: checkpoints.keep_weights(training, store.checkpoint(row.key, [0]))],
            "resume points": [lambda: resume_point(1), lambda: resume_point(2)],
            "evaluation": [lambda: measured.write(evaluated)],
            "manifests": [lambda: write_manifest(1), lambda: write_manifest(2)],
            "record": [lambda: records.write(Config(), without_evaluations), lambda: records.write(Config(), plan)],
            "linear baseline": [
                lambda: evaluate(make, baseline, (row.run, 1)),
                lambda: records.write_evaluation(store, baseline, block),
            ],
            "data": [lambda: prepare_as_configured(Config(), data.name, data.version)],
        },
        {
            "run": [f"results/runs/{row.key}"],
            "weights": [f"checkpoints/{row.key}"],
            "resume points": ["scratch"],
            "evaluation": [str(evaluated.parent)],
            "manifests": ["results/embedded/manifests"],
            "record": ["records/runs", f"records/evaluations/{evaluated.parent.name}"],
            "linear baseline": [f"*/evaluations/{baseline.key}"],
            "data": ["data"],
        },
    )


NAMES = ("run", "weights", "resume points", "evaluation", "manifests", "record", "linear baseline")
"""The writes of the store; beside them there is `data`."""
