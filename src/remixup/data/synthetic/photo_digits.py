"""Small colour images for machines without a dataset: digits drawn over patches of photographs.

They are drawn as PNG or JPEG files in class folders and then read like any other folder of images, so that the whole
path from picture files to tensors runs everywhere. All arithmetic on pixels is in whole numbers, so that the PNG files,
and what the JPEG files are made from, are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remixup.data.builders import image_files, image_folder
from remixup.data.builders.builder import Built, Material
from remixup.data.storage import replacing

_SEED = 0
_SIDE = 16
_DIGIT_SIDE = 14
_OPACITY = (4, 5)
_TRAIN_DIGITS, _TEST_DIGITS = 120, 50
"""Digits of each class: one in front of one photograph for training, of both for the test."""
_JPEG_SIDE = 40
_JPEG_DIGIT_SIDES = (28, 32, 36)
_JPEG_TRAIN, _JPEG_TEST = 40, 50
"""Digits of each class, each in front of one photograph."""
_JPEG_QUALITY = 90
_PHOTOGRAPHS = ("china", "flower")


def photo_digits(material: Material) -> Built:
    """Ten classes, the digit: 1,200 images for training and 1,000 for the test, (n, 3, 16, 16)."""
    folder = material.raw / "photo-digits"
    # Uncompressed, since the compressor's output differs between versions of zlib.
    _draw(_drawings(), folder, (_TRAIN_DIGITS + 2 * _TEST_DIGITS) * 10, compress_level=0)
    return image_folder.read(folder, _SIDE)


def photo_digits_jpeg(material: Material) -> Built:
    """Ten classes, the digit, as JPEG files of 40 x 40 pixels: 400 for training and 500 for the test."""
    folder = material.raw / "photo-digits-jpeg"
    _draw(_large_drawings(), folder, (_JPEG_TRAIN + _JPEG_TEST) * 10, quality=_JPEG_QUALITY)
    return image_files.read(folder)


def _draw(drawings: Iterable[tuple[str, NDArray[np.uint8]]], folder: Path, count: int, **how: Any) -> None:
    with replacing(folder, count * 4096) as made:  # a small file takes a block of the disk
        for name, image in drawings:
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path, **how)


def _drawings() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Path below the folder and pixels (16, 16, 3) of each image."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    photographs = [_halved(name) for name in _PHOTOGRAPHS]
    enlarge = _enlargement()
    for label in range(10):
        members = stream.permutation(np.flatnonzero(bunch.target == label))
        train, test = members[:_TRAIN_DIGITS], members[_TRAIN_DIGITS : _TRAIN_DIGITS + _TEST_DIGITS]
        jobs = [("train", member, place % 2) for place, member in enumerate(train)]
        jobs += [("val", member, behind) for member in test for behind in (0, 1)]
        for place, (part, member, behind) in enumerate(jobs):
            ink = enlarge @ bunch.images[member].astype(np.int64) @ enlarge.T
            yield f"{part}/{label}/{place:03d}.png", _drawing(ink, photographs[behind], stream)


def _large_drawings() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The same with (40, 40, 3) pixels, digits of several sizes, and photographs so dark that the ink is white."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    stream = np.random.RandomState(_SEED)
    photographs = [_halved(name) // 3 for name in _PHOTOGRAPHS]
    for label in range(10):
        members = stream.permutation(np.flatnonzero(bunch.target == label))[: _JPEG_TRAIN + _JPEG_TEST]
        for place, member in enumerate(members):
            enlarge = _enlargement(_JPEG_DIGIT_SIDES[stream.randint(len(_JPEG_DIGIT_SIDES))])
            ink = enlarge @ bunch.images[member].astype(np.int64) @ enlarge.T
            name = f"{'train' if place < _JPEG_TRAIN else 'val'}/{label}/{place:03d}.jpg"
            yield name, _drawing(ink, photographs[place % 2], stream, _JPEG_SIDE, opacity=(1, 1))


def _drawing(
    ink: NDArray[np.int64],
    photograph: NDArray[np.int64],
    stream: np.random.RandomState,
    side: int = _SIDE,
    opacity: tuple[int, int] = _OPACITY,
) -> NDArray[np.uint8]:
    """One digit over a random patch. `ink` (s, s) is in units of 16 s^2, the strongest there is."""
    top, left = (stream.randint(length - side + 1) for length in photograph.shape[:2])
    patch = photograph[top : top + side, left : left + side]
    down, right = stream.randint(side - len(ink) + 1, size=2)
    mask = np.zeros((side, side, 1), np.int64)
    mask[down : down + len(ink), right : right + len(ink), 0] = ink
    colour = 255 if 2 * patch.sum() < 255 * patch.size else 0
    whole = 16 * len(ink) ** 2 * opacity[1]
    mixed: NDArray[np.int64] = (patch * whole + (colour - patch) * mask * opacity[0] + whole // 2) // whole
    return mixed.astype(np.uint8)


def _halved(name: str) -> NDArray[np.int64]:
    """A sample photograph at half its size, each pixel the mean of four."""
    from sklearn.datasets import load_sample_image

    photograph = load_sample_image(f"{name}.jpg").astype(np.int64)
    height, width = (length // 2 for length in photograph.shape[:2])
    fours = photograph[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    halved: NDArray[np.int64] = (fours.sum(axis=(1, 3)) + 2) // 4
    return halved


def _enlargement(side: int = _DIGIT_SIDE) -> NDArray[np.int64]:
    """The (side, 8) matrix of linear interpolation between pixel centres, times side, which is even."""
    matrix = np.zeros((side, 8), np.int64)
    for row in range(side):
        # the centre (row + 1/2) 8/side - 1/2 in units of 1/side
        below, rest = divmod(8 * row + 4 - side // 2, side)
        matrix[row, max(below, 0)] += side - rest
        matrix[row, min(below + 1, 7)] += rest
    return matrix
