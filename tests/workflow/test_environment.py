"""The environment that `make` sets up, and whose code and packages run in a folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import BIN, ROOT, SMALL, Project, make_project

# A Python whose environments have a pip that does nothing, and a uv that needs no network: it writes down what it is
# asked for, and fails where there is a file `offline`, but for its last try.
PYTHON = """#!/bin/sh
case "$*" in
    *"-m venv"*)
        for folder do :; done
        {python} "$@" --without-pip && cp {uv} "$folder/bin/uv"
        printf '#!%s/bin/python\\n' "$PWD/$folder" > "$folder/bin/pip"
        cd "$folder"/lib/python*/site-packages && mkdir pip && touch pip/__init__.py pip/__main__.py ;;
    *"version_info"*) {python} "$@" | sed 's/[0-9]*$/{minor}/' ;;
    *) exec {python} "$@" ;;
esac
"""
UV = """#!/bin/sh
echo "$@ user=$PIP_USER newer=$UV_EXCLUDE_NEWER index=$UV_DEFAULT_INDEX" >> asked
case "$*" in
    *editable*) printf '#!%s/.venv/bin/python\\n' "$PWD" > .venv/bin/remixup ;;
    *no-config*) exit 0 ;;
    *) [ ! -e offline ] ;;
esac
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with what the set-up reads, and the Python above."""
    folder = tmp_path / "project"
    (folder / "workflow").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "workflow/environment"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "requirements.lock").write_text("numpy==0\n")  # no line of uv's: pip has nothing to do
    (tmp_path / "uv").write_text(UV)
    (tmp_path / "uv").chmod(0o755)
    write_python(tmp_path / "python", sys.version_info[1])
    return folder


def write_python(path, minor):
    path.write_text(PYTHON.format(python=sys.executable, uv=path.parent / "uv", minor=minor))
    path.chmod(0o755)


def set_up(folder, *arguments, check=True, **variables):
    """What `make` says, and what it asked uv for."""
    (folder / "asked").unlink(missing_ok=True)
    environment = {"PATH": f"{folder.parent / 'bin'}:/usr/bin:/bin", **variables}
    command = ["make", "--no-print-directory", ".venv/.ready", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == check, done.stderr
    asked = folder / "asked"
    return done.stdout + done.stderr, asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture
def made(folder):
    """The folder with its environment, made by the system's `python3`."""
    (folder.parent / "bin").mkdir()
    shutil.copy(folder.parent / "python", folder.parent / "bin/python3")
    said, asked = set_up(folder)
    assert said.startswith("setting up .venv")
    assert ["--offline" in line for line in asked] == [True, True]
    return folder


def test_an_environment_is_brought_to_its_lock_once(made):
    assert set_up(made) == ("", [])
    (made / "pyproject.toml").touch()
    assert set_up(made) == ("", [])  # a file's time says nothing
    (made / "requirements.lock").write_text("numpy==1\n")
    said, asked = set_up(made)
    assert "setting up .venv" in said
    assert asked[0].startswith("pip sync")
    assert set_up(made) == ("", [])


def test_the_users_settings_do_not_change_what_is_installed(made):
    (made / "offline").touch()
    (made / "requirements.lock").write_text("numpy==1\n")
    user = {"PIP_USER": "1", "UV_EXCLUDE_NEWER": "2020-01-01", "UV_DEFAULT_INDEX": "https://mirror"}
    _, asked = set_up(made, **user)
    assert all(line.endswith("user= newer= index=https://mirror") for line in asked)
    # First from the cache, then with the user's configuration file, at last without it.
    assert [("--offline" in line, "--no-config" in line) for line in asked[:3]] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_a_moved_environment_is_mended_and_a_copied_one_leaves_its_original(made):
    made.rename(made.with_name("moved"))
    moved = made.with_name("moved")
    copied = made.with_name("copied")
    subprocess.run(["cp", "-a", moved, copied], check=True)
    for folder in (copied, moved):
        said, asked = set_up(folder)
        assert "setting up .venv" in said
        assert "--editable" in asked[-1]
        for command in ("pip", "remixup"):
            first = (folder / ".venv/bin" / command).read_text().splitlines()[0]
            assert first.startswith(f"#!{folder}/.venv/bin/python")
        assert set_up(folder) == ("", [])


def test_a_python_that_is_gone_or_another_one_makes_it_anew(made):
    packages = next((made / ".venv/lib").glob("python*"))
    packages.rename(packages.with_name("python3.0"))  # as where the system's Python has another version now
    assert "setting up .venv" in set_up(made)[0]
    assert packages.is_dir()
    other = made.parent / "other"
    write_python(other, 99)
    assert "setting up .venv" in set_up(made, f"PYTHON={other}")[0]
    assert set_up(made) == ("", [])  # without a choice the environment stays


def test_a_python_that_is_none_leaves_the_environment_alone(made):
    said, _ = set_up(made, "PYTHON=python3.2", check=False)
    assert said.splitlines()[0] == "error: remixup needs Python 3.11 or later; name one: make PYTHON=python3.12 report"
    assert set_up(made) == ("", [])


def test_the_environment_of_another_clone_is_not_set_up_for_this_one(made):
    clone = made.with_name("clone")
    shutil.copytree(made, clone, ignore=shutil.ignore_patterns(".venv"))
    (clone / ".venv").symlink_to(made / ".venv")
    (clone / "requirements.lock").write_text("numpy==1\n")
    before = (made / ".venv/bin/remixup").read_text()
    assert set_up(clone) == ("", [])
    assert (made / ".venv/bin/remixup").read_text() == before


