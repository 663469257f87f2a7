"""Memory that does not suffice and a device that is lost: what is said, and that the next call goes on."""

import pytest
import torch

from remixup.store.run_store import Store
from remixup.training import checkpoints, runner
from remixup.training.runner import DeviceFailure, Runner
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import CPU, MIXUP, image_spec, images

SPEC = image_spec(mixing=MIXUP)
OTHER = image_spec()
SHORT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
LOST = torch.AcceleratorError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ...")
PLACES = {SPEC.key(): "experiments/mixup/cifar.yaml, rows[mixup] at paper scale"}


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Makes runners of one store."""
    monkeypatch.setattr(runner, "load", lambda *_, **__: images())
    monkeypatch.setattr(runner, "_data", lambda *_: runner.provenance.Data(name="d", version="v", sha256="s"))
    store = Store(tmp_path / "results", tmp_path / "checkpoints", tmp_path / "scratch")
    return lambda **options: Runner(store, tmp_path, CPU, lambda *_: None, places=PLACES, **options)


def failing(monkeypatch, error, run=SPEC, epoch=0):
    """From this epoch on the steps of a run fail."""
    step = SupervisedTrainer.step

    def broken(self, *given):
        if self.spec.key() == run.key() and self.epoch >= epoch:
            raise error
        return step(self, *given)

    monkeypatch.setattr(SupervisedTrainer, "step", broken)


@pytest.mark.parametrize(("options", "shared"), [({}, False), ({"runs_per_device": 3}, True)])
def test_without_memory_one_message_names_the_row_and_what_helps(make, monkeypatch, options, shared):
    failing(monkeypatch, SHORT)
    with pytest.raises(DeviceFailure) as caught:
        make(**options).train(SPEC, 1, keep_weights=False)
    said = str(caught.value)
    assert said.startswith("experiments/mixup/cifar.yaml, rows[mixup] at paper scale: out of memory on ")
    assert "\n" not in said
    assert all(word in said for word in ("another device", "run.micro_batch", "another run"))
    assert ("--runs-per-gpu" in said) == shared


@pytest.mark.parametrize("error", [SHORT, LOST])
def test_the_run_has_failed_and_the_others_go_on(make, monkeypatch, tmp_path, capsys, error):
    failing(monkeypatch, error)
    runs = {each.key(): (each, 1) for each in (SPEC, OTHER)}
    manifest = runner.train_all(make(), runs, set(), lambda key: tmp_path / f"{key}.txt")
    assert (list(manifest.failed), list(manifest.runs)) == ([SPEC.key()], [OTHER.key()])
    assert type(error).__name__ in (tmp_path / f"{SPEC.key()}.txt").read_text()
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith(SPEC.key())]
    assert "rows[mixup] at paper scale" in line


def test_after_a_lost_device_the_next_call_goes_on(make, monkeypatch):
    monkeypatch.setattr(runner, "RESUME_SECONDS", -1)
    monkeypatch.setattr(runner, "RESUME_SHARE", 1e9)
    whole = make().train_block(SPEC, [7], keep_weights=False)
    with monkeypatch.context() as patch:
        failing(patch, LOST, epoch=2)
        with pytest.raises(DeviceFailure, match=r"the device failed \(CUDA error: unspecified launch failure\)"):
            make().train(SPEC, 1, keep_weights=False)
    begun, resume = [], checkpoints.load_resume_point
    monkeypatch.setattr(
        checkpoints, "load_resume_point", lambda training, path: (resume(training, path), begun.append(training.epoch))
    )
    (block,) = make().train(SPEC, 1, keep_weights=False)
    assert begun == [2]
    assert len(block.history["epoch"]) == len(whole.history["epoch"]) == 4
