"""SVHN's cropped digits: two MATLAB files, of which only arrays of numbers are read."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from remixup.data.builders.builder import Built, Material
from remixup.errors import UserError


def svhn(material: Material) -> Built:
    """House numbers: 73,257 digits for training, 26,032 for the test, (n, 3, 32, 32); the label is the digit."""
    tensors: dict[str, NDArray[np.generic]] = {}
    for part in ("train", "test"):
        tensors[f"{part}_x"], tensors[f"{part}_y"] = read(material.files[f"{part}_32x32.mat"])
    return Built(tensors, tuple(str(digit) for digit in range(10)))


def read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, 3, 32, 32) and digits (n,) of one part, which the file has as (32, 32, 3, n) and as 1..10.

    Raises:
        UserError: the file is no MATLAB file, is cut short, or holds something else.
    """
    try:
        content = loadmat(path, variable_names=["X", "y"])
    except (MatReadError, zlib.error, ValueError, TypeError, OSError) as error:
        raise UserError(f"this is not a whole MATLAB file ({error})", where=str(path)) from error
    images, labels = (np.asarray(content.get(name)) for name in ("X", "y"))
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, labels.size):
        what = f"it holds images {images.shape} of {images.dtype} and {labels.size:,} labels"
        raise UserError(f"{what}, not bytes (32, 32, 3, n) and n labels", where=str(path))
    digits = labels.ravel().astype(np.int64)
    if not np.isin(digits, np.arange(1, 11)).all():
        raise UserError("its labels are not all from 1 to 10", where=str(path))
    return images.transpose(3, 2, 0, 1), digits % 10  # the publisher calls the digit 0 ten
