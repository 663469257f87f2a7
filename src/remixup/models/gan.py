"""A generator and a discriminator, fully connected and vectorized over members."""

from collections import OrderedDict
from typing import Annotated

from annotated_types import Ge
from torch import nn

from remixup.models import check_dimensions
from remixup.models.mlp import mlp

NUMERICS = 1
VECTORIZED = "always"


def gan(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    latent: Annotated[int, Ge(1)] = 2,
    hidden: tuple[Annotated[int, Ge(1)], ...] = (512, 512, 512),
) -> nn.Sequential:
    """Build the two networks of a generative adversarial network on rows of features, for one member.

    `generator` maps latents (1, n, latent) to samples (1, n, features), `discriminator` samples to logits (1, n, 1) of
    their being real. Each is an `mlp`; the generator is trained through both.
    `remixup.models.stack` joins S of them. The defaults are the networks of the mixup paper's Figure 5
    (1710.09412, section 3.8): three hidden layers of 512 units and two-dimensional noise (the author's example draws 2,
    5 and 10 dimensions).

    Args:
        input_shape: (features,).
        classes: not used: the networks see no labels.
        latent: dimensions of the noise.
        hidden: the widths of the hidden layers of each network.

    Raises:
        UserError: inputs that are no rows of features.
    """
    check_dimensions(input_shape, 1, "gan", "rows of features")
    networks: OrderedDict[str, nn.Module] = OrderedDict(
        generator=mlp((latent,), input_shape[0], hidden=hidden), discriminator=mlp(input_shape, 1, hidden=hidden)
    )
    return nn.Sequential(networks)
