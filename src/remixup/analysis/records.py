"""Records: results that are committed under `records/`.

Records are files of the run store (`store.run_store`), copied and never changed; seeds that were trained again are a
new file. A run on record counts for every row whose specification at some real scale is that run's, up to the
dataset's version (the row says which it accepts) and execution (precision, memory format, threads), which are named
where the number is printed.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from remixup.analysis.result_schema import Code, Recorded, Replicated, Verdict
from remixup.analysis.run_results import RunResults
from remixup.config.metrics import evaluated_values
from remixup.config.run import RunSpec, short_digest
from remixup.config.settings import Config, Scale
from remixup.errors import UserError
from remixup.evaluation import storage
from remixup.files import listed
from remixup.planning.plan import Evaluation, Plan, PlannedRow, comparable, with_all_rows
from remixup.store.blocks import Damaged, SeedBlock, Stored
from remixup.store.run_store import Store

HOME = Path("records")
REAL: tuple[Scale, ...] = ("reduced-cpu", "reduced", "paper")


def write(config: Config, plan: Plan, run: str | None = None) -> list[Path]:
    """Copy to `records/` what the store has of a plan's runs, and the records lack.

    At the embedded scale seeds of a run on record are not added, since it may have fewer seeds here.

    Args:
        config: where the store is.
        plan: its runs, and their evaluations.
        run: only this run.

    Returns:
        The new files.

    Raises:
        UserError: a run was trained or evaluated with sources that differed from their commit, or a file is damaged.
    """
    store, records = Store(Path(config.results)), Store(HOME)
    written: list[Path] = []
    try:
        for key in (key for key in plan.runs() if run in (None, key)):
            wanted = [each for each in plan.evaluations().values() if each.run == key]
            on_record = {SeedBlock.read(path).digest for path in records.files(key)}
            for block in store.blocks(key):
                if block.digest not in on_record:
                    if on_record and plan.scale == "embedded":
                        continue
                    block.check_values()
                    if not block.provenance.code.clean:
                        hint, where = "commit, remove the block, and train it again", str(store.path(block))
                        raise UserError("was not trained from a clean source tree", where=where, hint=hint)
                    written.append(_copy(block, records.path(block), block.digest))
                for each in wanted:
                    written += write_evaluation(store, each, block)
    except Damaged as error:
        raise UserError(str(error), hint="`remixup train` moves it aside and trains it again") from None
    _runs_by_protocol.cache_clear()
    return written


def write_evaluation(store: Store, wanted: Evaluation, block: SeedBlock) -> list[Path]:
    """Copy an evaluation of a block that the records lack from a store to `records/`; return the new file, if any."""
    records, measured = Store(HOME), storage.find(store, wanted, block)
    if measured is None or storage.find(records, wanted, block):
        return []
    if measured.provenance and not measured.provenance.code.clean:
        hint, where = "commit, remove the file, and evaluate again", str(storage.path(store, wanted, block))
        raise UserError("was not measured from a clean source tree", where=where, hint=hint)
    return [_copy(measured, storage.path(records, wanted, block), block.digest)]


def _copy(stored: Stored, path: Path, digest: str) -> Path:
    """Write a file of the records; where one of that name exists, with the digest of the seed block in its name."""
    if path.exists():
        path = path.with_suffix(f".{digest[:8]}.json")
    stored.write(path)
    return path


def read_all() -> Iterator[SeedBlock]:
    """Read all seed blocks on record; UserError where one is damaged."""
    records = Store(HOME)
    for folder in listed(records.runs):
        yield from _read(records, folder.name)


def _read(records: Store, run: str) -> list[SeedBlock]:
    try:
        blocks = records.blocks(run)
        for block in blocks:
            block.check_values()
    except Damaged as error:
        raise UserError(f"not a record: {error}") from None
    return blocks


def core_hours(blocks: Iterable[SeedBlock]) -> float:
    """Sum the hours of one core that seed blocks took to train."""
    origins = [block.provenance for block in blocks]
    return sum(each.seconds * each.execution.threads for each in origins) / 3600


def protocol(spec: RunSpec, numerics: dict[str, int]) -> str:
    """Return a digest that two runs share if one on record counts for a row with the other."""
    return short_digest([comparable(spec), numerics])


@functools.cache
def _runs_by_protocol(home: Path) -> dict[str, list[str]]:
    records = Store(home)
    found: dict[str, list[str]] = {}
    for folder in listed(records.runs):
        if files := records.files(folder.name):
            try:
                block = SeedBlock.read(files[0])
                key = protocol(block.specification, block.numerics)
            except (Damaged, ValueError) as error:
                raise UserError(f"not a record: {str(error).splitlines()[0]}", where=str(files[0])) from None
            found.setdefault(key, []).append(folder.name)
    return found


class RecordedResults(RunResults):
    """What is on record for an experiment at one scale.

    Args:
        plan: the experiment at that scale.
        runs: row -> its run; default: the one on record that counts for it.
        in_progress: digests of freezes whose records do not count yet.
    """

    freeze: str | None = None
    """The freeze whose records alone count for the frozen rows."""

    def __init__(
        self, plan: Plan, runs: Mapping[str, str] | None = None, in_progress: Collection[str] = frozenset()
    ) -> None:
        super().__init__(Config(), with_all_rows(plan), Store(HOME))
        self.failed = {}
        self._in_progress = in_progress
        self._runs: dict[str, str | None] = {
            row.key: runs[row.row.id] for row in plan.rows if runs and row.row.id in runs
        }

    def run(self, row: PlannedRow) -> str | None:
        """Return the run on record that counts for a row: of several the one with the most seeds."""
        if row.key not in self._runs:
            self._runs[row.key] = self._find_run(row)
        return self._runs[row.key]

    def _find_run(self, row: PlannedRow) -> str | None:
        runs = _runs_by_protocol(HOME.absolute()).get(protocol(row.run, row.run.canonical().get("numerics", {})), [])
        seeds: dict[str, int] = {}
        for run in runs:
            blocks = self.stored(run)
            if blocks and (row.accepts is None or blocks[0].provenance.data.version in row.accepts):
                seeds[run] = sum(len(block.seeds) for block in blocks)
        return max(seeds, key=lambda run: seeds[run], default=None)

    def stored(self, run: str) -> list[SeedBlock]:
        """Return the blocks of a run on record that count, which are read once; UserError where one is damaged."""
        if run not in self._read:
            blocks = _read(self.store, run)
            self._read[run] = [block for block in blocks if block.provenance.freeze not in self._in_progress]
        return self._read[run]

    def asked(self, row: PlannedRow, seed: int) -> bool:
        """All seeds on record count."""
        return True

    def stored_evaluation(self, row: PlannedRow, wanted: Evaluation) -> Evaluation:
        """Return a planned evaluation as that of the runs on record."""
        source = next((each for each in self.plan.rows if each.key == wanted.source), None)
        source_run = None if wanted.source is None else (source and self.run(source)) or "not on record"
        return replace(wanted, run=self.run(row) or "not on record", source=source_run)

    def recorded(self, row: PlannedRow, replicated: Replicated, decided: Verdict) -> Recorded:
        """Return a number on record, with what it came from."""
        block = self.blocks(row)[-1]
        provenance, spec = block.provenance, block.specification
        return Recorded(
            standing="confirmatory" if self.freeze else "exploratory",
            freeze=self.freeze,
            scale=row.scale,
            replicated=replicated,
            verdict=decided,
            surrogate=row.surrogate,
            dataset_version=f"{spec.dataset.name} {spec.dataset.version}",
            precision=spec.precision,
            code=Code(commit=provenance.code.commit, dirty=provenance.code.dirty),
            hardware=provenance.hardware,
            date=provenance.started[:10],
            run=block.run,
        )


def complete(results: RecordedResults, planned: PlannedRow, seeds: Collection[int]) -> bool:
    """Return whether some seeds of a row are on record, with all numbers that its evaluations give."""
    if not {seed for block in results.blocks(planned) for seed in block.seeds} >= set(seeds):
        return False
    asked = [f"{part['name']}.{name}" for part in planned.evaluate for name in evaluated_values().get(part["name"], [])]
    return all(results.measured(planned, metric).keys() >= set(seeds) for metric in asked)
