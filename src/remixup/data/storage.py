"""Writing to the disk so that a reader sees all of it or nothing, and a full disk is told in plain words."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remixup.errors import UserError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


@contextmanager
def writing(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Wraps writing into `folder`.

    Args:
        folder: named in the message.
        needed: how many bytes the writer is about to need there, where that is known.

    Raises:
        UserError: there is no room (disk, quota, file size limit) or no right to write.
    """
    try:
        yield
    except Exception as error:
        code = _system_error(error)
        if code in _NO_ROOM:
            how_much = "more bytes" if needed is None else f"{needed:,} bytes"
            what = f"{how_much} are needed and cannot be written: {os.strerror(code).lower()}"
            raise UserError(what, where=str(folder), hint="free some space or choose another data folder") from error
        if code in _NO_ACCESS:
            raise UserError(f"cannot write here: {os.strerror(code).lower()}", where=str(folder)) from error
        raise


def no_room(error: Exception) -> bool:
    """Whether something failed because the disk, a quota or the size of a file is at its limit, or after that did."""
    reason: BaseException | None = error
    while reason is not None and _system_error(reason) not in _NO_ROOM:
        reason = reason.__cause__ or reason.__context__  # a library that tidies up may fail at that once more
    return reason is not None


def _system_error(error: BaseException) -> int:
    """The system's number for what went wrong (0: not a matter of the system)."""
    if isinstance(error, OSError):
        return error.errno or 0
    # safetensors writes in Rust and hands the number on in the text of an exception of its own
    in_text = re.search(r"os error (\d+)", str(error)) if type(error).__name__ == "SafetensorError" else None
    return int(in_text[1]) if in_text else 0


@contextmanager
def replacing(folder: Path, needed: int) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` when the block ends and is gone if it fails.

    Args:
        folder: the place; what stood there is removed.
        needed: about how many bytes the block writes.

    Raises:
        UserError: there is no room or no right to write.
    """
    made = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    try:
        with writing(folder, needed):
            made.mkdir(parents=True)
            yield made
            if folder.exists():
                shutil.rmtree(folder)
            os.rename(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def publish(made: Path, final: Path) -> None:
    """Moves the finished folder `made` to `final` in one step, after its content has reached the disk.

    What stood at `final` is removed before. Both must be on one file system.
    """
    for path in (*made.iterdir(), made):
        _flush(path)
    if final.exists():
        shutil.rmtree(final)
    os.rename(made, final)
    _flush(final.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
