"""Sources without a repository: git's own hashes say whether they are a commit's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from remixup.store import provenance
from remixup.store.source_proof import FILE, SourceProof

NAMES = ("src", "Snakefile", "run", "no-such-name")


def git(*arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with names that git sorts in its own way, a link, a program, and nested folders."""
    home = tmp_path / "project"
    (home / "src/a/deep").mkdir(parents=True)
    for name in ("src/a.py", "src/a/x.py", "src/a/deep/y.py", "src/a-b", "src/ab", "src/é.txt", "Snakefile", "run"):
        (home / name).write_text(f"{name}\n")
    (home / "run").chmod(0o755)
    (home / "src/link").symlink_to("a/x.py")
    monkeypatch.chdir(home)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    return home


@pytest.fixture
def unpacked(project, tmp_path, monkeypatch):
    """The same files elsewhere, with the proof and a compiled module, and without the repository."""
    proof = SourceProof.of(git("rev-parse", "HEAD"))
    date = git("show", "-s", "--format=%cs", "HEAD")
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    (copy / "src/__pycache__").mkdir()
    (copy / "src/__pycache__/a.pyc").touch()
    (copy / "src/empty").mkdir()
    assert proof.date == date
    monkeypatch.chdir(copy)
    return proof


def test_the_files_of_a_commit_are_known_without_git(unpacked, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert unpacked.differing(NAMES, Path()) == []


def change(path):
    path.write_text("changed\n")


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda: change(Path("src/a/deep/y.py")), "src"),
        (lambda: change(Path("src/new.py")), "src"),
        (lambda: os.unlink("src/ab"), "src"),
        (lambda: os.chmod("src/ab", 0o755), "src"),
        (lambda: os.rename("src/a-b", "src/a_b"), "src"),
        (lambda: (os.unlink("src/link"), os.symlink("a.py", "src/link")), "src"),
        (lambda: os.unlink("Snakefile"), "Snakefile"),
        (lambda: os.chmod("run", 0o644), "run"),
        (lambda: change(Path("no-such-name")), "no-such-name"),
    ],
)
def test_whatever_differs_is_named(unpacked, spoil, name):
    spoil()
    assert unpacked.differing(NAMES, Path()) == [name]


@pytest.mark.parametrize("field", ["commit_object", "tree_object"])
def test_objects_of_another_commit_prove_nothing(project, field):
    first = SourceProof.of(git("rev-parse", "HEAD"))
    change(project / "src/ab")
    git("commit", "-q", "-a", "-m", "next")
    second = SourceProof.of(git("rev-parse", "HEAD"))
    assert second.differing(NAMES, Path()) == []
    with pytest.raises(ValueError, match="not those of commit"):
        second.model_copy(update={field: getattr(first, field)}).differing(NAMES, Path())


def test_provenance_believes_the_proof_and_not_the_repository_around(unpacked, monkeypatch):
    """The bundle may be unpacked inside a checkout of anything."""
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "another project")
    FILE.write_text(unpacked.model_dump_json())
    provenance.code.cache_clear()
    code = provenance.code()
    assert (code.commit, code.clean, code.date) == (unpacked.commit, True, unpacked.date)
    change(Path("src/ab"))
    provenance.code.cache_clear()
    assert not provenance.code().clean
    provenance.code.cache_clear()
