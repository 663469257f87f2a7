"""Each check of what was trained is what finds the damage: with it taken out the same damage goes through unseen."""

import pytest

from remixup.store import run_store
from remixup.store.run_store import Damaged, Store
from remixup.training import checkpoints
from tests.unit.training.samples import finished, start, table, table_spec


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.fixture
def training():
    return finished(table_spec(epochs=2), table())


def test_a_block(tmp_path, training, monkeypatch):
    block = Store(tmp_path).publish(training.spec, training.seeds, training.history, {})
    block.verify()
    flip(block.folder / "history.csv", -2)
    with pytest.raises(Damaged, match=r"history\.csv differs"):
        block.verify()
    known = block.read("provenance.json")["files"]
    monkeypatch.setattr(run_store, "sha256", lambda path: known[path.name])
    block.verify()


def test_a_checkpoint(tmp_path, training, monkeypatch):
    path = tmp_path / "weights.safetensors"
    checkpoints.keep_weights(training, path)
    assert run_store.weights_fault(path) is None
    kept = path.with_suffix(".json").read_text()
    flip(path, -1)
    assert "differs" in run_store.weights_fault(path)
    # It is whole for all that safetensors knows: nothing but the digest tells.
    checkpoints.load_weights(path, start(training.spec, table()))
    monkeypatch.setattr(run_store, "sha256", lambda path: kept.split('"')[3])
    assert run_store.weights_fault(path) is None


def test_a_resume_point(tmp_path, training, monkeypatch):
    path = tmp_path / "point.safetensors"
    checkpoints.save_resume_point(training, path)
    flip(path, -1)
    assert not checkpoints.load_resume_point(start(training.spec, table()), path)
    digest = checkpoints.safe_open(path, "pt").metadata()["sha256"]
    monkeypatch.setattr(checkpoints, "_digest", lambda *_: digest)
    assert checkpoints.load_resume_point(start(training.spec, table()), path)
