"""ResNets, narrow or wide, and DenseNets for a population: seeds of one small network train as one program.

A small network's step is largely the cost of calling operations, and the members' convolutions, in as many groups as
there are members, are one call. A member computes the same bits alone as in any company (float32, CPU, one thread,
oneDNN), because the sums of every group are then made by the same kernel in the same order. That takes

- images in the order (n, H, W, members, channels): channels_last, with a group of channels for each member;
- whole vectors of channels in every group: widths are multiples of 8, and the inputs get zero channels up to one (their
  additional weights are zero, meet only zeros, get a gradient of zero and stay zero);
- two groups at the least, since a convolution without groups has other kernels: a member that is alone has a companion
  of zeros, which costs it time.

With several threads the order of the sums in a weight's gradient does depend on the company.
"""

from collections import OrderedDict
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn
from torch.nn import functional as F

from remixup.errors import UserError
from remixup.models import image_channels
from remixup.models.densenet import DenseLayer, densenet_bc
from remixup.models.mlp import MemberLinear
from remixup.models.preact_resnet import preact_resnet
from remixup.models.wide_resnet import wide_resnet

# Raise it when the numbers of preact_resnet, wide_resnet or densenet_bc change: the layers are made from theirs.
NUMERICS = 1
POPULATION = True

_VECTOR = 8  # channels that oneDNN's grouped kernels take at a time


def _accompanied(values: Tensor) -> Tensor:
    """Values (S, ...) of all members, with a companion's zeros beside those of a member that is alone."""
    return values if len(values) > 1 else torch.cat([values, torch.zeros_like(values)])


def _fold(x: Tensor) -> Tensor:
    """All members' images (S, n, C, H, W) as (n, S C', H, W) in channels_last, with C' whole vectors and S at least 2.

    A view of what `_unfold` gives for several members, a copy of anything else.
    """
    last = x.permute(1, 3, 4, 0, 2)
    alone, missing = len(x) == 1, -x.shape[2] % _VECTOR
    if alone or missing:
        last = F.pad(last, (0, missing, 0, 1 if alone else 0))
    return last.contiguous().flatten(3).permute(0, 3, 1, 2)


def _unfold(x: Tensor, members: int) -> Tensor:
    """The view (members, n, C, H, W) of folded images."""
    groups = x.view(len(x), max(members, 2), -1, *x.shape[2:]).transpose(0, 1)
    return groups[:1] if members == 1 else groups  # the gradient of a slice is a copy


