"""Datasets that scikit-learn includes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, Origin, RawFiles, Size, describe

_DIGITS_SEED = 0
DIGITS_PER_CLASS = 60


def ranked_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return all 1,797 digits in the order of a permutation.

    Returns:
        Images (1797, 1, 8, 8), labels, and for each image the number of preceding images of its class.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    gray, labels = bunch.images.astype(np.int64), bunch.target.astype(np.int64)
    images = ((gray * 255 + 8) // 16).astype(np.uint8)[:, None]  # 0..16 becomes 0..255, rounded
    # RandomState instead of default_rng: NumPy guarantees that its stream never changes.
    order = np.random.RandomState(_DIGITS_SEED).permutation(len(labels))
    images, labels = images[order], labels[order]
    rank = np.empty(len(labels), np.int64)
    for label in range(10):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return images, labels, rank


def digits(raw: RawFiles) -> Arrays:
    """Select 1,200 of the 1,797 digits, (n, 1, 8, 8): 60 of each class for training and 60 others for testing."""
    images, labels, rank = ranked_digits()
    tensors: dict[str, NDArray[Any]] = {}
    for number, part in enumerate(("train", "test")):
        rows = rank // DIGITS_PER_CLASS == number
        tensors |= {f"{part}_x": images[rows], f"{part}_y": labels[rows]}
    return Arrays(tensors, tuple(str(label) for label in range(10)))


def digits_20(raw: RawFiles) -> Arrays:
    """Rotate every other image of each class of `digits` by 90 degrees, which gives twenty classes."""
    upright = digits(raw).tensors
    tensors: dict[str, NDArray[Any]] = {}
    for part in ("train", "test"):
        images, labels = upright[f"{part}_x"].copy(), upright[f"{part}_y"]
        rotated = np.zeros(len(labels), bool)
        for label in range(10):
            rotated[np.flatnonzero(labels == label)[1::2]] = True
        images[rotated] = np.rot90(images[rotated], axes=(2, 3))
        tensors |= {f"{part}_x": images, f"{part}_y": labels + 10 * rotated}
    return Arrays(tensors, tuple(f"{label}{suffix}" for suffix in ("", " turned") for label in range(10)))


def wine(raw: RawFiles) -> Arrays:
    """Read 178 wines of three cultivars with 13 chemical measurements."""
    return _table("wine")


def breast_cancer(raw: RawFiles) -> Arrays:
    """Read 569 breast masses, malignant or benign, with 30 measurements of cell nuclei."""
    return _table("breast_cancer")


def iris(raw: RawFiles) -> Arrays:
    """Read 150 irises with the two rows as in Fisher's article, (150, 4)."""
    return _table("iris")


def _table(name: str) -> Arrays:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    names = tuple(str(name) for name in bunch.target_names)
    return Arrays({"x": bunch.data.astype(np.float32), "y": bunch.target.astype(np.int64)}, names)


def _describe_table(
    builder: Builder, title: str, number: int, *, classes: int, size: Size, citation: str, note: str
) -> Dataset:
    origin = Origin(citation, f"https://archive.ics.uci.edu/dataset/{number}", "CC BY 4.0")
    note = f"{note} The copy in scikit-learn."
    return describe(builder, title, "tabular", classes, size, note, origin=origin, version="scikit-learn")


DIGITS = describe(
    digits,
    "scikit-learn's digits",
    "images",
    10,
    Size((1, 8, 8), 600, 600),
    "1,200 of the 1,797 images in scikit-learn, 1 x 8 x 8, with the 17 gray levels stretched to 0..255. In the order "
    "of a permutation with seed 0, the first 60 images of each class are the training part (600) and the next 60 the "
    "test part (600).",
    origin=Origin(
        "alpaydin1998optical",
        "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        "CC BY 4.0",
    ),
    version="scikit-learn",
    numerics=2,
)

DATASETS = (
    DIGITS,
    describe(
        digits_20,
        "scikit-learn's digits, upright and turned",
        "images",
        20,
        DIGITS.size,
        "The images of `digits` in its two parts. Every other image of each class, in the order of the part, is "
        "rotated by 90 degrees counter-clockwise and belongs to a class of its own: 600 + 600 images.",
        origin=DIGITS.origin,
        version="scikit-learn",
        numerics=DIGITS.numerics,
    ),
    _describe_table(
        wine,
        "Wine",
        109,
        classes=3,
        size=Size((13,), 178),
        citation="aeberhard1991wine",
        note="178 rows: 59, 71 and 48 of three cultivars.",
    ),
    _describe_table(
        breast_cancer,
        "Breast Cancer Wisconsin (Diagnostic)",
        17,
        classes=2,
        size=Size((30,), 569),
        citation="street1993nuclear",
        note="569 rows: 212 malignant, 357 benign.",
    ),
)
