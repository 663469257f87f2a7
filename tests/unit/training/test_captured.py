"""Steps and test passes as programs: they compute what the loop computes, and a GPU can capture them."""

import pytest
import torch
from torch._dynamo.utils import counters

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.inputs import make_inputs
from remixup.planning.plan import merge
from remixup.training.captured import WARM_UP, Programs
from remixup.training.execution import COMPILES, release
from remixup.training.supervised import SupervisedTrainer
from tests.unit.data.test_streaming import jpeg, packed
from tests.unit.training import far
from tests.unit.training.samples import (
    MIXUP,
    finished,
    image_spec,
    images,
    interrupted,
    numbers,
    same,
    spectrograms,
    start,
    table,
    table_spec,
)

NOISE = {"noise": {"name": "gaussian", "sigma": 0.3}}
SGD = {"name": "sgd", "lr": 0.125, "momentum": 0.5, "weight_decay": 0.001}
"""A rate that a float32 has exactly: a program's rate is in a tensor."""
ADAM = {"name": "adam", "lr": 2**-8}
RISE = {"name": "warmup_steps", "milestones": [3], "warmup": 2, "start": 0.25, "factor": 0.5}
CLASSES = images(train=50, channels=3)


def pictures(dataset=(), **changes):
    return image_spec(dataset, **{"optimizer": SGD, "schedule": "constant", **changes})


def rows(dataset=(), **changes):
    return table_spec(dataset, **{"optimizer": ADAM, **changes})


KINDS = {
    "erm": (pictures(), CLASSES),
    "mixup-rate-by-step": (pictures(mixing=MIXUP, schedule=RISE), CLASSES),
    "bfloat16": (pictures(mixing=MIXUP, precision="bfloat16", execution={"memory_format": "channels_last"}), CLASSES),
    "several": (pictures(mixing={"ratio": {"name": "dirichlet", "alpha": 1.0}, "warmup_epochs": 2}), CLASSES),
    "uniform": (pictures(mixing={"ratio": {"name": "uniform"}, "partner": "with_replacement"}), CLASSES),
    "nearer": (pictures(mixing={**MIXUP, "partner": "same_class", "target": "nearer", "smoothing": 0.1}), CLASSES),
    "cutmix": (pictures(mixing={**MIXUP, "blend": "cutmix"}), CLASSES),
    "hidden": (pictures(mixing={**MIXUP, "cut": 2}, micro_batch=6), CLASSES),
    "neighbors": (pictures(mixing={**MIXUP, "partner": {"name": "nearest", "k": 4}, "cut": 1}), CLASSES),
    "label-noise": (pictures({"label_noise": 0.5}, mixing={**MIXUP, **NOISE}, drop_last=True), CLASSES),
    "transport": (pictures(mixing={**MIXUP, "partner": {"name": "transport", "k": 4}}), CLASSES),
    "validated": (rows({"validation": 0.2}, mixing=MIXUP, measure_training=True, measure_f1=True), table()),
    "second-loader": (rows(mixing={**MIXUP, **NOISE, "partner": "second_loader"}, passes=2, fresh_weights=2), table()),
    "sums": (rows(mixing=MIXUP, optimizer={**ADAM, "name": "adam_of_sums"}), table()),
    "kernel": (rows(mixing={**MIXUP, "partner": {"name": "label_kernel", "bandwidth": 1.0}}), numbers()),
    "spectrograms": (pictures(normalization="raw", augmentation=[], mixing=MIXUP), spectrograms(validation=9)),
}


def executed(spec, **how):
    return RunSpec.model_validate(merge(spec.model_dump(), {"execution": how}))


def programs(spec, **how):
    return executed(spec, fused=True, cuda_graph=True, **how)


@pytest.mark.parametrize("kind", KINDS)
def test_programs_compute_what_the_loop_computes_to_the_bit(kind):
    spec, data = KINDS[kind]
    seeds = (0, 1, 4) if spec.vectorized else (0,)
    same(finished(executed(spec, fused=True), data, seeds), finished(programs(spec), data, seeds))


