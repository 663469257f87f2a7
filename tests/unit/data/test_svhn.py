"""SVHN from small MATLAB files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from scipy.io import savemat

from remixup.data.builders import svhn
from remixup.data.catalog.descriptor import RawFiles


def matlab(images: np.ndarray, labels: object) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {"X": images, "y": labels}, do_compression=True)
    return buffer.getvalue()


def house_numbers() -> dict[str, bytes]:
    """Ten training images and two for the test; pixel (row, column) of channel c of image i is known."""
    row, column, channel, image = np.ogrid[:32, :32, :3, :10]
    images = (row + 2 * column + 50 * channel + 5 * image).astype(np.uint8)
    return {
        "train_32x32.mat": matlab(images, np.arange(1, 11, dtype=np.uint8)[:, None]),
        "test_32x32.mat": matlab(images[..., 8:], np.array([[10], [3]], np.uint8)),
    }


def test_images_become_channels_first_and_label_ten_becomes_zero(tmp_path: Path) -> None:
    files = {}
    for name, content in house_numbers().items():
        files[name] = tmp_path / name
        files[name].write_bytes(content)
    arrays = svhn.svhn(RawFiles(files, tmp_path, tmp_path))
    tensors = arrays.tensors
    assert (tensors["train_x"].shape, tensors["test_x"].shape) == ((10, 3, 32, 32), (2, 3, 32, 32))
    assert (tensors["train_x"].dtype, tensors["train_y"].dtype) == (np.uint8, np.int64)
    assert tensors["train_x"][4, 1, 30, 7] == 30 + 2 * 7 + 50 + 5 * 4
    assert tensors["test_x"][0, 2, 3, 31] == 3 + 2 * 31 + 100 + 5 * 8
    assert tensors["train_y"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert tensors["test_y"].tolist() == [0, 3]
    assert arrays.class_names == tuple("0123456789")
