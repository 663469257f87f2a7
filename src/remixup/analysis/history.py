"""Read the history of experiment files and freezes from git."""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass
from datetime import datetime

from remixup.errors import UserError


class NoHistory(UserError):
    """There is no git repository, or it lacks a part of its history."""


@dataclass(frozen=True)
class Commit:
    """A commit, and its position in the history, oldest first."""

    id: str
    time: datetime
    position: int

    def __str__(self) -> str:
        return f"{self.id[:7]} ({self.time:%Y-%m-%d})"


@dataclass(frozen=True)
class Version:
    """A file as a commit left it."""

    commit: Commit
    path: str
    content: bytes
    """Empty where the commit removed the file."""


def _git(*arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["git", *arguments], input=given, capture_output=True, check=True)
    except OSError as error:
        raise NoHistory(f"git cannot be run: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        raise NoHistory(error.stderr.decode(errors="replace").partition("\n")[0] or "git failed") from None
    return done.stdout


def read_history(*folders: str) -> list[Version]:
    """Return all versions of the files below some folders, oldest first.

    Raises:
        NoHistory: this is no git repository, or one without its whole history.
    """
    if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise NoHistory("the git repository is a shallow clone", hint="git fetch --unshallow")
    # -c lists what a merge itself changed.
    options = ("--reverse", "--topo-order", "-c", "--raw", "--no-abbrev", "--no-renames", "--relative")
    log = _git("log", *options, "--no-show-signature", "--format=%x00%H %cI", "--", *folders).decode()
    found: list[tuple[Commit, str, str]] = []
    for position, entry in enumerate(log.split("\0")[1:]):
        head, *changes = entry.splitlines()
        id_, time = head.split()
        commit = Commit(id_, datetime.fromisoformat(time), position)
        for facts, _, path in (line.partition("\t") for line in changes if line):
            found.append((commit, path, facts.split()[-2]))
    contents = _contents({blob for _, _, blob in found})
    return [Version(commit, path, contents.get(blob, b"")) for commit, path, blob in found]


def content(commit: str, path: str) -> bytes:
    """Return a file as it was in a commit; NoHistory where the commit has none."""
    return _git("show", f"{commit}:./{path}")


def edited(folder: str) -> list[str]:
    """Return the files below a folder that were changed or removed, in the history or since the last commit."""
    options = ("--diff-filter=MD", "--no-renames", "--name-only", "--relative", "-z")
    past = _git("log", *options, "--format=", "--", folder)
    return sorted({name for name in (past + _git("diff", *options, "HEAD", "--", folder)).decode().split("\0") if name})


def _contents(blobs: set[str]) -> dict[str, bytes]:
    """Return the contents of blobs by a single call of git; a blob that does not exist has none."""
    output = _git("cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode())
    found: dict[str, bytes] = {}
    while output:
        header, _, output = output.partition(b"\n")
        blob, kind, *size = header.decode().split()
        if kind != "missing":
            found[blob] = output[: int(size[0])]
            output = output[int(size[0]) + 1 :]
    return found


@functools.cache
def descends(commit: str, ancestor: str) -> bool:
    """Return whether a commit is another one or descends from it; False where either is unknown."""
    done = subprocess.run(["git", "merge-base", "--is-ancestor", ancestor, commit], capture_output=True, check=False)
    return done.returncode == 0
