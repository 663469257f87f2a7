"""What runs on the CPU here runs on a device as well: nothing is left behind, and no step is waited for."""

import json
from pathlib import Path

import pytest
import torch

from remixup import data
from remixup.config.run import RunSpec
from remixup.config.settings import Config
from remixup.data.inputs import make_inputs
from remixup.evaluation.runner import find
from remixup.planning.plan import plan_experiment
from remixup.training import checkpoints
from remixup.training.dp_sgd import DPTrainer
from remixup.training.runner import start
from tests.experiments import committed
from tests.unit.training import far
from tests.unit.training.samples import CPU

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
TIMED = {"cost"}
"""Evaluations that measure seconds."""


def _parts(run):
    """What a run is made of, as pairs of a kind and a name."""
    spec = run.model_dump(exclude_defaults=True)
    parts = {(kind, spec[kind]["name"]) for kind in ("model", "optimizer", "objective") if kind in spec}
    parts |= {("objective", name) for name in spec.get("objective", {})}
    parts |= {("augmentation", part["name"]) for part in run.augmentation}
    parts |= {("dataset", name) for name in spec["dataset"] if name not in ("name", "version")}
    for name, value in spec.get("mixing", {}).items():
        parts.add((name, value["name"] if isinstance(value, dict) else ""))
    settings = {"precision", "micro_batch", "passes", "fresh_weights", "measure_training", "measure_f1"}
    return parts | {("run", name) for name in settings & spec.keys()}


def _rows():
    """Rows at embedded scale, of each part and of each evaluation the first that has it."""
    seen = set()
    for name, (path, experiment) in committed().items():
        plan = plan_experiment(path, experiment, Config(), "embedded")
        rows = {row.row.id: row for row in plan.rows if row.available}
        for id_, row in rows.items():
            new = {part["name"]: part for part in row.evaluate if part.get("source", id_) in rows}
            new = {kind: part for kind, part in new.items() if kind not in seen}
            if new or _parts(row.run) - seen:
                seen |= _parts(row.run) | new.keys()
                sources = [rows[part["source"]].run if "source" in part else None for part in new.values()]
                yield pytest.param(row.run, list(zip(new.values(), sources, strict=True)), id=f"{name}-{id_}")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder, kept = tmp_path_factory.mktemp("data"), {}

    def load(run):
        which = run.dataset.name, run.dataset.version
        if which not in kept:
            data.prepare(*which, folder=folder, mirror=None, download=False)
            kept[which] = data.load(*which, folder=folder)
        return kept[which]

    return load


def _small(run, loaded):
    """Two epochs of the run, on few examples."""
    spec = run.model_dump()
    spec["epochs"] = 2
    spec["mixing"]["warmup_epochs"] = 0
    spec["batch_size"] = min(16, spec["batch_size"])
    spec["micro_batch"] = spec["micro_batch"] and 8
    spec["fresh_weights"] = spec["fresh_weights"] and 1
    if "iterations" in spec["objective"]:
        spec["objective"]["iterations"] = 3
    if "train_y" in loaded.tensors:
        spec["dataset"]["subset"] = min(96, spec["dataset"]["subset"] or len(loaded.tensors["train_y"]))
    return RunSpec.model_validate(spec)


def _trained(run, loaded, device, point, seeds=None):
    """Trained to the end, interrupted after an epoch; and what happened on the device in the last one."""
    seeds = seeds or ([0, 1] if run.vectorized else [0])

    def begin():
        return start(run, seeds, make_inputs(run, seeds, loaded, device), device)

    training = begin()
    training._train_epoch()
    training.epoch = 1
    checkpoints.save_resume_point(training, point)
    resumed = begin()
    assert checkpoints.load_resume_point(resumed, point)
    far.events.clear()
    resumed.run(lambda _: None)
    return resumed, list(far.events)


def _by_example(self, x, target):
    """`DPTrainer.gradients` without `torch.func`, which does not see through tensors that are not its own."""
    weights = list(self.model.parameters())
    if not len(x):
        return [weight.detach().new_zeros(0, *weight.shape) for weight in weights], x.new_zeros(0)
    losses = [self.inputs.task.loss(self.model(one), its) for one, its in zip(x, target, strict=True)]
    found = [torch.autograd.grad(loss, weights) for loss in losses]
    return [torch.stack(each) for each in zip(*found, strict=True)], torch.stack(losses).detach()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
@pytest.mark.parametrize(("run", "evaluations"), list(_rows()))
def test_runs_and_evaluations_are_the_same_on_a_device(run, evaluations, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(DPTrainer, "gradients", _by_example)

    def measured(device):
        """The history, and what each evaluation gives; and what happened in the last epoch."""

        def trained(run, seeds=None):
            return _trained(_small(run, prepared(run)), prepared(run), device, tmp_path / "point", seeds)

        training, happened = trained(run)
        values = [training.history]
        for part, source in evaluations:
            named = {key: value for key, value in part.items() if key not in ("name", "source")}
            if source is not None:
                named["others"], _ = trained(source, seeds=[1])
            found = find(part["name"])(training, **named)
            values.append(json.loads(json.dumps(found if part["name"] not in TIMED else [])))
        return values, happened

    here, _ = measured(CPU)
    with far.tested(monkeypatch) as device:
        there, happened = measured(device)
    if device != far.FAR:  # other kernels, whose rounding may decide an example
        for row, other in zip(here[0], there[0], strict=True):
            assert other["train_loss"] == pytest.approx(row["train_loss"], rel=0.02)
        assert _numbers(there).shape == _numbers(here).shape
        return
    torch.testing.assert_close(_numbers(there), _numbers(here), rtol=1e-9, atol=1e-9, equal_nan=True)
    updates = [k for k, event in enumerate(happened) if event == "update"]
    assert updates
    if run.mixing.partner["name"] != "transport":  # solved on the CPU, minibatch by minibatch
        sent = {"send: aten._to_copy.default"} if run.dataset.decode else set()  # image files, decoded on the CPU
        assert set(happened[updates[0] : updates[-1]]) - sent == {"update"}


def _numbers(value):
    """All numbers of a JSON document, float64 (n,)."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return torch.cat([_numbers(each) for each in value] or [torch.zeros(0, dtype=torch.float64)])
    return torch.tensor([value] if isinstance(value, int | float) else [], dtype=torch.float64)
