"""`Mixing` where users call it: in loaders and their workers, in modules, compiled, under autocast."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from remixup.mixing import Mixing, MixingModule, soft_cross_entropy

BETA = {"name": "beta", "alpha": 1.0}
MIXUP = Mixing.compose(ratio=BETA, classes=4)
CUTMIX = {
    "ratio": {"name": "constant", "value": 0.3},
    "blend": "cutmix",
}  # a box of at least a pixel, whatever is drawn
X, Y = torch.randn(24, 3, 4, 4), torch.arange(24) % 4


def ratios(loader):
    """The distance of λ from 1/2 of each minibatch: a target has the weights λ and 1 - λ, or 1 if it met itself."""
    return [round(float((target - 0.5).abs().min()), 6) for _, target in loader]


class SeededTwice:
    """A collate function that captured a generator."""

    generator = torch.Generator().manual_seed(0)

    def __call__(self, examples):
        x, y = zip(*examples, strict=True)
        return MIXUP(torch.stack(x), torch.stack(y), self.generator)


def test_it_is_a_collate_function():
    [(x, target)] = DataLoader(TensorDataset(X, Y), 24, collate_fn=MIXUP.collate)
    assert (x.shape, target.shape) == (X.shape, (24, 4))
    # pairs of Python numbers, as of many datasets
    x, target = MIXUP.collate([(X[k], int(Y[k])) for k in range(6)])
    assert (x.shape, target.shape) == ((6, 3, 4, 4), (6, 4))
    with pytest.raises(ValueError, match="pairs of input and label"):
        MIXUP.collate([(X[0], 1, 2), (X[1], 1, 2)])


def test_workers_and_epochs_draw_different_ratios_and_the_loader_repeats_them():
    examples, mixing = TensorDataset(X, torch.arange(24)), Mixing.compose(ratio=BETA, classes=24)

    def draws(seed):
        source = torch.Generator().manual_seed(seed)
        loader = DataLoader(examples, 6, collate_fn=mixing.collate, num_workers=2, generator=source)
        return ratios(loader) + ratios(loader)

    first = draws(1)
    assert len(set(first)) == len(first) == 8
    assert draws(1) == first


def test_a_captured_generator_is_refused_in_workers():
    loader = DataLoader(TensorDataset(X, Y), 4, collate_fn=SeededTwice(), num_workers=1)
    with pytest.raises(ValueError, match="every worker of a DataLoader has a copy of this generator"):
        list(loader)
    assert len(list(DataLoader(TensorDataset(X, Y), 4, collate_fn=SeededTwice()))) == 6


def test_the_global_generator_is_the_default_whatever_the_dtype():
    torch.manual_seed(5)
    x, target = MIXUP(X, Y)
    torch.manual_seed(5)
    again = MIXUP(X, Y)
    assert torch.equal(x, again[0])
    assert torch.equal(target, again[1])
    assert not torch.equal(x, MIXUP(X, Y)[0])
    assert MIXUP(X.bfloat16(), Y.int())[0].dtype == torch.bfloat16
    assert MIXUP(X.bfloat16(), Y.int())[1].dtype == torch.float32
    assert MIXUP(X.double(), Y)[1].dtype == torch.float64


@pytest.mark.parametrize("partner", ["permutation", "same_class", "with_replacement"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("side", [4, 160])  # one block, and blocks of several images
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_call_gives_the_same_as_the_parts(partner, dtype, side, layout):
    x, y = torch.randn(11, 3, side, side, dtype=dtype).to(memory_format=layout), torch.arange(11) % 4
    mixing = Mixing.compose(ratio=BETA, partner=partner, classes=4)
    mixed, target = mixing(x, y, torch.Generator().manual_seed(2))
    source = torch.Generator().manual_seed(2)
    ratio, drawn = mixing.ratio((), generator=source), mixing.partner.sample(y, generator=source)
    one_hot = torch.eye(4, dtype=target.dtype)[y]
    expected = mixing.mix_with(x, one_hot, x[drawn], one_hot[drawn], ratio)
    torch.testing.assert_close(mixed, expected[0])
    assert torch.equal(target, expected[1])


def test_gradients_pass_through_mixed_features_to_both_examples():
    x = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    ratio, partner = torch.tensor(0.3, dtype=torch.float64), torch.tensor([1, 2, 3, 4, 5, 0])
    mixed, _ = MIXUP.mix(x, torch.eye(6), ratio, partner)
    mixed[0].sum().backward()
    assert MIXUP(x, torch.eye(6, 4))[0].requires_grad
    expected = torch.zeros(6, 5, dtype=torch.float64)
    expected[0], expected[1] = 0.3, 0.7
    torch.testing.assert_close(x.grad, expected)


def test_the_input_is_left_as_it_is():
    x, y = X.clone(), Y.clone()
    MIXUP(x, y)
    assert torch.equal(x, X)
    assert torch.equal(y, Y)


def test_a_module_follows_the_mode_of_its_parent():
    network = nn.ModuleDict({"mixing": MixingModule(MIXUP), "net": nn.Linear(48, 4)}).train()
    assert not torch.equal(network["mixing"](X, Y)[0], X)
    network.eval()
    x, target = network["mixing"](X, Y)
    assert torch.equal(x, X)
    assert torch.equal(target, torch.eye(4)[Y])


def test_numbers_are_mixed_like_their_inputs():
    x = torch.arange(6.0).unsqueeze(1)
    mixed, numbers = Mixing.compose(ratio=BETA)(x, 10 * x.squeeze(1))
    torch.testing.assert_close(numbers, 10 * mixed.squeeze(1))


@pytest.mark.slow
@pytest.mark.parametrize("parts", [{}, {"partner": "same_class", "smoothing": 0.1}, CUTMIX])
def test_a_step_compiles_without_graph_breaks_under_autocast(parts):
    torch._dynamo.reset()
    network, mixing = (
        nn.Sequential(nn.Flatten(), nn.Linear(48, 4)),
        Mixing.compose(**{"ratio": BETA, **parts, "classes": 4}),
    )

    @torch.compile(fullgraph=True)
    def step(x, y):
        mixed, target = mixing(x, y)
        return mixed, target, soft_cross_entropy(network(mixed), target)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        for size in (24, 24, 11):  # the last minibatch of an epoch is smaller
            mixed, target, loss = step(X[:size], Y[:size])
            assert not torch.equal(mixed, X[:size])
            torch.testing.assert_close(target.sum(1), torch.ones(size))
            assert torch.isfinite(loss)
            loss.backward()


@pytest.mark.slow
def test_it_needs_no_package_beyond_its_dependencies():
    """Everything that is neither torch, SciPy, annotated-types nor something they need themselves is blocked."""
    program = """
