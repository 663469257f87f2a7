"""On the other machine: which tasks start, and what is written when one has ended."""

import json
import subprocess
import sys
import tarfile
import time

import pytest

from remixup.files import sha256
from remixup.maintenance import bundle_run, evidence_time
from remixup.store.provenance import Code


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A queue whose tasks append their names to a file; one called `bad` fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bundle_run, "code", lambda: Code(commit="c", dirty=False, date="2026-01-01"))
    monkeypatch.setattr(bundle_run, "devices", lambda: [])
    monkeypatch.setattr(evidence_time, "OVERHEAD", 0.0)
    bundle_run.LOGS.mkdir(parents=True)
    record = tmp_path / "records/runs/run/seeds-0-0.json"
    record.parent.mkdir(parents=True)
    record.write_text("carried")

    def start(name):
        code = f"open('began', 'a').write('{name} '); print('said by {name}'); {'bad' if 'bad' in name else ''}"
        with (bundle_run.LOGS / f"{name}.txt").open("wb") as log:
            return subprocess.Popen([sys.executable, "-c", code], stdout=log, stderr=subprocess.STDOUT)

    monkeypatch.setattr(bundle_run, "_start", start)

    task = {"trained": [0], "epochs": 1, "rate": "r"}

    def make(*tasks, workers=1):
        document = {
            "commit": "h",
            "benchmark": None,
            "workers": workers,
            "runs_per_gpu": 1,
            "until": None,
            "whole": True,
            "config": {"results": "results"},
            "carried": {"records/runs/run/seeds-0-0.json": sha256(record)},
            "tasks": {
                name: {"after": after, "seconds": seconds, **task, "run": name, "label": name}
                for name, after, seconds in tasks
            },
        }
        bundle_run.QUEUE.write_text(json.dumps(document))

    return make


def began(tmp_path):
    path = tmp_path / "began"
    return path.read_text().split() if path.exists() else []


def test_what_waits_for_a_failed_task_is_not_started_and_the_rest_goes_on(queue, tmp_path, capsys):
    queue(("bad", [], 1.0), ("b", ["bad"], 1.0), ("c", ["b"], 1.0), ("d", [], 1.0))
    assert bundle_run.run(tmp_path / "results", time.time() + 3600) == 1
    assert began(tmp_path) == ["bad", "d"]
    said = capsys.readouterr().out
    assert "bad failed:" in said
    assert "NameError: name 'bad' is not defined" in said, "the worker's error keeps its text"


def test_what_would_end_late_is_not_started_and_neither_is_what_waits_for_it(queue, tmp_path):
    queue(("a", [], 1.0), ("long", [], 1e6), ("b", ["long"], 1.0), ("c", ["a"], 1.0))
    assert bundle_run.run(tmp_path / "results", time.time() + 3600) == 0
    assert began(tmp_path) == ["a", "c"]


def test_the_next_call_begins_with_what_has_not_ended(queue, tmp_path):
    queue(("a", [], 1.0), ("b", ["a"], 1.0))
    evidence_time.note_end(bundle_run.QUEUE, "a", 1.0, 0.5, 1.0)
    bundle_run.run(tmp_path / "results", time.time() + 3600)
    assert began(tmp_path) == ["b"]


def test_some_run_at_a_time_in_their_order(queue, tmp_path):
    queue(*((name, [], 1.0) for name in "abcde"), workers=5)
    bundle_run.run(tmp_path / "results", time.time() + 3600)
    assert sorted(began(tmp_path)) == list("abcde")


def test_the_archive_has_what_is_new_with_its_digest(queue, tmp_path):
    queue(("a", [], 1.0))
    new = tmp_path / "records/runs/run/seeds-1-1.json"
    new.write_text("trained here")
    bundle_run.run(tmp_path / "results", time.time() + 3600)
    with tarfile.open(tmp_path / "results/results.tar.gz") as archive:
        assert archive.getnames() == ["results.json", "records/runs/run/seeds-1-1.json", "logs/a.txt"]
        assert archive.extractfile("records/runs/run/seeds-1-1.json").read() == b"trained here"
        said = json.loads(archive.extractfile("results.json").read())
    assert said["files"] == {"records/runs/run/seeds-1-1.json": sha256(new)}
    assert (said["commit"], said["sources"]) == ("h", "c")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["results.tar.gz"]


def test_sources_that_were_changed_there_train_nothing(queue, tmp_path, monkeypatch):
    queue(("a", [], 1.0))
    monkeypatch.setattr(bundle_run, "code", lambda: Code(commit="c", dirty=True, date="2026-01-01"))
    with pytest.raises(bundle_run.UserError, match="not those of the commit"):
        bundle_run.run(tmp_path / "results", time.time() + 3600)
    assert began(tmp_path) == []
