"""Datasets that scikit-learn carries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material

_DIGITS_SEED = 0
DIGITS_PER_CLASS = 60


def ranked_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """All 1,797 digits in the order of a permutation.

    Returns:
        images (1797, 1, 8, 8), labels, and for each the number of those of its class that come before it.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey, labels = bunch.images.astype(np.int64), bunch.target.astype(np.int64)
    images = ((grey * 255 + 8) // 16).astype(np.uint8)[:, None]  # 0..16 becomes 0..255, rounded
    # RandomState and not default_rng: NumPy promises that its stream never changes.
    order = np.random.RandomState(_DIGITS_SEED).permutation(len(labels))
    images, labels = images[order], labels[order]
    rank = np.empty(len(labels), np.int64)
    for label in range(10):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return images, labels, rank


def digits(material: Material) -> Built:
    """1,200 of the 1,797 digits, 1 x 8 x 8: 60 of each class for training, 60 others for the test."""
    images, labels, rank = ranked_digits()
    tensors: dict[str, NDArray[Any]] = {}
    for part, name in enumerate(("train", "test")):
        rows = rank // DIGITS_PER_CLASS == part
        tensors |= {f"{name}_x": images[rows], f"{name}_y": labels[rows]}
    return Built(tensors, tuple(str(label) for label in range(10)))


def digits_20(material: Material) -> Built:
    """The same images in the same parts, every other one of each class turned by a quarter: twenty classes."""
    upright = digits(material).tensors
    tensors: dict[str, np.ndarray] = {}
    for part in ("train", "test"):
        images, labels = upright[f"{part}_x"].copy(), upright[f"{part}_y"]
        turned = np.zeros(len(labels), bool)
        for label in range(10):
            turned[np.flatnonzero(labels == label)[1::2]] = True
        images[turned] = np.rot90(images[turned], axes=(2, 3))
        tensors |= {f"{part}_x": images, f"{part}_y": labels + 10 * turned}
    return Built(tensors, tuple(f"{label}{how}" for how in ("", " turned") for label in range(10)))


def wine(material: Material) -> Built:
    """The 178 wines of three cultivars, 13 chemical measurements; (178, 13)."""
    from sklearn.datasets import load_wine

    return _table(load_wine())


def breast_cancer(material: Material) -> Built:
    """The 569 breast masses of Wisconsin, malignant or benign, 30 measurements of cell nuclei; (569, 30)."""
    from sklearn.datasets import load_breast_cancer

    return _table(load_breast_cancer())


def iris(material: Material) -> Built:
    """The 150 irises with the two rows as in Fisher's article; (150, 4)."""
    from sklearn.datasets import load_iris

    return _table(load_iris())


def _table(bunch: Any) -> Built:
    """A table as scikit-learn gives it."""
    names = tuple(str(name) for name in bunch.target_names)
    return Built({"x": bunch.data.astype(np.float32), "y": bunch.target.astype(np.int64)}, names)
