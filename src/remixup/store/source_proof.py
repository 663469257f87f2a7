"""Prove by git's own hashes that sources outside a repository are those of a commit.

A commit's name is the hash of its object, which has the hash of its tree, which has the hashes of the folders and files
below it. Given the two objects, hashing the files shows whether they are the commit's; git is not needed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from base64 import b64decode, b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

FILE = Path("source-commit.json")
"""File that names the commit of sources that were unpacked from a bundle."""


class SourceProof(BaseModel):
    """A commit, with the two objects of git that bind its name to its files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    commit: str
    commit_object: str = Field(description="base64")
    tree_object: str = Field(description="base64, of the top folder")

    @classmethod
    def of(cls, commit: str) -> SourceProof:
        """Read the objects of a commit from the repository."""
        objects = [
            subprocess.run(["git", "cat-file", kind, name], capture_output=True, check=True).stdout
            for kind, name in (("commit", commit), ("tree", f"{commit}^{{tree}}"))
        ]
        said = [b64encode(each).decode("ascii") for each in objects]
        return cls(commit=commit, commit_object=said[0], tree_object=said[1])

    def differing(self, names: tuple[str, ...], folder: Path) -> list[str]:
        """Return those files and folders of the top folder that are not the commit's.

        Raises:
            ValueError: the objects are not those of the commit.
        """
        commit, tree = b64decode(self.commit_object), b64decode(self.tree_object)
        named = commit.partition(b"\n")[0].decode("ascii")
        if _object_name("commit", commit) != self.commit or named != f"tree {_object_name('tree', tree)}":
            raise ValueError(f"the objects are not those of commit {self.commit}")
        entries = _entries(tree)
        return [name for name in names if _entry(folder / name) != entries.get(name)]

    @property
    def date(self) -> str:
        """The day of the commit, ISO 8601."""
        lines = b64decode(self.commit_object).decode("utf-8", "replace").splitlines()
        seconds, zone = next(line for line in lines if line.startswith("committer ")).split()[-2:]
        minutes = (60 * int(zone[1:3]) + int(zone[3:5])) * (-1 if zone[0] == "-" else 1)
        return datetime.fromtimestamp(int(seconds), timezone(timedelta(minutes=minutes))).date().isoformat()


def _object_name(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _entries(tree: bytes) -> dict[str, tuple[str, str]]:
    """Return mode and hash of each entry of a tree object."""
    found = {}
    while tree:
        head, _, rest = tree.partition(b"\0")
        mode, _, name = head.decode("utf-8").partition(" ")
        found[name], tree = (mode, rest[:20].hex()), rest[20:]
    return found


def _entry(path: Path) -> tuple[str, str] | None:
    """Return mode and hash of a file or folder as git would store it; None where there is none."""
    if path.is_symlink():
        return "120000", _object_name("blob", os.fsencode(os.readlink(path)))
    if path.is_file():
        return "100755" if os.access(path, os.X_OK) else "100644", _object_name("blob", path.read_bytes())
    if not path.is_dir():
        return None
    below = {each: _entry(each) for each in path.iterdir() if each.name != "__pycache__"}
    # Git sorts a folder as if its name ended in a slash.
    found = sorted((each.name + "/" * (entry[0] == "40000"), each, entry) for each, entry in below.items() if entry)
    content = b"".join(
        f"{mode} {each.name}\0".encode() + bytes.fromhex(name) for _, each, (mode, name) in found
    )  # git does not store empty folders
    return ("40000", _object_name("tree", content)) if content else None
