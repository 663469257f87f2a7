"""Resume points: what a run says about itself when it went on from one, and what they cost; provenance of a run."""

import itertools
from importlib.metadata import version

import pytest

from remixup.data import prepare
from remixup.store import provenance
from remixup.store.blocks import SeedBlock
from remixup.store.run_store import Store
from remixup.training import checkpoints
from remixup.training import runner as runner_module
from remixup.training.runner import Frozen, Runner
from tests.unit.training.samples import CPU, image_spec

FIRST_OF_JANUARY = "2026-01-01T12:00:00+00:00"


class Killed(Exception):
    pass


def test_an_interrupted_run_started_when_its_first_epoch_did(tmp_path):
    """A run that began before a freeze was committed is older than the freeze, wherever its last call began."""
    spec, store = image_spec(epochs=2), Store(tmp_path / "results", scratch=tmp_path / "scratch")
    prepare("digits", folder=tmp_path / "data")

    def kill(run, seeds, training):
        training.started = FIRST_OF_JANUARY
        checkpoints.save_resume_point(training, store.resume_point(run, seeds))
        raise Killed

    with pytest.raises(Killed):
        Runner(store, tmp_path / "data", CPU, kill).train(spec, 1, keep_weights=False)
    epochs = []
    runner = Runner(store, tmp_path / "data", CPU, lambda run, seeds, training: epochs.append(training.epoch))
    [resumed] = runner.train(spec, 1, keep_weights=False)
    assert (epochs, resumed.provenance.started) == ([2], FIRST_OF_JANUARY)

    runner.frozen = Frozen("f" * 64, 1000)
    [fresh] = runner.train(spec, 1, keep_weights=False)
    assert fresh.seeds == [1000]
    assert fresh.provenance.started > FIRST_OF_JANUARY


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.mark.parametrize("cost", [0.01, 0.2, 3.0])
def test_resume_points_take_a_hundredth_of_a_run_whatever_the_disk_costs(monkeypatch, tmp_path, cost):
    """An hour of epochs of half a second.

    Fails, tried out: with RESUME_SECONDS alone, and where the cost of the next one is not counted.
    """
    clock, written = Clock(), []

    def save(training, path):
        written.append(clock.now)
        clock.now += cost

    monkeypatch.setattr(runner_module, "time", clock)
    monkeypatch.setattr(checkpoints, "save_resume_point", save)
    points = runner_module.ResumePoints(tmp_path / "point")
    while clock.now < 4600:
        clock.now += 0.5
        points.write_if_due(None)
    spent = len(written) * cost
    assert spent <= 36
    assert spent >= 0.7 * min(36, cost * 3600 / 5.5), "as many as may be"
    assert min(after - before for before, after in itertools.pairwise(written)) >= 5


def test_provenance_names_what_shared_the_device_and_what_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "PACKAGES", ("torch", "no-such-package"))
    store = Store(tmp_path / "results", scratch=tmp_path / "scratch")
    prepare("digits", folder=tmp_path / "data")
    for count, expected in ((1, None), (2, 2)):
        runner = Runner(store, tmp_path / "data", CPU, lambda *_: None, runs_per_device=count)
        [*_, block] = runner.train(image_spec(epochs=1), count, keep_weights=False, first=count - 1)
        stored = SeedBlock.read(store.path(block))
        assert stored.provenance.runs_per_device == expected
        assert stored.provenance.environment.versions == {"torch": version("torch"), "no-such-package": None}
