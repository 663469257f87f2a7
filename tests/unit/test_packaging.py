"""The wheel, its dependencies and extras, and the command line where something is missing."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import remixup

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BIN = Path(sys.executable).parent


def run(*command):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def pins(lock):
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", (ROOT / lock).read_text(), re.MULTILINE))


def needed(requirements):
    """The installed distributions that requirements need, and those that these need, by name."""
    found, waiting = {}, [(Requirement(each), "") for each in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found:
            found[name] = metadata.distribution(name)
            waiting += [(Requirement(each), "") for each in found[name].requires or ()]
        for asked in requirement.extras:
            waiting += [(Requirement(each), asked) for each in found[name].requires or ()]
    return found


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """The programs of an environment with the wheel and links to its dependencies, as from `pip install .`."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    build = "import setuptools.build_meta as backend; backend.build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)
    [wheel] = folder.glob("remixup-*.whl")
    venv.create(folder / "environment", with_pip=False)
    install = [BIN / "uv", "pip", "install", "--offline", "--no-deps", "--quiet", "--python", folder / "environment"]
    subprocess.run([*install, wheel], check=True)
    [packages] = (folder / "environment").glob("lib/python*/site-packages")
    [own] = metadata.distributions(name="remixup", path=[str(packages)])
    for distribution in needed(each for each in own.requires or () if "extra ==" not in each).values():
        for top in {Path(file).parts[0] for file in distribution.files or () if not str(file).startswith("..")}:
            if not (packages / top).exists():
                (packages / top).symlink_to(distribution.locate_file(top))
    return folder / "environment/bin"


def test_the_locks_pin_the_same_versions_and_the_small_one_lacks_torch():
    everything, reading = pins("requirements.lock"), pins("requirements-read.lock")
    assert reading.items() <= everything.items()
    assert "torch" not in reading
    assert {"uv", "setuptools"} <= reading.keys()


@pytest.mark.parametrize("extra", ["report", "workflow", "private", "physio", "dev"])
def test_the_lock_has_every_dependency_of_an_extra(extra):
    names = {canonicalize_name(Requirement(each).name) for each in PROJECT["project"]["optional-dependencies"][extra]}
    assert names - {"remixup"} <= {canonicalize_name(name) for name in pins("requirements.lock")}


def command_line(before, *arguments):
    """Run the command line of this source tree, after some other code."""
    program = f"import sys; {before}; sys.path.insert(0, {str(ROOT / 'src')!r}); sys.argv = ['remixup', *{arguments!r}]"
    return run(sys.executable, "-c", f"{program}; from remixup.__main__ import main; main()")


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("typer", ["--help"], "workflow"),
        ("torch", ["train", "toy"], "workflow"),
    ],
)
def test_a_missing_package_is_one_line_that_says_what_to_install(missing, arguments, extra):
    finished = command_line(f"sys.modules[{missing!r}] = None", *arguments)
    assert finished.returncode == 2
    assert finished.stderr == f"error: {missing} is not installed: pip install 'remixup[{extra}]'\n"


def test_the_version():
    finished = command_line("pass", "--version")
    assert (finished.returncode, finished.stdout) == (0, f"remixup {remixup.__version__}\n")


@pytest.mark.slow
def test_the_wheel_runs_the_example_of_the_readme_on_its_dependencies_alone(light):
    [example] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    prepared = "import torch\nloader = [(torch.rand(8, 3, 4, 4), torch.arange(8))]\n"
    prepared += "model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 10))\n"
    finished = run(light / "python", "-c", prepared + example + "assert torch.isfinite(loss)\n")
    assert finished.returncode == 0, finished.stderr
    for absent in ("typer", "snakemake", "pandas"):
        assert run(light / "python", "-c", f"import {absent}").returncode == 1
    without = run(light / "remixup", "--help")
    assert without.returncode == 2
    assert re.fullmatch(r"error: \w+ is not installed: pip install 'remixup\[workflow\]'\n", without.stderr)


@pytest.mark.slow
def test_a_strict_type_checker_sees_the_types_of_the_wheel(light, tmp_path):
    (tmp_path / "user.py").write_text("""
import torch
from remixup.mixing import Mixing, MixingModule, soft_cross_entropy

mixing = Mixing.compose(ratio={"name": "beta", "alpha": 1.0}, classes=3)
x, y = mixing(torch.randn(4, 2), torch.tensor([0, 1, 2, 0]))
loss: torch.Tensor = soft_cross_entropy(x, y) + MixingModule(mixing)(x, y)[0].sum()
mixing(x, "labels")
""")
    options = ["--strict", "--python-executable", light / "python", "--cache-dir", tmp_path / "cache"]
    finished = run(sys.executable, "-m", "mypy", *options, tmp_path / "user.py")
    assert re.findall(r"user.py:(\d+): error: (.*)  \[", finished.stdout) == [
        ("8", 'Argument 2 to "__call__" of "Mixing" has incompatible type "str"; expected "Tensor"')
    ], finished.stdout
