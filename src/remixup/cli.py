"""The command line: every step of the workflow as a command that also runs by hand.

Commands import what they need when they run: importing torch costs seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from remixup.errors import UserError, did_you_mean
from remixup.spec.config import ON_CPU, Config, read_config
from remixup.spec.experiment import read_experiments
from remixup.spec.planning import Plan, plan_experiment, read_plans
from remixup.spec.strict import parse_yaml, read_yaml

DIVERGED = 3
"""Exit status of `remixup train` by hand when a run diverged; in the workflow its receipt says so."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

ConfigFile = Annotated[Path, typer.Option("--config", help="configuration file")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a key of the configuration: scale=paper")
]
Experiment = Annotated[str, typer.Argument(help="id of an experiment file")]
Slots = Annotated[
    int | None, typer.Option(min=0, envvar="REMIXUP_GPU_SLOTS", help="use at most so many GPUs of this host")
]
DEFAULT = Path("config.yaml")


def configuration(path: Path, changes: list[str] | None) -> Config:
    """The configuration file with changes of the form key=value (a dot for each level, the value as YAML)."""
    document = read_yaml(path) or {}
    for change in changes or []:
        key, equals, text = change.partition("=")
        if not equals:
            raise UserError(f"{change!r} is not of the form KEY=VALUE", where="--set")
        *parents, last = key.split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise UserError(f"{path} has no place for {key!r}", where="--set")
        place[last] = parse_yaml(text, f"--set {key}")
    return read_config(document, str(path))


def plans_of(names: list[str], config: Config) -> list[Plan]:
    """The plans of some experiments."""
    files = read_experiments(only=names)
    for name in names:
        if name not in files:
            raise UserError(f"unknown experiment {name!r}", where="argument EXPERIMENT", hint=did_you_mean(name, files))
    return [plan_experiment(*files[name], config) for name in names]


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
    from remixup.evaluation.kept import needs_weights
    from remixup.evaluation.runner import evaluate_all
    from remixup.training import runner as training
    from remixup.training.progress import ProgressReport
    from remixup.training.store import Store, write_json

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
    from remixup.training.runner import Runner, pick_device
    from remixup.training.slots import slots
    from remixup.training.store import Store

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
    from remixup.training.store import write_json

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
    from remixup.replication import collecting

    settings = configuration(config, set_)
    if experiment is None:
        print(collecting.join(settings, [plan.experiment.id for plan in read_plans(settings)]))
    else:
        print(collecting.collect(settings, plans_of([experiment], settings)[0]))


