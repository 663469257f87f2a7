"""What a run says about itself when it went on from a resume point."""

import pytest

from remixup.data import prepare
from remixup.store.run_store import Store
from remixup.training import checkpoints
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
