"""Provenance of a result: code, software, hardware, data."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from remixup.config.run import Execution
from remixup.errors import UserError
from remixup.files import is_hidden, sha256
from remixup.store import source_proof

SOURCES = ("src", "experiments", "protocols", "workflow", "paper", "Snakefile", "requirements.lock")
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "snakemake", "dvc", "seaborn")


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Code(_Fact):
    """The state of the sources."""

    commit: str | None = Field(None, description="last commit that touched them; null outside a repository")
    dirty: bool | None = Field(None, description="whether they differed from it")
    date: str | None = Field(None, description="day of the commit, ISO 8601")

    @property
    def clean(self) -> bool:
        """Whether the sources are those of a commit."""
        return self.commit is not None and not self.dirty


class Environment(_Fact):
    """The software that numbers depend on, and the processor."""

    python: str
    versions: dict[str, str | None] = Field(description="package -> version; null: it is not installed")
    lock: str | None = Field(None, description="SHA-256 of requirements.lock")
    processor: str


class Data(_Fact):
    """The dataset that was trained on."""

    name: str
    version: str
    sha256: str = Field(description="of its tensors")
    images_sha256: str | None = Field(None, description="of its image files, where it is streamed")


class Provenance(_Fact):
    """How the results of a seed block were made."""

    code: Code
    environment: Environment
    hardware: str = Field(description="name of the GPU, or of the processor")
    device: str = Field(description="cpu or cuda")
    execution: Execution = Field(Execution(), description="how the run was executed")
    data: Data
    started: str = Field(description="ISO 8601 time; of a resumed run that of its first start")
    seconds: float = Field(description="of training, those before an interruption not included")
    freeze: str | None = Field(None, description="SHA-256 of the freeze under which it was trained, if any")
    processes: int | None = Field(None, description="data-parallel processes; null in the oldest records")
    runs_per_device: int | None = Field(
        None, description="how many runs could share the device at a time; null: each had it alone"
    )
    load_average: float | None = Field(
        None,
        description="processes that wanted a core over the last five minutes at the end of training: where they are "
        "more than there are cores, training was slowed down; null in the oldest records",
    )


class Measurement(_Fact):
    """How an evaluation of a seed block was made."""

    code: Code
    environment: Environment
    hardware: str = Field(description="name of the GPU, or of the processor")
    device: str = Field(description="cpu or cuda")
    started: str = Field(description="ISO 8601 time")
    seconds: float = Field(description="of the evaluation")


def _git(*arguments: str) -> str:
    """Return the output of git; if it fails, raise UserError with its reason and advice."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, errors="replace", check=True)
    except OSError as error:
        raise UserError(f"git cannot be run: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        said = [line.strip() for line in error.stderr.splitlines()] or ["git failed"]
        raise UserError(said[0], hint=next((line for line in said if line.startswith("git ")), None)) from None
    return done.stdout.strip()


@functools.cache
def code() -> Code:
    """Return the last commit that touched the sources, its day, and whether they differ from it.

    Sources from a bundle have a file that names and proves it; they may be inside another project's repository.
    """
    try:
        return _code()
    except UserError:
        return Code()


def _code() -> Code:
    if source_proof.FILE.is_file():
        proof = source_proof.SourceProof.model_validate_json(source_proof.FILE.read_bytes())
        return Code(commit=proof.commit, dirty=bool(proof.differing(SOURCES, Path())), date=proof.date)
    commit = _git("rev-list", "-1", "HEAD", "--", *SOURCES)
    if not commit:
        return Code()
    return Code(commit=commit, dirty=bool(_changes()), date=_git("show", "-s", "--format=%cs", commit))


def _changes() -> list[str]:
    """Return what differs from the commit, whatever the user's settings hide: edits, and new files but hidden ones."""
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    said = _git("-c", f"core.excludesFile={os.devnull}", "status", *options, "--", *SOURCES)
    return [line for line in said.split("\0") if line and not (line.startswith("?? ") and is_hidden(Path(line[3:])))]


def require_clean_sources(what: str, hint: str = "commit first") -> None:
    """Raise UserError unless the sources are those of a commit.

    Args:
        what: the action that needs it, as the beginning of a sentence.
        hint: what to do where there are changes.
    """
    try:
        if _code().clean:
            return
    except UserError as error:
        raise UserError(f"{what} from a clean source tree: {error.what}", where="git", hint=error.hint) from None
    raise UserError(f"{what} from a clean source tree", where="git status", hint=hint)


@functools.cache
def processor() -> str:
    """Return the CPU's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {cores()} cores"


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def module_of(package: str) -> str:
    """Return the name under which a package is imported."""
    return {"scikit-learn": "sklearn"}.get(package, package)


def _version(package: str) -> str | None:
    """Return the version of a package: of the imported module, which may differ from the installed metadata."""
    try:
        installed = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        installed = None
    imported: str | None = getattr(sys.modules.get(module_of(package)), "__version__", None)
    # Only torch adds the version of CUDA for which it was built.
    return installed if imported is None or imported.partition("+")[0] == installed else imported


def environment() -> Environment:
    """Return the versions of Python and of the packages that numbers depend on, and the processor."""
    lock = Path("requirements.lock")
    return Environment(
        python=platform.python_version(),
        versions={name: _version(name) for name in PACKAGES},
        lock=sha256(lock) if lock.is_file() else None,
        processor=processor(),
    )
