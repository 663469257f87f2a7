"""The ResNet over time against torchvision's on images of height 1, and stacked networks against single ones."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from remixup.errors import UserError
from remixup.models import build, stack
from remixup.models.resnet1d import resnet1d


def images_of_height_1(channels: int, classes: int) -> nn.Module:
    """torchvision's ResNet-18 with every convolution's and pool's middle row alone: it sees a single row."""
    network = resnet18(num_classes=classes)
    network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            size, stride = module.kernel_size[1], module.stride[1]
            module.weight = nn.Parameter(module.weight.detach()[:, :, size // 2 : size // 2 + 1].clone())
            module.kernel_size, module.stride, module.padding = (1, size), (1, stride), (0, size // 2)
    network.maxpool = nn.MaxPool2d((1, 3), stride=(1, 2), padding=(0, 1))
    return network.eval()


def test_it_is_torchvisions_resnet18_on_images_of_height_1() -> None:
    torch.manual_seed(0)
    theirs, ours = images_of_height_1(12, 5), resnet1d((12, 1000), 5).eval()
    weights = list(theirs.state_dict().values())
    names = list(ours.state_dict())
    # Ours lists a block's shortcut last as well, so the order is the same; shapes differ by the row of height 1.
    assert len(weights) == len(names)
    ours.load_state_dict(
        {name: value.squeeze(2) if value.ndim == 4 else value for name, value in zip(names, weights, strict=True)}
    )
    for module in (*ours.modules(), *theirs.modules()):
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):  # statistics that are not those of the beginning
            generator = torch.Generator().manual_seed(module.num_features)
            module.running_mean = torch.randn(module.num_features, generator=generator) * 0.1
            module.running_var = torch.rand(module.num_features, generator=generator) + 0.5
    x = torch.randn(3, 12, 1000, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours(x), theirs(x.unsqueeze(2)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("width", "channels", "classes"), [(64, 12, 5), (8, 2, 3)])
def test_parameters_by_hand(width: int, channels: int, classes: int) -> None:
    """Convolutions without bias, two numbers for each channel of a norm, a linear layer."""
    count = 7 * channels * width + 2 * width
    inputs = width
    for outputs in (width, 2 * width, 4 * width, 8 * width):
        count += 3 * inputs * outputs + 3 * 3 * outputs * outputs + 4 * 2 * outputs  # two blocks
        if inputs != outputs:
            count += inputs * outputs + 2 * outputs  # the shortcut of the first
        inputs = outputs
    count += inputs * classes + classes
    network = resnet1d((channels, 100), classes, width=width)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_a_stage_after_the_first_halves_the_length_and_doubles_the_channels() -> None:
    x, shapes = torch.zeros(2, 3, 200), []
    for stage in list(resnet1d((3, 200), 4, width=8).eval())[:-1]:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(8, 50), (8, 50), (16, 25), (32, 13), (64, 7)]


def test_convolutions_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    network = resnet1d((12, 100), 5)
    convolution = network.stage3[1].residual[3]
    assert convolution.weight.std().item() == pytest.approx((2 / (3 * 256)) ** 0.5, rel=0.02)
    assert all(bool((norm.weight == 1).all()) for norm in network.modules() if isinstance(norm, nn.BatchNorm1d))


@pytest.mark.parametrize("shape", [(4,), (1, 8, 8)])
def test_only_series_pass(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"needs series of shape \(channels, time\)"):
        build("resnet1d", shape, 3)


def member(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return build("resnet1d", (2, 61), 3, vectorized=True, width=8, blocks=(2, 1))


def single(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return resnet1d((2, 61), 3, width=8, blocks=(2, 1))


@pytest.mark.parametrize("seeds", [[4], [3, 1, 7]])
def test_each_member_computes_and_differentiates_the_ordinary_network(seeds: list[int]) -> None:
    stacked, alone = stack([member(seed) for seed in seeds]), [single(seed) for seed in seeds]
    x = torch.randn(len(seeds), 6, 2, 61, generator=torch.Generator().manual_seed(0)).requires_grad_()
    out = stacked(x)
    out.square().mean((1, 2)).sum().backward()
    for k, network in enumerate(alone):
        own = x[k].detach().requires_grad_()
        expected = network(own)
        expected.square().mean().backward()
        torch.testing.assert_close(out[k], expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(x.grad[k], own.grad, rtol=1e-4, atol=1e-6)
        # the running statistics moved alike
        torch.testing.assert_close(stacked.eval()(x.detach())[k], network.eval()(own.detach()), rtol=1e-4, atol=1e-5)
        stacked.train()


def test_a_cut_gives_series_again() -> None:
    stacked = stack([member(0), member(1)])
    hidden = stacked[:2](torch.randn(2, 5, 2, 61))
    assert hidden.shape == (2, 5, 8, 16)
