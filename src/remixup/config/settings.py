"""Schema of config.yaml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from remixup.config.base import Strict, validate
from remixup.config.registry import check_dataset, load_registry
from remixup.errors import UserError

Scale = Literal["embedded", "reduced-cpu", "reduced", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)
ON_CPU: tuple[Scale, ...] = ("embedded", "reduced-cpu")
"""Scales whose runs are small enough for a CPU and need no GPU."""


def _folder(value: str) -> str:
    """Accept any printable path without braces, which Snakemake would read as a wildcard."""
    if not value or not value.isprintable() or set(value) & set("{}"):
        raise ValueError(f"a folder has a name, without braces and control characters, not {value!r}")
    return value


def _known_versions(value: dict[str, str]) -> dict[str, str]:
    for name, version in value.items():
        check_dataset(name, version)
    return value


Folder = Annotated[str, AfterValidator(_folder)]


class Data(Strict):
    """Where datasets come from. This is configuration; the network is never probed."""

    folder: Folder = Field("data", description="folder of raw and prepared data")
    mirror: str | None = Field(None, description="folder with the publishers' files; null: the value of REMIXUP_MIRROR")
    download: bool = Field(False, description="whether to download files that the mirror lacks")
    versions: Annotated[dict[str, str], AfterValidator(_known_versions)] = Field(
        {}, description="dataset -> version for rows that name none"
    )


class Config(Strict):
    """The whole configuration."""

    scale: Scale = Field("embedded", description="how closely runs follow the papers")
    experiments: list[str] | Literal["all"] = Field("all", description="`all`, or ids of experiments")
    results: Folder = Field("results", description="folder of the run store and the results")
    fast: bool = Field(
        False, description="at GPU scales, train deep residual networks in bfloat16, channels last, compiled"
    )
    data: Data = Field(default_factory=Data, description="where datasets come from")

    @property
    def mirror(self) -> Path | None:
        """The mirror folder, from the configuration or REMIXUP_MIRROR; raises UserError if it does not exist."""
        named, where = self.data.mirror, "config.yaml, data.mirror"
        if named is None:
            named, where = os.environ.get("REMIXUP_MIRROR") or None, "environment variable REMIXUP_MIRROR"
        if named is None:
            return None
        if not Path(named).is_dir():
            raise UserError(f"the mirror folder {named} does not exist", where=where, hint="a folder, or unset it")
        return Path(named)

    def version(self, dataset: str) -> str:
        """Return the version of a dataset for rows that name none."""
        return self.data.versions.get(dataset) or next(iter(load_registry()["datasets"][dataset]["versions"]))

    def manifest(self, dataset: str, version: str) -> Path:
        """Return the path of a prepared dataset's manifest."""
        return Path(self.data.folder) / "prepared" / f"{dataset}-{version}" / "manifest.json"

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
        known = load_registry()["datasets"][dataset]["versions"][version]
        if known["embedded"] or self.mirror is not None or os.path.isfile(self.manifest(dataset, version)):
            return True
        return bool(self.data.download and known["downloadable"])


def read_config(value: Any, where: str = "config.yaml") -> Config:
    """Validate a parsed configuration. The caller removes the keys that Snakemake adds."""
    config = validate(Config, value or {}, where)
    _ = config.mirror  # report a missing folder now, not when a dataset is read
    return config
