"""What privacy must not lose: a gradient that is not finite fails the run, and the sampling rate is fixed."""

import math

import pytest

from remixup.training import runner

from .samples import CPU
from .test_dp_sgd import data, spec, start


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("micro", [None, 7])
def test_one_gradient_that_is_not_finite_stops_the_run(value, micro, monkeypatch):
    """The loss stays finite, as where a square root meets zero; only the last minibatch, and one example of it."""
    training = start(spec("views", micro_batch=micro))
    gradients, batches = training.gradients, iter(range(1000))
    last = training.steps if micro is None else 1

    def broken(x, target):
        found, losses = gradients(x, target)
        if next(batches) + 1 == last:
            found[0][0].view(-1)[0] = value
        return found, losses

    monkeypatch.setattr(training, "gradients", broken)
    with pytest.raises(FloatingPointError, match="gradient of epoch 1 was not finite"):
        training.run(lambda _: None)
    assert training.history == []


def test_such_a_run_has_failed_and_the_next_one_goes_on(monkeypatch, tmp_path):
    from remixup.store.run_store import Store

    wild = spec("plain", optimizer={"name": "sgd", "lr": 1e38}, epochs=1)
    good = spec("plain", epochs=1)
    store = Store(tmp_path / "results", tmp_path / "checkpoints", tmp_path / "scratch")
    make = runner.Runner(store, tmp_path, CPU, lambda *_: None)
    monkeypatch.setattr(runner, "load", lambda *_, **__: data())
    monkeypatch.setattr(runner, "_data", lambda *_: runner.provenance.Data(name="d", version="v", sha256="s"))
    runs = {each.key(): (each, 1) for each in (wild, good)}
    manifest = runner.train_all(make, runs, set(), lambda run: tmp_path / f"{run}.txt")
    assert list(manifest.failed) == [wild.key()]
    assert list(manifest.runs) == [good.key()]
    assert store.blocks(wild.key()) == []
    assert "was not finite" in (tmp_path / f"{wild.key()}.txt").read_text()
    assert all(math.isfinite(value) for value in store.blocks(good.key())[0].history["epsilon"])


def test_training_leaves_the_sampling_rate_and_spends_what_was_planned():
    """The learning rate, which each step sets, is another one."""
    training = start(spec("plain", epochs=2, optimizer={"name": "sgd", "lr": 0.5}))
    rate, planned = training.rate, [training.spent(1), training.spent(2)]
    training.run(lambda _: None)
    assert training.rate == rate != 0.5
    assert [row["epsilon"] for row in training.history] == planned
    assert [row["rate"] for row in training.history] == [0.5, 0.5]
