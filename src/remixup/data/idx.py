"""The idx format of MNIST and Fashion-MNIST: a magic number, the sizes, big-endian, then the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.built import Built, Material
from remixup.errors import UserError

_GARMENTS = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def mnist(material: Material) -> Built:
    """Handwritten digits: 60,000 for training, 10,000 for the test, (n, 1, 28, 28)."""
    return Built(_parts(material), tuple(str(label) for label in range(10)))


def fashion_mnist(material: Material) -> Built:
    """Pictures of garments: 60,000 for training, 10,000 for the test, (n, 1, 28, 28)."""
    return Built(_parts(material), _GARMENTS)


def read(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an idx file.

    Raises:
        UserError: the file is no such array of that many dimensions, or is cut short.
    """
    raw = np.fromfile(path, np.uint8)
    start = 4 + 4 * dimensions
    if raw.size < start or raw[:4].tolist() != [0, 0, 0x08, dimensions]:
        raise UserError(f"this is not an idx file of unsigned bytes in {dimensions} dimensions", where=str(path))
    shape = tuple(raw[4:start].view(">u4").tolist())
    if raw.size - start != np.prod(shape):
        raise UserError(f"it has {raw.size - start:,} bytes of content, its header says {shape}", where=str(path))
    return raw[start:].reshape(shape)


def _parts(material: Material) -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        tensors[f"{part}_x"] = read(material.files[f"{prefix}-images-idx3-ubyte"], 3)[:, None]
        tensors[f"{part}_y"] = read(material.files[f"{prefix}-labels-idx1-ubyte"], 1).astype(np.int64)
    return tensors
