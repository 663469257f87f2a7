import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from remixup.errors import UserError
from remixup.models import build

SPECTROGRAM = (1, 161, 101)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_lenet_has_the_sizes_of_the_released_code() -> None:
    with torch.device("meta"):
        network = build("lenet", SPECTROGRAM, 30)
    assert network.stage2[1].in_features == 16_280
    # 25 x 20 + 20, 25 x 20 x 20 + 20, 16,280 x 1,000 + 1,000, 1,000 x 30 + 30
    assert [count(stage) for stage in network] == [520, 10_020, 16_281_000, 30_030]


def test_vgg11_has_the_sizes_of_the_released_code() -> None:
    with torch.device("meta"):
        network = build("vgg11", SPECTROGRAM, 30)
    assert network.head[1].in_features == 7_680
    shapes = [tuple(layer.weight.shape[:2]) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert shapes == [
        *((64, 1), (128, 64), (256, 128), (256, 256), (512, 256), (512, 512), (512, 512), (512, 512)),
    ]
    assert count(network.head) == 7_680 * 512 + 512 + 512 * 30 + 30


@pytest.mark.parametrize("name", ["lenet", "vgg11"])
@pytest.mark.parametrize("size", [(161, 101), (160, 101), (41, 33), (32, 32), (35, 63), (64, 37)])
def test_the_linear_layer_fits_any_size(name: str, size: tuple[int, int]) -> None:
    network = build(name, (2, *size), 3, width=2, hidden=4)
    assert network(torch.randn(2, 2, *size)).shape == (2, 3)


def test_lenet_in_evaluation_is_this_function() -> None:
    torch.manual_seed(0)
    network = build("lenet", (1, 30, 22), 3, width=4, hidden=10).eval()
    x = torch.randn(5, 1, 30, 22)
    first, second, hidden, last = network.stem[0], network.stage1[0], network.stage2[1], network.head[1]
    y = F.relu(F.max_pool2d(F.conv2d(x, first.weight, first.bias), 2))
    y = F.relu(F.max_pool2d(F.conv2d(y, second.weight, second.bias), 2))
    y = F.relu(F.linear(y.reshape(5, -1), hidden.weight, hidden.bias))
    assert torch.allclose(network(x), F.linear(y, last.weight, last.bias), atol=1e-6)
    assert (y == 0).any()  # the ReLU acts


def test_vgg11_up_to_the_last_pool_is_torchvisions() -> None:
    torch.manual_seed(0)
    reference = torchvision.models.vgg11_bn(num_classes=1, init_weights=False).features.eval()
    for norm in (module for module in reference if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.running_mean, std=0.1)
    with torch.device("meta"):
        network = build("vgg11", (3, 66, 40), 5).eval()
    layers = network[:-1]
    layers.load_state_dict(dict(zip(layers.state_dict(), reference.state_dict().values(), strict=True)), assign=True)
    x = torch.randn(2, 3, 66, 40)
    torch.testing.assert_close(layers(x), reference(x))


def test_between_the_linear_layers_of_vgg11_stands_nothing() -> None:
    torch.manual_seed(0)
    head = build("vgg11", (1, 64, 33), 5, width=2, hidden=12).train().head
    x = torch.randn(6, 16, 2, 1)
    first, last = head[1], head[2]
    expected = x.reshape(6, -1) @ first.weight.T @ last.weight.T + last.weight @ first.bias + last.bias
    assert torch.allclose(head(x), expected, atol=1e-6)


def outputs(network: nn.Sequential, x: Tensor, *layers: nn.Module) -> list[Tensor]:
    """What the layers give in one forward pass."""
    seen: list[Tensor] = []
    handles = [layer.register_forward_hook(lambda *call: seen.append(call[2].clone())) for layer in layers]
    network(x)
    for handle in handles:
        handle.remove()
    return seen


def test_lenet_drops_whole_channels_before_the_second_pool() -> None:
    torch.manual_seed(0)
    network = build("lenet", (1, 20, 20), 3).train()
    convolved, dropped, pooled = outputs(network, torch.randn(64, 1, 20, 20), *network.stage1[:3])
    kept = dropped.flatten(2).any(-1)
    assert torch.equal(dropped, convolved * 2 * kept[:, :, None, None])
    assert abs(kept.float().mean() - 0.5) < 4 * 0.5 / kept.numel() ** 0.5
    assert torch.equal(pooled, F.max_pool2d(dropped, 2))


def test_lenet_drops_hidden_units_after_their_relu() -> None:
    torch.manual_seed(0)
    network = build("lenet", (1, 20, 20), 3).train()
    hidden, dropped = outputs(network, torch.randn(64, 1, 20, 20), network.stage2, network.head[0])
    assert hidden.min() == 0
    factor = (dropped / hidden)[hidden > 0]
    assert factor.unique().tolist() == [0.0, 2.0]
    assert abs(factor.mean() - 1) < 4 / factor.numel() ** 0.5


@pytest.mark.parametrize("name", ["lenet", "vgg11"])
def test_the_initialization_is_torchs_default(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, (1, 48, 48), 10, width=16, hidden=100)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(layers) == {"lenet": 4, "vgg11": 10}[name]
    for layer in layers:
        bound = layer.weight[0].numel() ** -0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound
        assert 0.5 * bound < layer.bias.abs().max() <= bound
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == {"lenet": 0, "vgg11": 8}[name]
    assert all((norm.weight == 1).all() and not norm.bias.any() for norm in norms)


@pytest.mark.parametrize(("name", "smallest"), [("lenet", 16), ("vgg11", 32)])
def test_an_image_too_small_for_the_pools_is_refused(name: str, smallest: int) -> None:
    assert build(name, (1, smallest, smallest), 3, width=1, hidden=1) is not None
    for size in ((smallest - 1, 99), (99, smallest - 1)):
        message = (
            rf"run\.model\.name: {name} needs images of at least {smallest} x {smallest}, not {size[0]} x {size[1]}"
        )
        with pytest.raises(UserError, match=message):
            build(name, (1, *size), 3, width=1, hidden=1)
