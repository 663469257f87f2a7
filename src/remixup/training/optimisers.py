"""Optimisers that an experiment file may name."""

from collections.abc import Iterable
from typing import Annotated

import torch
from torch import nn

NUMERICS = 1


def sgd(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Annotated[float, "> 0"],
    momentum: Annotated[float, ">= 0 and < 1"] = 0.0,
    nesterov: bool = False,
    weight_decay: Annotated[float, ">= 0"] = 0.0,
) -> torch.optim.Optimizer:
    """Stochastic gradient descent; the decay is applied to every parameter, as the released CIFAR code does."""
    return torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, foreach=True
    )


def adam(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Annotated[float, "> 0"] = 1e-3,
    weight_decay: Annotated[float, ">= 0"] = 0.0,
) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, 2015) with the usual betas."""
    return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay, fused=True)
