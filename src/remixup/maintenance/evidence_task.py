"""Carry out a task of the evidence queue: train a run's seeds, evaluate them and write their records."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from remixup import data
from remixup.analysis import freezes, records
from remixup.analysis.measurements import why_uninformative
from remixup.analysis.on_record import FrozenResults
from remixup.config.settings import Config, read_config
from remixup.evaluation.runner import evaluate
from remixup.maintenance import evidence_time
from remixup.planning.plan import Plan, places
from remixup.planning.workflow import plan_from_json
from remixup.store.run_store import Store
from remixup.training.gpu_lock import slots
from remixup.training.progress import ProgressReport
from remixup.training.runner import Frozen, Runner, pick_device
from remixup.training.trainer import Trainer


class OutOfTime(Exception):
    """The time is over, or would be before the task ends; the message says what that means for it."""


class NotInformative(Exception):
    """A run of a freeze is a surrogate whose ERM shows that it decides nothing."""


def carry_out(queue: Path, name: str) -> str:
    """Train, evaluate and record the seeds of a task, on a GPU of its own where there is one.

    Returns:
        What the task has recorded.

    Raises:
        OutOfTime: after the queue's time limit, at the end of an epoch; or the queue is of whole tasks, and this one
            would end after its time limit.
        NotInformative: the baselines of its freeze show that its run would decide nothing.
    """
    document = json.loads(queue.read_text(encoding="utf-8"))
    task, until, began = document["tasks"][name], document["until"], time.time()
    share = evidence_time.untrained(document, name)
    plan = plan_from_json(document["plans"][task["plan"]])
    config = read_config({**document["config"], "scale": plan.scale}, str(queue))

    runs_per_gpu = document["runs_per_gpu"]
    # A bar for each of several tasks would overwrite the others.
    with (
        slots(limit=document["gpu_slots"], jobs_per_device=runs_per_gpu) as held,
        ProgressReport(bar=document["workers"] == 1) as progress,
    ):
        if evidence_time.late(queue, document, name):
            raise OutOfTime("not started: it would end after the time is over")

        def report(run: str, seeds: list[int], training: Trainer) -> None:
            progress(run, seeds, training)
            if until is not None and time.time() > until and not training.finished:
                raise OutOfTime("the time is over; the next call continues after this epoch")

        frozen = None
        if task["freeze"]:
            require_informative(plan, task["run"], task["freeze"])
            freeze = freezes.read(task["freeze"])
            frozen = Frozen(freeze.digest, freeze.seeds[0])
        store, folder = Store(Path(config.results)), Path(config.data.folder)
        device, sharing = pick_device(held), runs_per_gpu if held else 1
        runner = Runner(store, folder, device, report, frozen=frozen, places=places([plan]), runs_per_device=sharing)
        training = _train_and_record(config, plan, runner, task)
    evidence_time.note_end(queue, name, time.time() - began, training, share)
    label: str = task["label"]
    return label


def require_informative(plan: Plan, run: str, freeze: str) -> None:
    """Raise NotInformative where the records of a run's ERM, trained before, show that the run would decide nothing."""
    results = FrozenResults(freeze, plan)
    frozen = freezes.read(freeze).claims
    claims = [claim for claim in plan.experiment.claims if claim.id in frozen]
    for row in plan.runnable:
        if row.key != run or plan.plain(row).key == run:
            continue
        reasons = [why_uninformative(results, row, claim) for claim in claims if row.row.id in claim.rows]
        if reasons and all(reasons):
            raise NotInformative(f"the surrogate of {row.row.id} decides nothing: {reasons[0]}")


def _train_and_record(config: Config, plan: Plan, runner: Runner, task: dict[str, Any]) -> float:
    """Train, evaluate and record; return the seconds that the training took."""
    runs, run, seeds = plan.runs(), task["run"], task["seeds"]
    spec = runs[run][0]
    data.prepare_as_configured(config, spec.dataset.name, spec.dataset.version)
    wanted = [each for each in plan.evaluations().values() if run in each.runs]
    # Earlier seeds need not be in this store, where the task trains its last one alone.
    blocks = runner.train(spec, seeds, task["weights"], first=seeds - len(task["trained"]))
    for each in wanted:
        whole = all(
            not runner.store.missing(name, runner.first_seeds(runs[name][1]), runs[name][0].vectorized)
            for name in each.runs
        )
        if each.source is None or whole:
            count = min(each.seeds, seeds) if each.source is None else each.seeds
            evaluate(runner, replace(each, seeds=count), *(runs[name] for name in each.runs))
    for each_run in {run, *(name for each in wanted for name in each.runs)}:
        records.write(config, plan, each_run)
    return sum(block.provenance.seconds for block in blocks)
