"""What a classifier is trained on, in words, and which runs are plain mixup."""

from __future__ import annotations

from typing import Any

import pytest

from remixup.analysis.settings_in_words import DATASETS, MODELS, plain_alpha, setting, training_examples
from remixup.config.registry import load_registry
from remixup.config.run import Dataset, RunSpec

SGD = {"name": "sgd", "lr": 0.1}


def run(**changes: Any) -> RunSpec:
    fields: dict[str, Any] = {"dataset": {"name": "cifar10"}, "model": {"name": "preact_resnet", "width": 16}}
    fields |= {"optimizer": SGD, "epochs": 10, "passes": 3, "batch_size": 64}
    return RunSpec.model_validate(fields | changes)


def mixed(alpha: float = 1.0, **changes: Any) -> RunSpec:
    return run(mixing={"ratio": {"name": "beta", "alpha": alpha}, **changes})


@pytest.mark.parametrize(
    ("dataset", "count"),
    [
        ({"name": "cifar10"}, 50_000),
        ({"name": "cifar10", "subset": 2000}, 2000),
        ({"name": "iris", "holdout": 0.5}, 75),
        ({"name": "iris", "holdout": 50, "validation": 0.1}, 90),
        ({"name": "cifar10", "subset": 2000, "validation": 200}, 1800),
    ],
)
def test_training_examples(dataset: dict[str, Any], count: int) -> None:
    assert training_examples(Dataset.model_validate(dataset)) == count


def test_a_setting_is_shared_by_methods_and_executions() -> None:
    erm, mixup, other = setting(run()), setting(mixed()), setting(run(epochs=11))
    dropout = setting(run(model={"name": "preact_resnet", "width": 16, "dropout": 0.3}))
    assert erm.digest == mixup.digest == dropout.digest == setting(run(precision="bfloat16")).digest
    assert len({erm.protocol, mixup.protocol, dropout.protocol}) == 3
    assert erm.digest != other.digest
    assert (erm.dataset, erm.domain, erm.training_examples, erm.passes) == ("CIFAR-10", "image", 50_000, 30)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "PreAct ResNet of width 16, 30 passes"),
        ({"epochs": 1, "passes": 1}, "PreAct ResNet of width 16, 1 pass"),
        (
            {"dataset": {"name": "cifar10", "label_noise": 0.5}, "augmentation": ["random_crop"]},
            "PreAct ResNet of width 16, 30 passes, 50 % random labels, crops",
        ),
        ({"optimizer": {**SGD, "weight_decay": 5e-4}}, "PreAct ResNet of width 16, 30 passes, weight decay 0.0005"),
        (
            {"dataset": {"name": "iris"}, "model": {"name": "mlp"}, "normalization": "raw"},
            "MLP, 30 passes, not scaled, SGD",
        ),
    ],
)
def test_words(changes: dict[str, Any], words: str) -> None:
    assert setting(run(**changes)).words == words


def test_points_of_a_simulator_have_no_domain() -> None:
    found = setting(run(dataset={"name": "two-moons"}, model={"name": "mlp"}))
    assert (found.dataset, found.domain) == ("Two moons", None)


@pytest.mark.parametrize(
    ("spec", "alpha"),
    [
        (mixed(0.2), 0.2),
        (mixed(0.2, partner="uniform"), 0.2),
        (mixed(0.2, warmup_epochs=2), 0.2),
        (run(mixing={"ratio": "uniform"}), 1.0),
        (run(mixing={"ratio": {"name": "uniform", "low": 0.5}}), None),
        (run(mixing={"ratio": {"name": "constant", "value": 0.5}}), None),
        (run(), None),
        (mixed(blend="cutmix"), None),
        (mixed(cut=1), None),
        (mixed(smoothing=0.1), None),
        (mixed(partner="same_class"), None),
        (run(mixing={"ratio": {"name": "beta", "alpha": 1}}, model={"name": "preact_resnet", "dropout": 0.3}), None),
        (run(mixing={"smoothing": 0.1}), None),
    ],
)
def test_plain_mixup(spec: RunSpec, alpha: float | None) -> None:
    assert plain_alpha(spec) == alpha


def test_the_names_in_print_are_of_components_that_exist() -> None:
    registry = load_registry()
    assert DATASETS.keys() <= registry["datasets"].keys()
    assert MODELS.keys() <= registry["kinds"]["model"].keys()
