"""The steps of the workflow. Jobs read the workflow's plan; by hand the commands read config.yaml."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from remixup.cli.options import (
    DEFAULT,
    ConfigFile,
    PlanFile,
    Set,
    Slots,
    app,
    configuration,
    planned_workflow,
    plans_of,
)
from remixup.config.registry import load_registry
from remixup.config.settings import ON_CPU, UNAVAILABLE, Config, is_prepared
from remixup.errors import UserError, look_up
from remixup.files import write_json
from remixup.planning.plan import Plan, needs_weights, places, plan_experiment, read_plans
from remixup.planning.workflow import Workflow, read_workflow
from remixup.store.manifest import JobManifest

if TYPE_CHECKING:
    from remixup.analysis.result_schema import ExperimentResult
    from remixup.reporting.missing_runs import Outstanding

DIVERGED = 3
"""Exit status of `remixup train` by hand when a run diverged; in the workflow a diverged run is a result."""
ASKED_TO_STOP = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""Signals that a user or a cluster sends. A process that another signal ends has failed, for example out of memory."""


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="name of a dataset; default with --plan: all embedded datasets")] = "",
    version: Annotated[str, typer.Option(help="its version; default: that of rows that name none")] = "",
    plan_file: PlanFile = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Prepare a dataset: get its files, and write its tensors and a manifest."""
    from remixup import data

    workflow = planned_workflow(plan_file, config, set_, only=[]) if plan_file else None
    settings = workflow.config if workflow else configuration(config, set_)
    if dataset:
        data.lookup(dataset)  # a name that is unknown gets a suggestion
        wanted = [(dataset, version or settings.version(dataset))]
    elif workflow:
        used = sorted({each for job in workflow.jobs.values() for each in job.datasets})
        known_versions = {name: entry["versions"] for name, entry in load_registry()["datasets"].items()}
        wanted = [(name, version) for name, version in used if known_versions[name][version]["embedded"]]
    else:
        raise UserError("no dataset is named", where="argument DATASET", hint="name one, or give --plan")
    for name, chosen in wanted:
        try:
            print(data.prepare_as_configured(settings, name, chosen, progress=sys.stdout.isatty()), flush=True)
        except UserError as error:
            if not (workflow and dataset):
                raise
            # The workflow continues without the rows that need this dataset.
            print(error, flush=True)
            write_json(settings.manifest(name, chosen), {UNAVAILABLE: str(error)})


@app.command()
def train(
    experiment: Annotated[str, typer.Argument(help="id of an experiment file; with --plan: none")] = "",
    row: Annotated[list[str] | None, typer.Option(help="train these rows only")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="number of seeds; default: that of the file")] = None,
    plan_file: PlanFile = None,
    job: Annotated[str, typer.Option(help="with --plan: the job to carry out")] = "",
    attempt: Annotated[int, typer.Option(min=1, help="with --plan: number of this attempt")] = 1,
    processes: Annotated[
        int, typer.Option(min=1, help="data-parallel processes for runs with a micro_batch, each with its own GPU")
    ] = 1,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Train the missing runs of an experiment; with --plan, carry out a job of the workflow."""
    if plan_file is not None:
        # End at once: an import, as that of torch, can catch a KeyboardInterrupt, and the job would go on training.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        train_job(planned_workflow(plan_file, config, set_, job), job, attempt, processes, gpu_slots)
        return
    if not experiment:
        raise UserError("no experiment is named", where="argument EXPERIMENT", hint="name one, or give --plan")
    from remixup.store.run_store import Store

    settings = configuration(config, set_)
    plan = plans_of([experiment], settings)[0]
    runs = chosen_runs(plan, row or [], seeds)
    store = Store(Path(settings.results))
    if not any(store.missing(key, range(count), vectorized=True) for key, (_, count) in runs.items()):
        print(f"nothing to train: all seeds of {len(runs)} runs are stored in {settings.results}/runs")
    weights = {run for wanted in plan.evaluations().values() if needs_weights(wanted) for run in wanted.runs}
    from remixup.training.runner import train_all

    log = settings.home / f"logs/train-{experiment}.log"
    with open_runner(settings, [plan], gpu_slots, processes, log) as runner:
        outcome = train_all(runner, runs, weights, settings.failure_log)
        diverged = any(any(block.diverged) for key in runs for block in runner.store.blocks(key))
    if outcome.failed:
        raise typer.Exit(1)
    if diverged:
        print("a run diverged: its loss was not finite", file=sys.stderr)
        raise typer.Exit(DIVERGED)


