"""`remixup release`: the folder is complete, and its descriptions say what is in it."""

import hashlib
import json
import shutil

import pytest
import yaml

from remixup.maintenance.release import DOCUMENTS
from tests.workflow.conftest import ROOT, SURFACE


@pytest.fixture
def reported(project):
    """A project with a commit, a report of dummy files, and a run whose network is stored."""
    project.git("init", "-q")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "first")
    home = project.folder / "results/embedded"
    home.mkdir(parents=True)
    for name in [*DOCUMENTS, "plan.json"]:
        (home / name).write_text(name)
    say_made_of(project, project.git("rev-parse", "HEAD").stdout.strip())
    return project


def say_made_of(project, commit, dirty=False):
    """Write in the results of which sources they are."""
    path = project.folder / "results/embedded/replication.json"
    path.write_text(json.dumps({"code": {"commit": commit, "dirty": dirty}}))


def entities(folder):
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    assert len({each["@id"] for each in graph}) == len(graph)
    return {each["@id"]: each for each in graph}


def references(value):
    """Every {"@id": ...} in a value."""
    if isinstance(value, dict):
        return {value["@id"]} if set(value) == {"@id"} else set().union(*map(references, value.values()), set())
    return set().union(*map(references, value), set()) if isinstance(value, list) else set()


def test_every_described_file_is_there_and_every_reference_leads_somewhere(reported):
    reported.remixup("release")
    folder = reported.folder / "results/release"
    found = entities(folder)
    files = {name: each for name, each in found.items() if "sha256" in each}
    assert set(DOCUMENTS) < set(files)
    for name, each in files.items():
        content = (folder / name).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["contentSize"] == str(len(content))
    assert all((folder / name).is_dir() for name in found if name.endswith("/") and "://" not in name)
    named = references(list(found.values()))
    assert {name for name in named - set(found) if "://" not in name} == set()
    run = found["#report"]
    assert {each["@id"] for each in run["result"]} == set(DOCUMENTS)
    assert run["startTime"] <= run["endTime"]
    assert found[run["instrument"]["@id"]]["@id"] == found["./"]["mainEntity"]["@id"] == "Snakefile"
    check = yaml.safe_load((folder / "codecheck.yml").read_text())
    assert [each["file"] for each in check["manifest"]] == list(DOCUMENTS)


def test_it_has_the_last_commit_and_nothing_else_of_the_folder(reported):
    (reported.folder / "config.yaml").write_text("scale: paper\n")
    (reported.folder / "private.txt").touch()
    reported.remixup("release", "--set", "scale=embedded", "out")
    folder = reported.folder / "out"
    assert (folder / "config.yaml").read_text() == (ROOT / "config.yaml").read_text()
    assert not (folder / "private.txt").exists()
    reported.remixup("release", "--set", "scale=embedded", "out")  # once more: it is written anew


def test_a_folder_that_is_no_release_is_left_alone(reported):
    done = reported.remixup("release", "src", check=False)
    assert (done.returncode, "no release" in done.stderr) == (2, True)
    assert (reported.folder / "src/remixup").is_dir()


def test_without_a_report_it_says_how_to_make_one(reported):
    (reported.folder / "results/embedded/article.pdf").unlink()
    done = reported.remixup("release", check=False)
    assert (done.returncode, "make the report first" in done.stderr) == (2, True)
    assert not (reported.folder / "results/release").exists()


def test_without_a_commit_it_says_so(reported):
    shutil.rmtree(reported.folder / ".git")
    done = reported.remixup("release", check=False, env={"GIT_CEILING_DIRECTORIES": str(reported.folder.parent)})
    assert (done.returncode, "no commit to release" in done.stderr) == (2, True)


def test_a_report_of_other_sources_is_not_released(reported):
    """Fails, tried out: without the comparison. The description would name sources that did not make the documents."""
    first = reported.git("rev-parse", "HEAD").stdout.strip()
    say_made_of(reported, first, dirty=True)
    done = reported.remixup("release", check=False)
    assert (done.returncode, "the report is of other sources" in done.stderr) == (2, True)
    say_made_of(reported, first)
    (reported.folder / "src/remixup/new.py").touch()
    done = reported.remixup("release", check=False)
    assert (done.returncode, "a release is made from a clean source tree" in done.stderr) == (2, True)
    reported.git("add", "-A")
    reported.git("commit", "-q", "-m", "second")
    done = reported.remixup("release", check=False)
    assert (done.returncode, "snakemake --forcerun collect" in done.stderr) == (2, True)
    assert not (reported.folder / "results/release").exists()


def test_a_release_that_fails_leaves_the_last_one(reported):
    reported.remixup("release", "out")
    before = {path: path.read_bytes() for path in (reported.folder / "out").rglob("*") if path.is_file()}
    (reported.folder / "results/embedded/plan.json").unlink()  # read when the documents are there already
    assert reported.remixup("release", "out", check=False).returncode != 0
    assert {path: path.read_bytes() for path in (reported.folder / "out").rglob("*") if path.is_file()} == before
    (reported.folder / "results/embedded/plan.json").touch()
    reported.remixup("release", "out")


def test_networks_of_the_published_protocol_are_in_it(reported):
    """Those of the row that counts as published, with all seeds; not those of a surrogate."""
    evaluated = {**SURFACE, "scales": {"embedded": {"counts_as": "paper"}}}
    reported.write(evaluated)
    reported.git("add", "-A")
    reported.git("commit", "-q", "-m", "second")
    say_made_of(reported, reported.git("rev-parse", "HEAD").stdout.strip())
    reported.remixup("prepare", "blob-and-ring")
    reported.remixup("train", "surface")
    reported.remixup("release")
    folder = reported.folder / "results/release"
    (weights,) = folder.glob("weights/*/*.safetensors")
    stored = next((reported.folder / "checkpoints").glob("*/*.safetensors"))
    assert weights.read_bytes() == stored.read_bytes()
    assert str(weights.relative_to(folder)) in entities(folder)
