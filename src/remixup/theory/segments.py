"""Line segments between training points: which pass near a point (Chidambaram et al. 2022, sections 2 and 3.1).

Matrix products give a first estimate of each distance: they are fast, but lose digits to cancellation. Distances that
this screening does not rule out are computed again from coordinate differences.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.checks import integers, labelled_points, real_rows

CONDITIONS = ("neither", "not both")
"""Values of `endpoints`: neither end of a segment is of the point's class, or not both are."""

_CHUNK = 2**20
"""Elements of the largest temporary tensor (8 MB in float64)."""
_ROUNDING = 1e-11
"""Bound on the screening's error in a squared distance, relative to the squared norms of the points and the query."""


@dataclass(frozen=True)
class NearestSegments:
    """For each of n points, the nearest admissible segment between two other points, on the CPU.

    Attributes:
        distance: float64 (n,), >= 0, in the points' unit; inf where there is no such segment.
        first: int64 (n,), index of one endpoint; -1 where there is no such segment.
        second: int64 (n,), index of the other, above `first`.
    """

    distance: Tensor
    first: Tensor
    second: Tensor


@dataclass(frozen=True)
class Hits:
    """Segments that meet the balls around some queries: tensors (meetings,), one element for each segment and ball.

    Attributes:
        query: int64, index of the query.
        first: int64, index of the endpoint that has weight λ in λ first + (1 - λ) second.
        second: int64, index of the other endpoint, never below `first`; equal to it for a point by itself.
        low: float64, the least λ within the ball, in [0, 1].
        high: float64, the greatest.
        nearest: float64, the λ of the segment's point nearest to the query (1/2 where both endpoints coincide).
    """

    query: Tensor
    first: Tensor
    second: Tensor
    low: Tensor
    high: Tensor
    nearest: Tensor


