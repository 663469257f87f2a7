"""Derive targets and job resources from the plan of the workflow."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from snakemake.logging import logger

# Use the code of this clone, even if the environment was made for another one, and no packages but the environment's.
SOURCES = os.path.join(
    os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True)), "src"
)
os.environ.update(PYTHONPATH=SOURCES)
sys.path.insert(0, SOURCES)

from remixup.config.registry import load_registry
from remixup.config.settings import (
    ON_CPU,
    UNAVAILABLE,
    configuration,
    is_prepared,
)
from remixup.errors import UserError
from remixup.files import visible, write_atomically
from remixup.planning.workflow import plan_workflow
from remixup.reporting.outcome import DOCUMENTS, outcome, verdicts
from remixup.store.manifest import JobManifest
from remixup.training.malloc import use_huge_pages
from snakemake.io import IOFile
from snakemake_logger_plugin_remixup.estimate import in_words

# Read without `configfile:`, because Snakemake reads YAML 1.1 and takes `--config 'data={mirror: null}'` for text.
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
use_huge_pages()

GPU = 0 if CONFIG.scale in ON_CPU else 1
SLOTS = workflow.resource_settings.resources.get("gpu").value
if SLOTS:
    os.environ.update(REMIXUP_GPU_SLOTS=str(SLOTS))


def gpus(job: str) -> int:
    """Return the number of GPUs of a job: several if its minibatches can be split and the workflow has them."""
    return GPU * min(JOBS[job].shares, SLOTS or 1)


def job_manifest(job: str) -> str:
    """Return the path of a job's manifest."""
    return str(CONFIG.job_manifest(job))


def read_manifest(job: str) -> JobManifest | None:
    """Read a job's manifest; None if there is none yet."""
    path = CONFIG.job_manifest(job)
    return JobManifest.read(path) if path.exists() else None


def attempt(job: str) -> int:
    """Return the number of this attempt at a job. It increases after a failed run, so that the next call trains it again."""
    last = read_manifest(job)
    return last.attempt + bool(last.failed or last.unavailable) if last else 1


def failures(jobs: Iterable[str]) -> dict[str, str]:
    """Return the failed runs of some jobs, with their logs."""
    return {
        run: log
        for job in jobs
        if (manifest := read_manifest(job))
        for run, log in manifest.failed.items()
    }


def unavailable() -> dict[str, str]:
    """Return the manifests of unavailable datasets, with the reasons."""
    return {
        path: json.loads(Path(path).read_text(encoding="utf-8"))[UNAVAILABLE]
        for path in DATA
        if os.path.exists(path) and not is_prepared(Path(path))
    }


def forget_unavailable() -> None:
    """Print which datasets are unavailable, and remove their manifests, so that the next call tries again."""
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
# Path -> paper and labels, by which Snakemake's own report groups figures.
FIGURES = {
    f"{GENERATED}/{plan.experiment.id}-{figure.id}.pdf": (
        plan.experiment.paper,
        {"experiment": plan.experiment.title, "figure": figure.id},
    )
    for plan in PLANS
    for figure in plan.experiment.figures
}

# Sources of the documents. After a change they are typeset again.
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
# Code that computes verdicts. After a change they are computed again, from the same runs.
COLLECTING = [
    str(path)
    for folder in ("analysis", "config", "planning", "store")
    for path in visible(Path("src/remixup", folder), "*.py")
]
REPORTING = list(map(str, visible(Path("src/remixup/reporting"), "**/*.py")))
RECORDS = [
    str(path)
    for folder in ("records", "protocols")
    for path in visible(Path(folder), "**/*.json")
]

# Rule -> what it does, and roughly how many seconds it takes on two cores; `train` has an estimate for each job.
DOES = {
    "prepare_embedded": ("prepare the embedded datasets", 10),
    "records": ("read the records", 1),
    "collect": ("decide on numbers and claims", 20),
    "draw": ("draw the figures", 50),
    "article": ("typeset the article", 30),
    "supplement": ("typeset the supplement", 20),
    "page": ("write the results page", 20),
}
START = 5
# Measured: a whole report takes about five minutes on two cores.
PART_OF_ESTIMATE = 0.45
# Exit status if runs failed and everything else was made.
FAILED_RUNS = 3
# The verdicts before this call: Snakemake deletes their file before it is written again.
BEFORE: dict[str, str] = {}


def description(job) -> tuple[str, float]:
    """Return what a job of Snakemake does, and its rough duration in seconds."""
    if job.rule.name == "train":
        own = JOBS[job.wildcards.job]
        what = f"train {len(own.runs)} runs of" if own.runs else "evaluate"
        return (
            f"{what} {', '.join(own.experiments)}",
            START + PART_OF_ESTIMATE * own.seconds,
        )
    if job.rule.name == "prepare":
        return f"prepare {job.wildcards.dataset}", START
    return DOES.get(job.rule.name, ("", 0))


def training(dag_jobs) -> list[str]:
    """Return the keys of the training jobs among some jobs of Snakemake."""
    return [job.wildcards.job for job in dag_jobs if job.rule.name == "train"]


def announce() -> None:
    """Print what will be done and how long it takes. The logger derives the time left from the same estimates."""
    BEFORE.update(verdicts(CONFIG))
    dag = workflow.dag
    jobs = list(dag.needrun_jobs())
    keys = training(jobs)
    runs = {run for key in keys for run in JOBS[key].runs}
    described = {dag.jobid(job): description(job) for job in jobs}
    described = {number: each for number, each in described.items() if each[0]}
    local = workflow.local_exec or not workflow.nodes
    slots = max(1, min(workflow.cores if local else workflow.nodes, len(described)))
    seconds = [each for _, each in described.values()]
    whole = in_words(max(sum(seconds) / slots, max(seconds, default=0)))
    # The plan knows how long small networks take on a CPU.
    known = CONFIG.scale == "embedded"
    duration = (
        f"about {whole}" + (f" on {workflow.cores} cores" if local else "")
        if known
        else f"`remixup plan --scale {CONFIG.scale}` estimates the hours"
    )
    logger.info(
        f"scale {CONFIG.scale}: {len(described)} jobs, of which {len(keys)} train and evaluate {len(runs)} runs; {duration}",
        extra={"jobs": described, "slots": slots, "known": known},
    )


logger.info(
    "", extra={"outcome": lambda: outcome(CONFIG, EXPERIMENTS, verdicts(CONFIG))}
)


# Snakemake deletes a document before it is made again, and after a failure. Keep the last one until there is a new one.
def keep_documents() -> None:
    """Copy the existing documents."""
    for document in DOCUMENTS:
        if os.path.exists(f"{HOME}/{document}"):
            with write_atomically(Path(HOME, ".last", document)) as part:
                shutil.copyfile(f"{HOME}/{document}", part)


def restore_documents() -> None:
    """Put back the documents that were not made again, with an old time, so that the next call makes them."""
    for document in DOCUMENTS:
        last, target = Path(HOME, ".last", document), Path(HOME, document)
        if last.exists() and not target.exists():
            with write_atomically(target) as part:
                shutil.copyfile(last, part)
                os.utime(part, (1, 1))
            # Snakemake has noted that it was made from the present inputs, although the job failed.
            workflow.persistence.cleanup_metadata(IOFile(str(target)))
