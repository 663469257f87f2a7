"""Points in the plane, drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remixup.data.built import Built, Material

_SEED = 0
_PER_CLASS = 150
_BLOB_RADIUS = 1.0
_RING_RADII = (1.4, 2.4)


def blob_and_ring(material: Material) -> Built:
    """150 points of class 0 in a ring, then 150 of class 1 in the disc inside it, (300, 2); no point in the gap."""
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    ring = _annulus(stream, *_RING_RADII)
    blob = _annulus(stream, 0.0, _BLOB_RADIUS)
    x = np.concatenate([ring, blob]).astype(np.float32)
    return Built({"x": x, "y": np.repeat(np.arange(2, dtype=np.int64), _PER_CLASS)}, ("ring", "blob"))


def _annulus(stream: np.random.RandomState, inner: float, outer: float) -> NDArray[np.float64]:
    """Points uniform by area between two radii."""
    radius = np.sqrt(stream.uniform(inner**2, outer**2, _PER_CLASS))
    angle = stream.uniform(0, 2 * np.pi, _PER_CLASS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