def train_job(workflow: Workflow, name: str, attempt: int, processes: int, gpu_slots: int | None) -> None:
    """Train and evaluate what a job of the workflow lacks, and write its manifest."""
    from remixup.evaluation.runner import evaluate_all
    from remixup.training.runner import DeviceFailure, train_all

    settings, job = workflow.config, workflow.jobs[name]
    runs, absent = {}, {}
    for key in job.runs:
        dataset = workflow.runs[key][0].dataset
        if is_prepared(settings.manifest(dataset.name, dataset.version)):
            runs[key] = workflow.runs[key]
        else:
            absent[key] = f"{dataset.name} ({dataset.version})"
    manifests = [JobManifest.read(settings.job_manifest(each)) for each in job.after]
    with open_runner(settings, workflow.plans, gpu_slots, processes) as runner:
        outcome = train_all(runner, runs, set(job.weights), settings.failure_log)
        outcome.unavailable = absent
        failed = {run for each in [outcome, *manifests] for run in (*each.failed, *each.unavailable)}
        asked = [workflow.evaluations[key] for key in job.evaluations]
        possible = [each for each in asked if failed.isdisjoint(each.runs)]
        outcome.attempt = attempt
        try:
            outcome.evaluations = evaluate_all(runner, possible, workflow.runs)
        except DeviceFailure as error:
            print(error, flush=True)
            log = settings.failure_log(name)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(traceback.format_exc(), encoding="utf-8")
            outcome.failed |= {run: str(log) for each in possible for run in each.runs}
    outcome.write(settings.job_manifest(name))


@app.command(hidden=True)
def train_ended(
    status: Annotated[int, typer.Argument(help="exit status of `remixup train`")],
    plan_file: Annotated[Path, typer.Option("--plan", help="plan.json of the workflow")],
    job: Annotated[str, typer.Option(help="the job that it carried out")],
    log: Annotated[Path, typer.Option(help="the job's log")],
    attempt: Annotated[int, typer.Option(min=1, help="number of the attempt")] = 1,
) -> None:
    """Write the manifest of a job whose process was killed; exit with its status if it ended otherwise."""
    if status <= 128 or status - 128 in ASKED_TO_STOP:
        raise typer.Exit(status)
    killed_job(read_workflow(plan_file, job=job), job, attempt, log)
    print(f"the process was killed by signal {status - 128} ({signal.strsignal(status - 128)})")


def killed_job(workflow: Workflow, name: str, attempt: int, log: Path) -> None:
    """Write the manifest of a job that was killed: runs that lack seeds or evaluations have failed."""
    from remixup.evaluation import storage
    from remixup.store.run_store import Store

    settings, job = workflow.config, workflow.jobs[name]
    store, manifest = Store(Path(settings.results)), JobManifest(attempt=attempt)
    for key, seeds in job.runs.items():
        if store.missing(key, range(seeds), vectorized=True):
            manifest.failed[key] = str(log)
        else:
            manifest.runs[key] = {block.name: block.digest for block in store.blocks(key)}
    if not manifest.failed:  # it was killed while it evaluated
        for wanted in (workflow.evaluations[key] for key in job.evaluations):
            if any(storage.read(store, wanted, block) is None for block in store.blocks(wanted.run)):
                manifest.failed |= dict.fromkeys(wanted.runs, str(log))
    manifest.write(settings.job_manifest(name))


def chosen_runs(plan: Plan, rows: list[str], seeds: int | None) -> dict[str, Any]:
    """Return the runs to train: all of the plan, or those of some rows.

    Raises:
        UserError: a row is unknown, or the data of none is available.
    """
    runs, known = plan.runs(), {planned.row.id: planned for planned in plan.rows}
    chosen = [look_up("row", name, known, "--row") for name in rows or known]
    lacking = {f"{each.run.dataset.name} ({each.run.dataset.version})" for each in chosen if not each.available}
    if lacking:
        where, said = f"{plan.experiment.id}, scale {plan.scale}", "these data are not available"
        said = f"{said}: {', '.join(sorted(lacking))}"
        if not any(each.available for each in chosen):
            hint = "--set data.download=true, or a mirror; see `remixup list datasets`"
            raise UserError(said, where=where, hint=hint)
        print(f"{where}: {said}", file=sys.stderr)
    if rows:
        runs = {each.key: (each.run, each.seeds) for each in chosen if each.available}
    return {key: (run, seeds or count) for key, (run, count) in runs.items()}


@contextmanager
def open_runner(
    settings: Config, plans: list[Plan], gpu_slots: int | None, processes: int = 1, log: Path | None = None
) -> Iterator[Any]:
    """Hold a device for each process (none at a scale for the CPU), and yield a runner that shows its progress."""
    from remixup.store.run_store import Store
    from remixup.training.gpu_lock import slots
    from remixup.training.progress import ProgressReport
    from remixup.training.runner import Runner, pick_device

    with (
        slots(processes, limit=0 if settings.scale in ON_CPU else gpu_slots) as held,
        ProgressReport(log=log) as report,
    ):
        store, data = Store(Path(settings.results)), Path(settings.data.folder)
        yield Runner(store, data, pick_device(held), report, len(held) or processes, places=places(plans))


