"""The files behind the numbers of the results page: records, freezes, commits, specifications, histories."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from remixup.analysis.records import HOME
from remixup.analysis.result_schema import Curve, ExperimentResult, Recorded
from remixup.analysis.run_results import curves_by_epoch
from remixup.config.run import RunSpec
from remixup.config.yaml_loader import read_yaml
from remixup.errors import UserError
from remixup.files import visible
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.run_store import Store

POINTS = 60
"""A curve is drawn from at most this many epochs."""


@dataclass(frozen=True)
class Link:
    """What the page links to."""

    text: str
    address: str = ""
    """Relative to the page, or on the web; empty: there is none."""
    remote: str = ""
    """The same file on the web, if the address is relative to the page."""


@dataclass(frozen=True)
class Links:
    """Where the page is, and where its repository is on the web."""

    page: Path
    repository: str = ""

    def file(self, path: Path) -> Link:
        """Link to a file of the repository, which is there."""
        remote = f"{self.repository}/blob/HEAD/{path.as_posix()}" if self.repository else ""
        return Link(path.as_posix(), Path(os.path.relpath(path, self.page.parent)).as_posix(), remote)

    def commit(self, commit: str | None) -> Link | None:
        """Link to a commit."""
        if commit is None:
            return None
        return Link(commit[:10], f"{self.repository}/commit/{commit}" if self.repository else "")


def repository(citation: Path) -> str:
    """Return the address of the repository that CITATION.cff states; empty where it states none."""
    document = read_yaml(citation) if citation.is_file() else {}
    if not isinstance(document, dict):
        raise UserError("its content is no mapping", where=str(citation))
    return str(document.get("repository-code", "")).rstrip("/")


class Records:
    """The files under `records/`."""

    def __init__(self) -> None:
        self.store = Store(HOME)

    def blocks(self, run: str, seeds: Collection[int]) -> dict[Path, SeedBlock]:
        """Return the files with some seeds of a run, and their content."""
        counted = {block.digest for block in self.store.blocks(run) if not set(seeds).isdisjoint(block.seeds)}
        found = {path: SeedBlock.read(path) for path in self.store.files(run)}
        return {path: block for path, block in found.items() if block.digest in counted}

    def evaluations(self, blocks: Iterable[SeedBlock], metric: str, values: Mapping[int, float]) -> list[Path]:
        """Return the files of evaluations of some blocks that have these values of a metric, by seed."""
        source, _, name = metric.partition(".")
        return [
            path
            for block in blocks
            for path, found in self._evaluations.get(block.digest, [])
            if found.evaluation["name"] == source
            and any(each["seed"] in values and each.get(name) == values[each["seed"]] for each in found.measured)
        ]

    @cached_property
    def _evaluations(self) -> dict[str, list[tuple[Path, EvaluatedBlock]]]:
        found: dict[str, list[tuple[Path, EvaluatedBlock]]] = {}
        for path in visible(self.store.evaluations, "*/*.json"):
            evaluated = EvaluatedBlock.read(path)
            found.setdefault(evaluated.block, []).append((path, evaluated))
        return found


@dataclass
class Attachments:
    """What rows share and the page draws when they are opened."""

    planned: Mapping[str, RunSpec]
    """Runs that need not be on record."""
    specifications: dict[str, str] = field(default_factory=dict)
    """Run -> YAML."""
    curves: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)
    """Key -> quantity -> epochs, means, smallest, largest."""

    def add_specification(self, run: str, recorded: RunSpec | None = None) -> None:
        """Add the specification of a run, on record or planned."""
        spec = recorded or self.planned.get(run)
        if spec and run not in self.specifications:
            content: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True)
            self.specifications[run] = yaml.safe_dump(
                content, sort_keys=False, allow_unicode=True, default_flow_style=None
            )

    def add_curves(self, key: str, curves: Mapping[str, Curve]) -> str | None:
        """Add curves; return the key, or None where there are none."""
        if not curves:
            return None
        self.curves[key] = {quantity: _thinned(curve) for quantity, curve in curves.items()}
        return key

    def add_own(self, result: ExperimentResult, row: str, run: str) -> str | None:
        """Add specification and curves of a row of this report's runs."""
        self.add_specification(run)
        return self.add_curves(f"{result.experiment}/{row}", result.curves.get(row, {}))

    def add_recorded(self, sample: Recorded, blocks: Iterable[SeedBlock]) -> str | None:
        """Add specification and curves of a run on record."""
        listed, seeds = list(blocks), set(sample.replicated.seeds)
        if not listed:
            return None
        self.add_specification(sample.run, listed[0].specification)
        key = f"{sample.run}/{min(seeds)}-{max(seeds)}"
        if key in self.curves:
            return key
        whole = all(block.history for block in listed)  # older records of several seeds have none
        return self.add_curves(key, curves_by_epoch(listed, seeds.__contains__) if whole else {})


def _thinned(curve: Curve) -> list[list[float]]:
    last = len(curve.epoch) - 1
    step = max(1, -(-last // (POINTS - 1)))
    chosen = sorted({*range(0, last, step), last})
    return [
        [curve.epoch[index] for index in chosen],
        *([float(f"{column[index]:.4g}") for index in chosen] for column in (curve.mean, curve.low, curve.high)),
    ]
