"""Partners from the example's own minibatch, matched by optimal transport in blocks.

A permutation is drawn first. The component then matches examples and partners by their inputs.
"""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from remixup.mixing.declarations import declare
from remixup.mixing.partner.minibatch import permutation

NUMERICS = 1


@declare(scope="batch", sample=permutation)
@torch.no_grad()
def transport(x: Tensor, partner: Tensor, *, k: Annotated[int, Ge(1)], p: Annotated[float, Ge(1)] = 2.0) -> Tensor:
    """Match a random permutation in blocks of k at the least total distance to the power p (k-mixup, section 3).

    Greenewald et al. (2023, 2106.02933): the minibatch and its shuffled copy x[partner] are split into consecutive
    blocks of k. The i-th block of one is assigned to the i-th block of the other so that the sum of the distances to
    the power p is least: the coupling of their Wasserstein-p distance. An incomplete last block is assigned by
    itself; a k of at least the minibatch's size is one assignment of all. With k = 1 it is `permutation`, to the bit.

    Needs SciPy, which is imported when an assignment is solved: on the CPU, with one copy to it and one back.

    Args:
        x: floating point (*members, n, ...); distances are Euclidean over all dimensions after n. No gradient passes.
            Where x is not finite (a network that diverges) any assignment will do.
        partner: the shuffled copy, int64 (*members, n): positions in the minibatch.
        k: size of a block.
        p: exponent of the distance; with 2, mixing linearly is displacement interpolation.

    Returns:
        int64 (*members, n), on the device of `partner`: in each block the same positions, in another order.
    """
    if k == 1:
        return partner
    size = partner.shape[-1]
    drawn = partner.reshape(-1, size)
    whole = size - size % k
    spans = [(start, end, width) for start, end, width in ((0, whole, k), (whole, size, size - whole)) if start < end]
    with torch.autocast(x.device.type, enabled=False):  # half precision cannot distinguish neighbors
        costs = _costs(x.float().reshape(*drawn.shape, -1), drawn, spans, p)
    # One copy for all blocks: each copy waits for the device.
    hosted = torch.cat([each.flatten() for each in costs]).cpu().split([each.numel() for each in costs])
    found = []
    for (start, end, width), each, host in zip(spans, costs, hosted, strict=True):
        columns = _solve(host.view(each.shape)).view(len(drawn), -1, width)
        found.append((columns + torch.arange(start, end, width).unsqueeze(1)).flatten(1))
    return drawn.gather(1, torch.cat(found, dim=1).to(drawn.device)).view(partner.shape)


def _costs(x: Tensor, partner: Tensor, spans: list[tuple[int, int, int]], p: float) -> list[Tensor]:
    """Compute, for each span (start, end, width of a block), the costs (members * blocks, width, width) of its blocks.

    Distances are computed from products, which is many times as fast as from differences. The minibatch's mean is
    subtracted first, so that a common offset costs no digits.
    """
    members, size, features = x.shape
    centered = x - x.mean(1, keepdim=True)
    rows = (partner + size * torch.arange(members, device=partner.device).unsqueeze(1)).flatten()
    other = centered.view(-1, features)[rows].view(x.shape)
    squares = torch.linalg.vector_norm(centered, dim=-1).square()
    other_squares = squares.flatten()[rows].view(members, size)
    costs = []
    for start, end, width in spans:
        own, theirs = (each[:, start:end].reshape(-1, width, features) for each in (centered, other))
        left, right = (each[:, start:end].reshape(-1, width) for each in (squares, other_squares))
        squared = torch.baddbmm(left.unsqueeze(2) + right.unsqueeze(1), own, theirs.mT, alpha=-2).clamp(min=0)
        costs.append((squared if p == 2 else squared ** (p / 2)).nan_to_num())
    return costs


def _solve(costs: Tensor) -> Tensor:
    """Return the column assigned to each row, int64 (blocks, width), for costs (blocks, width, width) on the CPU."""
    from scipy.optimize import linear_sum_assignment

    return torch.stack([torch.from_numpy(linear_sum_assignment(block)[1]) for block in costs.numpy()])
