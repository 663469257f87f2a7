"""Files on disk: complete or absent, their digests, and errors that the user can fix."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remixup.errors import UserError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


def sha256(path: Path) -> str:
    """Return the SHA-256 digest of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def visible(folder: Path, pattern: str) -> list[Path]:
    """Return what matches a pattern in a folder, sorted.

    Left out are names that begin with a dot, as of the files that macOS (`._x`), notebooks and editors leave, and the
    folder `__MACOSX` of archives.
    """
    found = ((path, path.relative_to(folder).parts) for path in folder.glob(pattern))
    return sorted(path for path, parts in found if not any(each[0] == "." or each == "__MACOSX" for each in parts))


@contextmanager
def write_atomically(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; the file written there replaces `target` if the block succeeds.

    A reader sees the old file or all of the new one, also after a power cut. Missing folders are made.
    """
    new = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield made
        publish(made, target)
        for folder in new:
            _flush(folder.parent)
    finally:
        made.unlink(missing_ok=True)


def publish(made: Path, target: Path) -> None:
    """Flush a finished file or folder to disk and move it to `target`, on the same file system, in one step."""
    for path in (*made.rglob("*"), made):
        _flush(path)
    if target.is_dir():
        shutil.rmtree(target)
    os.replace(made, target)
    _flush(target.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with write_atomically(path) as made:
        made.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def report_disk_errors(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Turn errors of a full or write-protected disk into a `UserError`.

    Args:
        folder: Folder to name in the message.
        needed: Number of bytes to be written, if known.

    Raises:
        UserError: There is no space (disk, quota, file size limit) or no permission to write.
    """
    try:
        yield
    except Exception as error:
        code = _system_error(error)
        if code in _NO_SPACE:
            amount = "more bytes" if needed is None else f"{needed:,} bytes"
            what = f"cannot write {amount}: {os.strerror(code).lower()}"
            raise UserError(what, where=str(folder), hint="free some space or choose another data folder") from error
        if code in _NO_ACCESS:
            raise UserError(f"cannot write here: {os.strerror(code).lower()}", where=str(folder)) from error
        raise


def no_space(error: Exception) -> bool:
    """Return whether an error, or one that caused it, is a full disk, quota or file size limit."""
    cause: BaseException | None = error
    while cause is not None and _system_error(cause) not in _NO_SPACE:
        cause = cause.__cause__ or cause.__context__  # a library's cleanup may fail after the first error
    return cause is not None


def _system_error(error: BaseException) -> int:
    """Return the system's error number, or 0 if the error does not come from the system."""
    if isinstance(error, OSError):
        return error.errno or 0
    # safetensors writes in Rust and reports the number only in the text of its own exception.
    in_text = re.search(r"os error (\d+)", str(error)) if type(error).__name__ == "SafetensorError" else None
    return int(in_text[1]) if in_text else 0
