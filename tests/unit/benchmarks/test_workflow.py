import subprocess
import sys

import pytest
from remixup_benchmarks import workflow
from remixup_benchmarks.workflow import Workflow

SNAKEMAKE = r"""
import os, pathlib, sys
print("in", pathlib.Path.cwd().name, *sys.argv[1:], file=sys.stderr)
if pathlib.Path("fail").exists():
    sys.exit("no such rule")
if "--dry-run" in sys.argv:
    print("job count", "train 230" if "data={download: true}" in sys.argv else "all 1", sep="\n")
elif pathlib.Path("paper").is_dir() and not pathlib.Path("idle").exists():
    pathlib.Path("results/embedded").mkdir(parents=True, exist_ok=True)
    pathlib.Path("results/embedded/supplement.pdf").touch()
    pathlib.Path("mirror").write_text(os.environ.get("REMIXUP_MIRROR", ""))
    pathlib.Path("sources").write_text(os.environ["PYTHONPATH"])
elif pathlib.Path("idle").exists():
    print("Nothing to be done (all requested files are present and up to date).", file=sys.stderr)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A clone of a small repository, with a Snakemake that tells where it was called."""
    origin = tmp_path / "origin"
    (origin / "paper").mkdir(parents=True)
    (origin / "paper/supplement.tex").touch()
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "start")):
        subprocess.run(["git", *command], cwd=origin, check=True)
    (tmp_path / "snakemake.py").write_text(SNAKEMAKE)
    monkeypatch.setattr(workflow, "ROOT", origin)
    monkeypatch.setattr(Workflow, "_snakemake", (sys.executable, str(tmp_path / "snakemake.py")))
    monkeypatch.setenv("REMIXUP_MIRROR", "/nowhere")
    (tmp_path / "work").mkdir()
    return Workflow(tmp_path / "work")


def test_the_report_is_made_in_a_clone_from_its_own_sources(project):
    assert 0 < project.report() < 60
    assert (project.clone / "sources").read_text() == str(project.clone / "src")
    assert (project.clone / "mirror").read_text() == ""
    assert (project.clone / "paper/supplement.tex").exists()


def test_a_report_that_is_missing_is_an_error(project):
    (project.clone / "idle").touch()
    with pytest.raises(RuntimeError, match="without a report"):
        project.report()


def test_nothing_to_do_is_measured_only_where_nothing_was_to_be_done(project):
    with pytest.raises(RuntimeError, match="something to do"):
        project.done()
    (project.clone / "idle").touch()
    assert project.done() > 0


def test_a_dry_run_has_all_there_is_to_train(project, monkeypatch):
    assert project.dry() > 0
    monkeypatch.setattr(workflow.subprocess, "run", without_data(subprocess.run))
    with pytest.raises(RuntimeError, match="nothing to train"):
        project.dry()


def without_data(run):
    """Calls commands without the configuration that brings the data."""
    return lambda command, **options: run([each for each in command if "download" not in each], **options)


def test_a_command_that_fails_is_told_with_what_it_said(project):
    (project.clone / "fail").touch()
    with pytest.raises(RuntimeError, match=r"(?s)ended with 1.*no such rule"):
        project.dry()
    assert project.nothing() > 0


@pytest.mark.slow
def test_an_empty_snakefile_and_a_dry_run_at_paper_scale(tmp_path):
    project = Workflow(tmp_path)
    assert project.nothing() > 0
    assert project.dry() > 0  # else it says that there was nothing to train
    assert not (project.clone / "results").exists()