def test_programs_train_on_image_files(tmp_path):
    path, offsets = packed(tmp_path, [jpeg(seed) for seed in range(70)])
    y = torch.arange(70) % 3
    tensors = {"train_offsets": offsets[:51], "test_offsets": offsets[50:], "train_y": y[:50], "test_y": y[50:]}
    data = Prepared(tensors, {"classes": 3, "sha256": "0" * 64}, images=path)
    decoded = {
        "name": "photo-digits-jpeg",
        "version": "generated",
        "decode": {"name": "random_resized_crop", "size": 8},
    }
    scaling = {"name": "given", "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.25, 0.25]}
    spec = pictures(decoded, normalization=scaling, augmentation=["horizontal_flip"], mixing=MIXUP)
    same(finished(executed(spec, fused=True), data), finished(programs(spec), data))


@pytest.mark.parametrize("kind", ["hidden", "sums", "second-loader"])
def test_interrupted_equals_uninterrupted(kind, tmp_path):
    spec, data = programs(KINDS[kind][0]), KINDS[kind][1]
    same(finished(spec, data), interrupted(lambda: start(spec, data), 2, tmp_path / "point.safetensors"))


@pytest.mark.parametrize("kind", ["erm", "bfloat16"])
def test_fused_updates_differ_by_rounding(kind):
    spec, data = KINDS[kind]
    training, fused = (start(each, data) for each in (spec, executed(spec, fused=True)))
    for each in (training, fused):
        torch.manual_seed(0)
        each.optimize()
    for a, b in zip(training.model.parameters(), fused.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-6 if kind == "erm" else 1e-3)


@pytest.mark.slow
@pytest.mark.skipif(release() < COMPILES, reason="an older PyTorch is not asked to compile")
@pytest.mark.parametrize("kind", ["mixup-rate-by-step", "bfloat16", "hidden", "label-noise", "neighbors"])
def test_compiled_programs_compute_what_the_loop_computes(kind):
    """A whole minibatch is compiled, the last one of an epoch and the test part are not; all see the same weights."""
    spec, data = KINDS[kind]
    counters.clear()
    plain, compiled = finished(spec, data), finished(programs(spec, compile=True), data)
    assert counters["stats"]["unique_graphs"] >= 1
    assert not counters["graph_break"]
    rel = 0.03 if spec.precision == "bfloat16" else 1e-3
    for row, other in zip(plain.history, compiled.history, strict=True):
        for name in ("train_loss", "test_loss"):
            assert other[name] == pytest.approx(row[name], rel=rel)


def addresses(training):
    """Where each tensor is that outlives a step: weights, running statistics, the optimizer's state."""
    state = {**training.model.state_dict(), "rate": training.programs.rate, "loss": training.programs.loss}
    for k, entry in enumerate(training.optimizer.state.values()):
        state |= {f"{name} {k}": value for name, value in entry.items() if isinstance(value, torch.Tensor)}
    state |= {f"sum of {name}": value for name, value in training.programs.measured.items()}
    return {name: getattr(value, "near", value).data_ptr() for name, value in state.items()}


class Watched(Programs):
    """Programs that keep to the rules for what a CUDA graph captures."""

    calls = 0

    def _call(self, key, function, values):
        def watched(inputs):
            warm = self.programs[key].calls > WARM_UP  # as many calls as on a GPU come before it is captured
            before, seen = addresses(self.trainer), len(far.events)
            function(inputs)
            Watched.calls += warm
            if warm:
                assert not [event for event in far.events[seen:] if event != "update"], key
                assert addresses(self.trainer) == before, key

        super()._call(key, watched, values)


def check_rules(spec, data, monkeypatch, trainer=SupervisedTrainer):
    """Train on a device that notes each wait, with all calls watched; return the history."""
    monkeypatch.setattr("remixup.training.supervised.Programs", Watched)
    monkeypatch.setattr(Watched, "calls", 0)
    with far.device(monkeypatch) as device:
        training = trainer(spec, [0], make_inputs(spec, [0], data, device), device)
        training.run(lambda _: None)
    return training.history


def longer(spec):
    """Enough epochs that the last minibatch and the test pass are called often enough."""
    return spec.model_copy(update={"epochs": WARM_UP + 3})


QUICK = ("mixup-rate-by-step", "hidden", "second-loader", "validated")


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in KINDS if kind != "transport"],
)
def test_a_gpu_can_capture_every_kind_of_step(kind, monkeypatch):
    spec, data = longer(programs(KINDS[kind][0])), KINDS[kind][1]
    expected = finished(spec, data).history
    found = check_rules(spec, data, monkeypatch)
    assert Watched.calls > 2 * len(found), "steps, last minibatches and test passes"
    # In bfloat16 the device's memory layout changes the rounding, and after an epoch the run.
    rel, epochs = (0.01, 1) if spec.precision == "bfloat16" else (1e-6, len(found))
    for row, other in zip(expected[:epochs], found, strict=False):
        for name in ("train_loss", "test_loss"):
            assert other[name] == pytest.approx(row[name], rel=rel)


class Waiting(SupervisedTrainer):
    def loss(self, *given):
        found = super().loss(*given)
        return found if found.sum().item() < 1e9 else 0 * found


class Choosing(SupervisedTrainer):
    def loss(self, x, y, *given):
        assert (y >= 0).nonzero().shape[0] > 0
        return super().loss(x, y, *given)


class Sending(SupervisedTrainer):
    def loss(self, x, *given):
        return super().loss(x + torch.tensor([0.5]).to(x.device), *given)


class Replacing(SupervisedTrainer):
    def step(self, *given):
        losses = super().step(*given)
        for state in self.optimizer.state.values():
            state["momentum_buffer"] = state["momentum_buffer"].clone()
        return losses


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
@pytest.mark.parametrize("trainer", [Waiting, Choosing, Sending, Replacing])
def test_a_step_that_breaks_the_rules_is_noticed(trainer, monkeypatch):
    spec, data = longer(programs(KINDS["erm"][0])), KINDS["erm"][1]
    with pytest.raises(AssertionError, match="step"):
        check_rules(spec, data, monkeypatch, trainer)


def trained_on(device, spec, data):
    training = SupervisedTrainer(spec, [0], make_inputs(spec, [0], data, device), device)
    training.run(lambda _: None)
    return training


@pytest.mark.skipif(far.TESTED.type != "cuda", reason="no GPU")
@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"transport"}))
def test_graphs_on_a_gpu_compute_what_the_loop_computes(kind, compile):
    """With dropout, too: a graph goes on in the device's stream of random numbers."""
    spec, data = longer(KINDS[kind][0]), KINDS[kind][1]
    loop = trained_on(far.TESTED, executed(spec, fused=True), data)
    captured = trained_on(far.TESTED, programs(spec, compile=compile), data)
    done = captured.programs.programs
    assert all(program.graph is not None for program in done.values() if program.calls > WARM_UP)
    assert {key[0] for key, program in done.items() if program.graph is not None} == {"step", "test"}
    rel = 0.1 if spec.precision == "bfloat16" else 1e-2
    for row, other in zip(loop.history, captured.history, strict=True):
        for name in ("train_loss", "test_loss"):
            assert other[name] == pytest.approx(row[name], rel=rel)
