import inspect

import pytest
import torch
from torch import Tensor, nn

from remixup import models
from remixup.config.registry import resolve
from remixup.errors import UserError

SMALL = {
    "mlp": {"hidden": (6, 5)},
    "preact_resnet": {"width": 4, "blocks": (2, 1, 1), "stem_norm": True},
    "wide_resnet": {"depth": 10, "widen": 2, "base": 4},
    "small_cnn": {"widths": (4, 6, 4), "groups": 2},
    "densenet_bc": {"depth": 16, "growth": 4},
    # At scale 0 a block's last norm would hide the block from the checks below.
    "resnet": {"layers": (2, 1), "width": 4, "groups": 2, "zero_init_residual": False, "stem": "small"},
    "resnet1d": {"width": 4, "blocks": (2, 1)},
    "patch_network": {"neurons": 6, "spread": 0.5},
    "lenet": {"width": 4, "hidden": 12},
    "vgg11": {"width": 4, "hidden": 12},
    "lstnet": {"filters": 4, "kernel": 3, "hidden": 5, "skip": 4, "skip_hidden": 2, "highway": 6, "dropout": 0.0},
}
SERIES = ["resnet1d"]
CONVOLUTIONAL = sorted(set(SMALL) - {"mlp", "patch_network", "lstnet"})
WITHOUT_DROPOUT = sorted(set(SMALL) - {"lenet"})
SHAPE, CLASSES = (1, 8, 8), 3
LARGER = {
    "lenet": (1, 20, 16),
    "vgg11": (1, 32, 32),
    "patch_network": (4, 6),
    "lstnet": (3, 17),
    **dict.fromkeys(SERIES, (2, 64)),
}


