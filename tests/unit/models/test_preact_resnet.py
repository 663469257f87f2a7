import pytest
import torch
from torch import Tensor, nn

from remixup.errors import UserError
from remixup.models import build
from remixup.models.preact_resnet import PreActBlock


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [each for each in module.modules() if isinstance(each, nn.Conv2d)]


def exact(block: PreActBlock) -> PreActBlock:
    """The block in evaluation, its norms the exact identity, its 3x3 convolutions 2 and 3 times the pixel itself."""
    block.eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0
    for factor, convolution in zip((2.0, 3.0), convolutions(block.residual), strict=True):
        nn.init.zeros_(convolution.weight)
        for channel in range(convolution.out_channels):
            convolution.weight.data[channel, channel % convolution.in_channels, 1, 1] = factor
    return block


def picture() -> Tensor:
    return torch.tensor([[[[-1.0, 2.0], [0.5, -3.0]]]])


@pytest.mark.parametrize(
    ("params", "classes", "count"),
    [
        ({}, 10, 11_171_146),  # hongyi-zhang/mixup
        ({"stem_norm": True, "activated_shortcut": True}, 10, 11_171_274),  # facebookresearch/mixup-cifar10
        ({}, 100, 11_171_146 + 90 * 513),
    ],
)
def test_parameters_are_as_many_as_in_the_released_code(params: dict[str, bool], classes: int, count: int) -> None:
    with torch.device("meta"):
        network = build("preact_resnet", (3, 32, 32), classes, **params)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_a_block_by_hand() -> None:
    # x + 3 relu(2 relu(x))
    result = exact(PreActBlock(1, 1))(picture())
    assert torch.equal(result, torch.tensor([[[[-1.0, 14.0], [3.5, -3.0]]]]))


def test_a_block_with_an_activated_shortcut_by_hand() -> None:
    # relu(x) + 3 relu(2 relu(x))
    result = exact(PreActBlock(1, 1, activated_shortcut=True))(picture())
    assert torch.equal(result, torch.tensor([[[[0.0, 14.0], [3.5, 0.0]]]]))


@pytest.mark.parametrize("activated", [False, True])
def test_a_block_that_changes_the_shape_by_hand(activated: bool) -> None:
    block = exact(PreActBlock(1, 2, stride=2, activated_shortcut=activated))
    assert block.shortcut.bias is None
    block.shortcut.weight.data = torch.tensor([5.0, -7.0]).view(2, 1, 1, 1)
    # Stride 2 keeps the top left pixel: 5 x 2 + 6 x 2 and -7 x 2 + 6 x 2. It is the activated input's, so -2 gives 0.
    assert torch.equal(block(torch.full((1, 1, 2, 2), 2.0)), torch.tensor([22.0, -2.0]).view(1, 2, 1, 1))
    assert not block(torch.full((1, 1, 2, 2), -2.0)).any()


def test_with_zero_convolutions_a_block_is_the_identity() -> None:
    block, x = PreActBlock(3, 3).train(), torch.randn(4, 3, 5, 5)
    for convolution in convolutions(block):
        nn.init.zeros_(convolution.weight)
    assert torch.equal(block(x), x)


def test_the_shortcut_is_a_convolution_only_where_the_shape_changes() -> None:
    network = build("preact_resnet", (3, 32, 32), 10, width=4)
    kinds = [[block.shortcut is not None for block in network[k]] for k in range(1, 5)]
    assert kinds == [[False, False], [True, False], [True, False], [True, False]]


def test_widths_double_and_sizes_halve() -> None:
    network, x = build("preact_resnet", (3, 32, 32), 10, width=4), torch.randn(2, 3, 32, 32)
    shapes = [tuple(network[:k](x).shape[1:]) for k in range(1, 6)]
    assert shapes == [(4, 32, 32), (4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]


def test_there_is_no_norm_or_relu_before_the_pool() -> None:
    network = build("preact_resnet", (1, 8, 8), 3, width=4, blocks=(1, 1))
    features = -torch.rand(2, 8, 4, 4) * torch.arange(1, 9).view(8, 1, 1)
    linear = network.head[-1]
    expected = features.mean((2, 3)) @ linear.weight.T + linear.bias
    assert torch.allclose(network.head(features), expected, atol=1e-6)


def test_the_pool_is_four_by_four_at_cifars_size() -> None:
    network, x = build("preact_resnet", (3, 32, 32), 10, width=4).eval(), torch.randn(2, 3, 32, 32)
    pooled = nn.functional.avg_pool2d(network[:5](x), 4).flatten(1)
    assert torch.allclose(network(x), network.head[-1](pooled), atol=1e-6)


def test_only_the_stem_with_a_norm_is_activated() -> None:
    x = torch.randn(4, 1, 8, 8)
    plain = build("preact_resnet", (1, 8, 8), 3, width=8, blocks=(1,)).stem
    assert torch.equal(plain(2 * x), 2 * plain(x))
    assert (plain(x) < 0).any()
    normed = build("preact_resnet", (1, 8, 8), 3, width=8, blocks=(1,), stem_norm=True).stem
    assert normed(x).min() == 0
    assert torch.allclose(normed(2 * x), normed(x), atol=1e-3)  # the norm takes the scale out


def test_the_initialisation_is_torchs_default() -> None:
    torch.manual_seed(0)
    network = build("preact_resnet", (3, 32, 32), 10, width=16)
    for layer in [*convolutions(network), network.head[-1]]:
        bound = layer.weight[0].numel() ** -0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound
        assert abs(layer.weight.mean()) < 0.1 * bound
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 16
    assert all((norm.weight == 1).all() and not norm.bias.any() for norm in norms)


@pytest.mark.parametrize("blocks", [(), (2, 0, 2), (-1,)])
def test_a_stage_without_blocks_is_refused(blocks: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"run\.model\.blocks: .*such as \[2, 2, 2, 2\]"):
        build("preact_resnet", (3, 32, 32), 10, blocks=blocks)
