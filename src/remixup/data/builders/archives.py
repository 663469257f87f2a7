"""Extract files from a publisher's archive.

Only requested members are written, under names that the archive cannot choose.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from remixup.files import report_disk_errors

_UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile)


class BadContentError(Exception):
    """The archive cannot be read or lacks a file."""


def extract(archive: Path, names: Sequence[str], folder: Path) -> None:
    """Write the members called `names`, in any folder of the archive, to `folder / name`.

    Raises:
        BadContentError: A member's path leads out of the archive; one of `names` is missing, a duplicate or not a plain
            file; or the archive cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: set[str] = set()
    try:
        for path, size, opener in _members(archive):
            name = PurePosixPath(path).name
            _refuse_climbing(path)
            if name not in names:
                continue
            if opener is None or name in found:
                problem = "is not a plain file" if opener is None else f"is one of several called {name}"
                raise BadContentError(f"its member {path!r} {problem}")
            found.add(name)
            with report_disk_errors(folder, size), opener() as content, (folder / name).open("wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
    except _UNREADABLE as error:
        raise BadContentError(f"it cannot be read to its end: {error or type(error).__name__}") from error
    if missing := [name for name in names if name not in found]:
        raise BadContentError(f"it holds no {', '.join(missing)}")


def extract_folder(archive: Path, within: str, folder: Path) -> None:
    """Write all files of the archive's folder `within` to the same paths below `folder`.

    Raises:
        BadContentError: A member's path leads out of the archive, a member of `within` is not a plain file or a
            duplicate, there is none, or the archive cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for path, size, opener in _members(archive):
            _refuse_climbing(path)
            if not PurePosixPath(path).is_relative_to(within):
                continue
            target = folder / PurePosixPath(path).relative_to(within)
            if opener is None or target.exists():
                raise BadContentError(f"its member {path!r} {'is there twice' if opener else 'is not a plain file'}")
            with report_disk_errors(folder, size):
                target.parent.mkdir(parents=True, exist_ok=True)
                with opener() as content, target.open("wb") as out:
                    shutil.copyfileobj(content, out, 1 << 20)
    except _UNREADABLE as error:
        raise BadContentError(f"it cannot be read to its end: {error or type(error).__name__}") from error
    if not any(folder.iterdir()):
        raise BadContentError(f"it has no files in {within or '.'}")


def decompress(packed: Path, unpacked: Path) -> None:
    """Write the content of the gzip file `packed` to `unpacked`.

    Raises:
        BadContentError: The file cannot be read to its end.
    """
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    try:
        with report_disk_errors(unpacked.parent), gzip.open(packed) as content, unpacked.open("wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
    except _UNREADABLE as error:
        raise BadContentError(f"it cannot be read to its end: {error or type(error).__name__}") from error


def _members(archive: Path) -> Iterator[tuple[str, int, Callable[[], IO[bytes]] | None]]:
    """Yield path, size and opener of each member except folders; only plain files have an opener."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    plain = (info.external_attr >> 28) in (0, 0o10)  # the file type among the Unix mode bits
                    yield info.filename, info.file_size, partial(packed.open, info) if plain else None
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isdir():
                yield member.name, member.size, partial(_open_tar, tar, member) if member.isfile() else None


def _open_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content is not None  # it is a plain file
    return content


def _refuse_climbing(path: str) -> None:
    parts = PurePosixPath(path.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match("[A-Za-z]:", path):
        raise BadContentError(f"its member {path!r} leads out of the archive")