@pytest.fixture
def copy(tmp_path):
    """A copy of a project whose code says something of its own."""
    project = make_project(tmp_path / "copy", SMALL)
    page = project.folder / "src/remixup/planning/workflow.py"
    page.write_text(page.read_text().replace('"config": self.config', '"whose": "the copy\'s", "config": self.config'))
    return project


def test_a_command_refuses_to_run_another_clones_code(copy):
    done = copy.remixup("plan", env={"PYTHONPATH": str(ROOT / "src")}, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: {ROOT}: this command runs the code of that folder, not of this one"
        " (`make .venv/.ready` sets up this one, or set PYTHONPATH to its src)"
    ]
    assert copy.remixup("--help").returncode == 0  # on its own code


def test_the_workflow_and_its_jobs_run_the_code_beside_the_snakefile(copy):
    target = "results/embedded/experiments/small.json"
    copy.snakemake("--cores", "1", target, env={"PYTHONPATH": str(ROOT / "src")})  # a job would refuse other code
    assert copy.json("results/embedded/plan.json")["whose"] == "the copy's"


@pytest.mark.parametrize("place", ["numpy/__init__.py", "numpy-1.21.0.dist-info/METADATA"])
def test_packages_on_the_path_in_place_of_those_of_the_environment_are_refused(place, tmp_path):
    other = tmp_path / "modules" / place
    other.parent.mkdir(parents=True)
    other.write_text("raise ImportError('other')\n" if place.endswith(".py") else "Name: numpy\nVersion: 1.21.0\n")
    project = make_project(tmp_path / "project", SMALL)
    path = f"{project.folder / 'src'}:{tmp_path / 'modules'}"
    assert (project.folder / "dvc.yaml").exists()  # which is no package
    project.remixup("--help", env={"PYTHONPATH": f"{project.folder / 'src'}:{project.folder}"})
    done = project.remixup("plan", env={"PYTHONPATH": path}, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: environment variable PYTHONPATH: {tmp_path / 'modules'} has numpy")


def test_jobs_have_the_packages_of_the_environment(tmp_path):
    """A cluster's modules name another version of NumPy: the job does not see them, and records what it ran on."""
    import numpy

    other = tmp_path / "modules/numpy-1.21.0.dist-info/METADATA"
    other.parent.mkdir(parents=True)
    other.write_text("Name: numpy\nVersion: 1.21.0\n")
    project = make_project(tmp_path / "project", SMALL)
    project.snakemake("--cores", "1", "runs", env={"PYTHONPATH": str(tmp_path / "modules")})
    block = next((project.folder / "results/runs").glob("*/*.json"))
    assert project.json(block)["provenance"]["environment"]["versions"]["numpy"] == numpy.__version__


def test_an_experiment_of_dvc_runs_in_a_copy_on_its_code_and_the_clones_environment(copy, tmp_path):
    project = Project(copy.folder)
    project.git("init", "-q", "-b", "main")
    project.dvc("init", "-q")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "start")
    (project.folder / ".venv").symlink_to(BIN.parent)
    bare = ("env", "-i", "PATH=/usr/bin:/bin", f"HOME={tmp_path}", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@e")
    identity = ("GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@e", f"PYTHONPATH={ROOT / 'src'}")
    project.run(*bare, *identity, ".venv/bin/dvc", "exp", "run", "--temp", "runs")
    assert project.dvc("exp", "show", "--csv").stdout.count("\n") >= 3


def test_a_stage_without_an_environment_says_so_in_one_line(tmp_path):
    project = make_project(tmp_path / "project", SMALL)
    done = project.run("env", "-i", "PATH=/usr/bin:/bin", "sh", "workflow/stage", "runs", check=False)
    assert (done.returncode, done.stderr) == (2, "error: no environment with Snakemake (make .venv/.ready)\n")


def test_a_stage_runs_without_a_home_that_can_be_written(tmp_path):
    """Fails, tried out: without a cache for Snakemake."""
    project = make_project(tmp_path / "project", SMALL)
    (project.folder / ".venv").symlink_to(BIN.parent)
    bare = ("env", "-i", "PATH=/usr/bin:/bin", "HOME=/proc/nowhere")
    project.run(*bare, "sh", "workflow/stage", "results/embedded/records.cksum")
    assert (project.folder / ".remixup/cache/snakemake").is_dir()


@pytest.mark.parametrize("ours", [True, False])
def test_make_has_a_cache_of_its_own_where_the_home_cannot_be_written(folder, tmp_path, ours):
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/proc/nowhere" if ours else str(tmp_path)}
    command = ["make", "--no-print-directory", "--eval=show: ; @echo $$XDG_CACHE_HOME", "show"]
    said = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True).stdout
    assert said.strip() == (f"{folder}/.remixup/cache" if ours else "")


def test_the_container_has_what_its_set_up_reads():
    page = (ROOT / "Containerfile").read_text()
    assert Path("workflow/environment").name in page.partition("RUN make .venv/.ready")[0]
    assert "--shm-size" in page  # for the processes that read image files
    images = re.findall("^FROM (.+)$", page, re.MULTILINE)
    assert images
    assert [image for image in images if not re.fullmatch("[a-z0-9./:-]+@sha256:[0-9a-f]{64}", image)] == []


def test_make_unlocks_the_folder(made):
    snakemake = made / ".venv/bin/snakemake"
    snakemake.write_text('#!/bin/sh\necho "$@" > said\n')
    snakemake.chmod(0o755)
    command = ["make", "--no-print-directory", "unlock"]
    subprocess.run(command, cwd=made, env={"PATH": "/usr/bin:/bin"}, check=True)
    assert (made / "said").read_text() == "--unlock\n"
