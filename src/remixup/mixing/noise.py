"""Noise that is added to the inputs."""

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
    generator: torch.Generator,
) -> Tensor:
    """Adds independent Gaussian noise to every input value (mixup paper, Table 5, "add Gaussian noise to inputs").

    Args:
        x: network inputs, floating point.
        unit: what a difference of 1 in the data as published (pixels in [0, 1]) is in network inputs; broadcast with x.
        sigma: standard deviation.
        of: whether sigma is in units of the network inputs, as they are scaled, or of pixels in [0, 1].
        generator: the source of randomness, on the device of x.

    Returns:
        noisy inputs, with the shape and dtype of x.
    """
    noise = torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=generator)
    return x + sigma * (noise * unit if of == "pixels" else noise)
