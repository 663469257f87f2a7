import subprocess
import sys

import pytest
import torch

from remixup.training.optimizers import adam, sgd

SETTINGS = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
TRAINING = """
import sys, tempfile
from pathlib import Path
from remixup.training.checkpoints import load_resume_point, save_resume_point
from tests.unit.training.samples import MIXUP, finished, image_spec, images, table, table_spec
for spec, data in (table_spec(mixing=MIXUP), table()), (image_spec(mixing=MIXUP), images()):
    training, point = finished(spec, data), Path(tempfile.mkdtemp(), "point")
    save_resume_point(training, point)
    assert load_resume_point(training, point)
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda weights: sgd(weights, **SETTINGS), lambda weights: torch.optim.SGD(weights, **SETTINGS, foreach=True)),
        (lambda weights: adam(weights, lr=0.01), lambda weights: torch.optim.Adam(weights, lr=0.01, fused=True)),
        (
            lambda weights: adam(weights, lr=0.01, weight_decay=0.1),
            lambda weights: torch.optim.Adam(weights, lr=0.01, weight_decay=0.1, fused=True),
        ),
    ],
    ids=["sgd", "adam", "adam with weight decay"],
)
def test_steps_are_torchs_to_the_last_bit(ours, theirs):
    torch.manual_seed(3)
    start, targets = torch.randn(7, 5), torch.randn(4, 7, 5)
    weights = [start.clone().requires_grad_() for _ in range(2)]
    optimizers = [make([weight]) for make, weight in zip((ours, theirs), weights, strict=True)]
    for target in targets:
        for weight, optimizer in zip(weights, optimizers, strict=True):
            optimizer.zero_grad(set_to_none=True)
            ((weight - target) ** 4).sum().backward()
            optimizer.step()
        assert torch.equal(*weights)
    kept, reference = (optimizer.state_dict()["state"][0] for optimizer in optimizers)
    assert kept.keys() == reference.keys()
    assert not torch.equal(weights[0], start)


def test_no_graph_grows_in_a_step():
    weight = torch.ones(3, requires_grad=True)
    optimizer = adam([weight])
    weight.sum().backward()
    optimizer.step()
    assert weight.grad_fn is None
    assert weight.requires_grad


@pytest.mark.slow
def test_training_does_not_import_the_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
