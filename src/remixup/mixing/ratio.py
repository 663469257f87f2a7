"""Distributions of the mixing ratio λ, the weight of an example in a mixture."""

from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from remixup.mixing.declarations import declare, drawing

NUMERICS = 1
_SMALL = 0.05
"""Below this α a quotient of gamma variates may be 0/0."""


def beta(shape: tuple[int, ...], *, alpha: Annotated[float, Gt(0)], generator: torch.Generator | None) -> Tensor:
    """Draw λ ~ Beta(α, α) independently (mixup paper, section 2).

    The quotient of two gamma variates is taken in log space, so that a small α gives ratios near 0 and 1 instead of
    0/0: a Gamma(α) variate is a Gamma(α + 1) variate times U^(1/α).

    Args:
        shape: shape of the result.
        alpha: the strength of interpolation, above 0; for α near 0 the draws are near 0 or 1 (ERM).
        generator: the source of randomness; the result is on its device. None: torch's global one, on the CPU.

    Returns:
        float64 tensor of the given shape, in [0, 1].
    """
    if generator is None and alpha >= _SMALL:  # the sampler of torch.distributions.Beta: one operation instead of ten
        return torch._sample_dirichlet(torch.full((*shape, 2), alpha, dtype=torch.float64))[..., 0]
    return _beta(shape, alpha, alpha, generator)


def constant(
    shape: tuple[int, ...], *, value: Annotated[float, Ge(0), Le(1)], generator: torch.Generator | None
) -> Tensor:
    """Return the same λ always; nothing is drawn.

    Args:
        shape: shape of the result.
        value: the ratio.
        generator: its device is that of the result.
    """
    return torch.full(shape, value, dtype=torch.float64, device=drawing(generator)["device"])


def uniform(
    shape: tuple[int, ...], *, low: float = 0.0, high: float = 1.0, generator: torch.Generator | None
) -> Tensor:
    """Draw λ uniformly between `low` and `high`; outside [0, 1] the example is extrapolated away from its partner.

    Args:
        shape: shape of the result.
        low: smallest ratio; below 0 the example is extrapolated.
        high: largest ratio; above 1 the example is extrapolated.
        generator: the source of randomness.

    Raises:
        ValueError: if `low` is not below `high`.
    """
    if not low < high:
        raise ValueError(f"a uniform ratio from {low} to {high}")
    drawn = torch.rand(shape, dtype=torch.float64, **drawing(generator))
    return low + (high - low) * drawn


@declare(several=True)
def dirichlet(
    shape: tuple[int, ...],
    *,
    alpha: Annotated[float, Gt(0)],
    examples: Annotated[int, Ge(2), Le(10)] = 3,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw weights of m examples from a symmetric Dirichlet(α) distribution (mixup paper, section 2, first remark).

    Mixing m examples is mixing two, m - 1 times: in round k the mixture so far keeps the share λ_k and the next partner
    gets 1 - λ_k. With weights w_1, ..., w_m, λ_k = (w_1 + ... + w_k) / (w_1 + ... + w_{k+1}), and these quotients are
    independent Beta(kα, α) variates.

    Args:
        shape: leading shape of the result.
        alpha: concentration, above 0; for two examples this is Beta(α, α).
        examples: number of examples in a mixture, m.
        generator: the source of randomness; the result is on its device. None: torch's global one, on the CPU.

    Returns:
        float64 tensor (*shape, m - 1), in [0, 1]: λ of each round.
    """
    rounds = [_beta(shape, k * alpha, alpha, generator) for k in range(1, examples)]
    return torch.stack(rounds, dim=-1)


def _beta(shape: tuple[int, ...], first: float, second: float, generator: torch.Generator | None) -> Tensor:
    """Draw Beta(first, second) variates as quotients of gamma variates, in log space."""
    if not (first > 0 and second > 0):
        raise ValueError(f"alpha is > 0, not {second!r}")
    alpha = torch.tensor([first, second], dtype=torch.float64, device=drawing(generator)["device"])
    if shape:
        alpha = alpha.view(2, *[1] * len(shape)).expand(2, *shape)
    # The sampler behind torch.distributions.Gamma, called directly because the distribution takes no generator.
    gamma = torch._standard_gamma((alpha + 1.0).contiguous(), generator=generator)
    uniform = torch.rand((2, *shape), dtype=torch.float64, **drawing(generator))
    one, other = gamma.log_().add_(uniform.log_().div_(alpha)).unbind()
    return (one - other).sigmoid_()
