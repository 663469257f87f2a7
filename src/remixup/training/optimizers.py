"""Optimizers that an experiment file may name."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from torch import nn

NUMERICS = 1


def _without_compiler(kind: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """Return an optimizer class whose methods lack torch's decorators.

    The decorators import torch's compiler, which takes a process 1.4 s (as long as importing torch), and mark each step
    for the profiler, an eighth of a small network's step. The arithmetic is the same.
    """
    wrapped = ("add_param_group", "step", "state_dict", "load_state_dict")
    bare = {name: inspect.unwrap(getattr(kind, name)) for name in wrapped}
    step = torch.no_grad()(bare["step"])
    step.hooked = True  # so that torch does not decorate it again
    return type(kind.__name__, (kind,), {**bare, "step": step, "zero_grad": _zero_grad})


def _zero_grad(optimizer: torch.optim.Optimizer, set_to_none: bool = True) -> None:
    """Remove all gradients; torch's own method also has a mark for the profiler."""
    for group in optimizer.param_groups:
        for weight in group["params"]:
            weight.grad = None


_SGD, _ADAM = _without_compiler(torch.optim.SGD), _without_compiler(torch.optim.Adam)


def sgd(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Annotated[float, Gt(0)],
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0,
    nesterov: bool = False,
    weight_decay: Annotated[float, Ge(0)] = 0.0,
) -> torch.optim.Optimizer:
    """Use stochastic gradient descent with weight decay on every parameter, as in the released CIFAR code.

    Args:
        parameters: the weights.
        lr: learning rate at the start of the schedule.
        momentum: factor of the velocity.
        nesterov: use Nesterov's momentum.
        weight_decay: weight of the l2 penalty.
    """
    return _SGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, foreach=True)


def adam(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Annotated[float, Gt(0)] = 1e-3,
    weight_decay: Annotated[float, Ge(0)] = 0.0,
) -> torch.optim.Optimizer:
    """Use Adam (Kingma and Ba, 2015) with the usual betas.

    Args:
        parameters: the weights.
        lr: learning rate at the start of the schedule.
        weight_decay: weight of the l2 penalty.
    """
    return _ADAM(parameters, lr=lr, weight_decay=weight_decay, fused=True)


def adamw(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Annotated[float, Gt(0)] = 1e-3,
    weight_decay: Annotated[float, Ge(0)] = 0.01,
) -> torch.optim.Optimizer:
    """Use Adam with decoupled weight decay (Loshchilov and Hutter, 2019, 1711.05101), with PyTorch's default.

    Args:
        parameters: the weights.
        lr: learning rate at the start of the schedule.
        weight_decay: part of the weights that a step removes, times the learning rate.
    """
    return _ADAM(parameters, lr=lr, weight_decay=weight_decay, decoupled_weight_decay=True, fused=True)


def adam_of_sums(parameters: Iterable[nn.Parameter], *, lr: Annotated[float, Gt(0)] = 1e-3) -> torch.optim.Optimizer:
    """Use Adam on the sum of all gradients so far, as in a loop that never resets them.

    The published two-moons code of Chidambaram et al. (2022, 2110.07647, section 3.1) does this for mixup but not for
    ERM.

    Args:
        parameters: the weights.
        lr: learning rate at the start of the schedule.
    """
    return _AdamOfSums(parameters, lr=lr, fused=True)


class _AdamOfSums(_ADAM):  # type: ignore[misc, valid-type]
    """Adam that stores the sums with the rest of its state, so that a resumed run has them."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the weights; the gradients become the sums."""
        weights = [weight for group in self.param_groups for weight in group["params"] if weight.grad is not None]
        for weight in weights:
            if "sum" in self.state[weight]:
                weight.grad += self.state[weight]["sum"]
        loss = super().step(closure)
        for weight in weights:
            if "sum" in self.state[weight]:
                self.state[weight]["sum"].copy_(weight.grad)
            else:
                self.state[weight]["sum"] = weight.grad.clone()
        return loss
