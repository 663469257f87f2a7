"""The wheels that a bundle takes to another machine: what training needs and that machine lacks."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from remixup.errors import UserError

PROJECT = Path("pyproject.toml")
EXTRAS = ("train", "private")
"""What training needs beside the dependencies of `remixup.mixing`."""
LOCK = Path("requirements.lock")
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014")


@dataclass(frozen=True)
class Target:
    """The other machine, which runs Linux."""

    python: str
    """Such as 3.12."""
    machine: str
    """x86_64 or aarch64."""

    @property
    def markers(self) -> dict[str, str]:
        """Values for the environment markers of requirements."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "os_name": "posix",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": self.machine,
        }


def installed(listed: str) -> dict[str, str]:
    """Read what `pip freeze` or `pip list` prints: package -> version, empty where there is none."""
    lines = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:(?:==|[ \t]+)(\d\S*))?", listed, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def lacking(wanted: Iterable[Requirement], there: dict[str, str], target: Target) -> tuple[list[str], list[str]]:
    """Find the packages that the target lacks: those wanted and, as they are installed here, what they need.

    Dependencies of packages that the target has are not searched.

    Returns:
        Their names, and in words which of them need another version of a package that the target has.
    """
    found: set[str] = set()
    conflicts: list[str] = []
    seen: set[tuple[str, str]] = set()
    left = [(each, extra) for each in wanted for extra in ("", *each.extras)]
    while left:
        each, extra = left.pop()
        name = canonicalize_name(each.name)
        if name in there or (name, extra) in seen:
            continue
        seen.add((name, extra))
        found.add(name)
        for text in importlib.metadata.requires(name) or []:
            other = Requirement(text)
            if other.marker is None or other.marker.evaluate({**target.markers, "extra": extra}):
                left += [(other, name) for name in ("", *other.extras)]
                version = there.get(canonicalize_name(other.name))
                if version and not other.specifier.contains(version, prereleases=True):
                    conflicts.append(f"{name} needs {other.name}{other.specifier}, and {version} is there")
    return sorted(found), sorted(conflicts)


def locked(names: Iterable[str], lock: str) -> str:
    """Return the lines of a lock file for some packages, with their hashes, and without their conditions."""
    entries: dict[str, str] = {}
    for match in re.finditer(r"^([^\s=]+)==([^\s;\\]+)[^\n]*\n((?:[ \t]+--hash=[^\n]+\n?)+)", lock, re.MULTILINE):
        hashes = " ".join(re.findall(r"--hash=\S+", match[3]))
        entries[canonicalize_name(match[1])] = f"{match[1]}=={match[2]} {hashes}\n"
    names = list(names)
    if missing := [name for name in names if name not in entries]:
        raise UserError(f"no package {', '.join(missing)}", where=str(LOCK), hint="`make lock` after a change")
    return "".join(entries[name] for name in names)


def download(names: list[str], target: Target, folder: Path) -> list[Path]:
    """Fetch the wheels of some packages in the lock's versions, compared with the lock's hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "requirements.txt"
    listed.write_text(locked(names, LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--dest", str(folder), "-r", str(listed)]
    command += ["--implementation", "cp", "--python-version", target.python]
    command += [f"--abi={each}" for each in (f"cp{target.python.replace('.', '')}", "abi3", "none")]
    command += [f"--platform={each}_{target.machine}" for each in GLIBC]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise UserError("the wheels could not be fetched", hint="is there a network?", details=lines[-5:])
    return sorted(folder.glob("*.whl"))


def read_needed(benchmark: bool) -> list[Requirement]:
    """Read what training needs, and what the benchmark needs beside it."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(each for name in EXTRAS for each in project["optional-dependencies"][name])]
    lines += ["timm"] if benchmark else []
    try:
        return [each for each in map(Requirement, lines) if each.name != project["name"]]
    except InvalidRequirement as error:
        raise UserError(str(error), where=str(PROJECT)) from None
