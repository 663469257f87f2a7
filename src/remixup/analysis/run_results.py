"""Results of the runs of an experiment at one scale, row by row."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from remixup.analysis.conventions import best_fit, by_convention
from remixup.analysis.informative import Measurements
from remixup.analysis.measurements import why_uninformative
from remixup.analysis.numbers import Target, target, verdict
from remixup.analysis.result_schema import Cost, Curve, Entry, Recorded, Replicated, Source, Verdict
from remixup.analysis.statistics import summarize
from remixup.analysis.verdicts import Evidence
from remixup.config.metrics import FROM_HISTORY, QUANTITIES, evaluated_values
from remixup.config.settings import Config
from remixup.data.catalog.registry import lookup
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.planning.plan import Evaluation, Plan, PlannedRow
from remixup.store.blocks import Damaged, SeedBlock, by_seed, speeds
from remixup.store.manifest import JobManifest
from remixup.store.run_store import Store


def judge(
    measured: Mapping[int, float | None], lack: Verdict | None, published: Target | None, **rules: Any
) -> tuple[Replicated | None, Verdict]:
    """Return the sample of a number, and its verdict.

    Args:
        measured: seed -> value; None for a seed without one.
        lack: why the sample is not whole, if it is not; that is the verdict.
        published: the number to compare it with, or None.
        rules: the other arguments of `numbers.verdict`.
    """
    values = _with_value(measured)
    replicated = summarize(list(values.values()), list(values)) if values else None
    if lack or replicated is None:
        return replicated, lack or "not run"
    return replicated, verdict(replicated.values, published, **rules)


def _with_value(measured: Mapping[int, float | None]) -> dict[int, float]:
    return {seed: value for seed, value in measured.items() if value is not None}


def curves_by_epoch(blocks: Iterable[SeedBlock], asked: Callable[[int], bool]) -> dict[str, Curve]:
    """Return each quantity of some blocks by epoch: mean and range over the seeds asked for that did not diverge."""
    found: dict[str, dict[int, list[float]]] = {quantity: {} for quantity in QUANTITIES}
    for block in blocks:
        series = by_seed(block.history) if block.history else {}
        for seed, diverged in zip(block.seeds, block.diverged, strict=True):
            own = series.get(seed, {})
            for quantity in QUANTITIES if asked(seed) and not diverged else ():
                for epoch, value in zip(own.get("epoch", []), own.get(quantity, []), strict=False):
                    found[quantity].setdefault(int(epoch), []).append(value)
    return {
        quantity: Curve(
            epoch=list(epochs),
            mean=[statistics.fmean(values) for values in epochs.values()],
            low=[min(values) for values in epochs.values()],
            high=[max(values) for values in epochs.values()],
        )
        for quantity, epochs in found.items()
        if epochs
    }


class RunResults:
    """The results in a run store for an experiment at one scale.

    `records.RecordedResults` reads the same from `records/`, also of runs that differ in precision and execution.

    Args:
        config: the configuration.
        plan: the experiment at that scale.
        store: where its runs are; default: the configured run store.
    """

    def __init__(self, config: Config, plan: Plan, store: Store | None = None) -> None:
        self.config, self.plan = config, plan
        self.store = store or Store(Path(config.results))
        self._read: dict[str, list[SeedBlock]] = {}
        self.measurements: dict[tuple[str, int], Measurements] = {}
        """Run and number of seeds -> how its classifier fits, as far as `measurements.measure` was asked."""

    @cached_property
    def failed(self) -> dict[str, str]:
        """Runs that failed, and their logs."""
        found: dict[str, str] = {}
        for job in self.plan.jobs:
            path = self.config.job_manifest(job)
            if path.exists():
                manifest = JobManifest.read(path)
                found.update(manifest.failed)
                self._check(path, manifest)
        return found

    def _check(self, path: Path, manifest: JobManifest) -> None:
        """Raise UserError where a block is not the one that the manifest lists: it was changed by hand."""
        for run, listed in manifest.runs.items():
            stored = {block.name: block.digest for block in self.stored(run)}
            for name, digest in listed.items():
                if stored.get(name) != digest:
                    hint = "`remixup verify` shows the damage; remove the manifest, and the next call trains the run"
                    raise UserError(
                        f"{self.store.runs / run / name} is not the listed block", where=str(path), hint=hint
                    )

    def stored(self, run: str) -> list[SeedBlock]:
        """Return the blocks of a run, which are read once; UserError where one is damaged."""
        if run not in self._read:
            try:
                self._read[run] = self.store.blocks(run)
            except Damaged as error:
                raise UserError(str(error), hint="`remixup train` moves it aside and trains it again") from None
        return self._read[run]

    def run(self, row: PlannedRow) -> str | None:
        """Return the run of a row; None where it cannot have one."""
        return row.key if row.available else None

    def blocks(self, row: PlannedRow) -> list[SeedBlock]:
        """Return the blocks of a row's run that have seeds which the row asks for."""
        run = self.run(row)
        return [block for block in self.stored(run) if self.asked(row, block.seeds[0])] if run else []

    def asked(self, row: PlannedRow, seed: int) -> bool:
        """Return whether a row asks for a seed."""
        return seed < row.seeds

    def has(self, row: PlannedRow, metric: str) -> bool:
        """Return whether a metric is one of the row's: published, measured in training, or of its evaluations."""
        if metric in row.row.published:
            return True
        source = metric.partition(".")[0]
        if source in evaluated_values():
            return any(part["name"] == source for part in row.evaluate)
        blocks = self.blocks(row)
        stored = f"{source}.last" if metric.endswith(f".{FROM_HISTORY}") else metric
        return not blocks or stored in blocks[0].values

    def measured(self, row: PlannedRow, metric: str) -> dict[int, float | None]:
        """Return a metric by seed; None where a seed diverged, or an evaluation found nothing to measure."""
        source, _, name = metric.partition(".")
        found: dict[int, float | None] = {}
        if source in evaluated_values():
            wanted = self.asked_evaluation(row, source)
            found = {each["seed"]: each[name] for each in self.evaluation(row, wanted)} if wanted else {}
        else:
            for block in self.blocks(row):
                if name == FROM_HISTORY:
                    found |= speeds(block.history, source) if block.history else {}
                elif metric in block.values:
                    found |= dict(zip(block.seeds, block.values[metric], strict=True))
        return {seed: found[seed] for seed in sorted(found) if self.asked(row, seed)}

    def values(self, row: PlannedRow, metric: str) -> dict[int, float]:
        """Return a metric by seed, for the seeds that have a value."""
        return _with_value(self.measured(row, metric))

    def evaluation(self, row: PlannedRow, wanted: Evaluation) -> list[dict[str, Any]]:
        """Return what an evaluation measured on a row's run, seed by seed."""
        wanted = self.stored_evaluation(row, wanted)
        measured = [storage.read(self.store, wanted, block) or [] for block in self.blocks(row)]
        return [each for block in measured for each in block if self.asked(row, each["seed"])]

    def asked_evaluation(self, row: PlannedRow, name: str) -> Evaluation | None:
        """Return the evaluation of a name that a row asks for; None where it asks for none, or it cannot be made."""
        part = next((part for part in row.evaluate if part["name"] == name), None)
        return self.plan.evaluation(row, part) if part else None

    def stored_evaluation(self, row: PlannedRow, wanted: Evaluation) -> Evaluation:
        """Return a planned evaluation of a row's run as one of the runs that are read here."""
        return wanted

    def evidence(self, row: PlannedRow, metrics: Iterable[str]) -> Evidence:
        """Return what a row contributes to claims."""
        measured, diverged = {metric: self.measured(row, metric) for metric in metrics}, self.diverged(row)
        values = {metric: _with_value(found) for metric, found in measured.items()}
        faithful = row.scale == "paper" and row.surrogate is None
        return Evidence(
            row.scale,
            row.surrogate,
            partial(why_uninformative, self, row),
            values,
            diverged=sorted(diverged),
            without_value={
                metric: [seed for seed, value in found.items() if value is None and seed not in diverged]
                for metric, found in measured.items()
            },
            origins={metric: origin for metric in values if (origin := self.origin(row, metric))},
            published={
                metric: self.number(row, metric)[1]
                for metric, found in values.items()
                if faithful and found and row.row.transcribed(metric) and metric in row.row.published
            },
        )

    def diverged(self, row: PlannedRow) -> set[int]:
        """Return the seeds of a row whose training diverged."""
        blocks = self.blocks(row)
        return {seed for block in blocks for seed, bad in zip(block.seeds, block.diverged, strict=True) if bad}

    def origin(self, row: PlannedRow, metric: str) -> str | None:
        """Return the run that a metric of a row is from, or the evaluation of the run; None where there is none."""
        if self.run(row) is None:
            return None
        wanted = self.asked_evaluation(row, metric.partition(".")[0])
        return self.stored_evaluation(row, wanted).key if wanted else self.run(row)

    def lack(self, row: PlannedRow, metric: str) -> Verdict | None:
        """Return why a row has no whole sample of a metric; None where it has."""
        if self.run(row) is None:
            return "not run"
        if row.key in self.failed:
            return "failed"
        if missing := {seed for seed, value in self.measured(row, metric).items() if value is None}:
            return "no value" if self.diverged(row).isdisjoint(missing) else "diverged"
        return None

    def number(self, row: PlannedRow, metric: str, published: str | None = None) -> tuple[Replicated | None, Verdict]:
        """Return the sample of a metric, and its verdict against a published number: its own or another metric's."""
        return judge(
            self.measured(row, metric),
            self.lack(row, metric),
            target(self.plan.experiment, row.row, published or metric),
            surrogate=row.surrogate,
            transcribed=row.row.transcribed(published or metric),
        )

    def conventions(self, row: PlannedRow, metric: str) -> dict[str, Any]:
        """Return the fields of a result that compare conventions."""
        printed = row.row.printed(metric)
        compared = by_convention(
            metric, printed.value if printed else None, lambda other: self.number(row, other, metric)
        )
        return {"by_convention": compared, "best_fit": best_fit(compared)}

    def entry(self, row: PlannedRow, metric: str, recorded: list[Recorded]) -> Entry:
        """Return one number of the paper, and what became of it."""
        experiment = self.plan.experiment
        printed, published = experiment.published(row.row, metric), target(experiment, row.row, metric)
        replicated, decided = self.number(row, metric)
        return Entry(
            paper=experiment.paper,
            experiment=experiment.id,
            row=row.row.id,
            metric=metric,
            unit=experiment.metrics[metric].unit,
            where=(printed.where if printed else "") or row.row.where or experiment.where,
            published=published.value if published else None,
            transcribed=row.row.transcribed(metric),
            published_standard_deviation=printed.standard_deviation if printed else None,
            published_runs=printed.runs if printed else None,
            published_convention=printed.convention if printed else None,
            quoted=printed.quoted if printed else False,
            tolerance=published.tolerance if published else experiment.tolerance(row.row, metric),
            replicated=replicated,
            scale=row.scale,
            surrogate=row.surrogate,
            dataset_version=f"{row.run.dataset.name} {row.run.dataset.version}",
            verdict=decided,
            log=self.failed.get(row.key),
            runs=[row.key],
            recorded=recorded,
            **self.conventions(row, metric),
        )

    def curves(self, row: PlannedRow) -> dict[str, Curve]:
        """Return each quantity by epoch: mean and range over the seeds that did not diverge."""
        return curves_by_epoch(self.blocks(row), partial(self.asked, row))

    def costs(self) -> list[Cost]:
        """Return what each run took."""
        return [
            Cost(
                run=run,
                seeds=[seed for block in blocks for seed in block.seeds],
                seconds=round(sum(block.provenance.seconds for block in blocks), 3),
                hardware=blocks[0].provenance.hardware,
                device=blocks[0].provenance.device,
                date=blocks[0].provenance.started[:10],
                commit=blocks[0].provenance.code.commit,
            )
            for run in self.plan.runs()
            if (blocks := self.stored(run))
        ]

    def sources(self) -> list[Source]:
        """Return the datasets of the runs, as they were when they were trained on."""
        return sources_of(block for run in self.plan.runs() for block in self.stored(run))


def sources_of(blocks: Iterable[SeedBlock]) -> list[Source]:
    """Return the datasets of blocks, each version once, as they were when runs were trained on them."""
    found = {}
    for block in blocks:
        used = block.provenance.data
        dataset, version = lookup(used.name, used.version)
        found[used.name, used.version] = Source(
            name=used.name,
            version=used.version,
            sha256=used.sha256,
            license=dataset.origin.license,
            citation=dataset.origin.citation,
            note=version.note,
        )
    return list(found.values())
