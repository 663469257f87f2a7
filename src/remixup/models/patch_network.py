"""The two-layer convolutional network of the theory of multi-view data, vectorized over members."""

import functools
from collections import OrderedDict
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.nn import functional as F

from remixup.models import check_dimensions
from remixup.models.mlp import MemberLinear

NUMERICS = 1
VECTORIZED = "always"


class PolynomialReLU(nn.Module):
    """ReLU with a polynomial foot (Allen-Zhu and Li, 2020, 2012.09816, section 2.2; Chidambaram et al., 2023).

    0 below 0, z^α / (α ρ^(α - 1)) up to ρ, z - (1 - 1/α) ρ beyond: continuous, and so is its slope.
    """

    def __init__(self, exponent: int, threshold: float) -> None:
        super().__init__()
        self.exponent, self.threshold = exponent, threshold

    def forward(self, z: Tensor) -> Tensor:
        """Apply it to each element."""
        foot = F.hardtanh(z / self.threshold, 0.0, 1.0)
        return self.threshold / self.exponent * foot**self.exponent + F.relu(z - self.threshold)


class _Responses(nn.Module):
    """The output of every neuron for every patch: (S, B, P, d) to (S, B, P, neurons)."""

    def __init__(self, features: int, neurons: int, spread: float) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):  # its own draws are not used
            single = nn.Linear(features, neurons, bias=False)
        with torch.no_grad():
            single.weight.copy_((torch.randn(features, neurons) * spread).T)
        self.linear = MemberLinear(single, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        flat: Tensor = self.linear(x.flatten(1, 2))
        return flat.view(*x.shape[:3], -1)


class _OverPatches(nn.Module):
    """The sum over patches: (S, B, P, neurons) to (S, B, neurons).

    One after another, not by `sum`, whose order depends on the shape of all dimensions together.
    """

    def forward(self, x: Tensor) -> Tensor:
        return functools.reduce(torch.add, x.unbind(2))


class _OverNeurons(nn.Module):
    """The sum over the neurons of each class: (S, B, neurons) to (S, B, classes).

    The first neurons of all classes come first, then the second ones, and so on.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = functools.reduce(torch.add, x.split(self.classes, dim=-1))
        return total


def patch_network(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    neurons: Annotated[int, Ge(1)] = 10,
    exponent: Annotated[int, Ge(2)] = 3,
    threshold: Annotated[float, Gt(0)] = 0.1,
    spread: Annotated[float, Gt(0)] = 0.0002,
) -> nn.Sequential:
    """Build a two-layer network of patches for one member: points (1, B, P, d) to (1, B, classes).

    The output of class y is the sum over its neurons r and the patches p of ReLU(<w_yr, x_p>), with a polynomial foot
    (Chidambaram et al., 2023, 2210.13512, section 4): only the first layer has weights, and each class has its own
    neurons. `remixup.models.stack` joins S such networks.

    Args:
        input_shape: (P, d), the number of patches and of the numbers in each.
        classes: the number of outputs.
        neurons: of each class.
        exponent: α of the polynomial foot.
        threshold: ρ, where the foot ends.
        spread: standard deviation of the initial weights, which are normal.

    Raises:
        UserError: inputs that are no patches.
    """
    needed = "patches of shape (patches, numbers)"
    check_dimensions(input_shape, 2, "patch_network", needed, "use mlp for features")
    return nn.Sequential(
        OrderedDict(
            stem=_Responses(input_shape[1], neurons * classes, spread),
            stage1=PolynomialReLU(exponent, threshold),
            stage2=_OverPatches(),
            head=_OverNeurons(classes),
        )
    )