def network(name: str, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return models.build(name, LARGER.get(name, SHAPE), CLASSES, **SMALL[name])


def inputs(name: str, count: int = 5) -> Tensor:
    x = torch.randn(count, *LARGER.get(name, SHAPE), generator=torch.Generator().manual_seed(9))
    return x[None] if models.vectorization(name) == "always" else x


def seeded(model: nn.Sequential, x: Tensor, cut: int = 0) -> Tensor:
    """The forward pass in two parts, with the same draws for dropout each time."""
    torch.manual_seed(7)
    result: Tensor = model[cut:](model[:cut](x))
    return result


def test_these_are_all_the_names() -> None:
    # A new family joins every check below by a line in SMALL; what is no factory (a class, an import) is no name.
    # (The two players of gan are no classifier: they have checks of their own.)
    assert set(models._factories()) == {*SMALL, "gan"}
    declared = {name: models.vectorization(name) for name in SMALL}
    assert [name for name, value in declared.items() if value == "always"] == ["mlp", "patch_network"]
    assert {name for name, value in declared.items() if value == "optional"} == {
        *("preact_resnet", "wide_resnet", "densenet_bc", "resnet1d"),
    }


@pytest.mark.parametrize("name", [*SMALL, "gan"])
def test_the_signature_is_one_that_a_schema_can_be_made_from(name: str) -> None:
    module = models.family(name)
    assert isinstance(module.NUMERICS, int)
    first, second, *others = inspect.signature(getattr(module, name)).parameters.values()
    assert (first.name, first.annotation) == ("input_shape", tuple[int, ...])
    assert (second.name, second.annotation) == ("classes", int)
    for parameter in others:
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.default is not parameter.empty
        assert not isinstance(parameter.annotation, str), "annotations are read, so they may not be postponed"


@pytest.mark.parametrize("name", SMALL)
def test_stages_are_named_alike(name: str) -> None:
    names = [stage for stage, _ in network(name).named_children()]
    assert names == ["stem", *(f"stage{k}" for k in range(1, len(names) - 1)), "head"]
    assert len(names) >= (2 if name == "lstnet" else 4)  # of which the recurrent layers are one stage


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("training", [False, True])
def test_the_stages_before_and_after_a_cut_make_the_forward_pass(name: str, training: bool) -> None:
    model, x = network(name).train(training), inputs(name)
    torch.manual_seed(7)
    whole = model(x)
    assert whole.shape[-2:] == (5, CLASSES)
    for cut in range(len(model) + 1):
        assert torch.equal(seeded(model, x, cut), whole)


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_gives_the_same_bits_and_another_seed_does_not(name: str) -> None:
    first, again, other = network(name), network(name), network(name, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    drawn = [p for p in first.parameters() if p.unique().numel() > 1]
    assert drawn
    assert all(
        not torch.equal(p, dict(other.named_parameters())[n])
        for n, p in first.named_parameters()
        if p.unique().numel() > 1
    )
    x = inputs(name)
    assert torch.equal(seeded(first, x), seeded(again, x))


@pytest.mark.parametrize("name", SMALL)
def test_the_gradient_reaches_every_parameter(name: str) -> None:
    # In evaluation, because the statistics of a batch cancel a bias before a norm, and rounding would hide that.
    model, x = network(name).eval(), inputs(name, count=16)
    (model(x) * torch.randn(CLASSES, generator=torch.Generator().manual_seed(3))).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_memory_format_changes_no_value(name: str) -> None:
    model, x = network(name).eval(), inputs(name)
    expected = model(x)
    reordered = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
    result = model.to(memory_format=torch.channels_last)(reordered)
    assert torch.allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("name", WITHOUT_DROPOUT)
def test_without_dropout_a_training_pass_draws_nothing(name: str) -> None:
    model = network(name).train()
    before = torch.get_rng_state()
    model(inputs(name))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["preact_resnet", "wide_resnet"])
def test_dropout_acts_between_the_convolutions_after_the_relu_and_only_in_training(name: str) -> None:
    torch.manual_seed(0)
    model = models.build(name, (1, 16, 16), CLASSES, **SMALL[name], dropout=0.3)
    block = model.stage2[0].residual
    seen: dict[str, Tensor] = {}
    block[2].register_forward_hook(lambda *call: seen.update(relu=call[2].clone()))
    block[-1].register_forward_hook(lambda *call: seen.update(conv=call[1][0].clone()))
    x = torch.randn(16, 1, 16, 16)
    model.train()(x)
    positive = seen["relu"] > 0
    assert 0.2 < positive.float().mean() < 0.8
    factor = (seen["conv"] / seen["relu"])[positive]
    kept = factor > 0
    assert torch.allclose(factor[kept], torch.tensor(1 / 0.7))
    assert abs(kept.float().mean() - 0.7) < 0.03
    model.eval()(x)
    assert torch.equal(seen["conv"], seen["relu"])


def test_an_unknown_name_gets_the_nearest_as_advice() -> None:
    with pytest.raises(UserError, match=r"unknown model 'wide_resnt' \(did you mean 'wide_resnet'\?\)"):
        models.build("wide_resnt", SHAPE, CLASSES)


@pytest.mark.parametrize(
    "name",
    ["stack", "seed_dropout", "vectorize", "MemberLinear", "image_channels", "he_classifier", "mlp.mlp", "_factories"],
)
def test_what_is_no_factory_cannot_be_named(name: str) -> None:
    with pytest.raises(UserError, match="unknown model"):
        models.build(name, SHAPE, CLASSES)


@pytest.mark.parametrize("name", sorted(set(CONVOLUTIONAL) - set(SERIES)))
def test_a_convolutional_network_refuses_tables(name: str) -> None:
    with pytest.raises(UserError, match=rf"{name} needs images .* not inputs of shape \(4,\) \(use mlp"):
        models.build(name, (4,), CLASSES, **SMALL[name])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("preact_resnet", {"blocks": [2, 0, 2]}),
        ("resnet", {"layers": [-1]}),
        ("resnet1d", {"blocks": [1, 0]}),
        ("mlp", {"hidden": [128, 0]}),
        ("gan", {"hidden": [4, 0]}),
        ("gan", {"latent": 0}),
        ("densenet_bc", {"depth": 4}),
        ("wide_resnet", {"depth": 4}),
    ],
)
def test_sizes_that_are_too_small_are_refused_when_the_file_is_read(name: str, parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=rf"model {name}: .* is >= 10?, not"):
        resolve("model", {"name": name, **parameters})