class MemberConv2d(nn.Module):
    """A convolution for each of S members: folded images of C channels to such of O channels.

    `weight` is (S, O, k k C), in the order of channels_last, with zeros for the channels up to whole vectors; built for
    one member (S = 1) from a convolution without bias.
    """

    def __init__(self, single: nn.Conv2d) -> None:
        super().__init__()
        self.stride, self.padding, self.kernel_size = single.stride, single.padding, single.kernel_size
        drawn = single.weight.detach().permute(0, 2, 3, 1)
        padded = F.pad(drawn, (0, -drawn.shape[-1] % _VECTOR))
        self.channels = padded.shape[-1]
        self.weight = nn.Parameter(padded.flatten(1).unsqueeze(0).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, S C, H, W) to (B, S O, H', W')."""
        weight = _accompanied(self.weight)
        kernels = weight.view(-1, *self.kernel_size, self.channels).permute(0, 3, 1, 2)
        y: Tensor = F.conv2d(x, kernels, None, self.stride, self.padding, groups=len(weight))
        return y

    def extra_repr(self) -> str:
        """Members and channels, for the printed network."""
        return f"members={len(self.weight)}, {self.channels}, {self.weight.shape[1]}, stride={self.stride}"


class MemberBatchNorm2d(nn.Module):
    """Batch norm for each of S members on folded images of C channels, with torch's initial values and constants.

    `weight` and `bias` and the buffers `running_mean` and `running_var` are (S, C); built for one member (S = 1).
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, channels)), nn.Parameter(torch.zeros(1, channels))
        self.register_buffer("running_mean", torch.zeros(1, channels))
        self.register_buffer("running_var", torch.ones(1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, S C, H, W) to the same shape; in training the running statistics move."""
        held = (self.running_mean, self.running_var, self.weight, self.bias)
        mean, var, weight, bias = (_accompanied(values).view(-1) for values in held)
        y = F.batch_norm(x, mean, var, weight, bias, self.training)
        if self.training and len(self.running_mean) == 1:  # the companion made copies of them
            self.running_mean.copy_(mean.view(2, -1)[:1])
            self.running_var.copy_(var.view(2, -1)[:1])
        return y

    def extra_repr(self) -> str:
        """Members and channels, for the printed network."""
        return f"members={self.weight.shape[0]}, {self.weight.shape[1]}"


class MemberDropout(nn.Module):
    """Dropout on folded images, each member's masks drawn from a generator of its own.

    `remixup.models.seed_dropout` gives the `generators`, one for each member and the same to all layers of a network,
    so that a member's masks are those that `nn.Dropout` draws for it on the CPU with torch's global generator in the
    same state. Without them all masks come from the global generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generators: list[torch.Generator] = []

    def forward(self, x: Tensor) -> Tensor:
        """In training set a share p of (B, S C, H, W) to zero and divide the others by 1 - p."""
        if not self.training or self.p == 0.0 or not self.generators:
            return F.dropout(x, self.p, self.training)
        shape = (x.shape[0], x.shape[1] // max(2, len(self.generators)), *x.shape[2:])
        masks = [x.new_empty(shape).bernoulli_(1 - self.p, generator=source) for source in self.generators]
        return x * _fold(torch.stack(masks).div_(1 - self.p))

    def extra_repr(self) -> str:
        """The probability, for the printed network."""
        return f"p={self.p}"


class MemberDenseLayer(nn.Module):
    """Append to each of S members' folded images what its own `grow` makes of them."""

    def __init__(self, grow: nn.Sequential) -> None:
        super().__init__()
        self.grow = grow

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, S C, H, W) to (B, S (C + growth), H, W); the first C channels of each member are the input's."""
        members = max(2, len(next(self.parameters())))
        last = [folded.permute(0, 2, 3, 1).unflatten(3, (members, -1)) for folded in (x, self.grow(x))]
        return torch.cat(last, dim=4).flatten(3).permute(0, 3, 1, 2)


def _images(x: Tensor) -> Tensor:
    """Images (S, n, C, H, W) as they are, series (S, n, C, T) as images of height 1."""
    return x.unsqueeze(-2) if x.ndim == 4 else x


class _Stage(nn.Sequential):
    """Layers that work on folded images, seen from outside as a map of (S, n, C, H, W) to (S, n, C', H', W').

    Or, through layers of height 1, of series (S, n, C, T) to (S, n, C', T').
    """

    def forward(self, x: Tensor) -> Tensor:
        folded: Tensor = super().forward(_fold(_images(x)))  # type: ignore[no-untyped-call]
        images = _unfold(folded, len(x))
        return images.squeeze(-2) if x.ndim == 4 else images


class _Pool(nn.Module):
    """The mean of each channel: (S, n, C, H, W), or (S, n, C, T), to (S, n, C).

    Not by `mean`, whose order of summation depends on the shape of all dimensions together.
    """

    def forward(self, x: Tensor) -> Tensor:
        images = _images(x)
        return _unfold(F.avg_pool2d(_fold(images), images.shape[-2:]), len(x)).flatten(2)


def preact_resnet_population(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Ge(8)] = 8,
    blocks: tuple[int, ...] = (1, 1, 1),
    stem_norm: bool = False,
    activated_shortcut: bool = False,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
) -> nn.Sequential:
    """A pre-activation ResNet for one member: images (1, B, C, H, W) to logits (1, B, classes).

    `remixup.models.stack` makes a population of S such networks: images (S, B, C, H, W), logits (S, B, classes), and
    (S, B, C', H', W') after every stage. Member by member it is `preact_resnet` of the same parameters: the same layers
    with the same initial weights, drawn in the same order.

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        width: channels of the stem and of the first stage, a multiple of 8; each further stage doubles them.
        blocks: the number of blocks in each stage.
        stem_norm: batch norm and ReLU after the stem's convolution.
        activated_shortcut: identity shortcuts start after the block's first norm and ReLU, not before.
        dropout: the probability of a zero between the two 3x3 convolutions of each block.

    Raises:
        UserError: inputs that are no images, a stage without blocks, or a width that is no multiple of 8.
    """
    image_channels(input_shape, "preact_resnet_population")
    _refuse_parts_of_vectors("width", width, "preact_resnet")
    variant = {"stem_norm": stem_norm, "activated_shortcut": activated_shortcut}
    return _members_kind(preact_resnet(input_shape, classes, width=width, blocks=blocks, dropout=dropout, **variant))


