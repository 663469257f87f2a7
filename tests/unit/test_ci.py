"""What continuous integration does before it runs the checks."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKE = """#!/bin/sh
echo "$1: CI=$CI shallow=$(git rev-parse --is-shallow-repository) commits=$(git rev-list --count HEAD)" >> made
for home in results/embedded results/read/embedded; do
    mkdir -p $home && echo made | tee $home/article.pdf > $home/supplement.pdf
done
"""


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def test_the_freezes_are_audited_with_the_whole_history(tmp_path: Path) -> None:
    """`.ci/run` in a shallow clone, with a `make` that writes down what it finds."""
    origin, clone, programs = tmp_path / "origin", tmp_path / "clone", tmp_path / "bin"
    (origin / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", origin / ".ci/run")
    git(origin, "init", "-q")
    git(origin, "add", "-A")
    for name in ("first", "second"):
        git(origin, "commit", "-q", "--allow-empty", "-m", name)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{origin}", "clone")
    programs.mkdir()
    (programs / "make").write_text(MAKE)
    (programs / "make").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    environment.pop("CI", None)
    subprocess.run([str(clone / ".ci/run")], env=environment, check=True)
    assert (clone / "made").read_text().splitlines()[0] == "check: CI=true shallow=false commits=2"
    rules = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ncheck:")[2].partition("\n\n")[0]
    assert "\t@$(BIN)/remixup audit > /dev/null" in rules
