"""Line segments between training points: which pass near a point (Chidambaram et al. 2022, sections 2 and 3.1).

Distances are screened by products of matrices, which are fast and lose digits to cancellation, and then computed again
from coordinate differences for whatever the screening could not rule out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.checks import class_labels, labelled_points, mixing, not_negative, real_rows

CONDITIONS = ("neither", "not both")
"""What `endpoints` may say of a segment's two ends: neither is of the point's class, or not both are."""

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
    """Segments that meet the balls around some queries; tensors of one length, an entry for each meeting of the two.

    Attributes:
        query: int64, index of the query.
        first: int64, index of the endpoint that has weight λ in λ first + (1 - λ) second.
        second: int64, index of the other endpoint, never below `first`; equal to it for a point by itself.
        low: float64, the least λ within the ball, in [0, 1].
        high: float64, the greatest.
        nearest: float64, the λ of the segment's point nearest to the query (1/2 where both endpoints are one place).
    """

    query: Tensor
    first: Tensor
    second: Tensor
    low: Tensor
    high: Tensor
    nearest: Tensor


def nearest_segments(points: Tensor, labels: Tensor, *, endpoints: str = "neither") -> NearestSegments:
    """Find the nearest segment that may spoil a point's class under mixup (Chidambaram et al. 2022, Theorem 2.10).

    The theorem: where each segment that hits a point of class i has an endpoint in class i, the Mixup-optimal
    classifier has no error on the training points. A point breaks its condition when its distance here, with
    `endpoints="neither"`, is 0. Its informal version (the authors' slides, Theorem 1) also forbids segments with one
    endpoint in class i: `endpoints="not both"`. Work grows as n^3, memory as n^2.

    Args:
        points: (n, d), finite, any real dtype; computed in float64.
        labels: (n,), integers.
        endpoints: "neither" (no endpoint is of the point's class) or "not both" (at least one is of another class).

    Returns:
        Distances and endpoints; a point is never an endpoint of its own segment, though one that coincides with it may
        be.

    Raises:
        UserError: a shape, dtype or value is not as said.
    """
    points, labels = labelled_points(points, labels)
    if endpoints not in CONDITIONS:
        raise UserError(f"no condition {endpoints!r}", where="endpoints", hint=f"valid: {', '.join(CONDITIONS)}")
    n = len(points)
    best, ends = torch.full((n,), math.inf, dtype=torch.float64), torch.full((n, 2), -1)
    screening = _Screening(points, points)
    for first, second in _pairs(n, _CHUNK // 4, own=False):
        prepared = screening.prepare(first, second)
        for index in range(n):
            label = labels[index]
            own = (labels[first] == label, labels[second] == label)
            barred = own[0] | own[1] if endpoints == "neither" else own[0] & own[1]
            barred |= (first == index) | (second == index)
            squared = screening.squared(prepared, slice(index, index + 1))[0].masked_fill_(barred, math.inf)
            limit = min(float(squared.min()), float(best[index]) ** 2) + float(screening.rounding[index])
            near = (squared <= limit).nonzero()[:, 0] if math.isfinite(limit) else first[:0]
            query = torch.full_like(near, index)
            for part in _parts(near, points.shape[1]):
                distance = _exact(points, points, query[: len(part)], first[part], second[part])[0]
                winner = int(distance.argmin())
                if distance[winner] < best[index]:
                    best[index] = distance[winner]
                    ends[index, 0], ends[index, 1] = first[part[winner]], second[part[winner]]
    return NearestSegments(best, ends[:, 0].clone(), ends[:, 1].clone())


def collinear(points: Tensor, labels: Tensor, *, eps: float, endpoints: str = "neither") -> Tensor:
    """Find the points that break the condition of Theorem 2.10, up to a distance.

    Args:
        points: (n, d), finite, any real dtype; computed in float64.
        labels: (n,), integers.
        eps: greatest distance at which a segment counts as hitting a point, >= 0, in the points' unit. Rounding moves a
            point off a segment: take about 1e-12 times the largest coordinate rather than 0.
        endpoints: as for `nearest_segments`.

    Returns:
        int64 (k, 3): rows (point, first endpoint, second endpoint), one for each such point, with its nearest segment.

    Raises:
        UserError: as for `nearest_segments`, or `eps` is negative or not finite.
    """
    eps = not_negative(eps, "eps", "distance")
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
    """Measure how near mixed points come to points of other classes (Chidambaram et al. 2022, section 2, on images).

    The mixed points are z_k = ratio_k x_k + (1 - ratio_k) x_partner[k]. For each of `others` the result is the
    Euclidean distance to the nearest z_k of which neither class (that of x_k, that of its partner) is the point's own.

    The search is a product of matrices in float32 where both sets of points are float32 (float64 otherwise), after the
    mean is subtracted. The distance to the mixed point that it finds is then computed again in float64. A float32
    search may miss a mixed point that is nearer by less than its rounding, about 1e-7 of the squared norms; then the
    result is too large by that much. Temporary tensors have at most about 2^20 elements, apart from one copy of
    `others`.

    Args:
        points: (n, d), finite, any real dtype.
        labels: (n,), integers.
        ratio: λ in [0, 1]: a number, or a tensor of no dimension, for all; or (n,).
        partner: (n,), integers in [0, n).
        others: points (m, d) and labels (m,) to measure from; the training points where None.

    Returns:
        float64 (m,) on the CPU; inf for a point without a mixed point of two other classes.

    Raises:
        UserError: a shape, dtype or value is not as described.
    """
    points = real_rows(points, "points")
    beside, beside_labels = (points, labels) if others is None else others
    beside = real_rows(beside, "others", width=points.shape[1])
    labels, beside_labels = class_labels(labels, len(points)), class_labels(beside_labels, len(beside))
    ratios, partner = mixing(ratio, partner, len(points))
    single = points.dtype == beside.dtype == torch.float32
    dtype = torch.float32 if single else torch.float64
    points, beside = points.detach().to("cpu", dtype), beside.detach().to("cpu", dtype)
    centre = points.mean(0)
    centred = (beside - centre).T
    lowest = torch.full((len(beside),), math.inf, dtype=dtype)
    nearest = torch.zeros(len(beside), dtype=torch.int64)
    for rows in torch.arange(len(points)).split(max(1, _CHUNK // max(beside.shape))):
        mixed = (_mixed(points, ratios, partner, rows) - centre).to(dtype)
        scores = torch.addmm(mixed.square().sum(1, keepdim=True), mixed, centred, alpha=-2)
        scores[labels[rows, None] == beside_labels] = math.inf
        scores[labels[partner[rows], None] == beside_labels] = math.inf
        found, winner = scores.min(0)
        nearer = found < lowest
        lowest[nearer], nearest[nearer] = found[nearer], rows[winner[nearer]]
    result = torch.full((len(beside),), math.inf, dtype=torch.float64)
    for rows in _parts(lowest.isfinite().nonzero()[:, 0], points.shape[1]):
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
        at: float64 (m, d), the balls' centres.
        radius: the balls' radius, > 0.
        own: whether a point paired with itself is a segment too.

    Yields:
        Every meeting of an unordered pair of points and a ball once, in chunks of at most 2^20 meetings.
    """
    screening = _Screening(points, at)
    for first, second in _pairs(len(points), _CHUNK, own=own):
        prepared = screening.prepare(first, second)
        queries = max(1, _CHUNK // len(first))
        for start in range(0, len(at), queries):
            squared = screening.squared(prepared, slice(start, start + queries))
            near = (squared <= radius**2 + screening.rounding[start : start + queries, None]).nonzero()
            for part in _parts(near, points.shape[1]):
                query, i, j = part[:, 0] + start, first[part[:, 1]], second[part[:, 1]]
                distance, line, length, on_segment, on_line = _exact(points, at, query, i, j)
                inside = distance <= radius
                half = (radius**2 - (line**2).clamp(max=radius**2)).sqrt() / length
                middle = torch.where(length > 0, on_line, 0.0)
                low = torch.where(length > 0, middle - half, 0.0).clamp(0, 1)
                high = torch.where(length > 0, middle + half, 1.0).clamp(0, 1)
                found = (query, i, j, low, high, torch.where(length > 0, on_segment, 0.5))
                yield Hits(*(each[inside] for each in found))


@dataclass(frozen=True)
class _Prepared:
    """Pairs of points with the inner products of theirs that every query needs; (pairs,) each."""

    first: Tensor
    second: Tensor
    cross: Tensor
    squared_length: Tensor
    norms: Tensor


class _Screening:
    """Squared distances of queries to segments from inner products alone; off by `rounding` of the query at most.

    That holds for the shortest segments too: a ratio made wrong by cancellation moves within [0, 1], so it costs no
    more than the rounding of the inner products that it came from.
    """

    def __init__(self, points: Tensor, at: Tensor) -> None:
        centre = points.mean(0)
        self.points, self.at = points - centre, at - centre
        self.gram = self.points @ self.points.T
        self.norms, self.norms_at = self.gram.diagonal(), self.at.square().sum(1)
        self.rounding = _ROUNDING * (self.norms.max() + self.norms_at)

    def prepare(self, first: Tensor, second: Tensor) -> _Prepared:
        """Precompute what does not depend on the query."""
        cross = self.gram[first, second] - self.norms[second]
        squared_length = (self.norms[first] - self.norms[second] - 2 * cross).clamp(min=1e-300)
        return _Prepared(first, second, cross, squared_length, self.norms[second])

    def squared(self, pairs: _Prepared, rows: slice) -> Tensor:
        """Return an array (queries, pairs)."""
        products = self.at[rows] @ self.points.T
        to_second = products.index_select(1, pairs.second)
        slope = pairs.cross - products.index_select(1, pairs.first).sub_(to_second)
        ratio = (slope / -pairs.squared_length).clamp_(0, 1)
        from_second = to_second.mul_(-2).add_(pairs.norms).add_(self.norms_at[rows, None])
        return from_second.add_(slope.mul_(2).addcmul_(ratio, pairs.squared_length).mul_(ratio))


def _exact(
    points: Tensor, at: Tensor, query: Tensor, first: Tensor, second: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Distance to the segment, to its line, its length, and the nearest λ on either; from coordinates, (k,) each."""
    away, along = points[second] - at[query], points[first] - points[second]
    length = along.norm(dim=1)
    # the direction is divided by the length before it is squared, which underflows for the shortest segments
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


def _parts(rows: Tensor, width: int) -> Iterator[Tensor]:
    """Rows in pieces whose coordinates fill a chunk."""
    size = max(1, _CHUNK // width)
    return (rows[start : start + size] for start in range(0, len(rows), size))
