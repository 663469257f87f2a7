import pytest
import torch
from torch import nn

from remixup.errors import UserError
from remixup.models import build
from remixup.models.densenet import DenseLayer


@pytest.mark.parametrize(
    ("depth", "growth", "millions"),
    [(100, 12, 0.8), (250, 24, 15.3), (190, 40, 25.6)],  # Huang et al., table 2
)
def test_parameters_are_as_many_as_the_paper_says(depth: int, growth: int, millions: float) -> None:
    with torch.device("meta"):
        network = build("densenet_bc", (3, 32, 32), 10, depth=depth, growth=growth)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert round(count / 1e6, 1) == millions


def test_the_default_is_the_mixup_papers() -> None:
    with torch.device("meta"):
        network = build("densenet_bc", (3, 32, 32), 10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 25_624_430


def test_a_layer_appends_to_its_input() -> None:
    layer, x = DenseLayer(1, 1).eval(), torch.tensor([[[[-1.0, 2.0], [3.0, -4.0]]]])
    first, second = (module for module in layer.modules() if isinstance(module, nn.Conv2d))
    assert first.weight.shape == (4, 1, 1, 1)
    for norm in (layer.grow[0], layer.grow[3]):
        norm.eps = 1e-30  # PyTorch 2.11 takes no zero
    first.weight.data = torch.tensor([1.0, -1.0, 2.0, 0.0]).view(4, 1, 1, 1)
    nn.init.zeros_(second.weight)
    second.weight.data[0, :, 1, 1] = torch.tensor([1.0, 10.0, 100.0, 1000.0])
    # Of relu(x) the four inner channels are x, 0 (negative), 2 x and 0: in all 201 relu(x).
    assert torch.equal(layer(x), torch.tensor([[[[-1.0, 2.0], [3.0, -4.0]], [[0.0, 402.0], [603.0, 0.0]]]]))


def test_earlier_features_reach_the_next_layers_unchanged() -> None:
    network, x = build("densenet_bc", (1, 8, 8), 3, depth=16, growth=3).eval(), torch.randn(2, 1, 8, 8)
    stem = network.stem(x)
    block = network.stage1[:2](stem)
    assert block.shape[1] == 6 + 2 * 3
    assert torch.equal(block[:, :6], stem)


@pytest.mark.parametrize(
    ("compression", "channels"),
    # 2 x 3 from the stem, 3 in each block; the transitions keep 4 of 9 and 3 of 7, or all
    [(0.5, [6, 4, 3, 6]), (1.0, [6, 9, 12, 15])],
)
def test_channels_and_sizes_at_the_cut_points(compression: float, channels: list[int]) -> None:
    network = build("densenet_bc", (1, 8, 8), 3, depth=10, growth=3, compression=compression)
    x = torch.randn(2, 1, 8, 8)
    shapes = [tuple(network[:k](x).shape[1:]) for k in range(1, 5)]
    assert shapes == [(c, s, s) for c, s in zip(channels, (8, 4, 2, 2), strict=True)]


def test_a_transition_averages() -> None:
    network = build("densenet_bc", (1, 8, 8), 3, depth=10, growth=3).eval()
    norm, _, convolution, _ = transition = network.stage1[1:]
    features = torch.randn(2, 9, 8, 8)
    activated = (features / (1 + norm.eps) ** 0.5).clamp(min=0)
    mixed = torch.einsum("bihw,oi->bohw", activated, convolution.weight[:, :, 0, 0])
    expected = mixed.view(2, 4, 4, 2, 4, 2).mean((3, 5))
    assert torch.allclose(transition(features), expected, atol=1e-6)


def test_the_initialization_is_hes_over_the_outputs() -> None:
    torch.manual_seed(0)
    network = build("densenet_bc", (3, 32, 32), 10, depth=22, growth=12)
    for convolution in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
        outputs, _, height, width = convolution.weight.shape
        spread = (2 / (outputs * height * width)) ** 0.5
        assert abs(convolution.weight.std() / spread - 1) < 4 / (2 * convolution.weight.numel()) ** 0.5
    assert not network.head[-1].bias.any()
    assert all((module.weight == 1).all() for module in network.modules() if isinstance(module, nn.BatchNorm2d))


@pytest.mark.parametrize("depth", [9, 25, 121])
def test_another_depth_is_refused(depth: int) -> None:
    with pytest.raises(UserError, match=rf"run\.model\.depth: .* depth {depth} does not exist \(6 n \+ 4"):
        build("densenet_bc", (3, 32, 32), 10, depth=depth)