@app.command()
def record(
    experiment: Experiment,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Keeps an experiment's runs at a real scale under records/, to be committed."""
    from remixup.replication.records import write

    settings = configuration(config, set_)
    for path in write(settings, plans_of([experiment], settings)[0]):
        print(path)


@app.command()
def evidence(
    agenda: Annotated[Path, typer.Option(help="what is to be trained, in the order of its worth")] = Path(
        "evidence.yaml"
    ),
    minutes: Annotated[float | None, typer.Option(min=0, help="stop after so many; the next call goes on")] = None,
    list_: Annotated[bool, typer.Option("--list", help="say what is missing, and train nothing")] = False,
    gpu_slots: Slots = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Trains on real data what records/ lacks, in the order of its worth for this machine, and records it."""
    from remixup.replication import agenda as work
    from remixup.training.progress import ProgressReport
    from remixup.training.runner import Runner, pick_device
    from remixup.training.slots import slots
    from remixup.training.store import Store

    settings = configuration(config, set_)
    wanted = work.read_agenda(agenda)
    with slots(limit=gpu_slots) as held, ProgressReport() as progress:
        kind = "gpu" if held else "cpu"
        found = work.pieces(getattr(wanted, kind), settings, f"{agenda}, {kind}")
        missing = [piece for piece in found if not piece.on_record]
        print(f"{len(found)} pieces of evidence for a {kind.upper()}, {len(missing)} of them not on record")
        for line in work.described(missing, minutes):
            print(line)
        if list_ or not missing:
            return
        store, data = Store(Path(settings.results)), Path(settings.data.folder)
        try:
            for piece in work.work_through(
                missing, lambda check: Runner(store, data, pick_device(held), check), progress, minutes
            ):
                print(f"on record: {piece}", flush=True)
        except work.OutOfTime:
            print(f"{minutes:g} minutes are over; the next call goes on from here")


@app.command()
def report(
    experiments: Annotated[
        list[str] | None, typer.Argument(help="ids of experiments; without one, the PDF is set")
    ] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Draws tables and figures of experiments; without an experiment, sets the report."""
    from remixup.replication import collecting, paper_costs
    from remixup.reporting import build

    settings = configuration(config, set_)
    generated = Path("paper/generated") / settings.scale
    if experiments:
        for plan in plans_of(experiments, settings):
            build.write_assets(plan.experiment, collecting.read_part(settings, plan.experiment.id), generated)
        return
    from remixup.reporting.outstanding import outstanding
    from remixup.training.provenance import environment

    plans = read_plans(settings)
    parts = [collecting.read_part(settings, plan.experiment.id) for plan in plans]
    whole = collecting.read_whole(settings)
    at_paper = [plan_experiment(plan.path, plan.experiment, settings, "paper") for plan in plans]
    wanting = outstanding(at_paper, parts, paper_costs.read())
    build.write_front(parts, [plan.experiment for plan in plans], whole, environment(), wanting, generated)
    home = Path(settings.results) / settings.scale
    build.build_pdf(Path("paper"), generated, home / "latex", home / "report.pdf")
    build.place(home / "report.pdf", Path("paper/report.pdf"))
    print(home / "report.pdf")


@app.command()
def plan(
    scale: Annotated[str | None, typer.Option(help="embedded, reduced or paper; default: the configured one")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
    measure: Annotated[bool, typer.Option("--measure", help="first time the steps that this machine lacks")] = False,
    hardware: Annotated[str | None, typer.Option(help="whose step times: a file of benchmarks/step_times")] = None,
    resources: Annotated[str | None, typer.Option(metavar="gpu=N", help="so many jobs at a time")] = None,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Says what a scale takes, experiment by experiment: runs, jobs, hours, operations, disk, and seeds for a verdict.

    Hours are step times, measured on this machine or on another, multiplied.
    """
    settings = configuration(config, [*(set_ or []), *([f"scale={scale}"] if scale else [])])
    plans = read_plans(settings)
    if measure and hardware is not None:
        raise UserError("only this machine can be measured", where="--measure", hint="without --hardware")
    from rich.console import Console

    from remixup.replication import costs
    from remixup.reporting import planned
    from remixup.training.timing import StepTimes

    if measure:
        costs.measure_steps(plans, tell=lambda line: print(line, file=sys.stderr, flush=True))
    times = StepTimes.named(hardware) if hardware else StepTimes.here(settings.scale)
    document = costs.estimate(settings, plans, times, costs.devices(resources, times.device))
    if as_json:
        print(document.model_dump_json(indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(planned.table(document))
    for line in planned.remarks(document):
        console.print(line, soft_wrap=True)


@app.command()
def verify(
    retrain: Annotated[
        int, typer.Option(min=0, help="train so many stored runs again, drawn at random, on the CPU")
    ] = 0,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Holds everything that is stored against its digest: data, runs, checkpoints, evaluations, receipts, records."""
    from remixup.replication.verification import verify as check

    settings = configuration(config, set_)
    found = check(settings)
    for line in found.damage:
        print(line, file=sys.stderr)
    print(f"{found.checked} files and folders checked, {len(found.damage)} damaged")
    if found.damage:
        raise typer.Exit(1)
    if retrain:
        retrained(settings, retrain)


def retrained(settings: Config, count: int) -> None:
    """Trains stored runs again and says of each whether it is the same; exit status 1 where one is not."""
    from remixup.replication import retraining

    chosen, stored = retraining.choose(settings, count)
    print(f"training again {len(chosen)} of the {stored} stored blocks of seeds that this machine's CPU can train")
    different = 0
    for block in chosen:
        found = retraining.difference(settings, block)
        print(f"{block.folder.parent.name}/{block.folder.name}: {found or 'the same bits'}", flush=True)
        different += found is not None
    if different:
        raise typer.Exit(1)


@app.command()
def settle(config: ConfigFile = DEFAULT, set_: Set = None) -> None:
    """After `git clone` and `dvc pull`: verifies every digest, then sets file times in the order of the workflow."""
    import subprocess

    verify(config=config, set_=set_)
    overrides = ["--config", *set_] if set_ else []
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--touch", "--quiet", "all", *overrides]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def prune(
    yes: Annotated[bool, typer.Option("--yes", help="delete; without it, only list")] = False,
    config: ConfigFile = DEFAULT,
    set_: Set = None,
) -> None:
    """Lists, or deletes, the stored runs that no row asks for at any scale."""
    from remixup.replication.pruning import leftovers

    settings = configuration(config, set_)
    for path in leftovers(settings, delete=yes):
        print(f"{'deleted' if yes else 'would delete'} {path}")


def main() -> None:
    """Runs the command line; a user's mistake is one line and exit status 2."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        from remixup.data.storage import no_room

        if not no_room(error):
            raise
        print(f"error: no space left below {Path.cwd()} (free some; the same command goes on)", file=sys.stderr)
        sys.exit(2)
