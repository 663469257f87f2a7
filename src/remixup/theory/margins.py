"""Where the decision of the Mixup-optimal classifier is certain (Chidambaram et al. 2022, section 3.1)."""

import torch
from torch import Tensor

from remixup.theory.checks import classified_points, finite_rows, positive
from remixup.theory.segments import hits

_NONE = -1


def guaranteed_class(points: Tensor, labels: Tensor, at: Tensor, *, radius: float) -> Tensor:
    """Return the class that mixup must give a query, whatever α (Chidambaram et al. 2022, Theorem 3.2).

    A query is certain to be of class i if segments between two of the points pass through it, each of them has an
    endpoint in class i, and on each the query is nearer to the end in class i than to an end in another class (λ of
    that end above 1/2; a segment with both ends in class i always agrees). Here "through" means within `radius`, and λ
    is that of the segment's point nearest to the query. This is exact as the radius goes to 0, and an approximation
    for a finite radius, since a segment can enter the ball with λ on either side of 1/2.

    Args:
        points: (n, d), finite.
        labels: (n,), integers from 0.
        at: queries (m, d), finite.
        radius: greatest distance of a segment that counts, above 0, in the points' unit.

    Returns:
        int64 (m,): the class, -1 where the theorem says nothing.
    """
    points, labels, classes = classified_points(points, labels)
    at, radius = finite_rows(at, "at", width=points.shape[1]), positive(radius, "radius")
    lowest = torch.full((len(at),), classes)
    highest = torch.full((len(at),), _NONE)
    for found in hits(points, at, radius, own=False):
        first, second = labels[found.first], labels[found.second]
        nearer = torch.where(found.nearest > 0.5, first, second)
        supported = torch.where((first != second) & (found.nearest == 0.5), _NONE, nearer)
        lowest.scatter_reduce_(0, found.query, supported, "amin")
        highest.scatter_reduce_(0, found.query, supported, "amax")
    return torch.where(lowest == highest, lowest, _NONE)
