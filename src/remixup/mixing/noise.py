"""Noise added to the inputs before they are mixed."""

from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import Tensor

NUMERICS = 1


def gaussian(
    x: Tensor,
    unit: Tensor,
    *,
    sigma: Annotated[float, Gt(0)],
    of: Literal["inputs", "pixels"] = "inputs",
    generator: torch.Generator | None,
) -> Tensor:
    """Add independent Gaussian noise to every input value (mixup paper, Table 5, "add Gaussian noise to inputs").

    Args:
        x: network inputs, floating point.
        unit: the size, in network inputs, of a difference of 1 in the published data (pixels in [0, 1]).
            Broadcast with x.
        sigma: standard deviation.
        of: whether sigma is in units of the scaled network inputs or of pixels in [0, 1].
        generator: the source of randomness, on the device of x.

    Returns:
        Noisy inputs, with the shape and dtype of x.
    """
    noise = torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=generator)
    return x + sigma * (noise * unit if of == "pixels" else noise)
