"""Count the operations of a network's forward pass, on tensors that have shapes but no values."""

from __future__ import annotations

import functools
import json

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from remixup import models
from remixup.config import registry


@functools.cache
def count(network: str) -> list[float]:
    """Count the operations of one example's forward pass.

    Args:
        network: the specification's model, the shape of one example and the number of outputs, as JSON.

    Returns:
        One count, or two for a GAN: generator, discriminator.
    """
    parameters, shape, outputs = json.loads(network)
    name = parameters.pop("name")
    lead = (1, 1) if models.vectorization(name) == "always" else (1,)
    with torch.device("meta"):
        built = models.build(name, tuple(shape), outputs, **parameters).eval()
        x = torch.empty(*lead, *shape)
        if name != "gan":
            return [_operations(built, x)]
        default = registry.load_registry()["kinds"]["model"][name]["parameters"]["latent"]["default"]
        latent = torch.empty(*lead, parameters.get("latent", default))
        return [_operations(built[0], latent), _operations(built[1], x)]


@torch.no_grad()
def _operations(network: nn.Module, x: torch.Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        network(x)
    return float(counter.get_total_flops())
