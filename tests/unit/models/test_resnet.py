import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from remixup.errors import UserError
from remixup.models import build

RESNET18 = {"layers": (2, 2, 2, 2), "block": "basic"}
RESNEXT101 = {"layers": (3, 4, 23, 3), "groups": 32, "width_per_group": 4}


def on_meta(name: str, **params: object) -> nn.Sequential:
    with torch.device("meta"):
        return build(name, (3, 224, 224), 1000, **params)


def resnext101_32x4d() -> ResNet:
    return ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4)


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of torchvision's ResNet under the names that they have here."""
    names = {"conv1": "stem.0", "bn1": "stem.1", "fc": "head.2"}
    result = {}
    for key, value in state.items():
        first, rest = key.split(".", 1)
        result[f"{names.get(first, first.replace('layer', 'stage'))}.{rest}"] = value
    return result


def drawn(network: nn.Module) -> dict[str, Tensor]:
    """Weights for a network on the meta device, none of them at a value that hides another (0 or 1)."""
    torch.manual_seed(0)
    state = {}
    for key, value in network.state_dict().items():
        if value.ndim > 1:
            state[key] = torch.randn(value.shape) * (2 / value[0].numel()) ** 0.5
        elif key.endswith(("bias", "running_mean")):
            state[key] = 0.1 * torch.randn(value.shape)
        else:
            state[key] = (0.5 + torch.rand(value.shape)).to(value.dtype)
    return state


@pytest.mark.parametrize(
    ("params", "theirs"),
    [({}, torchvision.models.resnet50), (RESNET18, torchvision.models.resnet18), (RESNEXT101, resnext101_32x4d)],
    ids=["50", "18", "32x4d"],
)
def test_the_logits_are_torchvisions(params: dict[str, object], theirs) -> None:
    with torch.device("meta"):
        reference = theirs().eval()
    state = drawn(reference)
    reference.load_state_dict(state, assign=True)
    network = on_meta("resnet", **params).eval()
    network.load_state_dict(renamed(state), assign=True)
    with torch.no_grad():
        x = torch.randn(2, 3, 64, 64)
        logits = network(x)
        torch.testing.assert_close(logits, reference(x))
        assert (logits[0] - logits[1]).abs().max() > 0.01 * logits.abs().max()


@pytest.mark.parametrize(
    ("params", "theirs"),
    [
        ({}, torchvision.models.resnet50),
        (RESNET18, torchvision.models.resnet18),
        ({"layers": (3, 4, 23, 3)}, torchvision.models.resnet101),
        (RESNEXT101, resnext101_32x4d),
        ({**RESNEXT101, "groups": 64}, torchvision.models.resnext101_64x4d),
    ],
    ids=["50", "18", "101", "32x4d", "64x4d"],
)
def test_parameters_are_as_many_as_torchvisions(params: dict[str, object], theirs) -> None:
    with torch.device("meta"):
        reference = theirs()
    counts = [sum(p.numel() for p in network.parameters()) for network in (on_meta("resnet", **params), reference)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize(("name", "block"), [("bottleneck", Bottleneck), ("basic", BasicBlock)])
def test_the_initial_weights_are_torchvisions(name: str, block: type[nn.Module], zero: bool) -> None:
    torch.manual_seed(3)
    theirs = ResNet(block, [1, 2, 1, 1], num_classes=7, zero_init_residual=zero).state_dict()
    torch.manual_seed(3)
    ours = build("resnet", (3, 32, 32), 7, layers=(1, 2, 1, 1), block=name, zero_init_residual=zero).state_dict()
    expected = renamed(theirs)
    assert ours.keys() == expected.keys()
    assert [key for key, value in ours.items() if not torch.equal(value, expected[key])] == []


def test_with_pytorchs_initialization_every_layer_is_as_pytorch_makes_it() -> None:
    params = {"layers": (1, 1), "block": "basic", "stem": "small", "zero_init_residual": False}
    torch.manual_seed(3)
    network = build("resnet", (3, 32, 32), 7, **params, initialization="pytorch")
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 6
    for module in convolutions:
        # Uniform within one over the root of the inputs; He's normal draws go far beyond that.
        bound = module.weight[0].numel() ** -0.5
        assert 0.95 * bound < module.weight.abs().max() <= bound
        assert module.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    torch.manual_seed(3)
    first = nn.Conv2d(3, 64, 3, bias=False).weight
    assert torch.equal(convolutions[0].weight, first)
    norms = [module.weight for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(torch.equal(weight, torch.ones_like(weight)) for weight in norms)


def test_by_default_a_block_begins_as_its_shortcut() -> None:
    network = build("resnet", (1, 16, 16), 3, layers=(2, 2), width=8, stem="small")
    x = torch.rand(4, 32, 5, 5)
    assert torch.equal(network.stage1[1](x), x)
    first = network.stage2[0].eval()
    assert torch.equal(first(x), first.downsample(x).relu())


def test_the_stems() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 32, 32)
    small = build("resnet", (3, 32, 32), 3, layers=(1,), width=8, stem="small").stem.eval()
    large = build("resnet", (3, 32, 32), 3, layers=(1,), width=8).stem.eval()
    for norm in (small[1], large[1]):
        norm.running_mean.fill_(0.3)
    scale = (1 + small[1].eps) ** -0.5
    expected = (nn.functional.conv2d(x, small[0].weight, padding=1) - 0.3).mul(scale).relu()
    assert torch.allclose(small(x), expected, atol=1e-6)
    expected = (nn.functional.conv2d(x, large[0].weight, stride=2, padding=3) - 0.3).mul(scale).relu()
    assert torch.allclose(large(x), nn.functional.max_pool2d(expected, 3, 2, 1), atol=1e-6)


@pytest.mark.parametrize(("stem", "sizes"), [("small", [32, 32, 16, 8]), ("imagenet", [8, 8, 4, 2])])
def test_widths_and_sizes(stem: str, sizes: list[int]) -> None:
    network = build("resnet", (1, 32, 32), 3, layers=(1, 2, 1), width=4, stem=stem)
    x = torch.randn(2, 1, 32, 32)
    shapes = [tuple(network[:k](x).shape[1:]) for k in range(1, 5)]
    assert shapes == [(c, s, s) for c, s in zip((4, 16, 32, 64), sizes, strict=True)]


def test_groups_and_their_width_follow_the_stage() -> None:
    network = build("resnet", (1, 32, 32), 3, layers=(1, 1), width=32, groups=4, width_per_group=6)
    inner = [network[k][0].conv2 for k in (1, 2)]
    # 6 channels where the width is 64, so 3 at 32; twice as many in the second stage
    assert [(layer.groups, layer.in_channels, layer.out_channels) for layer in inner] == [(4, 12, 12), (4, 24, 24)]


def test_basic_blocks_have_no_groups() -> None:
    with pytest.raises(UserError, match=r"run\.model\.groups: basic blocks have no groups"):
        build("resnet", (3, 32, 32), 10, block="basic", groups=4)


def test_groups_without_channels_are_refused() -> None:
    narrowest = build("resnet", (3, 32, 32), 10, layers=(1,), width=16, groups=2, width_per_group=4)
    assert narrowest.stage1[0].conv2.in_channels == 2
    with pytest.raises(UserError, match=r"run\.model\.width: width 21 and width_per_group 3 .*is at least 1"):
        build("resnet", (3, 32, 32), 10, layers=(1,), width=21, groups=2, width_per_group=3)
