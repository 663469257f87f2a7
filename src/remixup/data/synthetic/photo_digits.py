"""Small color images: digits drawn over patches of photographs, in JPEG files.

The files are in class folders, so the path from image files to a network runs without a download. Pixels are computed
in integers, so they are the same on every machine.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remixup.data.builders import image_files
from remixup.data.catalog.descriptor import Arrays, Origin, RawFiles, Size, describe
from remixup.files import report_disk_errors

_SEED = 0
_SIDE = 40
_DIGIT_SIDES = (28, 32, 36)
_TRAIN_DIGITS, _TEST_DIGITS = 40, 50
"""Digits of each class, each over one photograph."""
_QUALITY = 90
_PHOTOGRAPHS = ("china", "flower")


def photo_digits_jpeg(raw: RawFiles) -> Arrays:
    """Draw JPEG files of 40 x 40 pixels: 400 for training and 500 for testing; the class is the digit."""
    with report_disk_errors(raw.scratch):
        for name, image in _drawings():
            path = raw.scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path, quality=_QUALITY)
    return image_files.read(raw.scratch)


def _drawings() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield path and pixels (40, 40, 3) of each image; photographs are darkened, so all ink is white."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    photographs = [_halved(name) // 3 for name in _PHOTOGRAPHS]
    for label in range(10):
        members = stream.permutation(np.flatnonzero(bunch.target == label))[: _TRAIN_DIGITS + _TEST_DIGITS]
        for number, member in enumerate(members):
            enlarge = _enlargement(_DIGIT_SIDES[stream.randint(len(_DIGIT_SIDES))])
            ink = enlarge @ bunch.images[member].astype(np.int64) @ enlarge.T
            name = f"{'train' if number < _TRAIN_DIGITS else 'val'}/{label}/{number:03d}.jpg"
            yield name, _drawing(ink, photographs[number % 2], stream)


def _drawing(ink: NDArray[np.int64], photograph: NDArray[np.int64], stream: np.random.RandomState) -> NDArray[np.uint8]:
    """Draw one digit in white over a random patch; `ink` (s, s) is in units of its maximum, 16 s^2."""
    top, left = (stream.randint(length - _SIDE + 1) for length in photograph.shape[:2])
    patch = photograph[top : top + _SIDE, left : left + _SIDE]
    down, right = stream.randint(_SIDE - len(ink) + 1, size=2)
    mask = np.zeros((_SIDE, _SIDE, 1), np.int64)
    mask[down : down + len(ink), right : right + len(ink), 0] = ink
    whole = 16 * len(ink) ** 2
    mixed: NDArray[np.int64] = (patch * whole + (255 - patch) * mask + whole // 2) // whole
    return mixed.astype(np.uint8)


def _halved(name: str) -> NDArray[np.int64]:
    """Return a sample photograph at half its size; each pixel is the mean of four."""
    from sklearn.datasets import load_sample_image

    photograph = load_sample_image(f"{name}.jpg").astype(np.int64)
    height, width = (length // 2 for length in photograph.shape[:2])
    fours = photograph[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    halved: NDArray[np.int64] = (fours.sum(axis=(1, 3)) + 2) // 4
    return halved


def _enlargement(side: int) -> NDArray[np.int64]:
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
        photo_digits_jpeg,
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
