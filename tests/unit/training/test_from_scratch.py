"""`examples/mixup_from_scratch.py` and the trainer give the same numbers, bit for bit."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from remixup.config.run import RunSpec
from remixup.data import Prepared
from remixup.data.builders.scikit_learn import digits
from remixup.data.inputs import make_inputs
from remixup.training.supervised import SupervisedTrainer

PATH = Path(__file__).parents[3] / "examples/mixup_from_scratch.py"
specification = importlib.util.spec_from_file_location("mixup_from_scratch", PATH)
example = importlib.util.module_from_spec(specification)
specification.loader.exec_module(example)


def engine(seed, alpha):
    """Training loss and test error of each epoch, as the example returns them."""
    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "digits"},
            "normalization": {"name": "given", "mean": [0.5], "std": [0.5]},
            "model": {"name": "small_cnn", "widths": [16, 32]},
            "optimizer": {"name": "sgd", "lr": example.RATE, "momentum": example.MOMENTUM, "weight_decay": 1e-4},
            "epochs": example.EPOCHS,
            "batch_size": example.BATCH,
            "mixing": {"ratio": {"name": "beta", "alpha": alpha}} if alpha else {},
        }
    )
    tensors = {name: torch.from_numpy(array) for name, array in digits({}).tensors.items()}
    data, cpu = Prepared(tensors, {"classes": 10}), torch.device("cpu")
    training = SupervisedTrainer(spec, [seed], make_inputs(spec, [seed], data, cpu), cpu)
    training.run(lambda _: None)
    return [(row["train_loss"], row["test_error"]) for row in training.history]


@pytest.mark.parametrize(("seed", "alpha"), [(0, 0.0), (0, 1.0), (3, 0.2)])
def test_the_example_is_the_engine_bit_for_bit(monkeypatch, seed, alpha):
    monkeypatch.setattr(example, "EPOCHS", 3)
    found = example.train(seed, alpha)
    assert found == engine(seed, alpha)
    assert found[-1][0] < found[0][0]


def test_it_is_short_and_imports_no_remixup():
    text = PATH.read_text()
    assert len(text.splitlines()) <= 150
    assert "import remixup" not in text
    assert "from remixup" not in text


@pytest.mark.slow
def test_it_prints_both_errors():
    finished = subprocess.run([sys.executable, PATH], check=True, capture_output=True, text=True)
    first, second, third = finished.stdout.splitlines()
    assert first.startswith("ERM")
    assert second.startswith("mixup")
    assert third.startswith("mixup - ERM")
