"""The idx format of MNIST and its successors: a magic number, the sizes, big-endian, then the bytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material
from remixup.errors import UserError

_GARMENTS = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_HIRAGANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


def mnist(material: Material) -> Built:
    """Handwritten digits: 60,000 for training, 10,000 for the test, (n, 1, 28, 28)."""
    return Built(_parts(material), tuple(str(label) for label in range(10)))


def fashion_mnist(material: Material) -> Built:
    """Pictures of garments: 60,000 for training, 10,000 for the test, (n, 1, 28, 28)."""
    return Built(_parts(material), _GARMENTS)


def kmnist(material: Material) -> Built:
    """Cursive Japanese characters: 60,000 for training, 10,000 for the test, (n, 1, 28, 28)."""
    return Built(_parts(material, ".gz"), _HIRAGANA)


def read(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an idx file, which may be packed as `.gz`.

    Raises:
        UserError: the file is no such array of that many dimensions, or is cut short.
    """
    raw = np.frombuffer(_content(path), np.uint8)
    start = 4 + 4 * dimensions
    if raw.size < start or raw[:4].tolist() != [0, 0, 0x08, dimensions]:
        raise UserError(f"this is not an idx file of unsigned bytes in {dimensions} dimensions", where=str(path))
    shape = tuple(raw[4:start].view(">u4").tolist())
    if raw.size - start != np.prod(shape):
        raise UserError(f"it has {raw.size - start:,} bytes of content, its header says {shape}", where=str(path))
    return raw[start:].reshape(shape)


def _content(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"it cannot be unpacked to its end: {error}", where=str(path)) from error


def _parts(material: Material, suffix: str = "") -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        tensors[f"{part}_x"] = read(material.files[f"{prefix}-images-idx3-ubyte{suffix}"], 3)[:, None]
        tensors[f"{part}_y"] = read(material.files[f"{prefix}-labels-idx1-ubyte{suffix}"], 1).astype(np.int64)
    return tensors
