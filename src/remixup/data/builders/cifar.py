"""CIFAR-10 and CIFAR-100 as their publisher packs them: plain records, or pickles of Python 2."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material
from remixup.errors import UserError

CIFAR_10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


def cifar10_binary(material: Material) -> Built:
    """50,000 images for training, 10,000 for the test, (n, 3, 32, 32), from records of a label and 3,072 bytes."""

    def part(names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return _joined([_records(material.files[f"{name}.bin"]) for name in names])

    return _built(part(_TRAIN_BATCHES), part(["test_batch"]), CIFAR_10_CLASSES)


def cifar10_python(material: Material) -> Built:
    """The same tensors from pickled batches."""

    def part(names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return _joined([_batch(material.files[name], b"labels") for name in names])

    return _built(part(_TRAIN_BATCHES), part(["test_batch"]), CIFAR_10_CLASSES)


def cifar100(material: Material) -> Built:
    """50,000 images for training, 10,000 for the test, (n, 3, 32, 32), with the fine labels."""
    names = _unpickled(material.files["meta"])[b"fine_label_names"]
    train, test = (_batch(material.files[part], b"fine_labels") for part in ("train", "test"))
    return _built(train, test, tuple(name.decode() for name in names))


def _built(
    train: tuple[NDArray[np.uint8], NDArray[np.int64]],
    test: tuple[NDArray[np.uint8], NDArray[np.int64]],
    class_names: tuple[str, ...],
) -> Built:
    return Built({"train_x": train[0], "train_y": train[1], "test_x": test[0], "test_y": test[1]}, class_names)


def _joined(
    batches: Sequence[tuple[NDArray[np.uint8], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])


def _records(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    raw = np.fromfile(path, np.uint8)
    if raw.size % (1 + _PIXELS):
        raise UserError(f"{raw.size:,} bytes are no whole number of records of {1 + _PIXELS:,}", where=str(path))
    records = raw.reshape(-1, 1 + _PIXELS)
    return records[:, 1:].reshape(-1, *_SHAPE), records[:, 0].astype(np.int64)


def _batch(path: Path, labels: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    content = _unpickled(path)
    return content[b"data"].reshape(-1, *_SHAPE), np.array(content[labels], np.int64)


def _unpickled(path: Path) -> dict[bytes, Any]:
    with path.open("rb") as file:
        try:
            content = _PlainUnpickler(file).load()
        except pickle.UnpicklingError as error:
            raise UserError(str(error), where=str(path), hint="this is no file of the publisher's") from error
    assert isinstance(content, dict)
    return content


_ARRAY_PARTS = {"_reconstruct": np.empty(0).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}
_ARRAY_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


class _PlainUnpickler(pickle.Unpickler):
    """Reads arrays, byte strings, strings, lists and dicts; a pickle that asks for anything else is refused."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="bytes")  # what Python 2 called a string

    def find_class(self, module: str, name: str) -> Any:
        if module in _ARRAY_MODULES and name in _ARRAY_PARTS:
            return _ARRAY_PARTS[name]
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which no dataset needs")
