"""Networks: one module for each family, every network a sequence of named stages.

A family's public factory function is the name that an experiment file uses: `model: {name: preact_resnet, width: 64}`.
Its first two parameters are the shape of one input and the number of classes. It returns an `nn.Sequential` of `stem`,
`stage1`, `stage2`, ..., `head`, so mixing at cut point k means `network[k:](mix(network[:k](x)))` for every family, and
cut point 0 is the input.

A module declares

- `NUMERICS`: a number that is raised when the numbers that it computes change;
- `VECTORIZED`: whether the networks of several seeds can train as one batched program, with a leading dimension of
  members in inputs, outputs and weights. "always": it has no other implementation; "optional": `build` makes a
  vectorized network if asked; without the declaration: "never".
"""

import copy
import functools
import importlib
import inspect
import pkgutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from remixup.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from remixup.models.vectorized import MemberDropout


@functools.cache
def _factories() -> dict[str, ModuleType]:
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)]
    return {
        name: module
        for module in modules
        for name, value in vars(module).items()
        if hasattr(module, "NUMERICS")
        and inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


def family(name: str) -> ModuleType:
    """Find the module that defines the network `name`.

    Raises:
        UserError: no family has a network of that name.
    """
    factories = _factories()
    if name not in factories:
        raise UserError(f"unknown model {name!r}", where="run.model.name", hint=did_you_mean(name, factories))
    return factories[name]


def vectorization(name: str) -> Literal["always", "optional", "never"]:
    """Return what the family of the network `name` declares as `VECTORIZED`."""
    return getattr(family(name), "VECTORIZED", "never")


def build(
    name: str, input_shape: tuple[int, ...], classes: int, *, vectorized: bool = False, **params: Any
) -> nn.Sequential:
    """Build the network `name` with initial weights drawn from torch's global generator.

    Args:
        name: a public function of one of this package's modules.
        input_shape: the shape of one input, (C, H, W) for images and (F,) for features.
        classes: the number of outputs.
        vectorized: build a network of one member, with the same weights; see `stack`.
        params: the keyword parameters of that function.

    Raises:
        UserError: unknown name, or a shape or parameter that the network cannot have.
    """
    network: nn.Sequential = getattr(family(name), name)(tuple(input_shape), classes, **params)
    if vectorized and vectorization(name) != "always":
        from remixup.models.vectorized import vectorize

        network = vectorize(network)
    return network


def stack(members: Sequence[nn.Sequential]) -> nn.Sequential:
    """Stack vectorized networks of the same architecture into one that has all their members, in order.

    Usually each network has one member and was built under its own seed, so that the initial weights of a member depend
    on its seed alone. Weights and buffers (running statistics) are copied; dropout must be seeded anew.

    Raises:
        ValueError: no networks, or networks that are not vectorized.
    """
    from remixup.models.mlp import MemberLinear
    from remixup.models.vectorized import MemberBatchNorm2d, MemberConv2d

    if not members:
        raise ValueError("there is no network to stack")
    stacked = copy.deepcopy(members[0])
    owners = [module for module in stacked.modules() if list(module.parameters(recurse=False))]
    if not all(isinstance(owner, MemberLinear | MemberConv2d | MemberBatchNorm2d) for owner in owners):
        raise ValueError("only vectorized networks can be stacked")
    for name, parameter in stacked.named_parameters():
        parameter.data = torch.cat([member.get_parameter(name).detach() for member in members])
    for name, buffer in stacked.named_buffers():
        buffer.data = torch.cat([member.get_buffer(name) for member in members])
    for layer in _member_dropouts(stacked):
        layer.generators = []
    return stacked


def seed_dropout(model: nn.Module, seeds: list[int]) -> None:
    """Seed the dropout of a network: each member of a vectorized one with its own seed, others with the first.

    The generators of members are on the device of the network. Other networks draw from torch's global generators,
    which are seeded whether the network has dropout or not.

    Raises:
        ValueError: the number of seeds differs from that of the members.
    """
    layers = _member_dropouts(model)
    if not layers:
        torch.manual_seed(seeds[0])
        return
    first = next(model.parameters())
    if len(first) != len(seeds):
        raise ValueError(f"{len(seeds)} seeds for {len(first)} members")
    generators = [torch.Generator(first.device).manual_seed(seed) for seed in seeds]
    for layer in layers:
        layer.generators = generators


def _member_dropouts(model: nn.Module) -> "list[MemberDropout]":
    from remixup.models.vectorized import MemberDropout

    return [module for module in model.modules() if isinstance(module, MemberDropout)]


def image_channels(input_shape: tuple[int, ...], name: str) -> int:
    """Return the number of channels C of an input of shape (C, H, W).

    Raises:
        UserError: the input is no image, so the convolutional network `name` cannot take it.
    """
    check_dimensions(input_shape, 3, name, "images of shape (channels, height, width)", "use mlp for features")
    return input_shape[0]


def check_dimensions(
    input_shape: tuple[int, ...], dimensions: int, name: str, needed: str, hint: str | None = None
) -> None:
    """Raise a UserError if an input of the network `name` has another number of dimensions than what is `needed`."""
    if len(input_shape) != dimensions:
        what = f"{name} needs {needed}, not inputs of shape {tuple(input_shape)}"
        raise UserError(what, where="run.model.name", hint=hint)


def blocks_of_depth(depth: int, network: str, examples: str) -> int:
    """Return n of a network of 6 n + 4 layers.

    Raises:
        UserError: the depth is no such number.
    """
    if (depth - 4) % 6:
        what = f"a {network} of depth {depth} does not exist"
        raise UserError(what, where="run.model.depth", hint=f"6 n + 4, such as {examples}")
    return (depth - 4) // 6


def residual_stages(
    stem: nn.Module, inputs: int, outputs: int, depths: Sequence[int], block: Callable[[int, int, int], nn.Module]
) -> tuple["OrderedDict[str, nn.Module]", int]:
    """Build stages of residual blocks; each but the first doubles the channels and halves the size in its first block.

    Args:
        stem: what comes before the stages.
        inputs: channels that the stem gives.
        outputs: channels that the first stage gives.
        depths: the number of blocks in each stage.
        block: makes a block from the numbers of channels of its inputs and outputs, and its stride.

    Returns:
        Stem and stages by name, and the channels that the last stage gives.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=stem)
    for number, depth in enumerate(depths):
        stage = nn.Sequential()
        for position in range(depth):
            stage.append(block(inputs, outputs * 2**number, 2 if number > 0 and position == 0 else 1))
            inputs = outputs * 2**number
        stages[f"stage{number + 1}"] = stage
    return stages, inputs


def he_classifier(stages: OrderedDict[str, nn.Module], norm: nn.Module, channels: int, classes: int) -> nn.Sequential:
    """Add a head to the stages (norm, ReLU, average, linear) and initialize the whole network as He et al. do.

    The bias of the linear layer becomes zero, its weights keep torch's default.
    """
    linear = nn.Linear(channels, classes)
    nn.init.zeros_(linear.bias)
    stages["head"] = nn.Sequential(norm, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
    return initialize_he(nn.Sequential(stages))


def initialize_he(network: nn.Sequential) -> nn.Sequential:
    """Draw convolutions from N(0, 2 / (k k C_out)), in place.

    He et al. 2015 (1502.01852, section 2.2), in the form that counts the outputs, as the released codes of the wide
    ResNets (szagoruyko/wide-residual-networks, `models/utils.lua`) and of the DenseNets do (liuzhuang13/DenseNet;
    facebookresearch/mixup-cifar10, `models/densenet3.py`), and torchvision.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network
