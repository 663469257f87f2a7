import pytest
import torch
from torch import Tensor, nn

from remixup.errors import UserError
from remixup.mixing import Mixing, soft_cross_entropy
from remixup.models import build, seed_dropout, stack
from remixup.models.vectorized import MemberConv2d, _fold

SHAPE, CLASSES = (1, 8, 8), 4


SMALL = {"width": 8, "blocks": (1, 1, 1)}


def member(seed: int, shape: tuple[int, ...] = SHAPE, **params) -> nn.Sequential:
    """Build the vectorized network of one seed."""
    torch.manual_seed(seed)
    return build("preact_resnet", shape, CLASSES, vectorized=True, **{**SMALL, **params})


def reference(seed: int, shape: tuple[int, ...] = SHAPE, **params) -> nn.Sequential:
    """Build the ordinary network of that seed."""
    torch.manual_seed(seed)
    return build("preact_resnet", shape, CLASSES, **{**SMALL, **params})


def pictures(seeds: int, count: int, shape: tuple[int, ...] = SHAPE) -> Tensor:
    return torch.randn(seeds, count, *shape, generator=torch.Generator().manual_seed(0))


def ordinary(layer: nn.Module, values: dict[str, Tensor], i: int, inputs: int) -> dict[str, Tensor]:
    """Weights (or their gradients) of one member as the ordinary layer has them."""
    if isinstance(layer, MemberConv2d):
        kernel = values["weight"][i].unflatten(1, (*layer.kernel_size, -1)).permute(0, 3, 1, 2)
        return {"weight": kernel[:, :inputs]}
    if values["weight"].ndim == 3:
        return {"weight": values["weight"][i, :inputs, :CLASSES].T, "bias": values["bias"][i, 0, :CLASSES]}
    return {name: value[i] for name, value in values.items()}


def assert_member_is(stacked: nn.Sequential, i: int, single: nn.Sequential, gradients: bool) -> None:
    """Weights, running statistics and (perhaps) gradients agree, tensor by tensor and in the same order."""
    ours = [each for each in stacked.modules() if next(each.parameters(recurse=False), None) is not None]
    theirs = [each for each in single.modules() if next(each.parameters(recurse=False), None) is not None]
    for layer, expected in zip(ours, theirs, strict=True):
        inputs = expected.weight.shape[1] if expected.weight.ndim > 1 else 0
        got = ordinary(layer, dict(layer.named_parameters()), i, inputs)
        wanted = dict(expected.named_parameters())
        assert got.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(got[name], value, rtol=1e-5, atol=1e-5)
        if gradients:
            slopes = {name: parameter.grad for name, parameter in layer.named_parameters()}
            for name, value in ordinary(layer, slopes, i, inputs).items():
                torch.testing.assert_close(value, wanted[name].grad, rtol=1e-5, atol=1e-5)
        if isinstance(expected, nn.BatchNorm2d):
            torch.testing.assert_close(layer.running_mean[i], expected.running_mean, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(layer.running_var[i], expected.running_var, rtol=1e-5, atol=1e-5)


def train(
    members: list[nn.Sequential],
    seeds: list[int],
    x: Tensor,
    target: Tensor,
    *,
    cut: int = 0,
    fused: bool = False,
) -> list[Tensor]:
    """Two epochs in batches of 16; what comes out and what is held then, each with a dimension of members."""
    network = stack(members)
    if fused:
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=1e-4, fused=True)
    else:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3, foreach=True)
    sources = [torch.Generator().manual_seed(seed) for seed in seeds]
    for epoch in range(2):
        seed_dropout(network.train(), [2 * seed + epoch for seed in seeds])
        for start in range(0, x.shape[1], 16):
            hidden, y = network[:cut](x[:, start : start + 16]), target[:, start : start + 16]
            partner = torch.stack([torch.randperm(y.shape[1], generator=source) for source in sources])
            ratio = torch.stack([torch.rand((), generator=source) for source in sources])
            hidden, y = Mixing(cut=cut).mix(hidden, y, ratio, partner)
            logits = network[cut:](hidden)
            loss = soft_cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
    with torch.no_grad():
        evaluated = network.eval()(x)
    return [evaluated, loss.detach(), logits.detach(), *(p.detach() for p in network.parameters()), *network.buffers()]


