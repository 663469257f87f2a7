"""Vectorized convolutional networks: the networks of several seeds as one batched program.

A step of a small network is largely the cost of calling operations. `vectorize` replaces the layers of an ordinary
ResNet or DenseNet by layers with a leading dimension of members (one network for each seed), and
`remixup.models.stack` joins such networks. The convolutions of all members are then one grouped convolution. For that,

- images are in the order (n, H, W, members, channels): channels_last, with a group of channels for each member;
- every group has whole vectors of channels: widths are multiples of 8, and inputs are padded with zero channels. The
  weights of those channels are zero, meet only zeros, get a gradient of zero and stay zero.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remixup.errors import UserError
from remixup.models.densenet import DenseLayer
from remixup.models.mlp import MemberLinear

_VECTOR = 8  # channels that the grouped kernels of oneDNN take at a time


def vectorize(network: nn.Sequential) -> nn.Sequential:
    """Turn an ordinary network into a vectorized one of a single member, with the same weights.

    Args:
        network: its stages map images (B, C, H, W) or series (B, C, T) to such, its head to logits (B, classes); its
            layers are used up.

    Returns:
        The network with a leading dimension of members: (1, B, C, H, W) to (1, B, classes).

    Raises:
        UserError: a layer has no vectorized implementation, or a convolution's outputs are not whole vectors.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d) and layer.out_channels % _VECTOR:
            what = f"a vectorized convolution has a multiple of {_VECTOR} channels, not {layer.out_channels}"
            raise UserError(what, where="run.model", hint="change the width, or set execution.vectorize_seeds to false")
    vectorized = nn.Sequential(OrderedDict((name, _stage(stage)) for name, stage in network.named_children()))
    for layer in vectorized.modules():
        own = list(layer.parameters(recurse=False))
        if own and not isinstance(layer, MemberLinear | MemberConv2d | MemberBatchNorm2d):
            what = f"{type(layer).__name__} has no vectorized implementation"
            raise UserError(what, where="run.execution.vectorize_seeds", hint="set it to false")
    return vectorized


def _fold(x: Tensor) -> Tensor:
    """Reorder the images (S, n, C, H, W) of all members to (n, S C', H, W) in channels_last, with C' whole vectors.

    The result is a view of what `_unfold` returns, and a copy of anything else.
    """
    last, missing = x.permute(1, 3, 4, 0, 2), -x.shape[2] % _VECTOR
    last = F.pad(last, (0, missing)) if missing else last
    return last.contiguous().flatten(3).permute(0, 3, 1, 2)


def _unfold(x: Tensor, members: int) -> Tensor:
    """Return the view (members, n, C, H, W) of folded images."""
    return x.view(len(x), members, -1, *x.shape[2:]).transpose(0, 1)


