"""Random points in the plane: clusters, and curves that the segment between two points leaves."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, Origin, RawFiles, Size, describe
from remixup.data.synthetic.drawing import draw_parts

_SEED = 0
_PER_CLASS = 150
_BLOB_RADIUS = 1.0
_RING_RADII = (1.4, 2.4)
_MODE_STD = 0.01
_CLUSTER_STD, _CURVE_STD = 0.1, 0.02
_STRUCTURE_POINTS = {"train": 1_024, "test": 1_024}
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
    return _gaussians(np.stack([np.cos(angle), np.sin(angle)], axis=1), _MODE_STD, _MODE_POINTS)


def grid_of_gaussians(raw: RawFiles) -> Arrays:
    """Draw 25 Gaussians with centers on a grid from -1 to 1; classes row by row from (-1, -1)."""
    side = np.linspace(-1, 1, 5)
    return _gaussians(np.stack([np.tile(side, 5), np.repeat(side, 5)], axis=1), _MODE_STD, _MODE_POINTS)


def four_clusters(raw: RawFiles) -> Arrays:
    """Draw Gaussians at (1, 1), (-1, 1), (-1, -1) and (1, -1), equally many points of each."""
    corners = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    return _gaussians(corners, _CLUSTER_STD, _STRUCTURE_POINTS)


def ring(raw: RawFiles) -> Arrays:
    """Draw points near the unit circle; class 0 is the upper half, class 1 the lower half."""
    return _curve(lambda angle: np.ones(len(angle)), 0, 2 * np.pi)


def swiss_roll(raw: RawFiles) -> Arrays:
    """Draw points near a spiral of one and a half turns, radii 0.5 to 1.5; class 0 is its inner half by angle."""
    return _curve(lambda angle: angle / (3 * np.pi), 1.5 * np.pi, 4.5 * np.pi)


def _gaussians(centers: NDArray[np.float64], std: float, counts: dict[str, int]) -> Arrays:
    """Draw equally many points from each Gaussian; the class is the number of the Gaussian."""

    def draw(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        modes = np.repeat(np.arange(len(centers)), count // len(centers))
        return centers[modes] + stream.normal(0, std, (count, 2)), modes

    return Arrays(draw_parts(draw, counts))


def _curve(radius: Callable[[NDArray[np.float64]], NDArray[np.float64]], start: float, end: float) -> Arrays:
    """Draw points uniform in the angle, plus Gaussian noise; the classes are the two halves of the angle's range."""

    def draw(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        angle = stream.uniform(start, end, count)
        x = np.stack([radius(angle) * np.cos(angle), radius(angle) * np.sin(angle)], axis=1)
        return x + stream.normal(0, _CURVE_STD, x.shape), angle >= (start + end) / 2

    return Arrays(draw_parts(draw, _STRUCTURE_POINTS))


def _annulus(stream: np.random.RandomState, inner: float, outer: float) -> NDArray[np.float64]:
    """Draw points uniformly by area between two radii."""
    radius = np.sqrt(stream.uniform(inner**2, outer**2, _PER_CLASS))
    angle = stream.uniform(0, 2 * np.pi, _PER_CLASS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


_MIXUP = Origin("zhang2018mixup", "https://arxiv.org/abs/1710.09412")


def _describe_gaussians(builder: Builder, title: str, modes: int, centers: str) -> Dataset:
    note = (
        f"As in Figure 5 of the mixup article, with the sizes of its first author's example: {modes} Gaussians of "
        f"standard deviation 0.01 with {centers}, 20,000 + 2,000 points, equally many from each. Seeded."
    )
    return describe(builder, title, "points", modes, Size((2,), 20_000, 2_000), note, origin=_MIXUP)


def _describe_structure(builder: Builder, title: str, classes: int, note: str) -> Dataset:
    note = f"Our choice, to see whether mixed points stay close to the data: {note} 1,024 + 1,024 points. Seeded."
    size = Size((2,), 1_024, 1_024)
    origin = Origin("greenewald2023", "https://arxiv.org/abs/2106.02933")
    return describe(builder, title, "points", classes, size, note, origin=origin)


DATASETS = (
    describe(
        blob_and_ring,
        "a blob inside a ring",
        "points",
        2,
        Size((2,), 300),
        "Similar to Figure 1b of the mixup article, whose data are not published: class 1 is 150 points uniform in the "
        "disc of radius 1, class 0 is 150 points uniform in the annulus from 1.4 to 2.4. Seeded.",
        origin=_MIXUP,
    ),
    _describe_gaussians(ring_of_gaussians, "eight Gaussians in a ring", 8, "centers evenly on the unit circle"),
    _describe_gaussians(grid_of_gaussians, "25 Gaussians in a grid", 25, "centers on a grid of 5 x 5 from -1 to 1"),
    _describe_structure(
        four_clusters,
        "four clusters",
        4,
        "four Gaussians of standard deviation 0.1 at the corners of a square of side 2; each is a class.",
    ),
    _describe_structure(
        ring,
        "a ring",
        2,
        "points uniform on the unit circle plus noise N(0, 0.02^2) along each axis; the classes are the upper and the "
        "lower half.",
    ),
    _describe_structure(
        swiss_roll,
        "a Swiss roll",
        2,
        "a spiral of one and a half turns in the plane, r = angle / (3 pi) from angle 1.5 pi to 4.5 pi, uniform in the "
        "angle, plus noise N(0, 0.02^2) along each axis; the classes are its inner and its outer half.",
    ),
)
