"""Freezes: committed files that fix claims, runs and seeds before the runs are trained.

`remixup freeze` writes `protocols/<experiment>-<n>.json` once; it never changes. An amendment is a new freeze.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from remixup.analysis.numbers import derived_target, target
from remixup.analysis.records import HOME as RECORDS
from remixup.analysis.records import REAL, read_all
from remixup.analysis.thresholds import thresholds
from remixup.config.claims import Claim
from remixup.config.experiment import Experiment, read_experiments
from remixup.config.registry import first_version, load_registry
from remixup.config.settings import Config, Scale
from remixup.errors import UserError, did_you_mean
from remixup.files import visible
from remixup.planning.plan import Plan, PlannedRow, plan_experiment, with_all_rows
from remixup.store.blocks import SeedBlock, Stored, content_digest
from remixup.store.run_store import Store

HOME = Path("protocols")


FIXED_SINCE_2 = ("published", "known_effects", "surrogates", "primary_claims")
"""What freezes fix since schema version 2: what else their verdicts depend on."""


class Freeze(Stored):
    """What is fixed before the runs of an experiment at a scale are trained."""

    schema_version: Literal[1, 2] = Field(1, description=f"1: without {', '.join(FIXED_SINCE_2)}")
    experiment: str
    scale: Scale
    precision: Literal["bfloat16"] | None = Field(None, description="the configured precision of deep networks")
    versions: dict[str, str] = Field({}, description="dataset -> its version, where the configuration chose one")
    reason: str = Field(description="why it is frozen or, for an amendment, why it changes")
    claims: dict[str, dict[str, Any]] = Field(description="claim -> its fields that differ from their defaults")
    runs: dict[str, str] = Field(description="row -> key of its run")
    evaluations: list[str] = Field(description="keys of the evaluations that these rows ask for")
    seeds: list[int] = Field(min_length=2, description="consecutive; no record and no other freeze of the runs has any")
    number_of_seeds: int
    stopping_rule: Literal["fixed number of seeds"]
    thresholds: dict[str, float] = Field(description="of the rules for verdicts, by name")
    published: dict[str, dict[str, dict[str, float]]] = Field(
        {}, description="row or derived number -> metric -> the published number and its tolerance, as they are judged"
    )
    known_effects: list[dict[str, str]] = Field([], description="those that baselines among the rows have to show")
    surrogates: list[str] = Field([], description="the rows that are surrogates")
    primary_claims: list[str] = Field([], description="of the paper, which are decided together with those frozen here")

    @model_validator(mode="after")
    def _seeds_are_consecutive(self) -> Freeze:
        if self.seeds != list(range(self.seeds[0], self.seeds[0] + self.number_of_seeds)):
            raise ValueError("the seeds are not consecutive, or not as many as their number says")
        return self

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of the content, which its file and the records have."""
        return content_digest(self.model_dump(exclude_defaults=True))

    def fits(self, block: SeedBlock) -> bool:
        """Return whether a record names this freeze, and has a run and seeds of it."""
        named = block.provenance.freeze == self.digest and block.run in self.runs.values()
        return named and set(block.seeds) <= set(self.seeds)


def path(name: str) -> Path:
    """Return the file of a freeze."""
    return HOME / f"{name}.json"


def number(name: str) -> int:
    """Return the number of a freeze: 2 for `corruption-2`."""
    return int(name.rpartition("-")[2])


def names(experiment: str | None = None) -> list[str]:
    """Return the names of the freezes, of one experiment or of all."""
    found = (file.stem for file in visible(HOME, "*-*.json") if file.stem.rpartition("-")[2].isdigit())
    return [name for name in found if experiment in (None, name.rpartition("-")[0])]


def in_use() -> bool:
    """Return whether there is a freeze, or a record that names one."""
    return bool(names()) or any(block.provenance.freeze for block in read_all())


