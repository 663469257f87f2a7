"""Fully connected networks, vectorized over members: the networks of several seeds train as one batched program.

The widths of each layer are rounded up to whole cache lines. The additional weights are zero, meet only zeros, get a
gradient of zero and stay zero.
"""

from collections import OrderedDict
from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn
from torch.nn import functional as F

NUMERICS = 1
VECTORIZED = "always"

_LINE = 16  # floats in a cache line of 64 bytes, which is also the widest vector register


class MemberLinear(nn.Module):
    """An affine map for each of S members: (S, B, in) to (S, B, out).

    `weight` is (S, in, out) and `bias` (S, 1, out) or None, both with zeros up to whole cache lines; built for one
    member (S = 1) from an ordinary layer, whose bias it may leave out. With `whole_outputs` the outputs keep these
    zeros, as a layer with `whole_inputs` expects them.
    """

    def __init__(
        self, single: nn.Linear, bias: bool = True, *, whole_inputs: bool = False, whole_outputs: bool = False
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = single.in_features, single.out_features
        self.whole_inputs, self.whole_outputs = whole_inputs, whole_outputs
        rows, columns = -self.in_features % _LINE, -self.out_features % _LINE
        self.weight = nn.Parameter(F.pad(single.weight.detach().T, (0, columns, 0, rows)).unsqueeze(0).contiguous())
        self.bias = nn.Parameter(F.pad(single.bias.detach(), (0, columns)).view(1, 1, -1)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (S, B, in_features) to (S, B, out_features); S is the number of members that the weights have."""
        expected = self.weight.shape[1] if self.whole_inputs else self.in_features
        if x.shape[-1] != expected:  # the padding below would hide it
            raise ValueError(f"expected {expected} features, got inputs of shape {tuple(x.shape)}")
        missing = self.weight.shape[1] - expected
        x = F.pad(x, (0, missing)) if missing else x
        y = torch.bmm(x, self.weight) if self.bias is None else torch.baddbmm(self.bias, x, self.weight)
        return y if self.whole_outputs or y.shape[-1] == self.out_features else y[..., : self.out_features]


def mlp(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    hidden: tuple[Annotated[int, Ge(1)], ...] = (128, 128),
    bias: bool = True,
    negative_slope: Annotated[float, Ge(0), Lt(1)] = 0.0,
) -> nn.Sequential:
    """Build a fully connected ReLU network for one member: inputs (1, B, *input_shape), logits (1, B, classes).

    `remixup.models.stack` joins S such networks: inputs (S, B, *input_shape), logits (S, B, classes).
    Hidden layers have zeros beyond their width, up to whole cache lines. The default is the network of the mixup
    paper's UCI table (1710.09412, section 3.6). Initialization: PyTorch's default for linear layers. The stem flattens
    the input and has no weights; stage k is the kth hidden layer with its ReLU.

    Args:
        input_shape: the shape of one input, flattened to its number of features.
        classes: the number of outputs.
        hidden: the hidden layers' widths; with none the network is a linear classifier.
        bias: without it the logits are homogeneous of degree one in the input, as the theorems of Zhang et al. (2021,
            2010.04819, section 3) ask.
        negative_slope: of LeakyReLU; with 0 the activation is ReLU.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Flatten(start_dim=2))
    features = torch.Size(input_shape).numel()
    for number, width in enumerate(hidden, start=1):
        layer = MemberLinear(nn.Linear(features, width), bias, whole_inputs=number > 1, whole_outputs=True)
        stages[f"stage{number}"] = nn.Sequential(layer, nn.LeakyReLU(negative_slope) if negative_slope else nn.ReLU())
        features = width
    stages["head"] = MemberLinear(nn.Linear(features, classes), bias, whole_inputs=bool(hidden))
    return nn.Sequential(stages)
