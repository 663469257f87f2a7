"""Standardize time series with the statistics of the training part."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays
from remixup.errors import UserError

UNITS = "Each channel minus its mean and divided by its standard deviation in the training part."
"""For the notes of datasets."""

Examples = list[tuple[NDArray[np.generic], int]]
"""Series (channels, time) with their labels."""


def part_of_subject(number: int) -> str:
    """Return the part of a subject: multiples of five are for the test, the numbers before them for validation."""
    return {4: "validation", 0: "test"}.get(number % 5, "train")


def refuse_empty(parts: Mapping[str, Sequence[object]]) -> None:
    """Raise a `UserError` if a part has no example."""
    if empty := [part for part, examples in parts.items() if not examples]:
        raise UserError(f"there is no example for the {empty[0]} part")


def standardized(parts: Mapping[str, Examples], class_names: tuple[str, ...], sha256: str | None = None) -> Arrays:
    """Return float16 series, each channel standardized with its mean and standard deviation in the part `train`.

    Both are computed in float64, so that the rounded tensors are the same on every machine. A constant channel becomes
    zero.

    Args:
        parts: `train`, `test` and perhaps `validation`.
        class_names: Names of the classes, in the order of the labels.
        sha256: Digest of the files that were read.

    Raises:
        UserError: A part is empty.
    """
    refuse_empty(parts)
    train = np.stack([x for x, _ in parts["train"]])
    mean = train.mean(axis=(0, 2), dtype=np.float64)[:, None]
    # Channel by channel, because a float64 copy of a large dataset would not fit into memory.
    std = np.array([train[:, k].std(dtype=np.float64) for k in range(train.shape[1])])[:, None]
    std[std == 0] = 1.0
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, examples in parts.items():
        tensors[f"{part}_x"] = np.stack([((x.astype(np.float64) - mean) / std).astype(np.float16) for x, _ in examples])
        tensors[f"{part}_y"] = np.array([label for _, label in examples], np.int64)
    return Arrays(tensors, class_names, sha256=sha256)
