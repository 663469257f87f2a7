"""Optimisers that an experiment file may name."""

from collections.abc import Iterable
from typing import Annotated, Any

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


def adam_of_sums(parameters: Iterable[nn.Parameter], *, lr: Annotated[float, "> 0"] = 1e-3) -> torch.optim.Optimizer:
    """Adam on the sum of all gradients so far, as where a loop never resets them.

    The published two-moons code of Chidambaram et al. (2022, 2110.07647, section 3.1) does so for mixup, and not for
    ERM.
    """
    return _AdamOfSums(parameters, lr=lr, fused=True)


class _AdamOfSums(torch.optim.Adam):
    """Keeps the sums with the rest of its state, so that a resumed run has them."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update; the gradients become the sums."""
        weights = [weight for group in self.param_groups for weight in group["params"] if weight.grad is not None]
        for weight in weights:
            if "sum" in self.state[weight]:
                weight.grad += self.state[weight]["sum"]
        loss = super().step(closure)
        for weight in weights:
            self.state[weight]["sum"] = weight.grad.clone()
        return loss