import importlib.abc, sys, torch
class Blocked(importlib.abc.MetaPathFinder):
    names = {"pydantic", "typer", "yaml", "rich", "filelock", "snakemake", "dvc", "pandas", "sklearn", "torchvision",
             "safetensors", "PIL", "jinja2", "matplotlib", "seaborn", "statsmodels", "opacus", "wfdb", "pyedflib"}
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names and name.split(".")[0] not in sys.modules:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocked())
from remixup.mixing import Mixing
mixing = Mixing.compose(ratio={"name": "beta", "alpha": 1.0}, partner={"name": "transport", "k": 4}, classes=3)
assert "scipy" not in sys.modules, "it is slow to import, and only needed to solve an assignment"
x, y = mixing(torch.randn(8, 2), torch.arange(8) % 3)
assert x.shape == (8, 2) and y.shape == (8, 3)
"""
    finished = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("method", ["erm", "smoothing", "mixup", "cutmix", "k-mixup", "three-examples"])
def test_the_example_of_an_own_loop_learns_with_every_method(method):
    path = Path(__file__).parents[3] / "examples/own_loop.py"
    names = runpy.run_path(str(path))
    assert set(names["METHODS"]) == {"erm", "smoothing", "mixup", "cutmix", "k-mixup", "three-examples"}
    threads = torch.get_num_threads()
    try:
        assert names["main"](method, epochs=2) < 30  # of 90 percent by chance
    finally:
        torch.set_num_threads(threads)  # other tests compare bits, which depend on it
