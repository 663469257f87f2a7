"""CIFAR-10 and CIFAR-100, in the publisher's binary and Python formats.

Every file is verified by its digest before a builder reads it.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Dataset, File, Origin, RawFiles, Size, Version, describe, versions

CIFAR_10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_SHAPE = (3, 32, 32)

_Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (n, 3, 32, 32) and labels (n,)."""


def cifar10_binary(raw: RawFiles) -> Arrays:
    """Read CIFAR-10 from records of a label and 3,072 bytes: 50,000 training and 10,000 test images."""
    *train, test = (_read_records(raw.files[f"{name}.bin"]) for name in _BATCHES)
    return _arrays(train, test, CIFAR_10_CLASSES)


def cifar10_python(raw: RawFiles) -> Arrays:
    """Read the same arrays from pickled batches."""
    *train, test = (_read_batch(raw.files[name], b"labels") for name in _BATCHES)
    return _arrays(train, test, CIFAR_10_CLASSES)


def cifar100(raw: RawFiles) -> Arrays:
    """Read CIFAR-100 with its fine labels: 50,000 training and 10,000 test images."""
    names = _unpickle(raw.files["meta"])[b"fine_label_names"]
    train, test = (_read_batch(raw.files[part], b"fine_labels") for part in ("train", "test"))
    return _arrays([train], test, tuple(name.decode() for name in names))


def _arrays(train: Sequence[_Part], test: _Part, class_names: tuple[str, ...]) -> Arrays:
    train_x, train_y = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    return Arrays({"train_x": train_x, "train_y": train_y, "test_x": test[0], "test_y": test[1]}, class_names)


def _read_records(path: Path) -> _Part:
    records = np.fromfile(path, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, *_SHAPE), records[:, 0].astype(np.int64)


def _read_batch(path: Path, labels: bytes) -> _Part:
    content = _unpickle(path)
    return content[b"data"].reshape(-1, *_SHAPE), np.array(content[labels], np.int64)


def _unpickle(path: Path) -> dict[bytes, Any]:
    with path.open("rb") as file:
        content: dict[bytes, Any] = _ArrayUnpickler(file).load()
    return content


_ARRAY_CLASSES = {"_reconstruct": np.empty(0).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}
_ARRAY_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler of arrays, byte strings, strings, lists and dicts; anything else is an error."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="bytes")  # Python 2 strings

    def find_class(self, module: str, name: str) -> Any:
        if module in _ARRAY_MODULES and name in _ARRAY_CLASSES:
            return _ARRAY_CLASSES[name]
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which no dataset needs")


_HOST = "https://www.cs.toronto.edu/~kriz"

_CIFAR_10_PYTHON_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_CIFAR_10_RECONSTRUCTED_SHA256 = {
    "data_batch_1.bin": "0def081c410489f98b3935c2d405fc7436d23377894a5d6a710ce1fad8082588",
    "data_batch_2.bin": "4d0a9f6a8434c9b3b3de28d817dc3d360a3f82d86a14f3c7bf6d2d8fc64188e2",
    "data_batch_3.bin": "1a4d0920ea06101641902b09fdac800cad7b5105963deee31ddff8e83fbabe6c",
    "data_batch_4.bin": "20de2186179cc65bcf69a83ca83e90a40786cf2384963ee3419764ef9d41b7ff",
    "data_batch_5.bin": "ce4b8267c2f77f8915b4299443568f52defe265996f0a8b7966b63b7adf6d4d2",
    "test_batch.bin": "123ca0dad8f960344d9149742165d4215093c84c8c4bdc5922af93b614bdb501",
}
_CIFAR_100_MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}


def _archive(name: str, md5: str) -> File:
    return File(name, md5=md5, url=f"{_HOST}/{name}", mirror_path=name)


CIFAR_10 = Dataset(
    "cifar10",
    "CIFAR-10",
    "images",
    10,
    versions(
        Version(
            "python",
            cifar10_python,
            tuple(File(n, md5=md5, mirror_path=f"cifar-10-batches-py/{n}") for n, md5 in _CIFAR_10_PYTHON_MD5.items()),
            _archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
            note="The publisher's archive for Python. Its tensors equal those of version binary.",
        ),
        Version(
            "binary",
            cifar10_binary,
            tuple(File(name) for name in _CIFAR_10_RECONSTRUCTED_SHA256),
            _archive("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
            note="The publisher's archive of binary records. Its tensors equal those of version python.",
        ),
        Version(
            "reconstructed",
            cifar10_binary,
            tuple(
                File(name, sha256=digest, mirror_path=f"cifar-10-batches-bin/{name}")
                for name, digest in _CIFAR_10_RECONSTRUCTED_SHA256.items()
            ),
            note="From a mirror only. 59,907 images equal the published ones byte for byte; the other 93 (73 training "
            "and 20 test images; 88 ships, 5 horses) were decoded from JPEG. All labels are right.",
        ),
    ),
    origin=Origin("krizhevsky2009learning", f"{_HOST}/cifar.html", "none stated"),
    size=Size((3, 32, 32), 50_000, 10_000),
)

_CIFAR_100 = describe(
    cifar100,
    "CIFAR-100",
    "images",
    100,
    Size((3, 32, 32), 50_000, 10_000),
    "The publisher's archive for Python, with the 100 fine labels.",
    version="python",
    files=tuple(File(n, md5=md5, mirror_path=f"cifar-100-python/{n}") for n, md5 in _CIFAR_100_MD5.items()),
    archive=_archive("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
    origin=Origin("krizhevsky2009learning", f"{_HOST}/cifar.html", "none stated"),
)

DATASETS = (CIFAR_10, _CIFAR_100)
