"""Random points in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, RawFiles, Size, generated

_SEED = 0
_PER_CLASS = 150
_BLOB_RADIUS = 1.0
_RING_RADII = (1.4, 2.4)
_MODE_STD = 0.01
_MODE_POINTS = {"train": 20_000, "test": 2_000}


def blob_and_ring(raw: RawFiles) -> Arrays:
    """Draw 150 points of class 0 in a ring, then 150 of class 1 in the disc inside it, (300, 2)."""
    stream = np.random.RandomState(_SEED)  # NumPy guarantees that its stream never changes
    ring = _annulus(stream, *_RING_RADII)
    blob = _annulus(stream, 0.0, _BLOB_RADIUS)
    x = np.concatenate([ring, blob]).astype(np.float32)
    return Arrays({"x": x, "y": np.repeat(np.arange(2, dtype=np.int64), _PER_CLASS)}, ("ring", "blob"))


def ring_of_gaussians(raw: RawFiles) -> Arrays:
    """Draw 8 Gaussians with centers evenly on the unit circle; classes counter-clockwise from (1, 0)."""
    angle = 2 * np.pi * np.arange(8) / 8
    return _gaussians(np.stack([np.cos(angle), np.sin(angle)], axis=1))


def grid_of_gaussians(raw: RawFiles) -> Arrays:
    """Draw 25 Gaussians with centers on a grid from -1 to 1; classes row by row from (-1, -1)."""
    side = np.linspace(-1, 1, 5)
    return _gaussians(np.stack([np.tile(side, 5), np.repeat(side, 5)], axis=1))


def _gaussians(centers: NDArray[np.float64]) -> Arrays:
    """Draw equally many points from each Gaussian; the class is the number of the Gaussian."""
    stream = np.random.RandomState(_SEED)
    tensors: dict[str, NDArray[Any]] = {}
    for part, count in _MODE_POINTS.items():
        modes = np.repeat(np.arange(len(centers), dtype=np.int64), count // len(centers))
        tensors[f"{part}_x"] = (centers[modes] + stream.normal(0, _MODE_STD, (count, 2))).astype(np.float32)
        tensors[f"{part}_y"] = modes
    return Arrays(tensors)


def _annulus(stream: np.random.RandomState, inner: float, outer: float) -> NDArray[np.float64]:
    """Draw points uniformly by area between two radii."""
    radius = np.sqrt(stream.uniform(inner**2, outer**2, _PER_CLASS))
    angle = stream.uniform(0, 2 * np.pi, _PER_CLASS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


_MIXUP = {"citation": "zhang2018mixup", "homepage": "https://arxiv.org/abs/1710.09412"}


def _describe_gaussians(builder: Builder, name: str, title: str, modes: int, centers: str) -> Dataset:
    note = (
        f"As in Figure 5 of the mixup article, with the sizes of its first author's example: {modes} Gaussians of "
        f"standard deviation 0.01 with {centers}, 20,000 + 2,000 points, equally many from each. Seeded."
    )
    return generated(builder, name, title, "points", modes, Size((2,), 20_000, 2_000), note, **_MIXUP)


DATASETS = (
    generated(
        blob_and_ring,
        "blob-and-ring",
        "a blob inside a ring",
        "points",
        2,
        Size((2,), 300),
        "Similar to Figure 1b of the mixup article, whose data are not published: class 1 is 150 points uniform in the "
        "disc of radius 1, class 0 is 150 points uniform in the annulus from 1.4 to 2.4. Seeded.",
        **_MIXUP,
    ),
    _describe_gaussians(
        ring_of_gaussians,
        "ring-of-gaussians",
        "eight Gaussians in a ring",
        8,
        "centers evenly on the unit circle",
    ),
    _describe_gaussians(
        grid_of_gaussians,
        "grid-of-gaussians",
        "25 Gaussians in a grid",
        25,
        "centers on a grid of 5 x 5 from -1 to 1",
    ),
)
