"""SVHN (cropped digits): two MATLAB files, verified by their digests."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, File, Origin, RawFiles, Size, describe


def svhn(raw: RawFiles) -> Arrays:
    """Read house numbers: 73,257 training and 26,032 test images, (n, 3, 32, 32); the label is the digit."""
    tensors: dict[str, NDArray[np.generic]] = {}
    for part in ("train", "test"):
        tensors[f"{part}_x"], tensors[f"{part}_y"] = read_part(raw.files[f"{part}_32x32.mat"])
    return Arrays(tensors, tuple(str(digit) for digit in range(10)))


def read_part(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (n, 3, 32, 32) and digits (n,) of a file with arrays (32, 32, 3, n) and (n, 1)."""
    from scipy.io import loadmat

    content = loadmat(path, variable_names=["X", "y"])
    digits = content["y"].ravel().astype(np.int64) % 10  # the publisher labels the digit 0 as 10
    return content["X"].transpose(3, 2, 0, 1), digits


_HOST = "http://ufldl.stanford.edu/housenumbers"
_SHA256 = {
    "train_32x32.mat": "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    "test_32x32.mat": "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
}

DATASETS = (
    describe(
        svhn,
        "SVHN",
        "images",
        10,
        Size((3, 32, 32), 73_257, 26_032),
        "The published training and test parts of cropped digits, 32 x 32, without the 531,131 extra "
        "images. Label 10 of the files is the digit 0 and becomes 0.",
        version="cropped",
        files=tuple(
            File(name, sha256=sha256, url=f"{_HOST}/{name}", mirror_path=f"svhn/{name}")
            for name, sha256 in _SHA256.items()
        ),
        origin=Origin("netzer2011reading", "http://ufldl.stanford.edu/housenumbers/", "non-commercial use only"),
    ),
)