def wide_resnet_population(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Annotated[int, Ge(10)] = 10,
    widen: Annotated[int, Ge(1)] = 1,
    base: Annotated[int, Ge(8)] = 16,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
) -> nn.Sequential:
    """A wide ResNet for one member: images (1, B, C, H, W) to logits (1, B, classes); otherwise as above.

    Member by member it is `wide_resnet` of the same parameters.

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        depth: the number of layers, 6 n + 4.
        widen: the widening factor.
        base: channels of the stem, a multiple of 8.
        dropout: the probability of a zero between the two 3x3 convolutions of each block.

    Raises:
        UserError: inputs that are no images, a depth that is not 6 n + 4, or a base that is no multiple of 8.
    """
    image_channels(input_shape, "wide_resnet_population")
    _refuse_parts_of_vectors("base", base, "wide_resnet")
    return _members_kind(wide_resnet(input_shape, classes, depth=depth, widen=widen, base=base, dropout=dropout))


def densenet_bc_population(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Annotated[int, Ge(10)] = 10,
    growth: Annotated[int, Ge(8)] = 8,
    compression: Annotated[float, Gt(0), Le(1)] = 0.67,
) -> nn.Sequential:
    """A DenseNet-BC for one member: images (1, B, C, H, W), H and W at least 4, to logits (1, B, classes).

    Otherwise as above: member by member it is `densenet_bc` of the same parameters.

    Args:
        input_shape: (C, H, W).
        classes: the number of outputs.
        depth: the number of layers, 6 n + 4.
        growth: the growth rate, a multiple of 8.
        compression: the share of channels that a transition keeps, such that multiples of 8 are left.

    Raises:
        UserError: inputs that are no images, a depth that is not 6 n + 4, or channels that are no multiples of 8.
    """
    image_channels(input_shape, "densenet_bc_population")
    _refuse_parts_of_vectors("growth", growth, "densenet_bc")
    single = densenet_bc(input_shape, classes, depth=depth, growth=growth, compression=compression)
    for layer in single.modules():
        if isinstance(layer, nn.Conv2d) and layer.out_channels % _VECTOR:
            what = f"compression {compression} leaves {layer.out_channels} channels, no multiple of {_VECTOR}"
            raise UserError(what, where="run.model.compression", hint="another one, or densenet_bc, which takes any")
    return _members_kind(single)


def _refuse_parts_of_vectors(name: str, channels: int, single: str) -> None:
    if channels < _VECTOR or channels % _VECTOR:
        raise UserError(
            f"{name} {channels} is no multiple of {_VECTOR}",
            where=f"run.model.{name}",
            hint=f"{max(_VECTOR, round(channels / _VECTOR) * _VECTOR)}, or {single}, which takes any",
        )


def _members_kind(single: nn.Sequential) -> nn.Sequential:
    """An ordinary network as a population of one; its layers are used up."""
    return nn.Sequential(OrderedDict((name, _stage(stage)) for name, stage in single.named_children()))


def _stage(single: nn.Module) -> nn.Module:
    layers = list(single.children()) or [single]
    last, before = layers[-1], layers[:-3]
    if not isinstance(last, nn.Linear):
        return _Stage(*(_for_members(layer) for layer in layers))
    head = nn.Sequential(_Pool(), _linear(last))  # in place of a pool, a flattening, and the linear layer
    return head.insert(0, _Stage(*(_for_members(layer) for layer in before))) if before else head


def _for_members(module: nn.Module) -> nn.Module:
    """The module with the members' kind of every layer that tells channels apart or draws; changed in place."""
    if isinstance(module, nn.Conv2d):
        return MemberConv2d(module)
    if isinstance(module, nn.BatchNorm2d):
        return MemberBatchNorm2d(module.num_features)
    if isinstance(module, nn.Dropout):
        return MemberDropout(module.p)
    if isinstance(module, DenseLayer):
        return MemberDenseLayer(nn.Sequential(*(_for_members(layer) for layer in module.grow)))
    for name, child in module.named_children():
        setattr(module, name, _for_members(child))
    return module


def _linear(single: nn.Linear) -> MemberLinear:
    """A member's linear layer with the weights of an ordinary one."""
    with torch.random.fork_rng(devices=[]):  # its own draws are not used
        linear = MemberLinear(single.in_features, single.out_features, single.bias is not None)
    with torch.no_grad():
        linear.weight[0, : single.in_features, : single.out_features] = single.weight.T
        if linear.bias is not None:
            linear.bias[0, 0, : single.out_features] = single.bias
    return linear
