"""Points with a structure that the segment between two of them leaves: clusters, and curves in the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, RawFiles, Size, generated

_SEED = 0
_POINTS = 1_024  # of each part
_CLUSTER_STD = 0.1
_CURVE_STD = 0.02
_ROLL = (1.5 * np.pi, 4.5 * np.pi)

_Sample = tuple[NDArray[np.float64], NDArray[np.int64]]


def four_clusters(raw: RawFiles) -> Arrays:
    """Draw Gaussians at (1, 1), (-1, 1), (-1, -1) and (1, -1), equally many points of each."""
    corners = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])

    def draw(stream: np.random.RandomState) -> _Sample:
        labels = np.repeat(np.arange(4), _POINTS // 4)
        return corners[labels] + stream.normal(0, _CLUSTER_STD, (_POINTS, 2)), labels

    return _draw_parts(draw)


def ring(raw: RawFiles) -> Arrays:
    """Draw points near the unit circle; class 0 is the upper half, class 1 the lower half."""

    def draw(stream: np.random.RandomState) -> _Sample:
        angle = stream.uniform(0, 2 * np.pi, _POINTS)
        return _near_curve(stream, np.ones(_POINTS), angle), (angle >= np.pi).astype(np.int64)

    return _draw_parts(draw)


def swiss_roll(raw: RawFiles) -> Arrays:
    """Draw points near a spiral of one and a half turns, radii 0.5 to 1.5; class 0 is its inner half by angle."""

    def draw(stream: np.random.RandomState) -> _Sample:
        angle = stream.uniform(*_ROLL, _POINTS)
        return _near_curve(stream, angle / (3 * np.pi), angle), (angle >= np.mean(_ROLL)).astype(np.int64)

    return _draw_parts(draw)


def _near_curve(
    stream: np.random.RandomState, radius: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return points with these polar coordinates, plus Gaussian noise."""
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x + stream.normal(0, _CURVE_STD, x.shape)


def _draw_parts(draw: Callable[[np.random.RandomState], _Sample]) -> Arrays:
    stream = np.random.RandomState(_SEED)  # NumPy guarantees that its stream never changes
    tensors: dict[str, NDArray[Any]] = {}
    for part in ("train", "test"):
        x, y = draw(stream)
        tensors |= {f"{part}_x": x.astype(np.float32), f"{part}_y": y.astype(np.int64)}
    return Arrays(tensors)


def _describe(builder: Builder, name: str, title: str, classes: int, note: str) -> Dataset:
    note = f"Our choice, to see whether mixed points stay close to the data: {note} 1,024 + 1,024 points. Seeded."
    size = Size((2,), 1_024, 1_024)
    citation, homepage = "greenewald2023", "https://arxiv.org/abs/2106.02933"
    return generated(builder, name, title, "points", classes, size, note, citation=citation, homepage=homepage)


DATASETS = (
    _describe(
        four_clusters,
        "four-clusters",
        "four clusters",
        4,
        "four Gaussians of standard deviation 0.1 at the corners of a square of side 2; each is a class.",
    ),
    _describe(
        ring,
        "ring",
        "a ring",
        2,
        "points uniform on the unit circle plus noise N(0, 0.02^2) along each axis; the classes are the upper and the "
        "lower half.",
    ),
    _describe(
        swiss_roll,
        "swiss-roll",
        "a Swiss roll",
        2,
        "a spiral of one and a half turns in the plane, r = angle / (3 pi) from angle 1.5 pi to 4.5 pi, uniform in the "
        "angle, plus noise N(0, 0.02^2) along each axis; the classes are its inner and its outer half.",
    ),
)
