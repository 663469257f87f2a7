import pytest
import torch
import torch.nn.functional as F
from tests.experiments import committed
from torch import Tensor, nn

from remixup.config.settings import SCALES, Config, Scale
from remixup.mixing import Mixing
from remixup.models import build
from remixup.models.preact_resnet import PreActBlock
from remixup.planning.plan import plan_experiment


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [each for each in module.modules() if isinstance(each, nn.Conv2d)]


def exact(block: PreActBlock) -> PreActBlock:
    """The block in evaluation, its norms the exact identity, its 3x3 convolutions 2 and 3 times the pixel itself."""
    block.eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-30  # PyTorch 2.11 takes no zero
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


def test_the_initialization_is_torchs_default() -> None:
    torch.manual_seed(0)
    network = build("preact_resnet", (3, 32, 32), 10, width=16)
    for layer in [*convolutions(network), network.head[-1]]:
        bound = layer.weight[0].numel() ** -0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound
        assert abs(layer.weight.mean()) < 0.1 * bound
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 16
    assert all((norm.weight == 1).all() and not norm.bias.any() for norm in norms)


WITH_HOOKS = {"stem_norm": True, "activated_shortcut": True}
"""The edition of facebookresearch/mixup-cifar10, which can stop and resume inside."""


def randomize_norms(network: nn.Module) -> None:
    """Give every batch norm scales, shifts and running statistics that differ from the identity."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_()


def released_forward(weights: dict[str, Tensor], x: Tensor, blocks: tuple[int, ...], first: int, last: int) -> Tensor:
    """Run stages `first` to `last` of the edition with hooks, by functions of the weights alone.

    Stage 0 is the stem (convolution, norm, ReLU); one stage for each entry of `blocks` and the pool with the linear
    layer follow.
    """

    def norm(name: str, x: Tensor) -> Tensor:
        mean, var, scale, shift = (
            weights[f"{name}.{each}"].view(-1, 1, 1) for each in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    if first == 0:
        x = norm("stem.1", F.conv2d(x, weights["stem.0.weight"], padding=1)).clamp(min=0)
    for stage in range(max(first, 1), min(last, len(blocks)) + 1):
        for block in range(blocks[stage - 1]):
            name = f"stage{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            active = norm(f"{name}.activate.0", x).clamp(min=0)
            shortcut = active
            if f"{name}.shortcut.weight" in weights:
                shortcut = F.conv2d(active, weights[f"{name}.shortcut.weight"], stride=stride)
            inner = F.conv2d(active, weights[f"{name}.residual.0.weight"], stride=stride, padding=1)
            inner = norm(f"{name}.residual.1", inner).clamp(min=0)
            x = F.conv2d(inner, weights[f"{name}.residual.4.weight"], padding=1) + shortcut
    if last > len(blocks):
        x = x.mean((2, 3)) @ weights["head.2.weight"].T + weights["head.2.bias"]
    return x


@pytest.mark.parametrize("cut", range(6))
def test_mixing_inside_the_edition_with_hooks_by_brute_force(cut: int) -> None:
    torch.manual_seed(0)
    blocks = (2, 1, 1, 1)
    network = build("preact_resnet", (3, 16, 16), 10, width=4, blocks=blocks, **WITH_HOOKS).double().eval()
    randomize_norms(network)
    x, partner, ratio = (
        torch.randn(4, 3, 16, 16).double(),
        torch.tensor([2, 0, 3, 1]),
        torch.tensor(0.3, dtype=torch.float64),
    )
    weights = network.state_dict()
    hidden = released_forward(weights, x, blocks, 0, cut - 1) if cut else x
    mixed = 0.3 * hidden + 0.7 * hidden[partner]
    expected = released_forward(weights, mixed, blocks, cut, 5)
    ours, _ = Mixing(cut=cut).mix(network[:cut](x), torch.eye(10)[:4].double(), ratio, partner)
    torch.testing.assert_close(network[cut:](ours), expected, rtol=1e-12, atol=1e-12)


def change_by_mixing_after_the_stem(network: nn.Sequential, x: Tensor) -> float:
    """Return how far logits move, at most, when the stem's outputs are mixed instead of the inputs, in training."""
    network = network.double().train()
    ratio = torch.tensor(0.3, dtype=torch.float64)

    def logits(cut: int) -> Tensor:
        hidden = network[:cut](x)
        return network[cut:](ratio * hidden + (1 - ratio) * hidden.flip(-4))

    return float((logits(1) - logits(0)).detach().abs().max())


@pytest.mark.parametrize("vectorized", [False, True])
def test_mixing_after_a_stem_without_norm_is_mixing_inputs(vectorized: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(*([1] if vectorized else []), 6, 3, 16, 16).double()
    plain, with_hooks = (
        build("preact_resnet", (3, 16, 16), 10, vectorized=vectorized, width=8, **params) for params in ({}, WITH_HOOKS)
    )
    assert change_by_mixing_after_the_stem(plain, x) < 1e-12
    assert change_by_mixing_after_the_stem(with_hooks, x) > 1e-2


@pytest.mark.parametrize("scale", SCALES)
def test_the_rows_of_the_ablation_that_mix_inside_do_not_mix_inputs(scale: Scale) -> None:
    path, experiment = committed()["ablation"]
    runs = {row.row.id: row.run for row in plan_experiment(path, experiment, Config(), scale).rows}
    for name, run in runs.items():
        inside = name.startswith("layer")
        assert run.mixing.cut == (int(name[5]) if inside else 0)
        assert {key: run.model.get(key, False) for key in WITH_HOOKS} == dict.fromkeys(WITH_HOOKS, inside)
    torch.manual_seed(0)
    shape = (1, 8, 8) if scale == "embedded" else (3, 32, 32)
    x = torch.randn(4, *shape).double()
    run = runs["layer1-wd1e-4"]
    network = build(input_shape=shape, classes=10, vectorized=run.vectorized, **run.model)
    assert change_by_mixing_after_the_stem(network, x[None] if run.vectorized else x) > 1e-2
