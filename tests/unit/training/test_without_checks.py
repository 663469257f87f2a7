"""Each check of what was trained is what finds the damage: with it taken out the same damage goes through unseen."""

import pytest

from remixup.store import blocks, run_store
from remixup.store.blocks import Damaged, SeedBlock, columns
from remixup.store.run_store import Store
from remixup.training import checkpoints
from tests.unit.store.samples import provenance
from tests.unit.training.samples import finished, start, table, table_spec


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.fixture
def training():
    return finished(table_spec(epochs=2), table())


def test_a_block(tmp_path, training, monkeypatch):
    store = Store(tmp_path)
    path = store.path(store.publish(training.spec, training.seeds, training.history, provenance()))
    text = path.read_text()
    path.write_text(text.replace('"seconds": 1.5', '"seconds": 1.25'))
    with pytest.raises(Damaged, match="differs from its digest"):
        SeedBlock.read(path)
    digest = text.rpartition('"sha256": "')[2][:64]
    monkeypatch.setattr(blocks, "content_digest", lambda content: digest)
    assert SeedBlock.read(path).provenance.seconds == 1.25


def test_values_that_do_not_follow_from_the_history(training):
    block = SeedBlock.of(training.spec, training.seeds, columns(training.history), provenance())
    block.check_values()
    values = {**block.values, "test_error.last": [0.5 for _ in block.seeds]}
    with pytest.raises(Damaged, match=r"its test_error\.last does not follow from its history"):
        block.model_copy(update={"values": values}).check_values()
    with pytest.raises(Damaged, match="its divergence does not follow"):
        block.model_copy(update={"diverged": [True for _ in block.seeds]}).check_values()


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
