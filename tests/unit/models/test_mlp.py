import itertools

import pytest
import torch
from torch import Tensor, nn

from remixup.mixing import soft_cross_entropy
from remixup.models import build, stack


def member(seed: int, features: int, classes: int, hidden: tuple[int, ...] = (128, 128)) -> nn.Sequential:
    torch.manual_seed(seed)
    return build("mlp", (features,), classes, hidden=hidden)


def reference(seed: int, *widths: int) -> nn.Sequential:
    """The same network out of torch's own layers."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(network: nn.Sequential, x: Tensor, target: Tensor, fused: bool) -> list[Tensor]:
    """Two epochs of Adam in batches of 16; last loss, last logits and all weights, each with a dimension of members."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=1e-4, fused=fused)
    for _ in range(2):
        for start in range(0, x.shape[1], 16):
            rows = slice(start, start + 16)
            logits = network(x[:, rows])
            loss = soft_cross_entropy(logits, target[:, rows])
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
    return [loss.detach(), logits.detach(), *(parameter.detach() for parameter in network.parameters())]


def test_initial_weights_are_the_draws_of_torchs_linear_layers() -> None:
    ours, theirs = member(3, 10, 2, (20, 5)), reference(3, 10, 20, 5, 2)
    layers = [ours.stage1[0], ours.stage2[0], ours.head]
    for layer, linear in zip(layers, (theirs[0], theirs[2], theirs[4]), strict=True):
        outputs, inputs = linear.weight.shape
        assert torch.equal(layer.weight[0, :inputs, :outputs], linear.weight.T)
        assert torch.equal(layer.bias[0, 0, :outputs], linear.bias)
        assert layer.weight.count_nonzero() == linear.weight.numel()
        assert layer.bias.count_nonzero() == linear.bias.numel()


def test_each_member_computes_and_differentiates_its_own_network() -> None:
    x = torch.randn(3, 16, 10, generator=torch.Generator().manual_seed(0))
    members = stack([member(seed, 10, 4, (20, 5)) for seed in range(3)])
    logits = members(x)
    logits.square().mean((1, 2)).sum().backward()
    for i in range(3):
        alone = reference(i, 10, 20, 5, 4)
        expected = alone(x[i])
        assert torch.allclose(logits[i], expected, atol=1e-6)
        expected.square().mean().backward()
        assert torch.allclose(members.stage1[0].weight.grad[i, :10, :20], alone[0].weight.grad.T, atol=1e-6)
        assert torch.allclose(members.head.bias.grad[i, 0, :4], alone[4].bias.grad, atol=1e-6)


def test_members_do_not_touch_each_other() -> None:
    members = stack([member(seed, 6, 3) for seed in range(3)])
    x = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    members(x)[1].sum().backward()
    for parameter in members.parameters():
        assert parameter.grad[1].any()
        assert not parameter.grad[[0, 2]].any()


def test_the_rounding_weights_stay_zero() -> None:
    source = torch.Generator().manual_seed(0)
    x, target = torch.randn(2, 20, 4, generator=source), torch.rand(2, 20, 3, generator=source).softmax(-1)
    network = stack([member(seed, 4, 3, (10,)) for seed in range(2)])
    train(network, x, target, fused=True)
    first, last = network.stage1[0], network.head
    assert first.weight.shape == (2, 16, 16)
    assert first.weight.count_nonzero() == 2 * 4 * 10
    assert last.weight.count_nonzero() == 2 * 10 * 3
    assert (first.bias.count_nonzero(), last.bias.count_nonzero()) == (2 * 10, 2 * 3)


def test_stack_keeps_the_order_and_leaves_the_members_alone() -> None:
    members = [member(seed, 6, 3) for seed in range(4)]
    before = [single.head.weight.clone() for single in members]
    stacked = stack(members)
    with torch.no_grad():
        stacked.head.weight.mul_(2)
    for i, weight in enumerate(before):
        assert torch.equal(members[i].head.weight, weight)
        assert torch.equal(stacked.head.weight[i], 2 * weight[0])
    blocks = stack([stack(members[:3]), members[3]])
    assert torch.equal(blocks.stage1[0].weight, stacked.stage1[0].weight)
    assert all(parameter.requires_grad for parameter in blocks.parameters())


def test_only_what_is_batched_can_be_stacked() -> None:
    with pytest.raises(ValueError, match="no network"):
        stack([])
    with pytest.raises(ValueError, match="only vectorized"):
        stack([build("wide_resnet", (1, 8, 8), 2, depth=10, widen=1)] * 2)


def test_images_are_flattened_by_the_stem() -> None:
    torch.manual_seed(0)
    images = build("mlp", (1, 8, 8), 10)
    x = torch.randn(1, 3, 1, 8, 8)
    assert torch.equal(images.stem(x), x.view(1, 3, 64))
    assert torch.equal(images(x), member(0, 64, 10)(x.view(1, 3, 64)))


def test_without_hidden_layers_it_is_a_linear_classifier() -> None:
    linear, x = member(0, 5, 3, ()), torch.randn(1, 4, 5)
    assert [name for name, _ in linear.named_children()] == ["stem", "head"]
    assert torch.allclose(linear(x + x), 2 * linear(x) - linear(torch.zeros_like(x)), atol=1e-6)


def test_without_biases_it_is_homogeneous() -> None:
    torch.manual_seed(3)
    network, x = build("mlp", (5,), 3, hidden=(20, 7), bias=False), torch.randn(1, 4, 5)
    assert all("bias" not in name for name, _ in network.named_parameters())
    torch.testing.assert_close(network(3 * x), 3 * network(x))
    # The weights are those that it has with biases, whose draws are made and left out.
    torch.manual_seed(3)
    assert torch.equal(network.head.weight, build("mlp", (5,), 3, hidden=(20, 7)).head.weight)
    both = stack([network, build("mlp", (5,), 3, hidden=(20, 7), bias=False)])
    torch.testing.assert_close(both(x.expand(2, -1, -1))[:1], network(x))


@pytest.mark.parametrize("width", [3, 5, 16])
def test_inputs_of_another_width_are_refused(width: int) -> None:
    # 3 and 16 would fit the weights once they are rounded up.
    with pytest.raises(ValueError, match="expected 4 features"):
        member(0, 4, 2)(torch.zeros(1, 2, width))
