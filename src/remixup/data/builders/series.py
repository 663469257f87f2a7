"""Standardize time series with the statistics of the training part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays

UNITS = "Each channel minus its mean and divided by its standard deviation in the training part."
"""For the notes of datasets."""

Part = tuple[NDArray[np.generic], NDArray[np.int64]]
"""Series (n, channels, time) and their labels."""


def standardized(parts: Mapping[str, Part], class_names: tuple[str, ...], sha256: str | None = None) -> Arrays:
    """Return float16 series, each channel standardized with its mean and standard deviation in the part `train`.

    Both are computed in float64, so that the rounded tensors are the same on every machine. A constant channel becomes
    zero.

    Args:
        parts: `train`, `test` and perhaps `validation`.
        class_names: Names of the classes, in the order of the labels.
        sha256: Digest of the files that were read.
    """
    train = parts["train"][0]
    mean = train.mean(axis=(0, 2), dtype=np.float64)[:, None]
    # Channel by channel, because a float64 copy of a large dataset would not fit into memory.
    std = np.array([train[:, k].std(dtype=np.float64) for k in range(train.shape[1])])[:, None]
    std[std == 0] = 1.0
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, (x, y) in parts.items():
        scaled = np.empty(x.shape, np.float16)
        for k in range(x.shape[1]):
            scaled[:, k] = (x[:, k].astype(np.float64) - mean[k]) / std[k]
        tensors |= {f"{part}_x": scaled, f"{part}_y": y.astype(np.int64)}
    return Arrays(tensors, class_names, sha256=sha256)
