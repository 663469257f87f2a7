"""Read images from class folders, as in ImageNet: `train/<class>/` and `val/<class>/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from remixup.data.catalog.descriptor import Arrays
from remixup.errors import UserError

_ENDINGS = {".jpeg", ".jpg", ".png"}


def read(root: Path, size: int) -> Arrays:
    """Read all images of `root/{train,val}/<class>/` as RGB of `size` x `size`; `val` becomes the test part.

    Images are in the order of class names, then of file names, by code point. An image of another size is cropped to
    the largest centered square and resized (bilinear, with antialiasing). Only jpeg, jpg and png files are read.

    Raises:
        UserError: A part or a class is missing or empty, or a file is not an image.
    """
    names = classes(root)
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, folder in (("train", root / "train"), ("test", root / "val")):
        tensors[f"{part}_x"], tensors[f"{part}_y"] = _part(folder, names, size)
    return Arrays(tensors, names)


def classes(root: Path) -> tuple[str, ...]:
    """Return the names of the class folders of `root/train` and `root/val`, sorted by code point.

    Raises:
        UserError: There are none, or the two parts have different classes.
    """
    names = _folders(root / "train")
    if (others := _folders(root / "val")) != names:
        odd = sorted(set(names) ^ set(others))[0]
        raise UserError(f"class {odd!r} is in one of train and val only", where=str(root))
    return names


def list_images(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    """Yield path and label of each image in `folder/<class>/`, by class, then by name.

    Raises:
        UserError: A class has no images.
    """
    for label, name in enumerate(names):
        found = sorted((p for p in (folder / name).iterdir() if p.suffix.lower() in _ENDINGS), key=lambda p: p.name)
        if not found:
            raise UserError("there are no images here", where=str(folder / name))
        yield from ((path, label) for path in found)


def _folders(folder: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not names:
        raise UserError("there are no class folders here", where=str(folder))
    return tuple(names)


def _part(folder: Path, names: tuple[str, ...], size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    files = list(list_images(folder, names))
    images = np.empty((len(files), 3, size, size), np.uint8)
    for place, (path, _) in enumerate(files):
        images[place] = _image(path, size)
    return images, np.array([label for _, label in files], np.int64)


def _image(path: Path, size: int) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:  # Pillow reports a broken PNG as a SyntaxError
        raise UserError(f"this is not a complete image: {error}", where=str(path)) from error
    if image.size != (size, size):
        side = min(image.size)
        left, top = ((length - side) // 2 for length in image.size)
        image = image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image).transpose(2, 0, 1)
