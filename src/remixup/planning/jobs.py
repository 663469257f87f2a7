"""Group runs and evaluations into jobs: few, since a process takes seconds to start, and of similar length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from remixup.config.registry import load_registry
from remixup.config.run import RunSpec, short_digest
from remixup.planning.plan import Evaluation, Plan, needs_weights

LONG = 30.0
"""Estimated seconds of a group of experiments at embedded scale; importing PyTorch takes about three."""
STEP_SECONDS = {"mlp": 0.0015, "patch_network": 0.0015, "gan": 0.009}
"""A training step of a small network on one CPU core."""
OTHER_STEP_SECONDS = 0.015
EVALUATION_SECONDS = 0.5


@dataclass(frozen=True)
class Job:
    """What one process trains and evaluates."""

    name: str
    experiments: list[str]
    """Experiments that specify its runs or ask for its evaluations."""
    runs: dict[str, int]
    """Number of seeds by run."""
    evaluations: dict[str, int]
    """Number of seeds by evaluation; of runs of this job or, for a job without runs, of `after`."""
    weights: list[str]
    """Runs whose trained networks some evaluation reads, so that their weights are stored."""
    datasets: list[tuple[str, str]]
    """Name and version of the datasets of its runs."""
    after: list[str]
    """Keys of the jobs whose runs its evaluations read."""
    threads: int
    """CPU threads that its runs use."""
    shares: int
    """The most GPUs that one of its runs can use."""
    seconds: float
    """A rough estimate of its duration, to start long jobs first."""

    @cached_property
    def key(self) -> str:
        """`<name>-<hash8>`, hashed over what the job makes, so that a changed row has another manifest."""
        return f"{self.name}-{short_digest([self.runs, self.evaluations, self.weights])}"


def merged_runs(plans: list[Plan]) -> dict[str, tuple[RunSpec, int]]:
    """Return the runs of all plans by key, each with the most seeds that a plan asks for."""
    found: dict[str, tuple[RunSpec, int]] = {}
    for plan in plans:
        for key, (run, seeds) in plan.runs().items():
            found[key] = (run, max(seeds, found.get(key, (run, 0))[1]))
    return found


def merged_evaluations(plans: list[Plan]) -> dict[str, Evaluation]:
    """Return the evaluations of all plans by key, each with the most seeds that a plan asks for."""
    found = [each for plan in plans for each in plan.evaluations().values()]
    return {each.key: each for each in sorted(found, key=lambda evaluation: evaluation.seeds)}


def make_jobs(plans: list[Plan]) -> list[Job]:
    """Return the jobs that train and evaluate the runs of some plans of one scale.

    Each run is in one job. An evaluation is in the job that trains all runs it reads. Evaluations that read runs of
    several jobs are one further job for each experiment.
    """
    runs, left = merged_runs(plans), merged_evaluations(plans)
    weights = {run for each in left.values() if needs_weights(each) for run in each.runs}
    asked = {plan.experiment.id: {*plan.runs(), *plan.evaluations()} for plan in plans}
    trained_by: dict[str, str] = {}
    jobs: list[Job] = []

    def add(name: str, keys: list[str], evaluations: dict[str, Evaluation]) -> None:
        read = {*keys, *(run for each in evaluations.values() for run in each.runs)}
        specs = [runs[key][0] for key in read]
        job = Job(
            name=name,
            experiments=[each for each, wanted in asked.items() if not wanted.isdisjoint([*keys, *evaluations])],
            runs={key: runs[key][1] for key in keys},
            evaluations={key: each.seeds for key, each in evaluations.items()},
            weights=sorted(weights & set(keys)),
            datasets=sorted({(spec.dataset.name, spec.dataset.version) for spec in specs}),
            after=sorted({trained_by[run] for run in read - set(keys)}),
            threads=max(spec.execution.threads for spec in specs),
            shares=max((runs[key][0].shares for key in keys), default=1),
            seconds=round(sum(_seconds(*runs[key]) for key in keys) + EVALUATION_SECONDS * len(evaluations), 1),
        )
        trained_by.update(dict.fromkeys(keys, job.key))
        jobs.append(job)

    for name, keys in _groups(plans, runs, left).items():
        add(name, keys, {key: left.pop(key) for key, each in list(left.items()) if set(each.runs) <= set(keys)})
    for plan in plans:
        if own := {key: left.pop(key) for key in plan.evaluations() if key in left}:
            add(f"{plan.experiment.id}-evaluations", [], own)
    return jobs


def _groups(
    plans: list[Plan], runs: dict[str, tuple[RunSpec, int]], evaluations: dict[str, Evaluation]
) -> dict[str, list[str]]:
    """Return the runs of each job by its name: one run, or many if starting a process takes as long as a run.

    At embedded scale the runs of an experiment are one group, and short experiments of a paper share one. At other
    scales runs with vectorized seeds, which small networks have, are grouped by dataset.
    """
    seen: set[str] = set()
    groups: dict[str, list[str]] = {}
    short: dict[str, tuple[list[str], list[str], float]] = {}  # paper -> experiments, runs, seconds
    for plan in plans:
        own = {key: run for key, (run, _) in plan.runs().items() if key not in seen}
        seen |= set(own)
        if plan.scale != "embedded":
            for key, run in own.items():
                groups.setdefault(f"{plan.experiment.id}-{_kind(run)}" if run.vectorized else key, []).append(key)
        elif own:
            measured = sum(set(each.runs) <= set(own) for each in evaluations.values())
            seconds = sum(_seconds(*runs[key]) for key in own) + EVALUATION_SECONDS * measured
            names, keys = [plan.experiment.id], list(own)
            if seconds < LONG:
                before = short.pop(plan.experiment.paper, ([], [], 0.0))
                names, keys, seconds = before[0] + names, before[1] + keys, before[2] + seconds
            if seconds < LONG:
                short[plan.experiment.paper] = (names, keys, seconds)
            else:
                groups["-".join(names)] = keys
    return groups | {"-".join(names): keys for names, keys, _ in short.values()}


def _kind(run: RunSpec) -> str:
    """Return the group of a dataset: `all` for embedded ones, which are small, else the dataset's name."""
    embedded = load_registry()["datasets"][run.dataset.name]["versions"][run.dataset.version]["embedded"]
    return "all" if embedded else run.dataset.name


def _seconds(run: RunSpec, seeds: int) -> float:
    examples = run.dataset.subset or load_registry()["datasets"][run.dataset.name]["train"]
    steps = run.objective.get("iterations") or run.passes * math.ceil(examples / run.batch_size)
    together = 1 if run.vectorized else seeds
    return run.epochs * steps * together * STEP_SECONDS.get(run.model["name"], OTHER_STEP_SECONDS)
