"""Partners from an example's own set: views of it, and what else was put beside them, but nothing of other examples."""

import torch
from torch import Tensor

NUMERICS = 1


def own_views(views: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Another member of the same set, each of the others with the same probability.

    Mixed so, an example's virtual examples depend on no other example of the private data, and the gradient that they
    give together can be clipped as one (Bao et al., 2023, 2311.01295, DP-Mix).

    Args:
        views: int64 (..., m), the members that are to be mixed, as positions in the example's own set.
        count: how many members each set has, two or more.
        generator: the source of randomness, on the CPU or on the device of `views`.

    Returns:
        int64 (..., m): for each its partner's position in the same set, never its own.

    Raises:
        ValueError: sets of fewer than two members.
    """
    if count < 2:
        raise ValueError(f"in a set of {count} nobody has a partner")
    drawn = torch.randint(1, count, views.shape, device=generator.device, generator=generator)
    return (views + drawn.to(views.device)) % count