def same(together: list[Tensor], i: int, alone: list[Tensor], j: int) -> bool:
    return all(torch.equal(a[i], b[j]) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("shape", [SHAPE, (3, 9, 6)])
@pytest.mark.parametrize("seeds", [[4], [3, 1], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_each_member_computes_and_differentiates_the_ordinary_network(shape, seeds, dropout) -> None:
    params = {"blocks": (2, 1, 1), "dropout": dropout}
    stacked = stack([member(seed, shape, **params) for seed in seeds])
    x = pictures(len(seeds), 16, shape).requires_grad_()
    seed_dropout(stacked, [seed + 10 for seed in seeds])
    logits = stacked(x)
    logits.square().mean((1, 2)).sum().backward()
    changed = stacked.eval()(x.detach())
    for i, seed in enumerate(seeds):
        single, own = reference(seed, shape, **params), x[i].detach().requires_grad_()
        torch.manual_seed(seed + 10)
        expected = single(own)
        expected.square().mean().backward()
        torch.testing.assert_close(logits[i], expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(x.grad[i], own.grad, rtol=1e-5, atol=1e-7)
        assert_member_is(stacked, i, single, gradients=True)
        # In evaluation it is the running statistics that count.
        torch.testing.assert_close(changed[i], single.eval()(own), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("preact_resnet", {"width": 8, "blocks": (2, 1), "stem_norm": True, "activated_shortcut": True}),
        ("wide_resnet", {"depth": 10, "widen": 1, "base": 8}),
        ("wide_resnet", {"depth": 16, "widen": 2, "base": 8, "dropout": 0.3}),
        ("densenet_bc", {"depth": 10, "growth": 8, "compression": 0.67}),
        ("densenet_bc", {"depth": 16, "growth": 8, "compression": 0.5}),
    ],
)
@pytest.mark.parametrize("seeds", [[4], [3, 1, 0]])
def test_each_member_of_every_edition_is_the_ordinary_network(name, params, seeds) -> None:
    def built(seed: int, vectorized: bool) -> nn.Sequential:
        torch.manual_seed(seed)
        return build(name, (3, 9, 6), CLASSES, vectorized=vectorized, **params)

    stacked = stack([built(seed, True) for seed in seeds])
    x = pictures(len(seeds), 16, (3, 9, 6))
    seed_dropout(stacked, [seed + 10 for seed in seeds])
    logits = stacked(x)
    logits.square().mean((1, 2)).sum().backward()
    changed = stacked.eval()(x)
    for i, seed in enumerate(seeds):
        single = built(seed, False)
        torch.manual_seed(seed + 10)
        expected = single(x[i])
        expected.square().mean().backward()
        torch.testing.assert_close(logits[i], expected, rtol=1e-5, atol=1e-5)
        assert_member_is(stacked, i, single, gradients=True)
        torch.testing.assert_close(changed[i], single.eval()(x[i]), rtol=1e-5, atol=1e-5)


def test_the_initial_weights_are_the_ordinary_networks() -> None:
    params = {"width": 16, "blocks": (1, 2)}
    ours, next_draw = member(3, (3, 8, 8), **params), torch.rand(1)
    theirs = reference(3, (3, 8, 8), **params)
    assert torch.equal(torch.rand(1), next_draw)
    for name, weight in theirs.named_parameters():
        layer = ours.get_submodule(name.rpartition(".")[0].replace("head.2", "head.1"))
        got = ordinary(layer, dict(layer.named_parameters()), 0, weight.shape[1] if weight.ndim > 1 else 0)
        assert torch.equal(got[name.rpartition(".")[2]], weight)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_member_that_diverged_leaves_its_neighbors_alone(dropout: float) -> None:
    members = [member(seed, dropout=dropout) for seed in range(3)]
    x, target = pictures(3, 24), torch.full((3, 24, CLASSES), 1 / CLASSES)
    sound = train(members, [0, 1, 2], x, target)
    with torch.no_grad():
        for parameter in members[1].parameters():
            parameter.fill_(torch.nan)
    broken = train(members, [0, 1, 2], x, target)
    assert all(tensor[1].isnan().any() for tensor in broken)
    assert same(broken, 0, sound, 0)
    assert same(broken, 2, sound, 2)


@pytest.mark.parametrize("seeds", [1, 3])
def test_between_stages_every_member_has_the_ordinary_networks_features(seeds: int) -> None:
    params = {"blocks": (1, 1, 1)}
    stacked, x = stack([member(seed, **params) for seed in range(seeds)]).eval(), pictures(seeds, 6)
    singles = [reference(seed, **params).eval() for seed in range(seeds)]
    for cut in range(1, len(stacked)):
        hidden = stacked[:cut](x)
        for i, single in enumerate(singles):
            torch.testing.assert_close(hidden[i], single[:cut](x[i]), rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(stacked[cut:](hidden)[i], single(x[i]), rtol=1e-5, atol=1e-5)
            # After a mixture the memory is laid out otherwise.
            torch.testing.assert_close(stacked[cut:](hidden.contiguous())[i], single(x[i]), rtol=1e-5, atol=1e-5)


def test_between_stages_nothing_is_copied() -> None:
    hidden = stack([member(seed) for seed in range(3)])[:2](pictures(3, 6))
    assert _fold(hidden).data_ptr() == hidden.data_ptr()


def test_the_weights_of_channels_that_are_not_there_stay_zero() -> None:
    members = [member(seed, (3, 8, 8)) for seed in range(2)]
    trained = train(members, [0, 1], pictures(2, 32, (3, 8, 8)), torch.full((2, 32, CLASSES), 1 / CLASSES))
    stem = trained[3].unflatten(2, (3, 3, 8))
    assert stem[..., :3].all()
    assert not stem[..., 3:].any()


def test_members_do_not_touch_each_other() -> None:
    stacked = stack([member(seed) for seed in range(3)])
    stacked(pictures(3, 8))[1].square().sum().backward()
    for parameter in stacked.parameters():
        assert parameter.grad[1].any()
        assert not parameter.grad[[0, 2]].any()


def test_stack_keeps_the_order_and_leaves_the_members_alone() -> None:
    members = [member(seed) for seed in range(3)]
    for i, single in enumerate(members):
        single(pictures(1, 8) * (i + 1))  # each its own running statistics
    before = [{name: value.clone() for name, value in single.state_dict().items()} for single in members]
    stacked = stack([stack(members[:2]), members[2]])
    held = {name: value.clone() for name, value in stacked.state_dict().items()}
    stacked(pictures(3, 8))
    with torch.no_grad():
        for parameter in stacked.parameters():
            parameter.zero_()
    for i, single in enumerate(members):
        for name, value in single.state_dict().items():
            assert torch.equal(value, before[i][name])
            assert torch.equal(held[name][i], value[0])
    assert not torch.equal(held["stage1.0.activate.0.running_var"][0], held["stage1.0.activate.0.running_var"][1])


def test_a_state_that_is_loaded_computes_and_trains_the_same() -> None:
    x = pictures(2, 16)
    one, other = stack([member(0), member(1)]), stack([member(2), member(3)])
    one(x).square().sum().backward()
    assert not torch.equal(one.eval()(x), other.eval()(x))
    other.load_state_dict({name: value.clone().contiguous() for name, value in one.state_dict().items()})
    assert torch.equal(one(x), other(x))
    other.train()(x).square().sum().backward()
    for ours, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


def test_seeds_of_dropout_are_each_members_own() -> None:
    stacked, x = stack([member(0, dropout=0.5)] * 2), pictures(1, 8).expand(2, -1, -1, -1, -1)

    def first(*seeds: int) -> Tensor:
        seed_dropout(stacked, list(seeds))
        result: Tensor = stacked(x)
        return result

    both, again = first(5, 6), first(5, 7)
    assert torch.equal(both[0], again[0])
    assert not torch.equal(both[1], again[1])
    assert not torch.equal(both[0], both[1])
    assert torch.equal(*first(8, 8))
    state = torch.get_rng_state()
    assert not torch.equal(stacked(x)[0], first(5, 6)[0])  # the masks change from pass to pass
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_needs_a_seed_for_each_member() -> None:
    stacked = stack([member(seed, dropout=0.5) for seed in range(2)])
    with pytest.raises(ValueError, match="1 seeds for 2 members"):
        seed_dropout(stacked, [5])
    seed_dropout(stacked, [5, 6])
    larger, x = stack([stacked, member(2, dropout=0.5)]), pictures(3, 8)
    torch.manual_seed(1)
    expected = larger(x)  # until it is seeded anew, from torch's global generator
    torch.manual_seed(1)
    assert torch.equal(larger(x), expected)


@pytest.mark.parametrize("name", ["preact_resnet", "mlp"])
def test_dropout_of_other_networks_is_seeded_with_the_first(name: str) -> None:
    network = build(name, SHAPE, CLASSES)
    seed_dropout(network, [11, 12])
    drawn = torch.rand(3)
    torch.manual_seed(11)
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize(
    ("name", "params", "channels"),
    [
        ("preact_resnet", {"width": 12}, 12),
        ("densenet_bc", {"depth": 10, "growth": 12}, 12),
        ("densenet_bc", {"depth": 10, "growth": 8, "compression": 0.5}, 12),
        ("resnet1d", {"width": 12}, 12),
    ],
)
def test_channels_are_whole_vectors(name: str, params: dict[str, float], channels: int) -> None:
    shape = (2, 50) if name == "resnet1d" else SHAPE
    with pytest.raises(UserError, match=rf"a multiple of 8 channels, not {channels} \(change the width, or"):
        build(name, shape, CLASSES, vectorized=True, **params)


def test_layers_without_a_vectorized_implementation_are_refused() -> None:
    with pytest.raises(UserError, match=r"run\.execution\.vectorize_seeds: GroupNorm has no vectorized implementation"):
        build("wide_resnet", (1, 32, 32), CLASSES, vectorized=True, depth=10, norm_groups=8)
