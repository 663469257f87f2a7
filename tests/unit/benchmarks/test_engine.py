import math
from itertools import pairwise

import pytest
import torch
from remixup_benchmarks import engine, lines
from remixup_benchmarks.engine import Engine, Products, VectorizedSeeds, operations, published
from remixup_benchmarks.reference import MODEL
from torch import nn

from remixup import models
from remixup.config.settings import Config
from remixup.planning.plan import plan_experiment
from remixup.training.captured import WARM_UP
from tests.experiments import committed

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setattr(engine, "cores", lambda: 1)
    monkeypatch.setattr(engine, "read_experiments", lambda folder: committed())  # once, and not for each engine
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", torch.backends.cudnn.benchmark)


def test_it_trains_the_published_row_on_the_references_network():
    spec = Engine("cpu", images=8).training.spec
    assert spec.model == {"name": "preact_resnet", **MODEL}
    assert (spec.epochs, spec.batch_size, spec.dataset.name) == (200, 128, "cifar10")
    assert spec.mixing.ratio == {"name": "beta", "alpha": 1.0}
    assert [part["name"] for part in spec.augmentation] == ["random_crop", "horizontal_flip"]
    assert spec.optimizer == {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0001}
    assert (spec.precision, spec.execution.memory_format, spec.execution.threads, spec.execution.compile) == (
        "bfloat16",
        "channels_last",
        1,
        False,
    )


@pytest.mark.parametrize(
    ("how", "settings"), [({}, {}), (engine.WAYS["graph"], {"precision": "bfloat16", "fast": True})]
)
def test_it_is_carried_out_as_the_row_would_be(how, settings):
    path, experiment = committed()["cifar"]
    rows = plan_experiment(path, experiment, Config(**settings), "paper").rows
    expected = next(each.run for each in rows if each.row.id == engine.ROW)
    assert Engine("cpu", images=8, how=how).training.spec == expected


def test_each_way_has_one_part_more():
    runs = [published("cifar", engine.ROW, **how) for how in engine.WAYS.values()]
    parts = [{**run.execution.model_dump(), "precision": run.precision} for run in runs]
    changed = [[name for name in a if a[name] != b[name]] for a, b in pairwise(parts)]
    assert changed == [["precision"], ["memory_format"], ["fused"], ["compile"], ["cuda_graph"]]
    assert all(run.execution.cudnn_benchmark for run in runs), "as in the authors' loop"
    assert list(engine.WAYS) == list(lines.WAYS)


@pytest.mark.slow
def test_warm_it_has_called_every_program_often_enough(monkeypatch):
    contender = Engine("cpu", images=12, how={"execution": {"fused": True, "cuda_graph": True}})
    contender.warm_up()
    assert {program.calls for program in contender.training.programs.programs.values()} == {WARM_UP + 1}


def test_a_run_of_it_is_an_epoch(monkeypatch):
    clock = iter([1.0, 3.5])
    monkeypatch.setattr(engine, "now", lambda device: next(clock))
    contender = Engine("cpu", images=12, tested=2)
    before = [p.detach().clone() for p in contender.training.model.parameters()]
    assert contender.run() == (12, 2.5)
    changed = [not torch.equal(a, b) for a, b in zip(before, contender.training.model.parameters(), strict=True)]
    assert all(changed)
    (row,) = contender.training.history
    assert (row["epoch"], contender.training.epoch) == (1, 1)
    assert math.isfinite(row["train_loss"])


def test_mixing_is_a_share_of_its_step(monkeypatch):
    contender = Engine("cpu", images=8)
    asked = []
    monkeypatch.setattr(engine, "cost", lambda training, steps: asked.append((training, steps)) or [{"share": 1.5}])
    assert contender.mixing(4) == 1.5
    assert asked == [(contender.training, 4)]


def test_operations_are_those_of_the_convolutions_and_of_the_classifier():
    network = models.build("preact_resnet", (3, 32, 32), 10, **MODEL)
    counts = []

    def count(module, inputs, output):
        kernel = math.prod(module.weight.shape[1:])  # what one output is a sum of
        counts.append(2 * kernel * output[0].numel())

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 32, 32))
    # A gradient of the inputs and one of the weights; the first layer's inputs need none.
    assert operations(batch=2) == 3 * sum(counts) - counts[0]


def test_products_are_counted_by_their_operations(monkeypatch):
    products = Products("cpu")
    products.a, products.b, products.side, products.count = products.a[:8, :8], products.b[:8, :8], 8, 3
    clock = iter([0.0, 2.0])
    monkeypatch.setattr(engine, "now", lambda device: next(clock))
    assert products.a.dtype == torch.bfloat16
    assert products.run() == 3 * 8 * 8 * (8 + 8) / 2


def test_a_population_trains_all_its_seeds_by_the_published_protocol(monkeypatch):
    trained = []

    class Watched(engine.SupervisedTrainer):
        def run(self, after_epoch):
            super().run(after_epoch)
            trained.append(self)

    monkeypatch.setattr(engine, "SupervisedTrainer", Watched)
    assert VectorizedSeeds(3).run() > 0
    (training,) = trained
    assert (training.epoch, training.spec.batch_size, training.seeds) == (10, 16, [0, 1, 2])
    assert len(training.history) == 30
    assert training.inputs.train.shape == (3, 75)
    last = [row["test_error"] for row in training.history if row["epoch"] == 10]
    assert max(last) < 35  # it learns Iris


def test_a_row_is_read_from_its_file_with_changes():
    plain, changed = published("uci", "iris-mixup"), published("uci", "iris-mixup", execution={"threads": 2})
    assert (plain.execution.threads, changed.execution.threads) == (1, 2)
    assert changed.key() == plain.key()
    with pytest.raises(ValueError, match="precison"):
        published("uci", "iris-mixup", precison="bfloat16")