def nearest_segments(points: Tensor, labels: Tensor, *, endpoints: str = "neither") -> NearestSegments:
    """Find for each point the nearest segment that mixup labels otherwise (Chidambaram et al. 2022, Theorem 2.10).

    The theorem: if each segment that hits a point of class i has an endpoint in class i, the Mixup-optimal classifier
    has no error on the training points. A point at distance 0, with `endpoints="neither"`, breaks this condition. The
    informal version (the authors' slides, Theorem 1) also forbids segments with one endpoint in class i:
    `endpoints="not both"`. Time grows as n^3, memory as n^2.

    Args:
        points: (n, d), finite.
        labels: (n,), integers.
        endpoints: "neither" (no endpoint is of the point's class) or "not both" (at least one is of another class).

    Returns:
        Distances and endpoints. A point is never an endpoint of its own segment; a point that coincides with it may be.
    """
    points, labels = labelled_points(points, labels)
    if endpoints not in CONDITIONS:
        raise UserError(f"no condition {endpoints!r}", where="endpoints", hint=f"valid: {', '.join(CONDITIONS)}")
    n = len(points)
    best, ends = torch.full((n,), math.inf, dtype=torch.float64), torch.full((n, 2), -1)
    screening = _Screening(points, points)
    for first, second in _pairs(n, _CHUNK // 4, own=False):
        squared_distances = screening.of_pairs(first, second)
        for index in range(n):
            label = labels[index]
            own = (labels[first] == label, labels[second] == label)
            barred = own[0] | own[1] if endpoints == "neither" else own[0] & own[1]
            barred |= (first == index) | (second == index)
            squared = squared_distances(slice(index, index + 1))[0].masked_fill_(barred, math.inf)
            limit = min(float(squared.min()), float(best[index]) ** 2) + float(screening.rounding[index])
            near = (squared <= limit).nonzero()[:, 0] if math.isfinite(limit) else first[:0]
            query = torch.full_like(near, index)
            for part in _chunks(near, points.shape[1]):
                distance = _exact(points, points, query[: len(part)], first[part], second[part])[0]
                winner = int(distance.argmin())
                if distance[winner] < best[index]:
                    best[index] = distance[winner]
                    ends[index, 0], ends[index, 1] = first[part[winner]], second[part[winner]]
    return NearestSegments(best, ends[:, 0].clone(), ends[:, 1].clone())


def collinear(points: Tensor, labels: Tensor, *, eps: float, endpoints: str = "neither") -> Tensor:
    """Find the points that break the condition of Theorem 2.10, up to a distance.

    Args:
        points: (n, d), finite.
        labels: (n,), integers.
        eps: greatest distance at which a segment hits a point, >= 0, in the points' unit. Rounding moves a point off a
            segment: use about 1e-12 times the largest coordinate rather than 0.
        endpoints: as for `nearest_segments`.

    Returns:
        int64 (k, 3): rows (point, first endpoint, second endpoint), one for each such point, with its nearest segment.
    """
    if not (math.isfinite(eps) and eps >= 0):
        raise UserError(f"eps is {eps}", where="eps", hint="finite and at least 0")
    nearest = nearest_segments(points, labels, endpoints=endpoints)
    rows = (nearest.distance <= eps).nonzero()[:, 0]
    return torch.stack([rows, nearest.first[rows], nearest.second[rows]], dim=1)


def collision_distances(
    points: Tensor,
    labels: Tensor,
    ratio: float | Tensor,
    partner: Tensor,
    *,
    others: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Measure the distance of points to mixed points of other classes (Chidambaram et al. 2022, section 2, on images).

    The mixed points are z_k = ratio_k x_k + (1 - ratio_k) x_partner[k]. For each of `others` the result is the
    Euclidean distance to the nearest z_k such that neither x_k nor its partner is of the point's class.

    The search uses matrix products, after the mean is subtracted: in float32 if both sets of points are float32, else
    in float64. The distance to the mixed point that it finds is computed again in float64. A float32 search may miss a
    mixed point that is nearer by less than its rounding, about 1e-7 of the squared norms; then the result is too large
    by that much. Temporary tensors have at most about 2^20 elements, apart from one copy of `others`.

    Args:
        points: (n, d), finite.
        labels: (n,), integers.
        ratio: λ in [0, 1], one for all or (n,).
        partner: (n,), integers in [0, n).
        others: points (m, d) and labels (m,) to measure from; default: the training points.

    Returns:
        float64 (m,); inf for a point without a mixed point of two other classes.
    """
    points = real_rows(points, "points")
    beside, beside_labels = (points, labels) if others is None else others
    beside = real_rows(beside, "others", width=points.shape[1])
    n = len(points)
    labels, beside_labels = integers(labels, "labels", n), integers(beside_labels, "labels", len(beside))
    ratios, partner = torch.as_tensor(ratio, dtype=torch.float64).detach().cpu(), integers(partner, "partner", n)
    if ratios.shape not in ((), (n,)) or not bool(((ratios >= 0) & (ratios <= 1)).all()):
        raise UserError("not one number in [0, 1], or one for each point", where="ratio")
    if not bool(((partner >= 0) & (partner < n)).all()):
        raise UserError("not the index of a point", where="partner", hint=f"from 0 to {n - 1}")
    ratios = ratios.expand(n)
    single = points.dtype == beside.dtype == torch.float32
    dtype = torch.float32 if single else torch.float64
    points, beside = points.detach().to("cpu", dtype), beside.detach().to("cpu", dtype)
    center = points.mean(0)
    centered = (beside - center).T
    lowest = torch.full((len(beside),), math.inf, dtype=dtype)
    nearest = torch.zeros(len(beside), dtype=torch.int64)
    for rows in torch.arange(len(points)).split(max(1, _CHUNK // max(beside.shape))):
        mixed = (_mixed(points, ratios, partner, rows) - center).to(dtype)
        scores = torch.addmm(mixed.square().sum(1, keepdim=True), mixed, centered, alpha=-2)
        scores[labels[rows, None] == beside_labels] = math.inf
        scores[labels[partner[rows], None] == beside_labels] = math.inf
        found, winner = scores.min(0)
        nearer = found < lowest
        lowest[nearer], nearest[nearer] = found[nearer], rows[winner[nearer]]
    result = torch.full((len(beside),), math.inf, dtype=torch.float64)
    for rows in _chunks(lowest.isfinite().nonzero()[:, 0], points.shape[1]):
        result[rows] = (_mixed(points, ratios, partner, nearest[rows]) - beside[rows].double()).norm(dim=1)
    return result


def _mixed(points: Tensor, ratios: Tensor, partner: Tensor, rows: Tensor) -> Tensor:
    """Return the mixed points of some rows, float64 (len(rows), d)."""
    ratio = ratios[rows, None]
    return ratio * points[rows].double() + (1 - ratio) * points[partner[rows]].double()


def hits(points: Tensor, at: Tensor, radius: float, *, own: bool) -> Iterator[Hits]:
    """Yield the segments between points that meet the closed balls around queries, chunk by chunk.

    Args:
        points: float64 (n, d).
        at: float64 (m, d), the balls' centers.
        radius: the balls' radius, > 0.
        own: whether a point paired with itself is a segment too.

    Yields:
        each meeting of an unordered pair of points and a ball once, in chunks of at most 2^20 meetings.
    """
    screening = _Screening(points, at)
    for first, second in _pairs(len(points), _CHUNK, own=own):
        squared_distances = screening.of_pairs(first, second)
        queries = max(1, _CHUNK // len(first))
        for start in range(0, len(at), queries):
            near = (
                squared_distances(slice(start, start + queries))
                <= radius**2 + screening.rounding[start : start + queries, None]
            ).nonzero()
            for part in _chunks(near, points.shape[1]):
                query, i, j = part[:, 0] + start, first[part[:, 1]], second[part[:, 1]]
                distance, line, length, on_segment, on_line = _exact(points, at, query, i, j)
                inside = distance <= radius
                half = (radius**2 - (line**2).clamp(max=radius**2)).sqrt() / length
                middle = torch.where(length > 0, on_line, 0.0)
                low = torch.where(length > 0, middle - half, 0.0).clamp(0, 1)
                high = torch.where(length > 0, middle + half, 1.0).clamp(0, 1)
                found = (query, i, j, low, high, torch.where(length > 0, on_segment, 0.5))
                yield Hits(*(each[inside] for each in found))


class _Screening:
    """Squared distances of queries to segments, from inner products alone; the error is at most the query's `rounding`.

    This is so for the shortest segments too: a ratio with an error from cancellation stays within [0, 1], so it adds no
    more than the rounding of its inner products.
    """

    def __init__(self, points: Tensor, at: Tensor) -> None:
        center = points.mean(0)
        self.points, self.at = points - center, at - center
        self.gram = self.points @ self.points.T
        self.norms, self.norms_at = self.gram.diagonal(), self.at.square().sum(1)
        self.rounding = _ROUNDING * (self.norms.max() + self.norms_at)

    def of_pairs(self, first: Tensor, second: Tensor) -> Callable[[slice], Tensor]:
        """Return a function from a slice of the queries to the array (queries, pairs)."""
        norms = self.norms[second]
        cross = self.gram[first, second] - norms
        squared_length = (self.norms[first] - norms - 2 * cross).clamp(min=1e-300)

        def squared(rows: slice) -> Tensor:
            products = self.at[rows] @ self.points.T
            to_second = products.index_select(1, second)
            slope = cross - products.index_select(1, first).sub_(to_second)
            ratio = (slope / -squared_length).clamp_(0, 1)
            from_second = to_second.mul_(-2).add_(norms).add_(self.norms_at[rows, None])
            return from_second.add_(slope.mul_(2).addcmul_(ratio, squared_length).mul_(ratio))

        return squared


def _exact(
    points: Tensor, at: Tensor, query: Tensor, first: Tensor, second: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return distances to segments and to their lines, lengths, and the nearest λ on both: (k,) each."""
    away, along = points[second] - at[query], points[first] - points[second]
    length = along.norm(dim=1)
    # The square of the shortest segments underflows, so the direction is divided by the length first.
    direction = along / torch.where(length > 0, length, 1.0)[:, None]
    on_line = -(away * direction).sum(1) / torch.where(length > 0, length, math.inf)
    on_segment = on_line.clamp(0, 1)
    to_segment = torch.addcmul(away, along, on_segment[:, None]).norm(dim=1)
    to_line = torch.addcmul(away, along, on_line[:, None]).norm(dim=1)
    return to_segment, to_line, length, on_segment, on_line


def _pairs(n: int, most: int, *, own: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the index pairs (i, j), i < j or i <= j, in order, about `most` at a time."""
    rows = max(1, most // n)
    for start in range(0, n, rows):
        first, second = torch.triu_indices(min(rows, n - start), n, start if own else start + 1)
        if len(first):
            yield first + start, second


def _chunks(rows: Tensor, width: int) -> Iterator[Tensor]:
    """Split rows such that the coordinates of each part fill a chunk."""
    return iter(rows.split(max(1, _CHUNK // width))) if len(rows) else iter(())