@app.command()
def evaluate(
    experiment: Annotated[str, typer.Argument(help="id of an experiment file")],
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Evaluate the trained networks of an experiment."""
    settings = configuration(config, set_)
    plan = plans_of([experiment], settings)[0]
    from remixup.evaluation.runner import evaluate_all

    with open_runner(settings, [plan], gpu_slots) as runner:
        evaluate_all(runner, list(plan.evaluations().values()), plan.runs())


@app.command()
def collect(
    experiment: Annotated[str, typer.Argument(help="id of an experiment; default: join the results of all")] = "",
    plan_file: PlanFile = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Collect the results of an experiment, or join those of all; with --plan, do both for all."""
    from remixup.analysis import aggregate

    workflow = planned_workflow(plan_file, config, set_)
    if experiment:
        print(aggregate.collect(workflow.config, workflow.plan(experiment)))
        return
    if plan_file is not None:
        for plan in workflow.plans:
            print(aggregate.collect(workflow.config, plan), flush=True)
    print(aggregate.join(workflow.config, [plan.experiment.id for plan in workflow.plans]))


@app.command()
def draw(
    experiments: Annotated[list[str] | None, typer.Argument(help="ids of experiments; default: all")] = None,
    processes: Annotated[int, typer.Option(min=1, help="draw experiments in this many processes")] = 1,
    plan_file: PlanFile = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Draw the figures of experiments, for the supplement."""
    if plan_file is None:
        settings = configuration(config, set_)
        plans = plans_of(experiments, settings) if experiments else read_plans(settings)
    else:
        workflow = planned_workflow(plan_file, config, set_, only=experiments or None)
        settings, plans = workflow.config, workflow.plans
    if processes == 1:
        draw_experiments(settings, plans)
    else:
        with ProcessPoolExecutor(processes) as pool:
            for done in [pool.submit(draw_experiments, settings, [plan]) for plan in plans]:
                done.result()


def draw_experiments(settings: Config, plans: list[Plan]) -> None:
    """Draw the figures of some experiments."""
    from remixup.analysis import aggregate
    from remixup.reporting import build

    results, _ = aggregate.read_all(settings, [plan.experiment.id for plan in plans])
    for plan, result in zip(plans, results, strict=True):
        build.draw_figures(plan.experiment, result, settings.generated)


@app.command()
def article(plan_file: PlanFile = None, config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """Typeset the article. A sentence that the results no longer support is an error."""
    from remixup.analysis import aggregate
    from remixup.analysis.pairs import find_pairs
    from remixup.reporting.article import draw_figures, write_sections
    from remixup.reporting.build import write_macros
    from remixup.reporting.outcome import reason_for_none
    from remixup.reporting.typeset import typeset

    workflow = planned_workflow(plan_file, config, set_)
    settings, experiments = workflow.config, [plan.experiment for plan in workflow.plans]
    parts, whole = aggregate.read_all(settings, [each.id for each in experiments])
    write_macros(whole, settings.generated)
    source = Path("paper/article.tex")
    if reason := reason_for_none(settings.scale, [each.id for each in experiments]):
        print(f"no article: {reason}")
        source = Path("paper/no-article.tex")
    else:
        pairs, wanting = find_pairs(experiments, parts), missing_runs(workflow, parts)
        write_sections(experiments, parts, whole, pairs, wanting, settings.generated)
        draw_figures(parts, pairs, settings.generated)
    typeset(source, settings.generated, settings.home / "latex", settings.home / "article.pdf")
    print(settings.home / "article.pdf")


@app.command()
def supplement(plan_file: PlanFile = None, config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """Write and typeset the supplement, with the figures that `remixup draw` drew."""
    from remixup.analysis import aggregate
    from remixup.reporting import build
    from remixup.reporting.typeset import typeset
    from remixup.store.provenance import environment

    workflow = planned_workflow(plan_file, config, set_)
    settings, experiments = workflow.config, [plan.experiment for plan in workflow.plans]
    parts, whole = aggregate.read_all(settings, [each.id for each in experiments])
    wanting = missing_runs(workflow, parts)
    build.write_supplement(parts, experiments, whole, environment().model_dump(), wanting, settings.generated)
    typeset(Path("paper/supplement.tex"), settings.generated, settings.home / "latex", settings.home / "supplement.pdf")
    print(settings.home / "supplement.pdf")


@app.command()
def page(plan_file: PlanFile = None, config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """Write the results page: all numbers and claims in one HTML file."""
    from remixup.reporting.page.build import write_page

    workflow = planned_workflow(plan_file, config, set_)
    print(write_page(workflow.config, workflow.plans))


def missing_runs(workflow: Workflow, parts: list[ExperimentResult]) -> Outstanding:
    """Find what has no evidence of the published protocol, and what it costs."""
    from remixup.costs.estimate import seed_costs
    from remixup.reporting.missing_runs import outstanding

    at_paper = [plan_experiment(plan.path, plan.experiment, workflow.config, "paper") for plan in workflow.plans]
    return outstanding(at_paper, parts, seed_costs(at_paper))
