"""Unpack a publisher's archive. No member can be written outside the target folder."""

import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remixup.errors import UserError
from remixup.files import extract, report_disk_errors


class BadContentError(UserError):
    """The archive cannot be read or lacks a file."""


def unpack(archive: Path, folder: Path) -> None:
    """Write all members of a zip or tar archive to the same paths below `folder`.

    Raises:
        BadContentError: The archive cannot be read, or a member of a tar archive leads out of the folder; zip members
            lose such parts of their paths.
    """
    with _readable(folder):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)
        else:
            with tarfile.open(archive) as tar:
                extract(tar, folder)


def decompress(packed: Path, unpacked: Path) -> None:
    """Write the content of the gzip file `packed` to `unpacked`.

    Raises:
        BadContentError: The file cannot be read to its end.
    """
    with _readable(unpacked.parent), gzip.open(packed) as content, unpacked.open("wb") as out:
        shutil.copyfileobj(content, out)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        with report_disk_errors(folder):
            yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise BadContentError(f"it cannot be read to its end: {error or type(error).__name__}") from error
