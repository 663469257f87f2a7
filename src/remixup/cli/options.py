"""What the commands share: the application, its options, the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from remixup.config.experiment import read_experiments
from remixup.config.settings import Config, read_config
from remixup.config.yaml_loader import parse_yaml, read_yaml
from remixup.errors import UserError, did_you_mean
from remixup.planning.plan import Plan, plan_experiment

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The command line: every step of the workflow as a command that also runs by hand.",
)

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
