"""Which wheels a bundle takes along: the lock's, of what training needs and the other machine lacks."""

import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from remixup.errors import UserError
from remixup.maintenance import bundle_wheels
from remixup.maintenance.bundle_wheels import Target, installed, lacking, locked

TARGET = Target("3.12", "x86_64")
REQUIRES = {
    "app": ["core[fast]>=2", "old; python_version < '3.12'", "docs; extra == 'docs'"],
    "core": ["base", "speed; extra == 'fast'", "win; sys_platform == 'win32'"],
    "speed": ["base<3"],
    "base": [],
}


@pytest.fixture
def packages(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", REQUIRES.__getitem__)


def test_what_is_needed_follows_from_requirements_on_that_machine(packages):
    app = [Requirement("app")]
    assert lacking(app, {}, TARGET) == (["app", "base", "core", "speed"], [])
    assert lacking(app, {"core": "2.1"}, TARGET) == (["app"], []), "what core needs is there, too"
    assert lacking(app, {"app": "1.0"}, TARGET) == ([], [])


def test_a_version_that_does_not_fit_is_named(packages):
    found, conflicts = lacking([Requirement("app")], {"base": "3.1", "core": "1.9"}, TARGET)
    assert (found, conflicts) == (["app"], ["app needs core>=2, and 1.9 is there"])


def test_lists_of_pip():
    freeze = "numpy==2.1\n# a comment\n-e git+x#egg=y\nPy_YAML==6.0\nlocal @ file:///x\n"
    assert installed(freeze) == {"numpy": "2.1", "py-yaml": "6.0", "local": ""}
    assert installed("Package Version\n------- -------\ntorch   2.11.0+cu130\n")["torch"] == "2.11.0+cu130"


def test_lines_of_the_lock_with_their_hashes():
    text = Path("requirements.lock").read_text()
    line, other = locked(["pydantic-core", "torch"], text).splitlines()
    assert re.fullmatch(r"pydantic-core==[\d.]+( --hash=sha256:[0-9a-f]{64}){20,}", line)
    assert other.startswith("torch==2.13.0 --hash=sha256:")
    with pytest.raises(UserError, match="no package no-such"):
        locked(["torch", "no-such"], text)


def test_the_lock_has_all_that_training_needs():
    found, conflicts = lacking(bundle_wheels.read_needed(benchmark=True), {}, TARGET)
    assert {"torch", "pydantic-core", "typing-extensions", "timm"} <= set(found)
    assert not {"snakemake", "dvc", "pytest"} & set(found)
    assert len(locked(found, Path("requirements.lock").read_text()).splitlines()) == len(found)
    assert conflicts == []


def test_all_that_training_imports_is_needed():
    """Fails, tried out: without safetensors in the extra `train`."""
    sources = [path for name in ("training", "models", "mixing", "evaluation", "store", "config", "planning", "cli")
               for path in Path("src/remixup", name).rglob("*.py")]  # fmt: skip
    imported = {
        name for path in sources for name in re.findall(r"^ *(?:import|from) (\w+)", path.read_text(), re.MULTILINE)
    }
    distributions = importlib.metadata.packages_distributions()
    names = {canonicalize_name(each) for name in imported for each in distributions.get(name, [])} - {"remixup"}
    assert names <= set(lacking(bundle_wheels.read_needed(benchmark=False), {}, TARGET)[0])
