"""Download one file over HTTP, resuming where an earlier attempt was interrupted.

Archives have up to 8 GB, so an interrupted download must not start again from the beginning.
"""

import http.client
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from remixup.errors import UserError
from remixup.files import make_folder, publish, report_disk_errors

PAUSES_S = (1.0, 2.0, 4.0)  # before the second, third and fourth attempt
_TIMEOUT_S = 30.0
_CHUNK = 1 << 20
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}


class _InterruptedError(Exception):
    """The connection ended early; the next attempt continues from there."""


def fetch(url: str, target: Path, fault: Callable[[Path], str | None], *, progress: bool = False) -> None:
    """Download `url` to `target`, which appears complete and verified or not at all.

    An incomplete download is stored as `target` + `.part`; a later call resumes it if the server supports Range.

    Args:
        url: Address of the file.
        target: Path of the file to make.
        fault: Function that returns what is wrong with a complete file, or None.
        progress: Whether to show the progress on a terminal.

    Raises:
        UserError: The server refuses, is unreachable or sends the wrong file, or the disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    with report_disk_errors(target.parent):
        make_folder(target.parent)
    resumed = part.exists()
    _transfer(url, part, progress)
    problem = fault(part)
    if problem is None:
        with report_disk_errors(target.parent):
            return publish(part, target)
    part.unlink()
    if resumed:  # the part may have been of another file: start again
        return fetch(url, target, fault, progress=progress)
    raise UserError(f"the file from {url} is not the expected one: {problem}", hint="the download was removed")


def _transfer(url: str, part: Path, progress: bool) -> None:
    for pause in (*PAUSES_S, None):
        try:
            return _attempt(url, part, progress)
        except urllib.error.HTTPError as error:
            if error.code not in _TEMPORARY or pause is None:
                raise UserError(f"the server answers {error.code} {error.reason}", where=url) from error
        except (OSError, http.client.HTTPException, _InterruptedError) as error:
            if pause is None:
                hint = "run the command again to resume, or set `data.mirror` in config.yaml or REMIXUP_MIRROR"
                raise UserError(f"cannot be downloaded: {error}", where=url, hint=hint) from error
        time.sleep(pause)
    return None


def _attempt(url: str, part: Path, progress: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "remixup", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        part.unlink()
        raise _InterruptedError("the file on the server is not longer than the partial download") from error
    with response:
        if response.status != 206:
            have = 0  # no support for Range: the server sends the whole file
        length = int(response.headers["Content-Length"]) if response.headers.get("Content-Length") else None
        total = None if length is None else have + length
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        bar = Progress(*columns, console=Console(stderr=True), disable=not (progress and sys.stderr.isatty()))
        with bar, report_disk_errors(part.parent, length), part.open("ab" if have else "wb") as out:
            task = bar.add_task(part.stem, total=total, completed=have)
            while chunk := response.read(_CHUNK):
                out.write(chunk)
                have += len(chunk)
                bar.update(task, completed=have)
    if total is not None and have < total:
        raise _InterruptedError(f"the connection ended after {have:,} of {total:,} bytes")
