"""Schema of config.yaml."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from remixup.config.base import Strict, validate
from remixup.config.registry import check_dataset, load_registry
from remixup.config.yaml_loader import parse_yaml, read_yaml
from remixup.errors import UserError

Scale = Literal["embedded", "reduced-cpu", "reduced", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)
ON_CPU: tuple[Scale, ...] = ("embedded", "reduced-cpu")
"""Scales whose runs are small enough for a CPU and need no GPU."""


def _folder(value: Any) -> Any:
    """Write a path in one way: without `./`, a slash at its end or two in a row, and with the home folder for `~`."""
    value = str(value) if type(value) is int else value  # a folder named by a day, 20251128
    if not isinstance(value, str):
        return value
    if not value or not value.isprintable():
        raise ValueError(f"a folder has a name without control characters, not {value!r}")
    try:
        return str(Path(re.sub("/+", "/", value)).expanduser())
    except RuntimeError:
        raise ValueError(f"there is no home folder for {value!r}") from None


def _without_braces(value: str) -> str:
    if set(value) & set("{}"):
        raise ValueError(f"Snakemake would read the braces in {value!r} as a wildcard")
    return value


def _not_one(value: Any) -> Any:
    if isinstance(value, str) and value != "all":
        raise ValueError(f"`all`, or a list of ids such as [{value}], not {value!r}")
    return value


def _known_versions(value: dict[str, str]) -> dict[str, str]:
    for name, version in value.items():
        check_dataset(name, version)
    return value


UNAVAILABLE = "unavailable"
"""Key in the manifest of an unavailable dataset; its value is the reason."""
Folder = Annotated[str, BeforeValidator(_folder)]
OwnFolder = Annotated[Folder, AfterValidator(_without_braces)]


def is_prepared(manifest: Path) -> bool:
    """Return whether there is the manifest of a prepared dataset, and not one that says why there is none."""
    try:
        with manifest.open("rb") as file:
            return UNAVAILABLE not in file.read(40).decode(errors="replace")
    except OSError:
        return False


def _exists(mirror: Path, place: str) -> bool:
    return (os.path.isdir if place.endswith("/") else os.path.isfile)(mirror / place)


class Data(Strict):
    """Where datasets come from. This is configuration; the network is never probed."""

    folder: OwnFolder = Field("data", description="folder of raw and prepared data")
    mirror: Folder | None = Field(
        None, description="folder with the publishers' files; null: the value of REMIXUP_MIRROR"
    )
    download: bool = Field(False, description="whether to download files that the mirror lacks")
    versions: Annotated[dict[str, str], AfterValidator(_known_versions)] = Field(
        {}, description="dataset -> version for rows that name none"
    )


class Config(Strict):
    """The whole configuration."""

    scale: Scale = Field("embedded", description="how closely runs follow the papers")
    experiments: Annotated[list[str] | Literal["all"], BeforeValidator(_not_one)] = Field(
        "all", description="`all`, or ids of experiments"
    )
    results: OwnFolder = Field("results", description="folder of the run store and the results")
    precision: Literal["bfloat16"] | None = Field(
        None, description="at GPU scales, the precision of deep residual networks; null: that of each row"
    )
    fast: bool = Field(
        False,
        description="at GPU scales, execute runs with all that makes them faster and changes values by rounding only",
    )
    data: Data = Field(default_factory=Data, description="where datasets come from")

    @property
    def mirror(self) -> Path | None:
        """The mirror folder, from the configuration or REMIXUP_MIRROR; raises UserError if it does not exist."""
        named, where = self.data.mirror, "configuration, data.mirror"
        if named is None:
            named, where = os.environ.get("REMIXUP_MIRROR"), "environment variable REMIXUP_MIRROR"
        if not named:
            return None
        named = os.path.expanduser(named)
        if not Path(named).is_dir():
            raise UserError(f"the mirror folder {named} does not exist", where=where, hint="a folder, or unset it")
        return Path(named)

    def version(self, dataset: str) -> str:
        """Return the version of a dataset for rows that name none.

        It is the configured one, else the first that is here, else the first that can be downloaded, else the first.
        """
        if dataset in self.data.versions:
            return self.data.versions[dataset]
        versions: list[str] = list(load_registry()["datasets"][dataset]["versions"])
        if len(versions) == 1:
            return versions[0]
        here = (each for each in versions if self._is_here(dataset, each))
        found = next(here, None) or next((each for each in versions if self._can_be_downloaded(dataset, each)), None)
        return found or versions[0]

    def manifest(self, dataset: str, version: str) -> Path:
        """Return the path of a prepared dataset's manifest."""
        return Path(self.data.folder, "prepared", f"{dataset}-{version}", "manifest.json")

    def failure_log(self, run: str) -> Path:
        """Return the file that says why a run failed."""
        return self.home / f"logs/{run}.failed.txt"

    def job_manifest(self, job: str) -> Path:
        """Return the path of a job's manifest, which lists what the job trained and evaluated, and what failed."""
        return self.home / "manifests" / f"{job}.json"

    @property
    def home(self) -> Path:
        """The folder of the results at the configured scale."""
        return Path(self.results) / self.scale

    @property
    def generated(self) -> Path:
        """The folder of the LaTeX sources and figures that are made from the results."""
        return self.home / "generated"

    @property
    def plan(self) -> Path:
        """The path of the plan of the configured scale."""
        return self.home / "plan.json"

    def collected(self, experiment: str) -> Path:
        """Return the path of an experiment's results."""
        return self.home / "experiments" / f"{experiment}.json"

    def available(self, dataset: str, version: str) -> bool:
        """Return True if the dataset is embedded, prepared, mirrored or downloadable."""
        return self._is_here(dataset, version) or self._can_be_downloaded(dataset, version)

    def _can_be_downloaded(self, dataset: str, version: str) -> bool:
        return self.data.download and bool(load_registry()["datasets"][dataset]["versions"][version]["downloadable"])

    def _is_here(self, dataset: str, version: str) -> bool:
        known = load_registry()["datasets"][dataset]["versions"][version]
        if known["embedded"] or is_prepared(self.manifest(dataset, version)):
            return True
        mirror = self.mirror
        return mirror is not None and any(
            all(any(map(partial(_exists, mirror), places)) for places in files) for files in known["mirror"]
        )


def read_config(value: Any, where: str = "config.yaml") -> Config:
    """Validate a parsed configuration. The caller removes the keys that Snakemake adds."""
    config = validate(Config, value or {}, where)
    _ = config.mirror  # report a missing folder now, not when a dataset is read
    return config


def configuration(paths: Iterable[Path], changes: Iterable[str], option: str = "--set") -> Config:
    """Read configuration files, later ones over earlier ones, and apply changes of the form KEY=VALUE.

    A key has a dot per level: `data.download=true` is the same as `data={download: true}`. The value is YAML.

    Args:
        paths: the files.
        changes: keys and values.
        option: of the command line, with which they are given; for messages.
    """
    document: dict[str, Any] = {}
    for path in paths:
        own = read_yaml(path) or {}
        validate(Config, own, str(path))
        document = _overlaid(document, own)
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise UserError(f"{change!r} is not of the form KEY=VALUE", where=option)
        value = parse_yaml(text, f"{option} {key}")
        for name in reversed(key.split(".")):
            value = {name: value}
        document = _overlaid(document, value)
    return read_config(document, option)


def _overlaid(base: Any, overlay: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(overlay, dict):
        return overlay
    return {**base, **{key: _overlaid(base.get(key), value) for key, value in overlay.items()}}
