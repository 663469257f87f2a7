"""Targets, from the plan of the workflow. The package decides; here its decisions become paths."""

import json
import os
import re
import sys
from pathlib import Path

from remixup.config.registry import load_registry
from remixup.config.settings import (
    ON_CPU,
    UNAVAILABLE,
    configuration,
    is_prepared,
)
from remixup.errors import UserError
from remixup.files import visible
from remixup.planning.workflow import plan_workflow
from remixup.store.manifest import JobManifest

# Not with `configfile:`, because Snakemake reads YAML 1.1 and takes `--config 'data={mirror: null}'` for text.
SETTINGS = workflow.config_settings
try:
    CONFIG = configuration(
        [Path("config.yaml"), *SETTINGS.configfiles], SETTINGS.config_args, "--config"
    )
    WORKFLOW = plan_workflow(CONFIG)
except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

JOBS = WORKFLOW.jobs
PLAN = str(CONFIG.plan)
HOME = str(CONFIG.home)
GENERATED = str(CONFIG.generated)
# In rules, `remixup` is the command beside the interpreter that runs Snakemake.
os.environ.update(
    PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()])
)

GPU = 0 if CONFIG.scale in ON_CPU else 1
SLOTS = workflow.resource_settings.resources.get("gpu").value
if SLOTS:
    os.environ.update(REMIXUP_GPU_SLOTS=str(SLOTS))


def gpus(job: str) -> int:
    """Number of GPUs of a job: several where its minibatches can be split, and the workflow has them."""
    return GPU * min(JOBS[job].shares, SLOTS or 1)


def job_manifest(job: str) -> str:
    """What a job has made, by its key."""
    return str(CONFIG.job_manifest(job))


def read_manifest(job: str) -> JobManifest | None:
    """A job's manifest, if there is one yet."""
    path = CONFIG.job_manifest(job)
    return JobManifest.read(path) if path.exists() else None


def attempt(job: str) -> int:
    """Number of this attempt at a job: one more where runs failed, so that the next call tries them again."""
    last = read_manifest(job)
    return last.attempt + bool(last.failed or last.unavailable) if last else 1


def failures() -> dict[str, str]:
    """Runs of this scale that failed, with their logs."""
    return {
        run: log
        for job in JOBS
        if (manifest := read_manifest(job))
        for run, log in manifest.failed.items()
    }


def unavailable() -> dict[str, str]:
    """Manifests of datasets that could not be got, with the reasons."""
    return {
        path: json.loads(Path(path).read_text(encoding="utf-8"))[UNAVAILABLE]
        for path in DATA
        if os.path.exists(path) and not is_prepared(Path(path))
    }


def forget_unavailable() -> None:
    """Tell what could not be got, and remove its manifests, so that the next call tries again."""
    for path, reason in unavailable().items():
        print(f"{reason}; rows that need it are not run", file=sys.stderr)
        os.remove(path)


DATASETS = {
    f"{name}-{version}": (name, version)
    for name, entry in load_registry()["datasets"].items()
    for version in entry["versions"]
}
USED = sorted({tuple(dataset) for job in JOBS.values() for dataset in job.datasets})
DATA = [str(CONFIG.manifest(*dataset)) for dataset in USED]
# Datasets that come with the program; the others are downloaded or read from the mirror.
EMBEDDED = [
    str(CONFIG.manifest(name, version))
    for name, version in USED
    if load_registry()["datasets"][name]["versions"][version]["embedded"]
]

PLANS = WORKFLOW.plans
EXPERIMENTS = [plan.experiment.id for plan in PLANS]
RESULTS = [str(CONFIG.collected(experiment)) for experiment in EXPERIMENTS]
FIGURES = [
    f"{GENERATED}/{plan.experiment.id}-{figure.id}.pdf"
    for plan in PLANS
    for figure in plan.experiment.figures
]

# What the documents are made of: a change to it typesets them again.
PAPER = [
    str(path)
    for pattern in (
        "*.tex",
        "*.bib",
        "article/*.tex",
        "sections/*.tex",
        "templates/*.tex",
    )
    for path in visible(Path("paper"), pattern)
]
# What decides on numbers and claims: a change to it decides them again, on the same runs.
COLLECTING = list(map(str, visible(Path("src/remixup/analysis"), "*.py")))
REPORTING = list(map(str, visible(Path("src/remixup/reporting"), "**/*.py")))
RECORDS = list(map(str, visible(Path("records"), "**/*.json")))
