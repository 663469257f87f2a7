"""Files on disk: complete or absent, their digests, and errors that the user can fix."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from remixup.errors import UserError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
_OUT_OF_REACH = {errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.EREMOTEIO}
_NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES}
"""Some file systems cannot flush a folder, and a folder that may not be listed cannot be opened."""

_flushed: set[Path] = set()
"""Folders whose names this process has flushed; each flush takes milliseconds."""


def sha256(path: Path) -> str:
    """Return the SHA-256 digest of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a JSON file whose content is a mapping.

    Raises:
        ValueError: it has another content.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("its content is no mapping")
    return content


def listed(folder: Path) -> list[Path]:
    """Return the visible paths in a folder in order, none where it is missing.

    Raises:
        OSError: the folder cannot be read; `Path.glob` returns nothing there.
    """
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if not _hidden(name)]
    except FileNotFoundError:
        return []


def visible(folder: Path, pattern: str) -> list[Path]:
    """Return the visible paths that match a pattern in a folder, sorted."""
    return sorted(path for path in folder.glob(pattern) if not is_hidden(path.relative_to(folder)))


def is_hidden(path: Path) -> bool:
    """Return whether a path is hidden, or in a hidden folder."""
    return any(map(_hidden, path.parts))


def _hidden(name: str) -> bool:
    """Return whether a name is that of a leftover of macOS (`._x`), notebooks, editors or archives (`__MACOSX`)."""
    return name.startswith(".") or name == "__MACOSX"


@contextmanager
def write_atomically(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; the file written there replaces `target` if the block succeeds.

    A reader sees the old file or all of the new one, also after a power cut. After the block the new file survives one.
    Missing folders are made.

    Raises:
        OSError: the disk fails; also raised for a library's own exception. It names `target`.
    """
    made = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        make_folder(target.parent)
        yield made
        publish(made, target)
    except Exception as error:
        if code := disk_error(error):
            raise OSError(code, os.strerror(code), str(target)) from error
        raise
    finally:
        made.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing; their names survive a power cut.

    A folder that another program made may not be flushed yet: the names of all folders up to the working directory are
    flushed, once in a process.
    """
    for each in (folder, *folder.parents)[-2::-1]:
        absolute = each.absolute()
        there = each.is_dir()
        if there and absolute in _flushed:
            continue
        if not there:
            with suppress(FileExistsError):  # another process made it; if it is a file, the next call fails
                each.mkdir()
        _flush(each.parent)
        _flushed.add(absolute)


def publish(made: Path, target: Path) -> None:
    """Flush a finished file or folder to disk and move it to `target`, on the same file system, in one step.

    Its files get the mode of any new file: safetensors makes its own readable by their owner alone.
    """
    for path in (*made.rglob("*"), made):
        if path.is_file():
            with suppress(PermissionError):  # some file systems have no modes
                path.chmod(0o666 & ~_umask())
        _flush(path)
    if target.is_dir():
        shutil.rmtree(target)
    os.replace(made, target)
    _flush(target.parent)


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Extract files and folders of a tar archive, with the rights and the owner of new ones.

    Raises:
        tarfile.TarError: a member leads out of the folder.
    """
    if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
        archive.extractall(folder, filter="data")
        return
    for member in archive.getmembers():
        path = (folder / member.name).resolve()
        if not (member.isfile() or member.isdir()) or not path.is_relative_to(folder.resolve()):
            raise tarfile.TarError(f"{member.name!r} is no file or folder below the one that is written")
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    archive.extractall(folder)


def _umask() -> int:
    """Return this process's umask, which can only be read by setting it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with write_atomically(path) as made:
        made.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def _flush(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FLUSH or not path.is_dir():
            raise


@contextmanager
def report_disk_errors(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Turn errors of the disk into a `UserError`.

    Args:
        folder: Folder to name in the message.
        needed: Number of bytes to be written, if known.

    Raises:
        UserError: There is no space (disk, quota, file size limit) or no permission, or the device fails.
    """
    try:
        yield
    except Exception as error:
        code = disk_error(error)
        if code in _NO_SPACE:
            amount = "more bytes" if needed is None else f"{needed:,} bytes"
            what = f"cannot write {amount}: {os.strerror(code).lower()}"
            raise UserError(what, where=str(folder), hint="free some space or choose another data folder") from error
        if code:
            raise UserError(f"cannot write here: {os.strerror(code).lower()}", where=str(folder)) from error
        raise


def disk_problem(error: Exception) -> UserError | None:
    """Return the message for an error of the disk; None for any other error."""
    code = disk_error(error)
    if not code:
        return None
    named = getattr(error, "filename", None)
    where = str(named) if isinstance(named, str | Path) else str(Path.cwd())
    free = "free some space; " if code in _NO_SPACE else ""
    hint = f"{free}finished work is stored, and the same command continues from there"
    return UserError(os.strerror(code).lower(), where=where, hint=hint)


def disk_error(error: BaseException | None) -> int:
    """Return the number of the system's error where the disk failed, and not what is stored on it; 0 elsewhere.

    The disk or quota is full, access is denied, or the device or server does not answer.
    """
    while error is not None:
        if (code := _system_error(error)) in _NO_SPACE | _NO_ACCESS | _OUT_OF_REACH:
            return code
        # A library's cleanup may fail after the first error.
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return 0


def _system_error(error: BaseException) -> int:
    """Return the system's error number, or 0 if the error does not come from the system."""
    if isinstance(error, OSError):
        return error.errno or 0
    # safetensors writes in Rust and reports the number only in the text of its own exception.
    in_text = re.search(r"os error (\d+)", str(error)) if type(error).__name__ == "SafetensorError" else None
    return int(in_text[1]) if in_text else 0
