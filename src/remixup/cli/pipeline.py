"""The steps of the workflow, each of which also runs by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from remixup.cli.options import DEFAULT, ConfigFile, Experiment, Set, Slots, app, configuration, plans_of
from remixup.config.settings import ON_CPU, Config
from remixup.errors import UserError, did_you_mean
from remixup.planning.plan import Plan, plan_experiment, read_plans

DIVERGED = 3
"""Exit status of `remixup train` by hand when a run diverged; in the workflow its receipt says so."""


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="name of a dataset")],
    version: Annotated[str, typer.Option(help="its version; default: the one that rows use which name none")] = "",
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Takes a dataset from the mirror, its publisher or scikit-learn, and writes tensors and a manifest."""
    from remixup import data

    settings = configuration(config, set_)
    known, _ = data.lookup(dataset)
    name, chosen = data.lookup(known.name, version or settings.version(known.name))
    manifest = data.prepare(
        name.name,
        chosen.name,
        folder=Path(settings.data.folder),
        mirror=settings.mirror,
        download=settings.data.download,
        progress=sys.stdout.isatty(),
    )
    print(manifest)


@app.command()
def train(
    experiment: Experiment,
    pack: Annotated[
        str, typer.Option(help="train this pack of the workflow only, and measure what its runs suffice for")
    ] = "",
    row: Annotated[list[str] | None, typer.Option(help="train these rows only")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="this many, whatever the file says")] = None,
    receipt: Annotated[Path | None, typer.Option(help="write what was made, with digests, to this file")] = None,
    attempt: Annotated[int, typer.Option(min=1, help="which trial it is; noted on the receipt")] = 1,
    processes: Annotated[
        int, typer.Option(min=1, help="data-parallel processes for runs with a micro_batch, a GPU for each")
    ] = 1,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Trains the runs of an experiment that the store lacks."""
    settings = configuration(config, set_)
    plan = plans_of([experiment], settings)[0]
    runs = chosen_runs(plan, pack, row or [], seeds)
    from remixup.evaluation.runner import evaluate_all
    from remixup.evaluation.storage import needs_weights
    from remixup.store.run_store import Store, write_json
    from remixup.training import runner as training
    from remixup.training.progress import ProgressReport

    evaluations = plan.evaluations()
    weights = {run for wanted in evaluations.values() if needs_weights(wanted) for run in wanted.runs}
    with open_runner(settings, plan, gpu_slots, processes) as (make, results), ProgressReport() as report:
        logs = results / settings.scale / "logs"
        runner = make(report)
        outcome = training.train_pack(runner, runs, weights, lambda key: logs / f"{key}.failed.txt")
        own = next((each.evaluations for each in plan.packs() if each.name == pack), {})
        measurable = [evaluations[key] for key in own if outcome["runs"].keys() >= set(evaluations[key].runs)]
        outcome["evaluations"] = evaluate_all(runner, results, measurable, plan.runs())
        if receipt is not None:
            write_json(receipt, {"attempt": attempt, **outcome})
    if receipt is None:
        ended(outcome, Store(results), runs)


def chosen_runs(plan: Plan, pack: str, rows: list[str], seeds: int | None) -> dict[str, Any]:
    """The runs to train: all of the plan, or those of a pack or of some rows."""
    runs = plan.runs()
    if pack:
        packs = {each.name: each for each in plan.packs()}
        if pack not in packs:
            raise UserError(f"unknown pack {pack!r}", where="--pack", hint=did_you_mean(pack, packs))
        runs = {key: runs[key] for key in packs[pack].runs}
    if rows:
        known = {planned.row.id: planned for planned in plan.rows}
        for name in rows:
            if name not in known:
                raise UserError(f"unknown row {name!r}", where="--row", hint=did_you_mean(name, known))
        runs = {known[name].key: (known[name].run, known[name].seeds) for name in rows}
    return {key: (run, seeds or count) for key, (run, count) in runs.items()}


@contextmanager
def open_runner(settings: Config, plan: Plan, gpu_slots: int | None, processes: int = 1) -> Iterator[tuple[Any, Path]]:
    """Holds a device for each process (none at a scale for the CPU); offers a maker of runners."""
    from remixup.store.run_store import Store
    from remixup.training.gpu_lock import slots
    from remixup.training.runner import Runner, pick_device

    results = Path(settings.results)
    with slots(processes, limit=0 if plan.scale in ON_CPU else gpu_slots) as held:
        device, team = pick_device(held), len(held) or processes
        yield lambda report: Runner(Store(results), Path(settings.data.folder), device, report, team), results


def ended(outcome: dict[str, Any], store: Any, runs: dict[str, Any]) -> None:
    """Exit status of a training by hand: 1 where a run broke, 3 where one diverged."""
    if outcome["failed"]:
        raise typer.Exit(1)
    blocks = (block for key in runs for block in store.blocks(key))
    if any(any(block.read("metrics.json")["diverged"]) for block in blocks):
        print("a run diverged: its loss was not finite", file=sys.stderr)
        raise typer.Exit(DIVERGED)


@app.command()
def evaluate(
    experiment: Experiment,
    receipt: Annotated[Path | None, typer.Option(help="write what was evaluated to this file")] = None,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Measures what an experiment asks for on its trained networks."""
    settings = configuration(config, set_)
    plan = plans_of([experiment], settings)[0]
    from remixup.evaluation.runner import evaluate_all
    from remixup.store.run_store import write_json

    with open_runner(settings, plan, gpu_slots) as (make, results):
        done = evaluate_all(make(lambda *_: None), results, list(plan.evaluations().values()), plan.runs())
    if receipt is not None:
        write_json(receipt, {"evaluations": done})


@app.command()
def collect(
    experiment: Annotated[
        str | None, typer.Argument(help="id of an experiment; without one, all parts are joined")
    ] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Reads the store into an experiment's results, with verdicts; without an experiment, joins them all."""
    from remixup.analysis import aggregate

    settings = configuration(config, set_)
    if experiment is None:
        print(aggregate.join(settings, [plan.experiment.id for plan in read_plans(settings)]))
    else:
        print(aggregate.collect(settings, plans_of([experiment], settings)[0]))


@app.command()
def report(
    experiments: Annotated[
        list[str] | None, typer.Argument(help="ids of experiments; without one, the PDF is set")
    ] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Draws tables and figures of experiments; without an experiment, sets the report."""
    from remixup.analysis import aggregate
    from remixup.reporting import build

    settings = configuration(config, set_)
    generated = Path("paper/generated") / settings.scale
    if experiments:
        for plan in plans_of(experiments, settings):
            build.write_assets(plan.experiment, aggregate.read_part(settings, plan.experiment.id), generated)
        return
    from remixup.costs.estimate import seed_costs
    from remixup.reporting.missing_runs import outstanding
    from remixup.store.provenance import environment

    plans = read_plans(settings)
    parts = [aggregate.read_part(settings, plan.experiment.id) for plan in plans]
    whole = aggregate.read_whole(settings)
    at_paper = [plan_experiment(plan.path, plan.experiment, settings, "paper") for plan in plans]
    wanting = outstanding(at_paper, parts, seed_costs(at_paper))
    build.write_front(parts, [plan.experiment for plan in plans], whole, environment(), wanting, generated)
    home = Path(settings.results) / settings.scale
    build.build_pdf(Path("paper"), generated, home / "latex", home / "report.pdf")
    build.place(home / "report.pdf", Path("paper/report.pdf"))
    print(home / "report.pdf")
