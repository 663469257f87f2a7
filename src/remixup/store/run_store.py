"""The run store: seed blocks of runs, their evaluations and checkpoints.

    results/runs/<slug>-<hash8>/seeds-<a>-<b>.json
    results/evaluations/<name>-<hash8>/seeds-<a>-<b>.json
    checkpoints/<slug>-<hash8>/seeds-<a>-<b>.safetensors, and .json with its digest

`records/` has the same layout. There a block of seeds that were trained again is a file of its own,
`seeds-<a>-<b>.<digest8>.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from remixup.config.run import RunSpec
from remixup.files import disk_error, listed, read_mapping, sha256
from remixup.store.blocks import Damaged, EvaluatedBlock, SeedBlock, columns
from remixup.store.provenance import Provenance


def weights_fault(path: Path) -> str | None:
    """Describe the fault of a checkpoint: it is missing, or differs from the digest beside it. None: it is intact.

    Raises:
        OSError: the disk fails, and the checkpoint may be intact.
    """
    try:
        expected = read_mapping(path.with_suffix(".json"))["sha256"]
        return None if sha256(path) == expected else f"{path} differs from the digest beside it"
    except (OSError, ValueError, KeyError) as error:
        if disk_error(error):
            raise
        return f"{path}: {error}"


def span(path: Path) -> tuple[int, int] | None:
    """Return the first and the last seed that a file's name says; None where it is not that of a block."""
    match = re.fullmatch(r"seeds-(\d+)-(\d+)(\.[0-9a-f]{8})?\.json", path.name)
    return (int(match[1]), int(match[2])) if match else None


class Store:
    """The runs below a results folder (or `records/`), and their checkpoints beside it."""

    def __init__(
        self, results: Path, checkpoints: Path = Path("checkpoints"), scratch: Path = Path(".remixup")
    ) -> None:
        self.runs, self.evaluations = results / "runs", results / "evaluations"
        self.checkpoints, self.scratch = checkpoints, scratch

    def files(self, run: str) -> list[Path]:
        """Return the files of a run's blocks, by first seed."""
        spans = {path: seeds for path in listed(self.runs / run) if (seeds := span(path))}
        return sorted(spans, key=lambda path: (spans[path], path.name))

    def spans(self, run: str) -> list[tuple[int, int]]:
        """Return the first and the last seed of each block of a run."""
        return [seeds for path in self.files(run) if (seeds := span(path))]

    def blocks(self, run: str) -> list[SeedBlock]:
        """Return the blocks of a run, by first seed.

        Of blocks that share a seed the one that was trained last counts, and the others do not.

        Raises:
            Damaged: a block differs from its digest.
        """
        found = [SeedBlock.read(path) for path in self.files(run)]
        chosen: list[SeedBlock] = []
        seeds: set[int] = set()
        for block in sorted(found, key=lambda block: block.provenance.started, reverse=True):
            if seeds.isdisjoint(block.seeds):
                chosen.append(block)
                seeds |= set(block.seeds)
        return sorted(chosen, key=lambda block: block.seeds)

    def missing(self, run: str, seeds: Iterable[int], vectorized: bool) -> list[list[int]]:
        """Return the blocks of these seeds that a run lacks: one seed each or, if vectorized, neighbors together."""
        spans = self.spans(run)
        groups: list[list[int]] = []
        for seed in seeds:
            if any(first <= seed <= last for first, last in spans):
                continue
            if vectorized and groups and groups[-1][-1] == seed - 1:
                groups[-1].append(seed)
            else:
                groups.append([seed])
        return groups

    def path(self, block: SeedBlock) -> Path:
        """Return the file of a block."""
        return self.runs / block.run / f"{block.name}.json"

    def checkpoint(self, run: str, seeds: list[int]) -> Path:
        """Return the file of a block's weights, which is there if they were stored."""
        return self.checkpoints / run / f"seeds-{seeds[0]}-{seeds[-1]}.safetensors"

    def resume_point(self, run: str, seeds: list[int]) -> Path:
        """Return the file in which a block in training stores its state."""
        return self.scratch / "resume" / run / f"seeds-{seeds[0]}-{seeds[-1]}.safetensors"

    @contextmanager
    def lock(self, run: str) -> Iterator[None]:
        """Lock a run while it is trained: of two processes the second waits, and then finds it done.

        The process that gets the lock removes what a killed process had not finished.
        """
        folder = self.scratch / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{run}.lock"):
            for home in (self.runs, self.checkpoints, self.scratch / "resume"):
                for pattern in (".*.part", ".tmp*"):  # the latter are written by safetensors before it renames them
                    for unfinished in (home / run).glob(pattern):
                        unfinished.unlink()
            yield

    def publish(
        self, spec: RunSpec, seeds: list[int], history: list[dict[str, float]], provenance: Provenance
    ) -> SeedBlock:
        """Add a block with its history, a row for each seed and epoch."""
        block = SeedBlock.of(spec, seeds, columns(history), provenance)
        block.write(self.path(block))
        return block


def faults(store: Store) -> Iterator[str | None]:
    """Check each seed block and evaluation of a store; yield its fault, or None if it is intact."""
    folders = [folder for home in (store.evaluations, store.runs) for folder in listed(home) if folder.is_dir()]
    for path in [path for folder in folders for path in listed(folder) if path.suffix == ".json"]:
        try:
            if path.is_relative_to(store.evaluations):
                EvaluatedBlock.read(path)
                yield None
                continue
            block = SeedBlock.read(path)
            block.check_values()
            yield None if block.run == path.parent.name else f"{path} is of another run"
        except Damaged as error:
            yield str(error) if str(path) in str(error) else f"{path}: {error}"
