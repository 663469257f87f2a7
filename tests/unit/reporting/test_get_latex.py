"""paper/get-latex: silent where LaTeX is there, else the command to paste, or an installation where it may install."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAPER = Path(__file__).parents[3] / "paper"
PACKAGES = ["latexmk", "lmodern", "texlive-fonts-recommended", "texlive-latex-recommended"]


def run(path: str, script: Path = PAPER / "get-latex") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", str(script)], env={"PATH": path}, capture_output=True, text=True)


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder to be the whole PATH: no LaTeX, an ordinary user, no sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "id", "echo 1000")
    (folder / "env").symlink_to(shutil.which("env") or "/usr/bin/env")
    return folder


def test_silent_where_all_is_there() -> None:
    latexmk = shutil.which("latexmk")
    assert latexmk, "run paper/get-latex"
    done = run(f"{Path(latexmk).parent}:/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("apt", [False, True])
def test_an_ordinary_user_reads_a_command_to_paste(bare: Path, apt: bool) -> None:
    if apt:
        program(bare, "apt-get", f"echo called > {bare}/called")
    done = run(str(bare))
    assert done.returncode == 2
    assert done.stdout == ""
    _, command, without = done.stderr.splitlines()
    assert command.split() == ["sudo", "apt-get", "install", "--no-install-recommends", *PACKAGES]
    assert "results.html" in without
    assert not (bare / "called").exists()


def test_a_path_without_anything(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3


def test_a_file_that_tex_lacks_counts_as_missing(bare: Path) -> None:
    for name in ("latexmk", "pdflatex", "bibtex"):
        program(bare, name, "exit 0")
    program(bare, "kpsewhich", "exit 1")
    assert run(str(bare)).returncode == 2
    program(bare, "kpsewhich", "exit 0")
    assert run(str(bare)).returncode == 0


@pytest.mark.parametrize("sudo", [False, True])
def test_root_or_sudo_installs(bare: Path, sudo: bool) -> None:
    complete = "; ".join(
        f"printf '#!/bin/sh\\nexit 0\\n' > {bare}/{name} && /bin/chmod +x {bare}/{name}"
        for name in ("latexmk", "pdflatex", "bibtex", "kpsewhich")
    )
    program(bare, "apt-get", f'echo "$@" >> {bare}/calls; case $* in *install*) {complete} ;; esac')
    if sudo:
        program(bare, "sudo", f'echo "$*" >> {bare}/sudo-calls; [ "$1" = -n ] && shift; exec "$@"')
        (bare / "true").symlink_to("/bin/true")
    else:
        program(bare, "id", "echo 0")
    done = run(str(bare))
    assert done.returncode == 0, done.stderr
    update, install = (bare / "calls").read_text().splitlines()
    assert update.startswith("update")
    assert install.split()[-len(PACKAGES) :] == PACKAGES
    assert (bare / "sudo-calls").exists() is sudo


def test_an_installation_that_fails_says_what_to_install(bare: Path) -> None:
    program(bare, "id", "echo 0")
    program(bare, "apt-get", "exit 100")
    done = run(str(bare))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2].split()[-len(PACKAGES) :] == PACKAGES


def test_every_package_that_the_documents_load_is_required() -> None:
    required = (PAPER / "latex-requirements.txt").read_text().split()
    source = "".join(path.read_text() for path in PAPER.glob("*.tex"))
    loaded = {name for group in re.findall(r"\\usepackage(?:\[.*?\])?\{(.*?)\}", source) for name in group.split(",")}
    assert loaded
    assert {f"{name}.sty" for name in loaded} <= set(required)
