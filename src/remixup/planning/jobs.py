"""Group runs and evaluations into jobs: few, since a process takes seconds to start, and of similar length."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from remixup.config.registry import load_registry
from remixup.config.run import RunSpec, short_digest
from remixup.data import REGISTRY
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
            found[key] = (run, max(seeds, found[key][1] if key in found else 0))
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
    runs, evaluations = merged_runs(plans), merged_evaluations(plans)
    weights = {run for each in evaluations.values() if needs_weights(each) for run in each.runs}
    jobs, left = [], dict(evaluations)
    for name, keys in _groups(plans, runs, evaluations).items():
        own = {key: left.pop(key) for key, each in list(left.items()) if set(each.runs) <= set(keys)}
        jobs.append(
            Job(
                name=name,
                experiments=[],
                runs={key: runs[key][1] for key in keys},
                evaluations={key: each.seeds for key, each in own.items()},
                weights=sorted(weights & set(keys)),
                datasets=sorted({(runs[key][0].dataset.name, runs[key][0].dataset.version) for key in keys}),
                after=[],
                threads=max(runs[key][0].execution.threads for key in keys),
                shares=max(runs[key][0].shares for key in keys),
                seconds=round(sum(_seconds(*runs[key]) for key in keys) + EVALUATION_SECONDS * len(own), 1),
            )
        )
    trained_by = {run: job.key for job in jobs for run in job.runs}
    for plan in plans:
        own = {key: left.pop(key) for key in plan.evaluations() if key in left}
        if own:
            read = {run for each in own.values() for run in each.runs}
            jobs.append(
                Job(
                    name=f"{plan.experiment.id}-evaluations",
                    experiments=[],
                    runs={},
                    evaluations={key: each.seeds for key, each in own.items()},
                    weights=[],
                    datasets=sorted({(runs[run][0].dataset.name, runs[run][0].dataset.version) for run in read}),
                    after=sorted({trained_by[run] for run in read}),
                    threads=max(runs[run][0].execution.threads for run in read),
                    shares=1,
                    seconds=EVALUATION_SECONDS * len(own),
                )
            )
    asked = {plan.experiment.id: {*plan.runs(), *plan.evaluations()} for plan in plans}
    return [
        replace(job, experiments=[name for name, keys in asked.items() if keys & {*job.runs, *job.evaluations}])
        for job in jobs
    ]


def _groups(
    plans: list[Plan], runs: dict[str, tuple[RunSpec, int]], evaluations: dict[str, Evaluation]
) -> dict[str, list[str]]:
    """Return the runs of each job by its name: one run, or many where starting a process takes as long as a run.

    At embedded scale the runs of an experiment are one group, and short experiments of a paper share one. At other
    scales runs with vectorized seeds, which small networks have, are grouped by dataset.
    """
    seen: set[str] = set()
    groups: dict[str, list[str]] = {}
    open_groups: dict[str, tuple[list[str], list[str], float]] = {}  # paper -> experiments, runs, seconds

    def close(paper: str) -> None:
        experiments, keys, _ = open_groups.pop(paper)
        groups["-".join(experiments)] = keys

    for plan in plans:
        own = {key: run for key, (run, _) in plan.runs().items() if key not in seen}
        seen |= set(own)
        if plan.scale != "embedded":
            for key, run in own.items():
                groups.setdefault(f"{plan.experiment.id}-{_kind(run)}" if run.vectorized else key, []).append(key)
        elif own:
            measured = sum(set(each.runs) <= set(own) for each in evaluations.values())
            seconds = sum(_seconds(*runs[key]) for key in own) + EVALUATION_SECONDS * measured
            if seconds >= LONG:
                groups[plan.experiment.id] = list(own)
                continue
            paper = plan.experiment.paper
            experiments, keys, before = open_groups.get(paper, ([], [], 0.0))
            open_groups[paper] = ([*experiments, plan.experiment.id], [*keys, *own], before + seconds)
            if open_groups[paper][2] >= LONG:
                close(paper)
    for paper in list(open_groups):
        close(paper)
    return groups


def _kind(run: RunSpec) -> str:
    """Return `all` for a dataset that comes with the program, which is small, else the dataset's name."""
    embedded = load_registry()["datasets"][run.dataset.name]["versions"][run.dataset.version]["embedded"]
    return "all" if embedded else run.dataset.name


def _seconds(run: RunSpec, seeds: int) -> float:
    examples = run.dataset.subset or REGISTRY[run.dataset.name].size.train
    steps = run.objective.get("iterations") or run.passes * math.ceil(examples / run.batch_size)
    together = 1 if run.vectorized else seeds
    return run.epochs * steps * together * STEP_SECONDS.get(run.model["name"], OTHER_STEP_SECONDS)
