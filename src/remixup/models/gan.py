"""A generator and a discriminator, fully connected and batched over members."""

from collections import OrderedDict

from torch import nn

from remixup.errors import UserError
from remixup.models.mlp import mlp

NUMERICS = 1
VECTORIZED = "always"


def gan(
    input_shape: tuple[int, ...], classes: int, *, latent: int = 2, hidden: tuple[int, ...] = (512, 512, 512)
) -> nn.Sequential:
    """The two players of a generative adversarial network on rows of features, for one member.

    `generator` maps latents (1, n, latent) to samples (1, n, features), `discriminator` samples to logits (1, n, 1) of
    their being real; each is an `mlp`, and one after the other they are what the generator is trained through.
    `remixup.models.stack` joins S of them. The defaults are the networks of the mixup paper's Figure 5
    (1710.09412, section 3.8): three hidden layers of 512 units and two-dimensional noise (the author's example draws 2,
    5 and 10 dimensions).

    Args:
        input_shape: (features,).
        classes: not used: the players see no labels.
        latent: dimensions of the noise, at least 1.
        hidden: the widths of the hidden layers of each player.

    Raises:
        UserError: inputs that are no rows of features, a latent dimension or a hidden width below 1.
    """
    if len(input_shape) != 1:
        raise UserError(f"gan needs rows of features, not inputs of shape {tuple(input_shape)}", where="run.model.name")
    if latent < 1:
        raise UserError(f"noise of {latent} dimensions", where="run.model.latent", hint="such as 2")
    players: OrderedDict[str, nn.Module] = OrderedDict(
        generator=mlp((latent,), input_shape[0], hidden=hidden), discriminator=mlp(input_shape, 1, hidden=hidden)
    )
    return nn.Sequential(players)
