"""Points of patches with two features for each class: the multi-view data of Midpoint Mixup's theory (2210.13512)."""

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Origin, RawFiles, Size, describe
from remixup.data.synthetic.drawing import draw_parts

_SEED = 0
CLASSES, PATCHES, DIMENSIONS = 10, 4, 32
_COUNTS = {"train": 2_000, "test": 500}
LOW, HIGH = 0.25, 0.75
"""δ1 and δ2: a feature's strength is between LOW and HIGH - LOW; those of a point's two features sum to HIGH."""
_NOISE = 3.0
"""Feature noise has strengths between LOW and HIGH, times _NOISE / CLASSES^1.5."""


def features() -> NDArray[np.float64]:
    """Return the two features of each class, orthonormal, float64 (CLASSES, 2, DIMENSIONS).

    They are rows of a Hadamard matrix, drawn without replacement, so the entries are exact on every machine.
    """
    hadamard = np.ones((1, 1))
    while len(hadamard) < DIMENSIONS:
        hadamard = np.kron(np.array([[1, 1], [1, -1]]), hadamard)
    drawn = np.random.RandomState(_SEED).permutation(DIMENSIONS)[: 2 * CLASSES]
    rows: NDArray[np.float64] = hadamard[drawn].reshape(CLASSES, 2, DIMENSIONS) / np.sqrt(DIMENSIONS)
    return rows


def feature_patches(raw: RawFiles) -> Arrays:
    """Draw points (n, PATCHES, DIMENSIONS): two patches with the features of the class, the others only noise."""
    return Arrays(draw_parts(_draw, _COUNTS, _SEED + 1))


def _draw(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw points and their classes.

    The patches are β v_1 and (δ2 - β) v_2 with uniform β, then sums of all features of all other classes, each with a
    strength of its own.
    """
    labels, basis = stream.randint(0, CLASSES, count), features()
    strength = stream.uniform(LOW, HIGH - LOW, count)[:, None]
    noise = stream.uniform(LOW, HIGH, (count, PATCHES - 2, CLASSES, 2)) * _NOISE / CLASSES**1.5
    noise[np.arange(count), :, labels] = 0
    x = np.empty((count, PATCHES, DIMENSIONS))
    x[:, 0] = strength * basis[labels, 0]
    x[:, 1] = (HIGH - strength) * basis[labels, 1]
    x[:, 2:] = noise.reshape(count, PATCHES - 2, -1) @ basis.reshape(-1, DIMENSIONS)
    return x, labels


DATASETS = (
    describe(
        feature_patches,
        "patches with two features a class",
        "points",
        10,
        Size((4, 32), 2_000, 500),
        "Multi-view data as in section 4 of Chidambaram et al. (2023), with the constants of their released simulator "
        "unless stated otherwise: ten classes, each with two features, all orthonormal in 32 dimensions (rows of a "
        "Hadamard matrix). A point has four patches: b v_1, (0.75 - b) v_2 with b uniform in [0.25, 0.5], and two of "
        "feature noise: the sum of all features of the other nine classes, with strengths uniform in [0.25, 0.75] "
        "times 3 / 10^1.5 (in the simulator, with three classes: 10 / 3^1.5). 2,000 + 500 points. Seeded.",
        origin=Origin("chidambaram2023", "https://arxiv.org/abs/2210.13512"),
    ),
)
