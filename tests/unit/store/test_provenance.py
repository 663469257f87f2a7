"""What a record says about its code and its packages."""

import subprocess
from types import SimpleNamespace

import numpy
import pytest
import torch

from remixup.errors import UserError
from remixup.store import provenance


def git(folder, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A clean repository with one source file, as working directory."""
    monkeypatch.chdir(tmp_path)
    provenance.code.cache_clear()
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "start", "--date", "2020-01-02T00:00:00")
    yield tmp_path
    provenance.code.cache_clear()


def test_a_clean_tree_is_its_commit_and_a_changed_one_is_not(repository):
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
    assert (provenance.code().commit, provenance.code().clean) == (head, True)
    provenance.require_clean_sources("evidence is trained")
    (repository / "src/a.py").write_text("2\n")
    provenance.code.cache_clear()
    assert (provenance.code().commit, provenance.code().clean) == (head, False)
    with pytest.raises(UserError, match=r"^git status: evidence is trained from a clean source tree \(commit first\)$"):
        provenance.require_clean_sources("evidence is trained")


@pytest.mark.parametrize("setting", [("status.showUntrackedFiles", "no"), ("core.excludesFile", "ignored")])
def test_a_new_file_counts_whatever_the_users_git_hides(repository, setting):
    """Fails, tried out: with a status that the user's settings change."""
    (repository / "ignored").write_text("*.py\n")
    git(repository, "config", *setting)
    (repository / "src/.DS_Store").touch()
    (repository / "src/.ipynb_checkpoints").mkdir()
    (repository / "src/.ipynb_checkpoints/b.py").touch()
    assert provenance.code().clean  # nothing imports hidden files
    provenance.code.cache_clear()
    (repository / "src/b.py").write_text("1\n")
    assert not provenance.code().clean


def test_a_file_that_was_moved_or_removed_counts(repository):
    (repository / "src/a.py").rename(repository / "src/c.py")
    git(repository, "add", "-A")
    assert not provenance.code().clean


def test_sources_whose_state_git_cannot_tell_are_of_no_commit(repository):
    """Fails, tried out: where a status that cannot be read counts as one without changes."""
    (repository / ".git/index").write_bytes(b"damaged")
    assert provenance.code() == provenance.Code()
    with pytest.raises(UserError, match="tree: fatal: "):
        provenance.require_clean_sources("a freeze is made")


def test_outside_a_repository_git_says_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="clean source tree: fatal: not a git repository"):
        provenance.require_clean_sources("evidence is trained")


def test_a_folder_of_another_user_is_refused_with_gits_advice(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UserError, match="dubious ownership") as refused:
        provenance.require_clean_sources("evidence is trained")
    assert refused.value.hint == f"git config --global --add safe.directory {repository}"


def test_versions_are_those_of_what_was_imported(monkeypatch):
    """Metadata on PYTHONPATH may say something else."""
    monkeypatch.setattr(provenance.importlib.metadata, "version", lambda name: "0.0.1")
    versions = provenance.environment().versions
    assert (versions["numpy"], versions["torch"]) == (numpy.__version__, torch.__version__)
    monkeypatch.setitem(provenance.sys.modules, "seaborn", SimpleNamespace())  # without a version of its own
    assert provenance.environment().versions["seaborn"] == "0.0.1"


def test_the_cuda_of_torch_is_no_other_version(monkeypatch):
    monkeypatch.setitem(provenance.sys.modules, "torch", SimpleNamespace(__version__="2.13.0+cu130"))
    monkeypatch.setattr(provenance.importlib.metadata, "version", lambda name: "2.13.0")
    assert provenance.environment().versions["torch"] == "2.13.0"
