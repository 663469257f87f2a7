"""config.yaml, typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from remixup.config.base import Strict, validate
from remixup.config.registry import catalogue
from remixup.errors import UserError, did_you_mean

Scale = Literal["embedded", "reduced-cpu", "reduced", "paper"]
SCALES: tuple[Scale, ...] = ("embedded", "reduced-cpu", "reduced", "paper")
ON_CPU: tuple[Scale, ...] = ("embedded", "reduced-cpu")
"""Scales whose runs are small enough for a CPU, and ask for no GPU."""


def _folder(value: str) -> str:
    """Any path that a shell can quote, but none that Snakemake would read as a pattern."""
    if not value or not value.isprintable() or set(value) & set("{}"):
        raise ValueError(f"a folder has a name, without braces and control characters, not {value!r}")
    return value


Folder = Annotated[str, AfterValidator(_folder)]


class Data(Strict):
    """Where datasets come from: configuration, never a probe of the network."""

    folder: Folder = Field("data", description="where raw and prepared data lie")
    mirror: str | None = Field(None, description="folder with the publishers' files; REMIXUP_MIRROR stands in for null")
    download: bool = Field(False, description="whether publishers may be asked for what the mirror lacks")
    versions: dict[str, str] = Field({}, description="dataset -> version to use where a row names none")

    @model_validator(mode="after")
    def _known(self) -> Data:
        datasets = catalogue()["datasets"]
        for name, version in self.versions.items():
            if name not in datasets:
                raise ValueError(f"versions: unknown dataset {name!r}; {did_you_mean(name, datasets)}")
            if version not in datasets[name]["versions"]:
                advice = did_you_mean(version, datasets[name]["versions"])
                raise ValueError(f"versions: dataset {name} has no version {version!r}; {advice}")
        return self


class Config(Strict):
    """The whole configuration."""

    scale: Scale = "embedded"
    experiments: list[str] | Literal["all"] = "all"
    results: Folder = Field("results", description="where the run store and the results lie")
    fast: bool = Field(
        False, description="at the scales for a GPU deep residual networks train in bfloat16, channels last, compiled"
    )
    data: Data = Field(default_factory=Data)

    @property
    def mirror(self) -> Path | None:
        """The mirror folder, from the configuration or from REMIXUP_MIRROR; UserError where it does not exist."""
        named, where = self.data.mirror, "config.yaml, data.mirror"
        if named is None:
            named, where = os.environ.get("REMIXUP_MIRROR") or None, "environment variable REMIXUP_MIRROR"
        if named is None:
            return None
        if not os.path.isdir(named):  # Path's own raises where a name is too long
            raise UserError(f"the mirror folder {named} does not exist", where=where, hint="a folder, or unset it")
        return Path(named)

    def version(self, dataset: str) -> str:
        """The version of a dataset to use where a row names none."""
        return self.data.versions.get(dataset) or next(iter(catalogue()["datasets"][dataset]["versions"]))

    def manifest(self, dataset: str, version: str) -> Path:
        """Where the prepared dataset's manifest lies."""
        return Path(self.data.folder) / "prepared" / f"{dataset}-{version}" / "manifest.json"

    def receipt(self, pack: str) -> Path:
        """Where the receipt of a pack lies: what it trained and measured, and what broke."""
        return Path(self.results) / self.scale / "receipts" / f"{pack}.json"

    def collected(self, experiment: str) -> Path:
        """Where an experiment's results lie."""
        return Path(self.results) / self.scale / "experiments" / f"{experiment}.json"

    def at_hand(self, dataset: str, version: str) -> bool:
        """Whether a dataset can be had as configured: made here, prepared already, in the mirror, or by download."""
        known = catalogue()["datasets"][dataset]["versions"][version]
        if known["embedded"] or self.mirror is not None or os.path.isfile(self.manifest(dataset, version)):
            return True
        return bool(self.data.download and known["downloadable"])


def read_config(value: Any, where: str = "config.yaml") -> Config:
    """The configuration from parsed YAML (keys that Snakemake itself adds are the caller's to remove)."""
    config = validate(Config, value or {}, where)
    _ = config.mirror  # a folder that does not exist is told at once, not when the first dataset is looked for
    return config
