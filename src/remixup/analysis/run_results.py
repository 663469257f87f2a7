"""What the store holds for an experiment at a scale, row by row."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from remixup.analysis.result_schema import Cost, Curve, Entry, Recorded, Source, Verdict
from remixup.analysis.statistics import summarise
from remixup.analysis.verdicts import default_tolerance, verdict
from remixup.config.metrics import FROM_HISTORY, QUANTITIES, evaluated_values
from remixup.config.settings import Config
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.planning.plan import Evaluation, Plan, PlannedRow, soundness
from remixup.store.run_store import Block, Store, speeds


class Harvest:
    """What the store holds for an experiment at a scale."""

    def __init__(self, config: Config, plan: Plan) -> None:
        self.config, self.plan = config, plan
        self.results = Path(config.results)
        self.store = Store(self.results)

    @cached_property
    def failed(self) -> dict[str, str]:
        """Runs that broke, and their logs."""
        found: dict[str, str] = {}
        for pack in self.plan.packs():
            path = self.config.receipt(pack.key)
            if not path.exists():
                continue
            receipt = json.loads(path.read_text(encoding="utf-8"))
            found.update(receipt["failed"])
            self._check(path, receipt["runs"])
        return found

    def _check(self, path: Path, runs: dict[str, dict[str, str]]) -> None:
        """A block that is not the one on the receipt was changed by hand."""
        for run, blocks in runs.items():
            for name, digest in blocks.items():
                folder = self.store.runs / run / name
                if not folder.is_dir() or Block(folder, 0, 0).digest != digest:
                    hint = "`remixup verify` shows the damage; remove the receipt to have the run checked and mended"
                    raise UserError(f"{folder} is not what this receipt lists", where=str(path), hint=hint)

    def blocks(self, row: PlannedRow) -> list[Block]:
        """The stored blocks of a row's run that hold seeds it asks for."""
        return [block for block in self.store.blocks(row.key) if block.first < row.seeds] if row.at_hand else []

    def has(self, row: PlannedRow, metric: str) -> bool:
        """Whether it is a number of the row: published, recorded by its runs, or an evaluation that it asks for."""
        if metric in row.row.published:
            return True
        source = metric.partition(".")[0]
        if source in evaluated_values():
            return any(part["name"] == source for part in row.evaluate)
        blocks = self.blocks(row)
        stored = f"{source}.last" if metric.endswith(f".{FROM_HISTORY}") else metric
        return not blocks or stored in blocks[0].read("metrics.json")["values"]

    def samples(self, row: PlannedRow, metric: str) -> tuple[dict[int, float], list[int]]:
        """Values by seed, and the seeds that have none: they diverged, or an evaluation found nothing to measure."""
        source, _, name = metric.partition(".")
        if source in evaluated_values():
            return self._evaluated(row, source, name)
        values: dict[int, float] = {}
        missing: list[int] = []
        for block in self.blocks(row):
            if name == FROM_HISTORY:
                found = speeds(block.history(), source)
            else:
                measured = block.read("metrics.json")
                series = measured["values"].get(metric)
                found = dict(zip(measured["seeds"], series, strict=True)) if series is not None else {}
            for seed, value in ((seed, value) for seed, value in found.items() if seed < row.seeds):
                if value is None:
                    missing.append(seed)
                else:
                    values[seed] = value
        return dict(sorted(values.items())), missing

    def diverged(self, row: PlannedRow) -> set[int]:
        """The seeds of a row's run whose loss did not stay finite."""
        measured = [block.read("metrics.json") for block in self.blocks(row)]
        return {seed for each in measured for seed, bad in zip(each["seeds"], each["diverged"], strict=True) if bad}

    def _evaluated(self, row: PlannedRow, name: str, value: str) -> tuple[dict[int, float], list[int]]:
        part = next((part for part in row.evaluate if part["name"] == name), None)
        wanted = self.plan.evaluation(row, part) if part and row.at_hand else None
        measured = {each["seed"]: each[value] for each in self.evaluation(row, wanted)} if wanted else {}
        fine = {seed: found for seed, found in measured.items() if found is not None}
        return dict(sorted(fine.items())), sorted(set(measured) - set(fine))

    def evaluation(self, row: PlannedRow, wanted: Evaluation) -> list[dict[str, Any]]:
        """What an evaluation measured on a row's run, seed by seed."""
        measured = [storage.read(self.results, wanted, block) or [] for block in self.blocks(row)]
        return [each for block in measured for each in block if each["seed"] < row.seeds]

    def sound(self, row: PlannedRow) -> bool | None:
        """Whether a stand-in trained by ERM beats logistic regression on the same tensors, on average over seeds.

        Where labels are corrupted a network that memorises them may end above any linear model: its best epoch counts.
        What learns no classes has nothing to beat.
        """
        if row.stand_in is None:
            return None
        if not row.run.classifies:
            return True
        row = self.plan.plain(row)
        reference = [each["test_error"] for each in self.evaluation(row, soundness(row))]
        values, _ = self.samples(row, "test_error.best" if row.run.dataset.label_noise else "test_error.last")
        if not reference or not values:
            return None
        return statistics.fmean(values.values()) < statistics.fmean(reference)

    def lack(self, row: PlannedRow, missing: Iterable[int]) -> Verdict | None:
        """Return why a row has no whole sample of a metric, with the seeds that have no value; None where it has."""
        if not row.at_hand:
            return "not run"
        if row.key in self.failed:
            return "failed"
        if missing := set(missing):
            return "no value" if self.diverged(row).isdisjoint(missing) else "diverged"
        return None

    def entry(self, row: PlannedRow, metric: str, recorded: list[Recorded]) -> Entry:
        """One number of the paper, and what became of it."""
        info = self.plan.experiment.metrics[metric]
        printed = row.row.printed(metric)
        published = printed.value if printed else None
        tolerance = self.plan.experiment.tolerance(row.row, metric)
        if tolerance is None and published is not None:
            tolerance = default_tolerance(published)
        values, missing = self.samples(row, metric)
        replicated = summarise(list(values.values()), list(values)) if values else None
        lack = self.lack(row, missing)
        if lack or replicated is None:
            found = lack or "not run"
        else:
            found = verdict(
                published,
                replicated.values,
                tolerance=tolerance,
                decimals=info.decimals,
                stand_in=row.stand_in,
                transcribed=row.row.transcribed(metric),
            )
        return Entry(
            paper=self.plan.experiment.paper,
            experiment=self.plan.experiment.id,
            row=row.row.id,
            metric=metric,
            unit=info.unit,
            where=(printed.where if printed else "") or row.row.where or self.plan.experiment.where,
            published=published,
            transcribed=row.row.transcribed(metric),
            published_sd=printed.sd if printed else None,
            quoted=printed.quoted if printed else False,
            tolerance=tolerance,
            replicated=replicated,
            scale=row.scale,
            stand_in=row.stand_in,
            dataset_version=f"{row.run.dataset.name} {row.run.dataset.version}",
            verdict=found,
            log=self.failed.get(row.key),
            runs=[row.key],
            recorded=recorded,
        )

    def curves(self, row: PlannedRow) -> dict[str, Curve]:
        """Each quantity over the epochs, in the middle and at the extremes of the seeds that did not diverge."""
        found: dict[str, dict[int, list[float]]] = {quantity: {} for quantity in QUANTITIES}
        for block in self.blocks(row):
            measured = block.read("metrics.json")
            fine = {seed for seed, bad in zip(measured["seeds"], measured["diverged"], strict=True) if not bad}
            for line in block.history():
                if line["seed"] in fine and line["seed"] < row.seeds:
                    for quantity in QUANTITIES:
                        if quantity in line:
                            found[quantity].setdefault(int(line["epoch"]), []).append(line[quantity])
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

    def costs(self) -> list[Cost]:
        """What each run took."""
        found = []
        for run in self.plan.runs():
            blocks = self.store.blocks(run)
            if blocks:
                kept_with = [block.read("provenance.json") for block in blocks]
                found.append(
                    Cost(
                        run=run,
                        seeds=[seed for block in blocks for seed in block.seeds],
                        seconds=round(sum(each["seconds"] for each in kept_with), 3),
                        hardware=kept_with[0]["hardware"],
                        device=kept_with[0]["device"],
                        date=kept_with[0]["started"][:10],
                        commit=kept_with[0]["code"]["commit"],
                    )
                )
        return found

    def sources(self) -> list[Source]:
        """The datasets in use, as their manifests describe them."""
        used = dict.fromkeys((row.run.dataset.name, row.run.dataset.version) for row in self.plan.runnable)
        found = []
        for name, version in used:
            path = self.config.manifest(name, version)
            if path.exists():
                manifest = json.loads(path.read_text(encoding="utf-8"))
                names = ("name", "version", "sha256", "licence", "citation", "note")
                found.append(Source(**{key: manifest[key] for key in names}))
        return found
