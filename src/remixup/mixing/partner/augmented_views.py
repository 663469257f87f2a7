"""Partners from an example's own set: its views and synthetic images, but no other example."""

import torch
from torch import Tensor

from remixup.mixing.declarations import declare, drawing

NUMERICS = 1


@declare(scope="example")
def own_views(views: Tensor, count: int, *, generator: torch.Generator | None) -> Tensor:
    """Draw another member of the same set, each of the others with the same probability.

    An example's mixtures then depend on no other example of the private data, and their joint gradient can be clipped
    as one (Bao et al., 2023, 2311.01295, DP-Mix).

    Args:
        views: int64 (..., m), the members to mix, as positions in the example's own set.
        count: number of members of each set, at least two.
        generator: the source of randomness, on the CPU or on the device of `views`.

    Returns:
        int64 (..., m): for each member its partner's position in the same set, never its own.

    Raises:
        ValueError: if the sets have fewer than two members.
    """
    if count < 2:
        raise ValueError(f"cannot choose a partner: the set has {count} member(s), and two are needed")
    drawn = torch.randint(1, count, views.shape, **drawing(generator))
    return (views + drawn.to(views.device)) % count
