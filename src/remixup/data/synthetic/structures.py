"""Points with a structure that a straight line between two of them leaves: clusters, and curves in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material

_SEED = 0
_POINTS = 1_024  # of each part
_CLUSTER_STD = 0.1
_CURVE_STD = 0.02
_ROLL = (1.5 * np.pi, 4.5 * np.pi)


def four_clusters(material: Material) -> Built:
    """Gaussians at (1, 1), (-1, 1), (-1, -1) and (1, -1), as many points of each."""
    corners = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])

    def draw(stream: np.random.RandomState) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        labels = np.repeat(np.arange(4), _POINTS // 4)
        return corners[labels] + stream.normal(0, _CLUSTER_STD, (_POINTS, 2)), labels

    return _both_parts(draw)


def ring(material: Material) -> Built:
    """The unit circle; class 0 above, class 1 below."""

    def draw(stream: np.random.RandomState) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        angle = stream.uniform(0, 2 * np.pi, _POINTS)
        return _near(stream, np.ones(_POINTS), angle), (angle >= np.pi).astype(np.int64)

    return _both_parts(draw)


def swiss_roll(material: Material) -> Built:
    """A spiral of one and a half turns with radii from 0.5 to 1.5; class 0 is its inner half by angle."""

    def draw(stream: np.random.RandomState) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        angle = stream.uniform(*_ROLL, _POINTS)
        return _near(stream, angle / (3 * np.pi), angle), (angle >= np.mean(_ROLL)).astype(np.int64)

    return _both_parts(draw)


def _near(
    stream: np.random.RandomState, radius: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Points of polar coordinates, and a little off."""
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x + stream.normal(0, _CURVE_STD, x.shape)


def _both_parts(draw: Any) -> Built:
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    tensors: dict[str, NDArray[Any]] = {}
    for part in ("train", "test"):
        x, y = draw(stream)
        tensors |= {f"{part}_x": x.astype(np.float32), f"{part}_y": y.astype(np.int64)}
    return Built(tensors)
