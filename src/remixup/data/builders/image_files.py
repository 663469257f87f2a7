"""Image files, concatenated in one file, for datasets whose pixels do not fit into memory.

`images.bin` has the bytes of every file, training part first; `train_offsets` and `test_offsets` are the positions
where each file begins and the last one ends.
"""

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Folder, Origin, RawFiles, Size, describe
from remixup.errors import UserError
from remixup.files import visible

if TYPE_CHECKING:
    import torch

_ENDINGS = {".jpeg", ".jpg", ".png"}
_IN_FLIGHT = 64
"""Number of files that are read and decoded ahead, which limits the memory."""


def in_folder(raw: RawFiles) -> Arrays:
    """Read the folder of image files in a mirror."""
    return read(raw.root)


def read(root: Path) -> Arrays:
    """List all jpeg, jpg and png files of `root/{train,val}/<class>/`; `val` becomes the test part.

    Images are in the order of class names, then of file names, by code point. The files themselves are not read.

    Raises:
        UserError: A part or a class is missing or empty.
    """
    names = _class_folders(root / "train")
    if (others := _class_folders(root / "val")) != names:
        odd = sorted(set(names) ^ set(others))[0]
        raise UserError(f"class {odd!r} is in one of train and val only", where=str(root))
    paths: list[str] = []
    labels: dict[str, list[int]] = {"train": [], "val": []}
    for part, found in labels.items():
        for label, name in enumerate(names):
            folder = root / part / name
            images = [path.name for path in visible(folder, "*") if path.suffix.lower() in _ENDINGS]
            if not images:
                raise UserError("there are no images here", where=str(folder))
            paths += (f"{folder}/{image}" for image in images)  # a million Path objects take much more memory
            found += [label] * len(images)
    tensors = {"train_y": np.array(labels["train"], np.int64), "test_y": np.array(labels["val"], np.int64)}
    return Arrays(tensors, names, tuple(paths))


def _class_folders(folder: Path) -> tuple[str, ...]:
    names = [path.name for path in visible(folder, "*") if path.is_dir()] if folder.is_dir() else []
    if not names:
        raise UserError("there are no class folders here", where=str(folder))
    return tuple(names)


def pack(paths: Sequence[str], target: Path) -> tuple[NDArray[np.int64], str]:
    """Concatenate the files in `target`, after decoding each once.

    Returns:
        Positions where each file begins and the last one ends, (n + 1,), and the SHA-256 digest of `target`.

    Raises:
        UserError: A file cannot be read or is not a complete image.
    """
    offsets, total = [0], hashlib.sha256()
    with target.open("wb") as out, ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), _IN_FLIGHT):
            for content in pool.map(_whole, paths[start : start + _IN_FLIGHT]):
                out.write(content)
                total.update(content)
                offsets.append(offsets[-1] + len(content))
    return np.array(offsets, np.int64), total.hexdigest()


def decode(content: bytes | bytearray) -> "torch.Tensor":
    """Decode a JPEG (or PNG: ImageNet has a few misnamed files) as RGB, uint8 (3, H, W).

    Raises:
        ValueError: The bytes are not a complete image.
    """
    import torch
    from torchvision.io import ImageReadMode, decode_image

    if not content:
        raise ValueError("this is not a complete image: it is empty")
    try:
        encoded = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        image: torch.Tensor = decode_image(encoded, mode=ImageReadMode.RGB)
    except RuntimeError as error:
        reason = re.sub(r"^\w+, \S+:\d+, ", "", str(error).splitlines()[0])  # without the location in the C++ source
        raise ValueError(f"this is not a complete image: {reason}") from error
    if image.ndim != 3 or image.dtype != torch.uint8:
        raise ValueError(f"this is not an image of one frame and eight bits: {tuple(image.shape)}, {image.dtype}")
    return image


def _whole(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
        decode(content)
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise UserError(reason, where=path) from error
    return content


_IMAGENET_TERMS = "terms of image-net.org: non-commercial research and educational use; not to be passed on"

_IMAGENET = describe(
    in_folder,
    "ImageNet-2012",
    "image-files",
    1000,
    Size((), 1_281_167, 50_000),
    "The training and validation images of the 2012 challenge, from a mirror only: its publisher asks for "
    "an account. `train/<wnid>/` as the archive of each class unpacks; `val/<wnid>/` as the validation ground "
    "truth sorts them. Classes in the order of their WordNet ids; the validation part is the test part. The "
    "files' digests are not known: the numbers of images and classes are checked, every file is decoded once, "
    "and the digest of what was packed is in the manifest.",
    name="imagenet",
    version="ilsvrc2012",
    folder=Folder("imagenet"),
    origin=Origin("russakovsky2015", "https://image-net.org/challenges/LSVRC/2012/", _IMAGENET_TERMS),
)

_IMAGENETTE_64 = describe(
    in_folder,
    "Imagenette at 64 pixels",
    "image-files",
    10,
    Size((), 9_469, 3_925),
    "From a mirror only: Imagenette, ten classes of ImageNet with their own split, resized to 64 x 64 "
    "from a copy at 224 pixels and stored as JPEG at quality 85.",
    name="imagenette64",
    version="jpeg",
    folder=Folder("imagenette64", "eed0acd2818204ede68d3123f1b141963d10792165a347b58c0407a38781f96c"),
    origin=Origin("russakovsky2015", "https://github.com/fastai/imagenette", f"those of ImageNet ({_IMAGENET_TERMS})"),
)

DATASETS = (_IMAGENET, _IMAGENETTE_64)
