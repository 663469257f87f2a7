"""The application, and the options and the configuration that commands share."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

import remixup
from remixup.config import settings
from remixup.config.experiment import read_experiments
from remixup.config.settings import Config
from remixup.errors import UserError, look_up
from remixup.planning.plan import Plan, plan_experiment
from remixup.planning.workflow import Workflow, plan_workflow, read_workflow

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

ConfigFile = Annotated[Path, typer.Option("--config", help="configuration file")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a key of the configuration: scale=paper")
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="plan.json of the workflow, instead of the configuration file")
]
Experiment = Annotated[str, typer.Argument(help="id of an experiment file")]
Slots = Annotated[
    int | None, typer.Option(min=0, envvar="REMIXUP_GPU_SLOTS", help="use at most this many GPUs of this host")
]
DEFAULT = Path("config.yaml")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"remixup {remixup.__version__}")
        raise typer.Exit


@app.callback()
def _application(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Replicate the mixup papers. Every step of the workflow is a command that also runs by hand."""


def configuration(path: Path, changes: list[str] | None) -> Config:
    """Read the configuration file and apply the changes of `--set`."""
    return settings.configuration([path], changes or [])


def planned_workflow(
    plan_file: Path | None,
    config: Path,
    changes: list[str] | None,
    job: str | None = None,
    only: Collection[str] | None = None,
) -> Workflow:
    """Read the workflow's plan (of some experiments, of a job), or plan the configured workflow without one."""
    if plan_file is None:
        return plan_workflow(configuration(config, changes))
    for option, given in {"--set": changes, "--config": config != DEFAULT}.items():
        if given:
            raise UserError("a plan has its configuration already", where=option, hint="use it without --plan")
    return read_workflow(plan_file, only=only, job=job)


def plans_of(names: list[str], config: Config) -> list[Plan]:
    """Plan some experiments."""
    files = read_experiments()
    chosen = [look_up("experiment", name, files, "argument EXPERIMENT") for name in names]
    return [plan_experiment(*each, config) for each in chosen]
