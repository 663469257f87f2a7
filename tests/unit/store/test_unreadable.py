"""An error of the disk is not damage: what cannot be read now is neither moved aside nor trained again."""

import errno

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data import prepare
from remixup.evaluation import storage
from remixup.files import disk_error
from remixup.planning.plan import Evaluation
from remixup.store import blocks
from remixup.store.run_store import Store, weights_fault
from remixup.training import checkpoints, runner
from tests.file_operations import files_below, watched

TABLE = {
    "dataset": {"name": "iris", "version": "scikit-learn", "holdout": 0.5},
    "model": {"name": "mlp", "hidden": [2]},
    "optimizer": "adam",
    "epochs": 1,
    "batch_size": 16,
}
RUN = RunSpec.model_validate(TABLE)


@pytest.fixture
def make(tmp_path):
    prepare("iris", "scikit-learn", folder=tmp_path / "data")
    store = Store(tmp_path / "results", tmp_path / "checkpoints", tmp_path / "scratch")
    return runner.Runner(store, tmp_path / "data", torch.device("cpu"), lambda *_: None)


def fails_at(operation, part, code):
    def before(name, path):
        if name == operation and part in str(path):
            raise OSError(code, "it failed")

    return before


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES])
@pytest.mark.parametrize(
    ("operation", "part"),
    [("listdir", "results/runs/"), ("stat", "seeds-0-0.json"), ("read", "runs/"), ("read", "checkpoints/")],
)
def test_training_stops_and_leaves_everything_as_it_was(operation, part, code, make, tmp_path):
    make.train(RUN, 1, keep_weights=True)
    blocks._read.cache_clear()
    before = files_below(tmp_path)
    with watched(tmp_path, fails_at(operation, part, code)), pytest.raises(OSError, match="failed") as raised:
        make.train(RUN, 1, keep_weights=True)
    assert disk_error(raised.value) == code
    assert files_below(tmp_path) == before


def test_a_lost_file_is_damage(make, tmp_path):
    make.train(RUN, 1, keep_weights=True)
    weights = make.store.checkpoint(RUN.key(), [0])
    weights.unlink()
    assert "No such file" in weights_fault(weights)
    with pytest.raises(blocks.Damaged, match="No such file"):
        blocks.SeedBlock.read(tmp_path / "nothing.json")


def test_a_resume_point_that_cannot_be_read_stays(make, tmp_path):
    training = runner.start(RUN, [0], make.inputs(RUN, [0]), make.device)
    path = tmp_path / "point.safetensors"
    assert not checkpoints.load_resume_point(training, path)
    checkpoints.save_resume_point(training, path)
    assert checkpoints.load_resume_point(training, path)
    with watched(tmp_path, fails_at("read", "point", errno.EIO)), pytest.raises(OSError, match="failed"):
        checkpoints.load_resume_point(training, path)
    path.write_bytes(path.read_bytes()[:100])
    assert not checkpoints.load_resume_point(training, path)


def test_evaluations_that_cannot_be_listed_are_not_missing(make, tmp_path):
    (block,) = make.train(RUN, 1, keep_weights=False)
    wanted = Evaluation(RUN.key(), {"name": "decision_surface"}, 1)
    assert storage.find(make.store, wanted, block) is None
    make.store.evaluations.mkdir()
    (make.store.evaluations / wanted.key).write_text("a file where a folder should be")
    with pytest.raises(NotADirectoryError):
        storage.find(make.store, wanted, block)