class MemberConv2d(nn.Module):
    """A convolution for each of S members: folded images of C channels to such of O channels.

    `weight` is (S, O, k k C), in the order of channels_last, with zeros for the channels up to whole vectors. It is
    built for one member (S = 1) from a convolution without bias; one over time is a convolution of height 1.
    """

    def __init__(self, single: nn.Conv1d | nn.Conv2d) -> None:
        super().__init__()
        weight = single.weight.detach()
        self.stride, self.padding, self.kernel_size = single.stride, single.padding, single.kernel_size
        if isinstance(single, nn.Conv1d):
            weight = weight.unsqueeze(2)
            self.stride, self.padding = (1, *single.stride), (0, int(single.padding[0]))
            self.kernel_size = (1, *single.kernel_size)
        drawn = weight.permute(0, 2, 3, 1)
        padded = F.pad(drawn, (0, -drawn.shape[-1] % _VECTOR))
        self.channels = padded.shape[-1]
        self.weight = nn.Parameter(padded.flatten(1).unsqueeze(0).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, S C, H, W) to (B, S O, H', W')."""
        kernels = self.weight.view(-1, *self.kernel_size, self.channels).permute(0, 3, 1, 2)
        return F.conv2d(x, kernels, None, self.stride, self.padding, groups=len(self.weight))


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
        """Map (B, S C, H, W) to the same shape; in training the running statistics are updated."""
        values = (self.running_mean, self.running_var, self.weight, self.bias)
        mean, var, weight, bias = (each.view(-1) for each in values)
        return F.batch_norm(x, mean, var, weight, bias, self.training)


class MemberDropout(nn.Module):
    """Dropout on folded images, with a generator for each member.

    `remixup.models.seed_dropout` sets the `generators`, one for each member and the same in all layers of a network, so
    that a member draws the masks that `nn.Dropout` draws for it on the CPU with torch's global generator in the same
    state. Without them all masks come from the global generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generators: list[torch.Generator] = []

    def forward(self, x: Tensor) -> Tensor:
        """Set, in training, a share p of (B, S C, H, W) to zero and divide the others by 1 - p."""
        if not self.training or self.p == 0.0 or not self.generators:
            return F.dropout(x, self.p, self.training)
        shape = (x.shape[0], x.shape[1] // len(self.generators), *x.shape[2:])
        masks = [x.new_empty(shape).bernoulli_(1 - self.p, generator=source) for source in self.generators]
        return x * _fold(torch.stack(masks).div_(1 - self.p))


class MemberDenseLayer(nn.Module):
    """Append to the folded images of each of S members the output of its own `grow`."""

    def __init__(self, grow: nn.Sequential) -> None:
        super().__init__()
        self.grow = grow

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, S C, H, W) to (B, S (C + growth), H, W); the first C channels of each member are the input's."""
        members = len(next(self.parameters()))
        last = [folded.permute(0, 2, 3, 1).unflatten(3, (members, -1)) for folded in (x, self.grow(x))]
        return torch.cat(last, dim=4).flatten(3).permute(0, 3, 1, 2)


def _images(x: Tensor) -> Tensor:
    """Return images (S, n, C, H, W) unchanged, series (S, n, C, T) as images of height 1."""
    return x.unsqueeze(-2) if x.ndim == 4 else x


class _Stage(nn.Sequential):
    """Layers on folded images: map (S, n, C, H, W) to (S, n, C', H', W'), or series (S, n, C, T) to (S, n, C', T')."""

    def forward(self, x: Tensor) -> Tensor:
        folded: Tensor = super().forward(_fold(_images(x)))  # type: ignore[no-untyped-call]
        images = _unfold(folded, len(x))
        return images.squeeze(-2) if x.ndim == 4 else images


class _Pool(nn.Module):
    """The mean of each channel: (S, n, C, H, W), or (S, n, C, T), to (S, n, C)."""

    def forward(self, x: Tensor) -> Tensor:
        images = _images(x)
        return _unfold(F.avg_pool2d(_fold(images), images.shape[-2:]), len(x)).flatten(2)


def _stage(single: nn.Module) -> nn.Module:
    layers = list(single.children()) or [single]
    last, before = layers[-1], layers[:-3]
    if not isinstance(last, nn.Linear):
        return _Stage(*(_for_members(layer) for layer in layers))
    head = nn.Sequential(
        _Pool(), MemberLinear(last, last.bias is not None)
    )  # in place of a pool, a flattening, and the linear layer
    return head.insert(0, _Stage(*(_for_members(layer) for layer in before))) if before else head


def _for_members(module: nn.Module) -> nn.Module:
    """Replace, in place, each layer that tells channels apart or draws by its vectorized kind."""
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        return MemberConv2d(module)
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return MemberBatchNorm2d(module.num_features)
    if isinstance(module, nn.MaxPool1d):
        sizes = (module.kernel_size, module.stride, module.padding)
        size, stride, padding = (each if isinstance(each, int) else each[0] for each in sizes)
        return nn.MaxPool2d((1, size), (1, stride), (0, padding))
    if isinstance(module, nn.Dropout):
        return MemberDropout(module.p)
    if isinstance(module, DenseLayer):
        return MemberDenseLayer(nn.Sequential(*(_for_members(layer) for layer in module.grow)))
    for name, child in module.named_children():
        setattr(module, name, _for_members(child))
    return module
