"""The plan of the whole workflow at one scale: configuration, experiments and jobs, written once to plan.json."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from remixup.config.run import RunSpec
from remixup.config.settings import Config, read_config
from remixup.errors import UserError, look_up
from remixup.files import read_mapping, write_text
from remixup.planning.jobs import Job, make_jobs, merged_evaluations, merged_runs
from remixup.planning.plan import Evaluation, Plan, read_plans

_PLAN, _JOB = TypeAdapter(Plan), TypeAdapter(Job)


@dataclass(frozen=True)
class Workflow:
    """Everything that the jobs of a workflow need to know; the content of plan.json."""

    config: Config
    plans: list[Plan]
    jobs: dict[str, Job]
    """By key."""

    @cached_property
    def runs(self) -> dict[str, tuple[RunSpec, int]]:
        """Runs by key, each with its number of seeds."""
        return merged_runs(self.plans)

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """Evaluations by key."""
        return merged_evaluations(self.plans)

    def plan(self, experiment: str) -> Plan:
        """Return the plan of an experiment.

        Raises:
            UserError: the workflow has no such experiment.
        """
        plans = {each.experiment.id: each for each in self.plans}
        return look_up("experiment", experiment, plans, "argument EXPERIMENT")

    def write(self) -> Path:
        """Write plan.json where its content changes, in one move; return its path.

        It also has the key of each row's run and each experiment's evaluations.
        """
        document = {
            "config": self.config.model_dump(mode="json"),
            "jobs": {key: _JOB.dump_python(job, mode="json") for key, job in self.jobs.items()},
            "experiments": {plan.experiment.id: plan_to_json(plan) for plan in self.plans},
        }
        path, text = self.config.plan, json.dumps(document, indent=1) + "\n"
        if not path.is_file() or path.read_bytes() != text.encode():
            write_text(path, text)
        return path


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return an experiment's plan as JSON values."""
    document: dict[str, Any] = _PLAN.dump_python(plan, mode="json", exclude_defaults=True)
    for row, planned in zip(document["rows"], plan.rows, strict=True):
        row["key"] = planned.key
    document["evaluations"] = {key: asdict(each) for key, each in plan.evaluations().items()}
    return document


def plan_from_json(document: dict[str, Any]) -> Plan:
    """Return the plan that `plan_to_json` wrote; keys and evaluations follow from the rest."""
    return _PLAN.validate_python(document)


def plan_workflow(config: Config) -> Workflow:
    """Plan the configured experiments at the configured scale; every row is checked at every scale.

    Raises:
        UserError: an experiment file is wrong.
    """
    plans = read_plans(config)
    jobs = {job.key: job for job in make_jobs(plans)}
    own = [tuple(key for key, job in jobs.items() if plan.experiment.id in job.experiments) for plan in plans]
    return Workflow(config, [replace(plan, jobs=keys) for plan, keys in zip(plans, own, strict=True)], jobs)


def read_workflow(path: Path, only: Collection[str] | None = None, job: str | None = None) -> Workflow:
    """Read plan.json.

    Args:
        path: the file.
        only: the experiments to read; default: all.
        job: read the experiments of this job only.

    Raises:
        UserError: the file is missing or damaged, or has no such job.
    """
    try:
        document = read_mapping(path)
        config = read_config(document["config"], str(path))
        jobs = {key: _JOB.validate_python(each) for key, each in document["jobs"].items()}
        wanted = look_up("job", job, jobs, "--job").experiments if job is not None else only
        plans = [
            plan_from_json(each) for name, each in document["experiments"].items() if wanted is None or name in wanted
        ]
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), hint="`snakemake` writes it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"not a plan: {str(error).splitlines()[0]}", where=str(path)) from None
    return Workflow(config, plans, jobs)
