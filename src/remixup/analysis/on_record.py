"""What is on record for an experiment: at each scale, and for each freeze."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from remixup.analysis import freezes
from remixup.analysis.records import REAL, RecordedResults, complete
from remixup.analysis.result_schema import Recorded
from remixup.config.experiment import Experiment, Row
from remixup.config.settings import Config, Scale
from remixup.errors import UserError
from remixup.planning.plan import Plan, PlannedRow, plan_experiment
from remixup.store.blocks import SeedBlock


class FrozenResults(RecordedResults):
    """What is on record of a freeze: of its rows, the records that name it and have its runs and seeds.

    Args:
        name: of the freeze.
        plan: its experiment, as `freezes.frozen_plan` returns it.
    """

    def __init__(self, name: str, plan: Plan) -> None:
        self.freeze, self._frozen = name, freezes.read(name)
        super().__init__(plan, self._frozen.runs)

    def stored(self, run: str) -> list[SeedBlock]:
        """Return the blocks of a run that count; of a run that is not frozen all of them."""
        frozen = run in self._frozen.runs.values()
        return [block for block in super().stored(run) if not frozen or self._frozen.fits(block)]

    def rows(self) -> list[PlannedRow]:
        """Return the frozen rows, where all that the freeze asks for is on record; none before."""
        rows = [row for row in self.plan.rows if row.row.id in self._frozen.runs]
        return rows if all(complete(self, row, self._frozen.seeds) for row in rows) else []


class Sample(NamedTuple):
    """Which records count: all that count as a scale or, at the scale of a freeze, those of the freeze."""

    scale: Scale
    freeze: str | None = None
    earlier: int = 0
    """0: of the present settings of the scale; else the position of the former ones in the experiment file."""


Measured = tuple[RecordedResults, PlannedRow]


Result = TypeVar("Result")


def distinct(results: Iterable[Result]) -> list[Result]:
    """Return each result once: a row may have the same run in the present and the former settings of a scale."""
    found: list[Result] = []
    for each in results:
        if each not in found:
            found.append(each)
    return found


class OnRecord:
    """What is on record for an experiment, by row and sample; for a freeze only when all its seeds are trained."""

    def __init__(self, path: Path, experiment: Experiment, config: Config) -> None:
        self.found: dict[str, dict[Sample, Measured]] = {row.id: {} for row in experiment.rows}
        """Row -> sample -> its results."""
        for name in freezes.names(experiment.id):
            freeze = freezes.read(name)
            try:
                frozen = FrozenResults(name, freezes.frozen_plan(freeze, path, experiment, config))
            except UserError:  # its rows have other runs now; the audit says so
                continue
            for row in frozen.rows():
                self.found[row.row.id][Sample(freeze.scale, name)] = (frozen, row)
        in_progress = freezes.in_progress()
        for scale in REAL:
            for earlier, each in enumerate(experiment.with_earlier(scale)):
                results = RecordedResults(plan_experiment(path, each, config, scale), in_progress=in_progress)
                for row in results.plan.rows:
                    if (run := results.run(row)) is not None:
                        found = self.found[row.row.id]
                        present = found.get(Sample(row.scale), (results, row))
                        same = present[0].run(present[1]) == run
                        found.setdefault(Sample(row.scale, earlier=earlier), present if same else (results, row))

    def samples(self) -> list[Sample]:
        """Return the samples of any row by scale: of its present settings, of former ones, and of freezes by number."""
        found = {sample for samples in self.found.values() for sample in samples}

        def order(each: Sample) -> tuple[int, int, int]:
            return REAL.index(each.scale), freezes.number(each.freeze) if each.freeze else 0, each.earlier

        return sorted(found, key=order)

    def numbers(self, row: Row, metric: str) -> list[Recorded]:
        """Return what is on record for one number, one result for each sample."""
        found = []
        for results, planned in self.found[row.id].values():
            replicated, decided = results.number(planned, metric)
            if replicated is not None:
                record = results.recorded(planned, replicated, decided)
                found.append(record.model_copy(update=results.conventions(planned, metric)))
        return distinct(found)
