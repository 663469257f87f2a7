"""How much of an example is kept: the distribution of the mixing ratio λ."""

from typing import Annotated

import torch
from torch import Tensor

NUMERICS = 1


def beta(shape: tuple[int, ...], *, alpha: Annotated[float, "> 0"], generator: torch.Generator) -> Tensor:
    """λ ~ Beta(α, α), independent draws (mixup paper, section 2).

    The quotient of two gamma variates is taken in log space, so that a small α gives ratios near 0 and 1 instead of
    0/0: a Gamma(α) variate is a Gamma(α + 1) variate times U^(1/α).

    Args:
        shape: shape of the result.
        alpha: the strength of interpolation, above 0; towards 0 the draws tend to 0 or 1 (ERM).
        generator: the source of randomness; its device is the result's.

    Returns:
        float64 tensor of the given shape, in [0, 1].
    """
    device = generator.device
    # The sampler behind torch.distributions.Gamma, called directly because the distribution takes no generator.
    gamma = torch._standard_gamma(
        torch.full((2, *shape), alpha + 1.0, dtype=torch.float64, device=device), generator=generator
    )
    uniform = torch.rand((2, *shape), dtype=torch.float64, device=device, generator=generator)
    log_gamma = gamma.log() + uniform.log() / alpha
    return torch.sigmoid(log_gamma[0] - log_gamma[1])
