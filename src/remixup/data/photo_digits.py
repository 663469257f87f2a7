"""Small colour images for machines without a dataset: digits drawn over patches of photographs.

They are drawn as PNG files in class folders and then read like any other folder of images, so that the whole path from
picture files to tensors runs everywhere. All arithmetic on pixels is in whole numbers, so that the files are the same
on every machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remixup.data import image_folder
from remixup.data.built import Built, Material
from remixup.data.storage import writing

_SEED = 0
_SIDE = 16
_DIGIT_SIDE = 14
_OPACITY = (4, 5)
_TRAIN_DIGITS, _TEST_DIGITS = 120, 50
"""Digits of each class: one in front of one photograph for training, of both for the test."""
_PHOTOGRAPHS = ("china", "flower")


def photo_digits(material: Material) -> Built:
    """Ten classes, the digit: 1,200 images for training and 1,000 for the test, (n, 3, 16, 16)."""
    return _drawn_and_read(material.raw / "photo-digits", turning=False)


def photo_digits_20(material: Material) -> Built:
    """Twenty classes: every other digit is turned by a quarter, and then a class of its own."""
    return _drawn_and_read(material.raw / "photo-digits-20", turning=True)


def _drawn_and_read(folder: Path, turning: bool) -> Built:
    made = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    try:
        with writing(folder, (_TRAIN_DIGITS + 2 * _TEST_DIGITS) * 10 * 4096):  # a small file takes a block of the disk
            for name, image in _drawings(turning):
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                # Uncompressed, since the compressor's output differs between versions of zlib.
                Image.fromarray(image).save(path, compress_level=0)
            if folder.exists():
                shutil.rmtree(folder)
            os.rename(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return image_folder.read(folder, _SIDE)


def _drawings(turning: bool) -> Iterator[tuple[str, NDArray[np.uint8]]]:
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
            # In fours, so that neither photograph goes with either way.
            turned = turning and place // 2 % 2 == 1
            name = f"{label}-turned" if turned else str(label)
            ink = np.rot90(ink) if turned else ink
            yield f"{part}/{name}/{place:03d}.png", _drawing(ink, photographs[behind], stream)


def _drawing(ink: NDArray[np.int64], photograph: NDArray[np.int64], stream: np.random.RandomState) -> NDArray[np.uint8]:
    """One digit over a random patch. `ink` is in units of 16 x 14 x 14, the strongest there is."""
    top, left = (stream.randint(length - _SIDE + 1) for length in photograph.shape[:2])
    patch = photograph[top : top + _SIDE, left : left + _SIDE]
    down, right = stream.randint(_SIDE - _DIGIT_SIDE + 1, size=2)
    mask = np.zeros((_SIDE, _SIDE, 1), np.int64)
    mask[down : down + _DIGIT_SIDE, right : right + _DIGIT_SIDE, 0] = ink
    colour = 255 if 2 * patch.sum() < 255 * patch.size else 0
    whole = 16 * _DIGIT_SIDE**2 * _OPACITY[1]
    mixed: NDArray[np.int64] = (patch * whole + (colour - patch) * mask * _OPACITY[0] + whole // 2) // whole
    return mixed.astype(np.uint8)


def _halved(name: str) -> NDArray[np.int64]:
    """A sample photograph at half its size, each pixel the mean of four."""
    from sklearn.datasets import load_sample_image

    photograph = load_sample_image(f"{name}.jpg").astype(np.int64)
    height, width = (length // 2 for length in photograph.shape[:2])
    fours = photograph[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    halved: NDArray[np.int64] = (fours.sum(axis=(1, 3)) + 2) // 4
    return halved


def _enlargement() -> NDArray[np.int64]:
    """The (14, 8) matrix of linear interpolation between pixel centres, times 14."""
    matrix = np.zeros((_DIGIT_SIDE, 8), np.int64)
    for row in range(_DIGIT_SIDE):
        # the centre (row + 1/2) 8/14 - 1/2 in units of 1/14
        below, rest = divmod(8 * row + 4 - 7, _DIGIT_SIDE)
        matrix[row, max(below, 0)] += _DIGIT_SIDE - rest
        matrix[row, min(below + 1, 7)] += rest
    return matrix
