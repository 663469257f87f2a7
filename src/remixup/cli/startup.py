"""Check that a command runs the code and packages that its results will name as their source."""

from __future__ import annotations

import os
from pathlib import Path

import remixup
from remixup.errors import UserError
from remixup.store import source_proof
from remixup.store.provenance import PACKAGES, module_of


def check_code() -> None:
    """Refuse to run another clone's code in a folder that has its own.

    Otherwise the commit of this folder would be recorded for results that other code computed.

    Raises:
        UserError: `src` in this folder is not what was imported.
    """
    running = Path(remixup.__file__).resolve().parent
    if Path("src/remixup").is_dir() and not running.samefile("src/remixup"):
        where, hint = f"{running.parents[1]}", "`make .venv/.ready` sets up this one, or set PYTHONPATH to its src"
        raise UserError("this command runs the code of that folder, not of this one", where=where, hint=hint)


def check_packages() -> None:
    """Refuse packages on PYTHONPATH that replace those of the environment.

    Raises:
        UserError: a folder on it has a package that provenance records, or what looks like one.
    """
    if source_proof.FILE.is_file():
        return  # a bundle brings the packages that the machine lacks
    for folder in filter(os.path.isdir, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        entries = os.listdir(folder)
        found = [package for package in PACKAGES if any(_is_of(package, entry) for entry in entries)]
        if found:
            what = f"{folder} has {', '.join(found)}, in place of what the environment has"
            raise UserError(what, where="environment variable PYTHONPATH", hint="unset it")


def _is_of(package: str, entry: str) -> bool:
    """Return whether a name in a folder is that of a package's module or of its metadata."""
    module, said = module_of(package), entry.removesuffix(".dist-info").removesuffix(".egg-info")
    return entry in (module, f"{module}.py") or (said != entry and said.partition("-")[0] == package.replace("-", "_"))
