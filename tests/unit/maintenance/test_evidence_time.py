"""What is started when little time is left, and which seeds are trained where."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from remixup.analysis import records
from remixup.config.settings import Config
from remixup.costs.rates import Device
from remixup.errors import UserError
from remixup.maintenance import evidence_queue, evidence_time
from remixup.store.run_store import Store
from remixup.training.flops import training_operations

NAME = "0001-run"


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A queue of two tasks, of 100 and of 1000 seconds."""
    monkeypatch.chdir(tmp_path)

    def make(until, whole=True):
        tasks = {
            f"{number:04}-run": {"run": "run", "trained": [number], "seconds": seconds, "rate": rate, "epochs": 10}
            for number, (seconds, rate) in enumerate([(100.0, "a"), (1000.0, "a"), (None, "a"), (500.0, "b")])
        }
        config = {"results": str(tmp_path / "results")}
        return tmp_path / "queue.json", {"config": config, "until": until, "whole": whole, "tasks": tasks}

    monkeypatch.setattr(evidence_time, "OVERHEAD", 20.0)
    monkeypatch.setattr(evidence_time, "IMPORTS", 5.0)
    monkeypatch.setattr(evidence_time.time, "time", lambda: 5000.0)
    return make


def test_only_what_ends_in_time_is_started(queue):
    assert not evidence_time.late(*queue(6021.0), NAME)
    assert evidence_time.late(*queue(6019.0), NAME)
    assert not evidence_time.late(*queue(6019.0, whole=False), NAME)
    assert not evidence_time.late(*queue(None), NAME)
    unknown = "0002-run"
    assert not evidence_time.late(*queue(5001.0), unknown)
    assert evidence_time.late(*queue(4999.0), unknown)


def test_what_ended_says_how_long_the_next_takes(queue):
    """Of 0000-run, half was trained before: 60 seconds for the other half are 120 for all, 1.2 times the estimate."""
    path, document = queue(None)
    evidence_time.note_end(path, "0000-run", 70.0, 60.0, 0.5)
    assert evidence_time.expected_seconds(path, document, NAME) == pytest.approx(1200 + 10 + 5)
    other = "0003-run"
    assert evidence_time.expected_seconds(path, document, other) == pytest.approx(500 + 10 + 5), "another network"
    evidence_time.note_end(path, NAME, 3.0, 900.0, 1.0)  # it was in the store, and took no time now
    assert evidence_time.expected_seconds(path, document, NAME) == pytest.approx(1200 + 10 + 5)


def test_epochs_of_a_resume_point_are_done(queue):
    path, document = queue(None)
    point = Store(path.parent / "results").resume_point("run", [1])
    point.parent.mkdir(parents=True)
    save_file({"x": np.zeros(1)}, point, {"epoch": json.dumps(7)})
    assert evidence_time.expected_seconds(path, document, NAME) == pytest.approx(20 + 300)
    point.write_bytes(b"cut off")
    assert evidence_time.expected_seconds(path, document, NAME) == pytest.approx(20 + 1000)


def tasks(**item):
    queue = [evidence_queue.Item(experiment="cifar", scale="paper", **item)]
    return evidence_queue.tasks_of(queue, Config(data={"download": True}), "queue", Device("some GPU", 2, 1e13))


def test_chosen_seeds_are_on_record_each_by_itself(monkeypatch, tmp_path):
    """Another machine has the others. Fails, tried out: where a task is on record with all seeds up to its own."""
    found = tasks(rows=["cifar10-preact18-erm"])
    chosen = evidence_queue.of_seeds(found, range(3, 5))
    assert [each.trained for each in chosen] == [[3], [4]]
    assert [str(each)[-6:] for each in chosen] == ["seed 3", "seed 4"]
    asked = []
    monkeypatch.setattr(records, "complete", lambda results, row, seeds: asked.append(seeds) or seeds == [3])
    assert [each.on_record for each in chosen] == [True, False]
    assert asked == [[3], [4]]


def test_seeds_that_train_together_are_not_divided():
    queue = [evidence_queue.Item(experiment="uci", scale="paper", rows=["iris-erm"])]
    [together] = evidence_queue.tasks_of(queue, Config(data={"download": True}), "queue")
    assert len(together.trained) > 5
    assert evidence_queue.of_seeds([together], range(100)) == []


def test_a_stated_rate_and_runs_that_take_turns():
    [task, *_] = tasks(rows=["cifar10-preact18-erm"])
    assert task.seconds == pytest.approx(2 * training_operations(task.run) / 1e13)


@pytest.mark.parametrize(("text", "seeds"), [("3-4", [3, 4]), ("7", [7])])
def test_a_range_of_seeds(text, seeds):
    from remixup.cli.evidence import read_seeds

    assert list(read_seeds(text)) == seeds


@pytest.mark.parametrize("text", ["", "3-", "a", "1-2-3", "-4"])
def test_no_range_of_seeds(text):
    from remixup.cli.evidence import read_seeds

    with pytest.raises(UserError, match="not a range of seeds"):
        read_seeds(text)
