"""Small color images: digits drawn over patches of photographs.

Pixels are computed in integers, so they are the same on every machine. One dataset is also written as JPEG files in
class folders, so the path from image files to a network runs without a download.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remixup.data.builders import image_files
from remixup.data.catalog.descriptor import Arrays, Origin, RawFiles, Size, describe
from remixup.files import report_disk_errors

_SEED = 0
_SIDE = 16
_DIGIT_SIDE = 14
_OPACITY = (4, 5)
_TRAIN_DIGITS, _TEST_DIGITS = 120, 50
"""Digits of each class: for training over one photograph each, for testing over both."""
_JPEG_SIDE = 40
_JPEG_DIGIT_SIDES = (28, 32, 36)
_JPEG_TRAIN, _JPEG_TEST = 40, 50
"""Digits of each class, each over one photograph."""
_JPEG_QUALITY = 90
_PHOTOGRAPHS = ("china", "flower")


def photo_digits(raw: RawFiles) -> Arrays:
    """Draw 1,200 training and 1,000 test images, (n, 3, 16, 16); the class is the digit."""
    tensors: dict[str, NDArray[np.generic]] = {}
    drawings = list(_drawings())
    for part, folder in (("train", "train"), ("test", "val")):
        drawn = [(image, int(name.split("/")[1])) for name, image in drawings if name.startswith(folder)]
        tensors[f"{part}_x"] = np.stack([image for image, _ in drawn]).transpose(0, 3, 1, 2)
        tensors[f"{part}_y"] = np.array([label for _, label in drawn])
    return Arrays(tensors, tuple("0123456789"))


def photo_digits_jpeg(raw: RawFiles) -> Arrays:
    """Draw JPEG files of 40 x 40 pixels: 400 for training and 500 for testing; the class is the digit."""
    with report_disk_errors(raw.scratch):
        for name, image in _large_drawings():
            path = raw.scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path, quality=_JPEG_QUALITY)
    return image_files.read(raw.scratch)


def _drawings() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the path and the pixels (16, 16, 3) of each image."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    photographs = [_halved(name) for name in _PHOTOGRAPHS]
    enlarge = _enlargement()
    for label in range(10):
        members = stream.permutation(np.flatnonzero(bunch.target == label))
        train, test = members[:_TRAIN_DIGITS], members[_TRAIN_DIGITS : _TRAIN_DIGITS + _TEST_DIGITS]
        jobs = [("train", member, number % 2) for number, member in enumerate(train)]
        jobs += [("val", member, behind) for member in test for behind in (0, 1)]
        for number, (part, member, behind) in enumerate(jobs):
            ink = enlarge @ bunch.images[member].astype(np.int64) @ enlarge.T
            yield f"{part}/{label}/{number:03d}.png", _drawing(ink, photographs[behind], stream)


def _large_drawings() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the same with (40, 40, 3) pixels, several sizes of digits, and darker photographs, so all ink is white."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    stream = np.random.RandomState(_SEED)
    photographs = [_halved(name) // 3 for name in _PHOTOGRAPHS]
    for label in range(10):
        members = stream.permutation(np.flatnonzero(bunch.target == label))[: _JPEG_TRAIN + _JPEG_TEST]
        for number, member in enumerate(members):
            enlarge = _enlargement(_JPEG_DIGIT_SIDES[stream.randint(len(_JPEG_DIGIT_SIDES))])
            ink = enlarge @ bunch.images[member].astype(np.int64) @ enlarge.T
            name = f"{'train' if number < _JPEG_TRAIN else 'val'}/{label}/{number:03d}.jpg"
            yield name, _drawing(ink, photographs[number % 2], stream, _JPEG_SIDE, opacity=(1, 1))


def _drawing(
    ink: NDArray[np.int64],
    photograph: NDArray[np.int64],
    stream: np.random.RandomState,
    side: int = _SIDE,
    opacity: tuple[int, int] = _OPACITY,
) -> NDArray[np.uint8]:
    """Draw one digit over a random patch; `ink` (s, s) is in units of its maximum, 16 s^2."""
    top, left = (stream.randint(length - side + 1) for length in photograph.shape[:2])
    patch = photograph[top : top + side, left : left + side]
    down, right = stream.randint(side - len(ink) + 1, size=2)
    mask = np.zeros((side, side, 1), np.int64)
    mask[down : down + len(ink), right : right + len(ink), 0] = ink
    color = 255 if 2 * patch.sum() < 255 * patch.size else 0
    whole = 16 * len(ink) ** 2 * opacity[1]
    mixed: NDArray[np.int64] = (patch * whole + (color - patch) * mask * opacity[0] + whole // 2) // whole
    return mixed.astype(np.uint8)


def _halved(name: str) -> NDArray[np.int64]:
    """Return a sample photograph at half its size; each pixel is the mean of four."""
    from sklearn.datasets import load_sample_image

    photograph = load_sample_image(f"{name}.jpg").astype(np.int64)
    height, width = (length // 2 for length in photograph.shape[:2])
    fours = photograph[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    halved: NDArray[np.int64] = (fours.sum(axis=(1, 3)) + 2) // 4
    return halved


def _enlargement(side: int = _DIGIT_SIDE) -> NDArray[np.int64]:
    """Return the (side, 8) matrix of linear interpolation between pixel centers, times `side`, which is even."""
    matrix = np.zeros((side, 8), np.int64)
    for row in range(side):
        # the center (row + 1/2) 8/side - 1/2 in units of 1/side
        below, rest = divmod(8 * row + 4 - side // 2, side)
        matrix[row, max(below, 0)] += side - rest
        matrix[row, min(below + 1, 7)] += rest
    return matrix


DATASETS = (
    describe(
        photo_digits,
        "photo-digits",
        "digits over photographs",
        "images",
        10,
        Size((3, 16, 16), 1_200, 1_000),
        "scikit-learn's 8 x 8 digits, enlarged to 14 x 14 and moved by at most one pixel, over patches of its "
        "two sample photographs at half size: white ink on a dark patch, black on a bright one, four fifths "
        "opaque; 16 x 16 RGB. Seeded. No digit of the training part occurs in the test part; patches may overlap. "
        "1,200 + 1,000 images. The class is the digit. Test error measured: logistic regression 63 %, a residual "
        "network of width 8 with three blocks after 25 epochs without augmentation 12.1 +- 1.1 % (4 seeds); chance "
        "is 90 %.",
        origin=Origin(
            "pedregosa2011scikit",
            "https://scikit-learn.org/stable/datasets.html",
            "digits CC BY 4.0; photographs CC BY 2.0 (danielbuechele, vultilion)",
        ),
    ),
    describe(
        photo_digits_jpeg,
        "photo-digits-jpeg",
        "digits over photographs, in JPEG files",
        "image-files",
        10,
        Size((), 400, 500),
        "scikit-learn's 8 x 8 digits in white, enlarged to 28, 32 or 36 pixels, at a random place of a patch "
        "of 40 x 40 pixels of one of its two sample photographs at half size and a third of the brightness; JPEG "
        "at quality 90. Seeded. 400 + 500 images, each of a digit of its own; patches may overlap. The pixels "
        "drawn are the same everywhere, the bytes of the JPEG files may differ between builds of libjpeg. Test "
        "error measured at 24 pixels: logistic regression on the crops of an evaluation 45 % (the best of three "
        "penalties), a residual network of width 8 with three blocks, trained with random_resized_crop (area 0.5), "
        "16 +- 6 % after 15 epochs and 9 +- 3 % after 20 (4 seeds); chance is 90 %.",
        origin=Origin(
            "pedregosa2011scikit",
            "https://scikit-learn.org/stable/datasets.html",
            "digits CC BY 4.0; photographs CC BY 2.0 (danielbuechele, vultilion)",
        ),
    ),
)
