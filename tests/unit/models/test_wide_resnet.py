import pytest
import torch
from torch import nn

from remixup.errors import UserError
from remixup.models import build


@pytest.mark.parametrize(
    ("depth", "widen", "millions"),
    # Zagoruyko & Komodakis' tables of CIFAR results, to the digit that they print
    [(40, 1, 0.6), (40, 2, 2.2), (40, 4, 8.9), (28, 10, 36.5), (22, 8, 17.2), (16, 8, 11.0), (16, 10, 17.1)],
)
def test_parameters_are_as_many_as_the_paper_says(depth: int, widen: int, millions: float) -> None:
    with torch.device("meta"):
        network = build("wide_resnet", (3, 32, 32), 10, depth=depth, widen=widen)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert round(count / 1e6, 1) == millions


def test_the_default_is_the_mixup_papers() -> None:
    with torch.device("meta"):
        network = build("wide_resnet", (3, 32, 32), 10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 36_479_194


def test_convolutions_are_counted_by_the_depth() -> None:
    # 6 n in the blocks, three shortcuts and the stem make 6 n + 4.
    network = build("wide_resnet", (3, 8, 8), 10, depth=16, widen=2, base=2)
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 16
    kinds = [[block.shortcut is not None for block in network[k]] for k in (1, 2, 3)]
    assert kinds == [[True, False], [True, False], [True, False]]


def test_without_widening_the_first_stage_needs_no_shortcut() -> None:
    network = build("wide_resnet", (1, 8, 8), 10, depth=10, widen=1, base=4)
    assert [network[k][0].shortcut is not None for k in (1, 2, 3)] == [False, True, True]


def test_widths_and_sizes() -> None:
    network, x = build("wide_resnet", (3, 32, 32), 10, depth=10, widen=3, base=2), torch.randn(2, 3, 32, 32)
    shapes = [tuple(network[:k](x).shape[1:]) for k in range(1, 5)]
    assert shapes == [(2, 32, 32), (6, 32, 32), (12, 16, 16), (24, 8, 8)]


def test_a_norm_and_a_relu_come_before_the_pool() -> None:
    head = build("wide_resnet", (1, 8, 8), 3, depth=10, widen=1, base=2).head.eval()
    features = torch.randn(4, 8, 2, 2)
    head[0].running_mean.fill_(0.5)
    pooled = ((features - 0.5) / (1 + head[0].eps) ** 0.5).clamp(min=0).mean((2, 3))
    assert torch.allclose(head(features), pooled @ head[-1].weight.T + head[-1].bias, atol=1e-6)


def test_the_initialization_is_hes_over_the_outputs() -> None:
    torch.manual_seed(0)
    network = build("wide_resnet", (3, 32, 32), 10, depth=10, widen=4)
    for convolution in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
        outputs, _, height, width = convolution.weight.shape
        spread = (2 / (outputs * height * width)) ** 0.5
        count = convolution.weight.numel()
        assert abs(convolution.weight.std() / spread - 1) < 4 / (2 * count) ** 0.5
        assert convolution.weight.abs().max() > 2 * spread  # a normal, not a uniform distribution
    assert not network.head[-1].bias.any()


@pytest.mark.parametrize("depth", [9, 25, 26, 30])
def test_another_depth_is_refused(depth: int) -> None:
    with pytest.raises(UserError, match=rf"run\.model\.depth: .* depth {depth} does not exist \(6 n \+ 4"):
        build("wide_resnet", (3, 32, 32), 10, depth=depth)
