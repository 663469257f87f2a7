"""Points in the plane, drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material

_SEED = 0
_PER_CLASS = 150
_BLOB_RADIUS = 1.0
_RING_RADII = (1.4, 2.4)
_MODE_STD = 0.01
_MODE_POINTS = {"train": 20_000, "test": 2_000}


def blob_and_ring(material: Material) -> Built:
    """150 points of class 0 in a ring, then 150 of class 1 in the disc inside it, (300, 2); no point in the gap."""
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    ring = _annulus(stream, *_RING_RADII)
    blob = _annulus(stream, 0.0, _BLOB_RADIUS)
    x = np.concatenate([ring, blob]).astype(np.float32)
    return Built({"x": x, "y": np.repeat(np.arange(2, dtype=np.int64), _PER_CLASS)}, ("ring", "blob"))


def ring_of_gaussians(material: Material) -> Built:
    """8 Gaussians with their centres evenly on the unit circle, classes counter-clockwise from (1, 0)."""
    angle = 2 * np.pi * np.arange(8) / 8
    return _gaussians(np.stack([np.cos(angle), np.sin(angle)], axis=1))


def grid_of_gaussians(material: Material) -> Built:
    """25 Gaussians with their centres on a grid from -1 to 1, classes row by row from (-1, -1)."""
    side = np.linspace(-1, 1, 5)
    return _gaussians(np.stack([np.tile(side, 5), np.repeat(side, 5)], axis=1))


def _gaussians(centres: NDArray[np.float64]) -> Built:
    """As many points from each of the Gaussians, whose classes they are; training and test part."""
    stream = np.random.RandomState(_SEED)
    tensors: dict[str, NDArray[Any]] = {}
    for part, count in _MODE_POINTS.items():
        modes = np.repeat(np.arange(len(centres), dtype=np.int64), count // len(centres))
        tensors[f"{part}_x"] = (centres[modes] + stream.normal(0, _MODE_STD, (count, 2))).astype(np.float32)
        tensors[f"{part}_y"] = modes
    return Built(tensors)


def _annulus(stream: np.random.RandomState, inner: float, outer: float) -> NDArray[np.float64]:
    """Points uniform by area between two radii."""
    radius = np.sqrt(stream.uniform(inner**2, outer**2, _PER_CLASS))
    angle = stream.uniform(0, 2 * np.pi, _PER_CLASS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
