import math

import pytest
import torch
from remixup_benchmarks import anchor
from remixup_benchmarks.anchor import METHODS, NARROW, compare, spec, theirs
from remixup_benchmarks.reference import Reference

from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from tests.unit.training.samples import images

CPU = torch.device("cpu")


@pytest.fixture
def short(monkeypatch):
    """Two epochs of few images, and the loops of the authors that trained on them."""
    data = images(train=40, test=30, side=32, classes=10, channels=3)
    original = anchor.spec
    few = {"epochs": 2, "batch_size": 20, "schedule": {"name": "steps", "milestones": [1]}}

    def small(version, alpha):
        run = original("python", alpha).model_copy(update=few)
        return run.model_copy(update={"dataset": run.dataset.model_copy(update={"subset": 30})})

    loops = []

    class Noted(Reference):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            loops.append(self)
            self.rates = []

        def run(self, steps):
            self.rates.append((steps, self.optimizer.param_groups[0]["lr"]))
            return super().run(steps)

    monkeypatch.setattr(anchor, "spec", small)
    monkeypatch.setattr(anchor, "Reference", Noted)
    return data, loops


def test_both_loops_train_the_same_images_by_the_same_schedule(short):
    data, loops = short
    found = compare(data, "python", METHODS["mixup"], 2)
    assert [loop.rates for loop in loops] == [[(2, 0.1), (2, pytest.approx(0.01))]] * 2
    assert [loop.alpha for loop in loops] == [1.0, 1.0]
    for seed, loop in enumerate(loops):
        inputs = make_inputs(anchor.spec("python", 1.0), [seed], data, CPU)
        seen = torch.from_numpy(loop.loader.dataset.images).permute(0, 3, 1, 2)
        assert torch.equal(seen, inputs.examples(inputs.train)[0])
        assert loop.loader.dataset.labels == inputs.train_labels[0].tolist()
    assert all(0 <= error <= 100 for name in ("authors", "remixup") for error in found[name])


def test_the_error_of_their_network_is_that_of_its_last_weights(short):
    data, loops = short
    inputs = make_inputs(anchor.spec("python", 0.0), [0], data, CPU)
    error = theirs(anchor.spec("python", 0.0), inputs, 0.0, 0)
    (loop,) = loops
    said = loop.network(inputs.scale(inputs.examples(inputs.test)[0])).argmax(1)
    assert error == pytest.approx(100 * (said != inputs.y[inputs.test[0]]).double().mean().item())


def test_welchs_interval(monkeypatch):
    errors = {"theirs": [10.0, 12.0, 14.0], "ours": [11.0, 11.5, 12.0]}
    monkeypatch.setattr(anchor, "make_inputs", lambda *arguments: None)
    monkeypatch.setattr(anchor, "theirs", lambda run, inputs, alpha, seed: errors["theirs"][seed])
    monkeypatch.setattr(anchor, "ours", lambda run, inputs, seed: errors["ours"][seed])
    found = compare(Prepared({}, {}), "python", 0.0, 3)
    # Variances 4 and 1/4 of three each: standard error sqrt(17/12), and (17/12)^2 / ((4/3)^2 / 2 + (1/12)^2 / 2)
    # = 2.2490 degrees of freedom, whose 97.5 % quantile is 3.8769.
    half = 3.8769 * math.sqrt(17 / 12)
    assert found["difference"] == pytest.approx(-0.5)
    assert found["ci95"] == pytest.approx([-0.5 - half, -0.5 + half], rel=1e-4)


def test_the_network_is_theirs_but_narrow():
    run = spec("python", 1.0)
    assert {name: value for name, value in run.model.items() if name != "name"} == NARROW
    assert (NARROW["stem_norm"], NARROW["activated_shortcut"]) == (True, True)
    assert run.mixing.ratio == {"name": "beta", "alpha": 1.0}
    assert spec("python", 0.0).mixing.ratio is None