def in_progress() -> set[str]:
    """Return the digests of the freezes that lack a seed of a run on record.

    Their records do not count until all are there, so that nobody sees a result before the last run has ended, and a
    table has the rows of one setting.
    """
    records, found = Store(RECORDS), set()
    for freeze in map(read, names()):
        blocks = (block for run in set(freeze.runs.values()) for block in records.blocks(run) if freeze.fits(block))
        trained = {(block.run, seed) for block in blocks for seed in block.seeds}
        if len(trained) < len(set(freeze.runs.values())) * freeze.number_of_seeds:
            found.add(freeze.digest)
    return found


def read(name: str) -> Freeze:
    """Read a freeze; UserError where there is none of this name, or its content differs from its digest."""
    if not path(name).is_file():
        raise UserError(f"unknown freeze {name!r}", where=str(HOME), hint=did_you_mean(name, names()))
    return Freeze.read(path(name))


def write(plan: Plan, patterns: list[str], reason: str, count: int | None, store: Store, config: Config) -> Path:
    """Write a new freeze of an experiment's rows, and of the claims about these rows alone.

    Args:
        plan: the experiment at a real scale.
        patterns: of the ids of rows.
        reason: why they are frozen.
        count: number of seeds; None: the most that a row asks for.
        store: the run store of this machine, whose seeds count as used.
        config: the configuration of the plan.

    Returns:
        The file.

    Raises:
        UserError: no row matches a pattern, a row needs the networks of another one, no claim is left, or no version
            of a dataset is named or here.
    """
    if plan.scale not in REAL:
        raise UserError(f"{plan.scale} is not a real scale", where="--scale", hint=f"one of {', '.join(REAL)}")
    plan = with_all_rows(plan)  # the data may be on another machine
    rows = _choose(plan, patterns)
    claims = [each for each in plan.experiment.claims if each.metric is not None and rows.keys() >= set(each.rows)]
    if not claims:
        raise UserError("no claim is about these rows alone", where="--rows", hint="name all rows of a claim")
    runs = {name: row.key for name, row in rows.items()}
    datasets = {(row.run.dataset.name, row.run.dataset.version) for row in rows.values()}
    _require_versions(datasets, config)
    asked = max(row.seeds for row in rows.values())
    seeds = _new_seeds(set(runs.values()), asked, count or asked, store)
    freeze = Freeze(
        experiment=plan.experiment.id,
        scale=plan.scale,
        precision=config.precision,
        versions={name: version for name, version in sorted(datasets) if version != first_version(name)},
        reason=reason,
        claims={claim.id: frozen_fields(claim) for claim in claims},
        runs=runs,
        evaluations=_evaluations(plan, runs),
        seeds=seeds,
        number_of_seeds=len(seeds),
        stopping_rule="fixed number of seeds",
        thresholds=thresholds(),
        schema_version=2,
        **judged_by(plan, rows),
        primary_claims=primary_claims(plan.experiment, claims),
    )
    last = max(map(number, names(plan.experiment.id)), default=0)
    file = path(f"{plan.experiment.id}-{last + 1}")
    freeze.write(file)
    return file


def _require_versions(datasets: Iterable[tuple[str, str]], config: Config) -> None:
    """Raise UserError where a version is a guess: it is part of a run, and another one may be trained on."""
    for name, version in sorted(datasets):
        several = len(load_registry()["datasets"][name]["versions"]) > 1
        if several and name not in config.data.versions and not config.available(name, version):
            hint = f"name the mirror (REMIXUP_MIRROR), or --set data.versions.{name}={version}"
            raise UserError(f"no version of {name} is here, so that it is not known which to freeze", hint=hint)


def frozen_fields(claim: Claim) -> dict[str, Any]:
    """Return what a freeze fixes of a claim: all but its place in the paper."""
    return claim.model_dump(mode="json", exclude_defaults=True, exclude={"id", "where"})


