"""Install the results of a bundle: all that belong to a commit of this history, or nothing."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remixup.analysis import records
from remixup.config.settings import Config, is_prepared
from remixup.errors import UserError
from remixup.files import extract, read_mapping, sha256, visible, write_atomically
from remixup.maintenance.bundle_run import ARCHIVE, LIST
from remixup.maintenance.integrity import verify
from remixup.store.blocks import Damaged, EvaluatedBlock, SeedBlock
from remixup.store.provenance import Code, Data

EVALUATIONS = records.HOME / "evaluations"
NAME = re.compile(
    r"records/(runs|evaluations)/[\w-][\w.-]*/seeds-\d+-\d+(\.[0-9a-f]{8})?\.json|remixup_benchmarks/results/[\w-]+\.json"
)


@dataclass
class Collected:
    """Outcome for each file of an archive."""

    installed: list[Path]
    left: dict[Path, str]
    """Files that were not installed, and why."""


def archives(places: list[Path]) -> list[Path]:
    """Return the archives of results that are named, or are in the folders that are named."""
    found = [each for place in places for each in ([place] if place.is_file() else visible(place, f"**/{ARCHIVE}"))]
    if not found:
        raise UserError(f"no {ARCHIVE}", where=", ".join(map(str, places)))
    return found


def collect(config: Config, archive: Path) -> Collected:
    """Install the records and benchmarks of an archive, and verify all records.

    Raises:
        UserError: the archive is damaged or not of this history, or something is wrong with a file. The work tree is
            as it was.
    """
    with tempfile.TemporaryDirectory(prefix="remixup-collect-") as folder:
        said = _unpack(archive, Path(folder))
        if _git("merge-base", "--is-ancestor", said["commit"], "HEAD").returncode:
            raise UserError(f"commit {said['commit']} is not in the history of this work tree", where=str(archive))
        for name in said["files"]:
            _check(Path(folder), Path(name), said, config)
        found = _sorted_out(Path(folder), [Path(name) for name in said["files"]], said["commit"])
        with _all_or_nothing(found.installed):
            for name in found.installed:
                with write_atomically(name) as made:
                    made.write_bytes((Path(folder) / name).read_bytes())
            _, damage = verify(config)
            if damage:
                raise UserError("verification failed; nothing was installed", where=str(archive), details=damage[:10])
        return found


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], capture_output=True, check=False)


def _unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Unpack an archive, and compare its files with the digests that it lists."""
    try:
        with tarfile.open(archive) as file:
            extract(file, folder)
        said = read_mapping(folder / LIST)
        if lacking := {"files", "commit", "sources"} - said.keys():
            raise ValueError(f"its list has no {' and '.join(sorted(lacking))}")
        wrong = [name for name in said["files"] if not NAME.fullmatch(name)]
        wrong += [name for name, digest in said["files"].items() if sha256(folder / name) != digest]
    except (OSError, EOFError, ValueError, AttributeError, tarfile.TarError, zlib.error) as error:
        raise UserError(f"not the results of a bundle: {error}", where=str(archive)) from None
    if wrong:
        raise UserError("files differ from their digests", where=str(archive), details=wrong[:10])
    return said


def _check(folder: Path, name: Path, said: dict[str, Any], config: Config) -> None:
    """Raise UserError where a file is damaged, or is not of the packed commit and data."""
    try:
        code, data = _origin(folder / name, name)
    except Damaged as error:
        raise UserError(str(error).removeprefix(f"{folder}/")) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"is no benchmark: {error}", where=str(name)) from None
    if not code.clean or code.commit != said["sources"]:
        raise UserError(f"was not made from the clean sources of commit {said['sources']}", where=str(name))
    manifest = data and config.manifest(data.name, data.version)
    if manifest and is_prepared(manifest):
        here = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
        if data and here != data.sha256:
            raise UserError(f"was trained on other data than {manifest.parent}", where=str(name))


def _origin(path: Path, name: Path) -> tuple[Code, Data | None]:
    """Return the sources that made a file and, for a seed block, the data; check the file on the way."""
    if name.is_relative_to(EVALUATIONS):
        measured = EvaluatedBlock.read(path).provenance
        return (measured.code if measured else Code()), None
    if name.is_relative_to(records.HOME):
        block = SeedBlock.read(path)
        block.check_values()
        return block.provenance.code, block.provenance.data
    return Code(**json.loads(path.read_text(encoding="utf-8"))["code"]), None


def _sorted_out(folder: Path, names: list[Path], commit: str) -> Collected:
    """Leave out files that exist here, or were changed here since the bundle was packed, and evaluations of these."""
    found = Collected([], {})
    for name in sorted(names, reverse=True):  # `runs` before `evaluations`
        here = name.read_bytes() if name.is_file() else None
        packed = _git("show", f"{commit}:{name}")
        if here == (folder / name).read_bytes():
            found.left[name] = "is here already"
        elif here is not None and (packed.returncode or packed.stdout != here):
            found.left[name] = "another one is here, and not that of the packed commit"
        elif name.is_relative_to(EVALUATIONS) and not _has_its_block(EvaluatedBlock.read(folder / name), folder, found):
            found.left[name] = "the seeds that it measured were left out"
        else:
            found.installed.append(name)
    return found


def _has_its_block(measured: EvaluatedBlock, folder: Path, found: Collected) -> bool:
    """Return whether the seed block that was measured is on record here, or is installed with it."""
    run = records.HOME / "runs" / measured.runs[0]
    paths = [*visible(run, "*.json"), *(folder / name for name in found.installed if name.parent == run)]
    return measured.block in {SeedBlock.read(path).digest for path in paths}


@contextmanager
def _all_or_nothing(names: list[Path]) -> Iterator[None]:
    """Put files back as they were, and remove new folders, if the block fails."""
    before = {name: name.read_bytes() if name.is_file() else None for name in names}
    new = sorted({parent for name in names for parent in name.parents if not parent.exists()}, reverse=True)
    try:
        yield
    except BaseException:
        for name, content in before.items():
            if content is None:
                name.unlink(missing_ok=True)
            else:
                name.write_bytes(content)
        for folder in new:
            if folder.is_dir():
                folder.rmdir()
        raise
