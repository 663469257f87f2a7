"""A bundle is packed from a clean tree into parts of a limited size, and unpacked whole or not at all."""

import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remixup.errors import UserError
from remixup.maintenance import bundle_pack, bundle_script
from remixup.maintenance.evidence_time import OVERHEAD
from remixup.store import provenance
from remixup.store.source_proof import FILE, SourceProof

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@settings(max_examples=40, deadline=None)
@given(blocks=st.lists(st.binary(max_size=40), max_size=12), limit=st.integers(5, 30), size=st.integers(1, 50))
def test_parts_are_full_and_give_back_what_was_written(tmp_path_factory, blocks, limit, size):
    folder, whole = tmp_path_factory.mktemp("parts"), b"".join(blocks)
    with bundle_pack.Parts(folder, limit) as parts:
        for block in blocks:
            parts.write(block)
    sizes = [path.stat().st_size for path in parts.paths]
    assert all(size == limit for size in sizes[:-1])
    assert len(sizes) == -(-len(whole) // limit)
    joined = bundle_script.Joined(parts.paths)
    assert b"".join(iter(lambda: joined.read(size), b"")) == whole


def git(*arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A committed work tree, with a file that training does not need."""
    home = tmp_path / "project"
    for name in (
        "src/a.py",
        "src/deep/b.py",
        "experiments/c.yaml",
        "records/runs/r.json",
        "docs/page.md",
        "config.yaml",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"{name}\n")
    (home / ".gitignore").write_text("/.remixup/\n")
    monkeypatch.chdir(home)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    provenance.code.cache_clear()
    yield home
    provenance.code.cache_clear()


@pytest.fixture
def packed(tree, tmp_path):
    """A bundle of that tree in parts of half a MiB, next to one another."""
    data = tmp_path / "prepared/some-data"
    data.mkdir(parents=True)
    (data / "tensors").write_bytes(random.Random(0).randbytes(600_000))  # which cannot be compressed
    wheel, queue = tmp_path / "some-1.0-py3-none-any.whl", tmp_path / "queue.json"
    subprocess.run([sys.executable, "-m", "zipfile", "-c", wheel, tree / "src/deep"], check=True)
    queue.write_text("{}")
    bundle = bundle_pack.Bundle([], queue, [data], [wheel], PYTHON, 7.0)
    return bundle_pack.write(bundle, Path(".remixup/bundle"), 0.5), data


@pytest.fixture
def there(packed, tmp_path, monkeypatch):
    """The script, which finds the parts in a folder of the other machine as they come."""
    folder = tmp_path / "there"
    folder.mkdir()
    said = json.loads((packed[0][0].parent / "bundle.json").read_text())
    monkeypatch.setattr(bundle_script, "HERE", folder)
    return SimpleNamespace(folder=folder, said=said, work=tmp_path / "work")


def test_parts_come_one_by_one_and_are_unpacked_when_all_have_come(packed, there):
    parts, data = packed
    assert len(parts) > 2
    assert all(path.stat().st_size <= 2**19 - bundle_pack.RESERVE for path in parts)
    names = [path.name for path in parts]
    for number, path in enumerate(parts, 1):
        path.rename(there.folder / path.name)
        assert bundle_script.take_parts(there.said, there.work) == names[number:]
        (there.folder / path.name).unlink()
    bundle_script.unpack(there.said, there.work)
    unpacked = there.work / "unpacked"
    assert (unpacked / "tree/data/prepared/some-data/tensors").read_bytes() == (data / "tensors").read_bytes()
    assert (unpacked / "site/deep/b.py").read_text() == "src/deep/b.py\n", "the content of the wheel"
    assert (unpacked / "tree/records/runs/r.json").exists()
    assert not (unpacked / "tree/docs").exists()
    proof = SourceProof.model_validate_json((unpacked / "tree" / FILE).read_text())
    assert proof.differing(provenance.SOURCES, unpacked / "tree") == []
    assert bundle_script.take_parts(there.said, there.work) == [], "at the next call nothing is asked for"


def test_a_part_that_was_damaged_on_the_way_is_refused(packed, there):
    (there.folder / "part-01").write_bytes(packed[0][0].read_bytes()[:-1] + b"?")
    with pytest.raises(SystemExit, match="part-01 differs from its digest"):
        bundle_script.take_parts(there.said, there.work)
    assert not (there.work / "parts/part-01").exists()


def test_another_python_than_the_wheels_are_for_is_refused(there, monkeypatch, capsys):
    (there.folder / "bundle.json").write_text(json.dumps({**there.said, "python": "3.99"}))
    monkeypatch.setattr(sys, "argv", ["run.py", "--work", str(there.work)])
    assert bundle_script.main() == 2
    assert "packed for Python 3.99" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["src/a.py", "src/new.py", "docs/page.md"])
def test_a_tree_that_differs_from_its_commit_is_refused(tree, change):
    bundle_pack.require_clean()
    (tree / change).write_text("changed\n")
    with pytest.raises(UserError, match="clean work tree") as caught:
        bundle_pack.require_clean()
    assert change in str(caught.value)


def test_no_repository_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    provenance.code.cache_clear()
    with pytest.raises(UserError, match="git repository"):
        bundle_pack.require_clean()
    provenance.code.cache_clear()


def test_parts_that_are_smaller_than_the_script_are_refused(tree, tmp_path):
    with pytest.raises(UserError, match="too little"):
        bundle_pack.write(bundle_pack.Bundle([], tmp_path / "q", [], [], PYTHON, 1.0), tmp_path / "to", 0.2)


@pytest.mark.parametrize("other", ["results/results.tar.gz", "notes.txt"])
def test_a_folder_with_other_files_is_not_emptied(packed, tmp_path, other):
    """Such as results that were brought back, and are not collected yet."""
    folder = Path(".remixup/bundle")
    (folder / other).parent.mkdir(exist_ok=True)
    (folder / other).touch()
    before = {path.name for path in folder.iterdir()}
    with pytest.raises(UserError, match=r"the folder has (results|notes\.txt), which is of no bundle"):
        bundle_pack.write(bundle_pack.Bundle([], tmp_path / "q", [], [], PYTHON, 1.0), folder, 0.5)
    assert {path.name for path in folder.iterdir()} == before


class Task(SimpleNamespace):
    freeze = None
    baseline = False

    def __str__(self):
        return self.name


def test_what_ends_in_the_time_is_packed():
    """Two at a time, 10 minutes: d waits for b, and would end at 11."""
    minutes = {"a": 8, "b": 4, "c": 11, "d": 7, "e": 5}
    tasks = [Task(name=name, seconds=60 * each - OVERHEAD) for name, each in minutes.items()]
    assert [task.name for task in bundle_pack.fitting(tasks, 10, 2)] == ["a", "b", "e"]
    assert [task.name for task in bundle_pack.fitting(tasks, 3, 2)] == []


def test_without_its_baselines_nothing_of_a_freeze_is_packed():
    tasks = [Task(name="erm", seconds=1e4, freeze="f", baseline=True), Task(name="mixup", seconds=1.0, freeze="f")]
    assert bundle_pack.fitting(tasks, 10, 1) == []


def test_a_task_of_unknown_length_is_refused():
    with pytest.raises(UserError, match=r"no record says.*: some task.*--tflops"):
        bundle_pack.fitting([Task(name="some task", seconds=None)], 10, 1)