def judged_by(plan: Plan, rows: Collection[str]) -> dict[str, Any]:
    """Return what the verdicts on some rows depend on besides their runs, their claims and the thresholds."""
    experiment = plan.experiment
    published: dict[str, dict[str, dict[str, float]]] = {}
    for row in experiment.rows:
        for metric in row.published if row.id in rows else ():
            if number := target(experiment, row, metric):
                published.setdefault(row.id, {})[metric] = number.stated()
    for each in experiment.derived:
        if {each.baseline, each.treatment} <= set(rows):
            published[each.id] = {each.kind: derived_target(each).stated()}
    return {
        "published": published,
        "known_effects": [each.model_dump() for each in experiment.known_effects if each.treatment in rows],
        "surrogates": sorted(row.row.id for row in plan.rows if row.row.id in rows and row.surrogate),
    }


def primary_claims(experiment: Experiment, claims: Iterable[Claim]) -> list[str]:
    """Return the names of a paper's primary claims, if one of some claims is among them."""
    if not any(claim.primary for claim in claims):
        return []  # then they decide none of these
    files = (each for _, each in read_experiments().values() if each.paper == experiment.paper)
    return sorted(f"{each.id}/{claim.id}" for each in files for claim in each.claims if claim.primary)


def _evaluations(plan: Plan, rows: Collection[str]) -> list[str]:
    """Return the keys of the evaluations that some rows ask for."""
    parts = [(row, part) for row in plan.rows if row.row.id in rows for part in row.evaluate]
    return sorted({each.key for row, part in parts if (each := plan.evaluation(row, part))})


def _choose(plan: Plan, patterns: list[str]) -> dict[str, PlannedRow]:
    known = {row.row.id: row for row in plan.rows}
    for pattern in patterns:
        if not any(row.id in known for row in plan.experiment.select([pattern])):
            hint = did_you_mean(pattern, known)
            raise UserError(f"no row {pattern!r} at {plan.scale} scale", where="--rows", hint=hint)
    rows = {row.id: known[row.id] for row in plan.experiment.select(patterns) if row.id in known}
    for name, row in rows.items():
        for part in row.evaluate:
            if part.get("source", name) not in rows:
                hint = f"add --rows {part['source']}"
                raise UserError(f"the evaluation of row {name} needs another row", where="--rows", hint=hint)
    return rows


def _new_seeds(runs: set[str], asked: int, count: int, store: Store) -> list[int]:
    """Return seeds from the first multiple of 1000 on that is above all seeds of these runs in use."""
    used = {asked - 1}
    for run in runs:
        used |= {last for each in (store, Store(RECORDS)) for _, last in each.spans(run)}
    for freeze in map(read, names()):
        if not runs.isdisjoint(freeze.runs.values()):
            used |= set(freeze.seeds)
    first = 1000 * (max(used) // 1000 + 1)
    return list(range(first, first + count))


def frozen_plan(freeze: Freeze, file: Path, experiment: Experiment, config: Config) -> Plan:
    """Return the plan of a frozen experiment, in which frozen runs have as many seeds as the freeze says.

    Raises:
        UserError: a row or an evaluation is another one than in the freeze.
    """
    versions = {name: first_version(name) for name in load_registry()["datasets"]} | freeze.versions
    data = config.data.model_copy(update={"versions": versions})
    frozen_config = config.model_copy(update={"precision": freeze.precision, "data": data})
    plan = plan_experiment(file, experiment, frozen_config, freeze.scale)
    whole = with_all_rows(plan)
    runs = {row.row.id: row.key for row in whole.rows}
    changed = [f"row {row} has another run" for row, run in freeze.runs.items() if runs.get(row) != run]
    if not set(freeze.evaluations) <= set(_evaluations(whole, freeze.runs)):
        changed.append("its rows have other evaluations")
    if changed:
        hint = "use the configuration that was frozen, or write a new freeze"
        raise UserError(f"{changed[0]} than in its freeze", where=f"{file} at {freeze.scale} scale", hint=hint)
    frozen = set(freeze.runs.values())
    rows = [replace(row, seeds=freeze.number_of_seeds) if row.key in frozen else row for row in plan.rows]
    return replace(plan, rows=rows)
