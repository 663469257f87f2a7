"""Fetching one file over HTTP, taken up again where it was cut off."""

from __future__ import annotations

import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from remixup.data.storage import writing
from remixup.errors import UserError

PAUSES_S = (1.0, 2.0, 4.0)  # before the second, third and fourth attempt
_TIMEOUT_S = 30.0
_CHUNK = 1 << 20
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class _CutOffError(Exception):
    """This attempt got no further; the next one goes on from there."""


def fetch(url: str, target: Path, fault: Callable[[Path], str | None], *, progress: bool = False) -> None:
    """Downloads `url` to `target`, which appears whole and checked or not at all.

    What has arrived lies in `target` + `.part`, and a later call goes on from there if the server honours Range.

    Args:
        url: the address.
        target: the file to make.
        fault: says what is wrong with a complete file, None if nothing is.
        progress: show how far it is, on a terminal.

    Raises:
        UserError: the server refuses, cannot be reached, sends the wrong file, or there is no room for it.
    """
    part = target.with_name(f"{target.name}.part")
    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    taken_up = part.exists()
    _transfer(url, part, progress)
    wrong = fault(part)
    if wrong and taken_up:  # perhaps the beginning was of another file: once more from the start
        part.unlink()
        _transfer(url, part, progress)
        wrong = fault(part)
    if wrong:
        part.unlink()
        raise UserError(f"the file that came from {url} is not the expected one: {wrong}", hint="it was not kept")
    with writing(target.parent), part.open("rb") as file:
        os.fsync(file.fileno())
        os.replace(part, target)


def _transfer(url: str, part: Path, progress: bool) -> None:
    for pause in (*PAUSES_S, None):
        try:
            return _attempt(url, part, progress)
        except urllib.error.HTTPError as error:
            if error.code not in _PASSING or pause is None:
                raise UserError(f"the server answers {error.code} {error.reason}", where=url) from error
        except (OSError, http.client.HTTPException, _CutOffError) as error:
            if pause is None:
                hint = "run it again to go on from there, or set `data.mirror` in config.yaml or REMIXUP_MIRROR"
                raise UserError(f"cannot be fetched: {error}", where=url, hint=hint) from error
        time.sleep(pause)
    return None


def _attempt(url: str, part: Path, progress: bool) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "remixup", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return  # all of it had come before
        part.unlink()
        raise _CutOffError("the server has less than what lies here") from error
    with response:
        if response.status != 206:
            have = 0  # it does not know Range and sends the file from its beginning
        elif not re.match(f"bytes {have}-", response.headers.get("Content-Range", "")):
            part.unlink()
            raise _CutOffError("the server sends another part than the one asked for")
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _append(response, part, have, total, progress)


def _append(response: http.client.HTTPResponse, part: Path, have: int, total: int | None, progress: bool) -> None:
    needed = None if total is None else total - have
    mode = "ab" if have else "wb"
    with _bar(part.stem, have, total, progress) as advance, writing(part.parent, needed), part.open(mode) as out:
        while chunk := response.read(_CHUNK):
            out.write(chunk)
            have += len(chunk)
            advance(have)
    if total is not None and have < total:
        raise _CutOffError(f"the connection ended after {have:,} of {total:,} bytes")


@contextmanager
def _bar(name: str, have: int, total: int | None, progress: bool) -> Iterator[Callable[[int], None]]:
    if not (progress and sys.stderr.isatty()):
        yield lambda completed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(name, total=total, completed=have)
        yield lambda completed: shown.update(task, completed=completed)
