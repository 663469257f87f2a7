"""Image files, concatenated in one file, for datasets whose pixels do not fit into memory.

`images.bin` has the bytes of every file, training part first; `train_offsets` and `test_offsets` are the positions
where each file begins and the last one ends.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders import image_folder
from remixup.data.catalog.descriptor import Arrays, Dataset, Folder, RawFiles, Size, Version, versions
from remixup.errors import UserError

if TYPE_CHECKING:
    import torch

_IN_FLIGHT = 64
"""Number of files that are read and decoded ahead, which limits the memory."""


def in_folder(raw: RawFiles) -> Arrays:
    """Read the folder of image files in a mirror."""
    root = raw.root
    return read(root)


def read(root: Path) -> Arrays:
    """List all image files of `root/{train,val}/<class>/`; `val` becomes the test part.

    Order and file types are those of `image_folder.read`. The files themselves are not read.

    Raises:
        UserError: A part or a class is missing or empty.
    """
    names = image_folder.classes(root)
    paths: list[str] = []
    labels: dict[str, list[int]] = {"train": [], "val": []}
    for part, found in labels.items():
        for path, label in image_folder.list_images(root / part, names):
            paths.append(str(path))  # as text: a million Path objects take much more memory
            found.append(label)
    tensors = {"train_y": np.array(labels["train"], np.int64), "test_y": np.array(labels["val"], np.int64)}
    return Arrays(tensors, names, tuple(paths))


def pack(paths: Iterable[str], target: Path) -> tuple[NDArray[np.int64], str]:
    """Concatenate the files in `target`, after decoding each once.

    Returns:
        Positions where each file begins and the last one ends, (n + 1,), and the SHA-256 digest of `target`.

    Raises:
        UserError: A file cannot be read or is not a complete image.
    """
    offsets, total = [0], hashlib.sha256()
    with target.open("wb") as out, ThreadPoolExecutor() as pool:
        for content in _in_order(pool, paths):
            out.write(content)
            total.update(content)
            offsets.append(offsets[-1] + len(content))
    return np.array(offsets, np.int64), total.hexdigest()


def decode(content: bytes | bytearray) -> torch.Tensor:
    """Decode a JPEG (or PNG: ImageNet has a few misnamed files) as RGB, uint8 (3, H, W).

    Raises:
        ValueError: The bytes are not a complete image.
    """
    import torch
    from torchvision.io import ImageReadMode, decode_image

    if not content:
        raise ValueError("this is not a complete image: it is empty")
    try:
        image: torch.Tensor = decode_image(
            torch.frombuffer(bytearray(content), dtype=torch.uint8), mode=ImageReadMode.RGB
        )
    except RuntimeError as error:
        reason = re.sub(r"^\w+, \S+:\d+, ", "", str(error).splitlines()[0])  # without the location in the C++ source
        raise ValueError(f"this is not a complete image: {reason}") from error
    if image.ndim != 3 or image.dtype != torch.uint8:
        raise ValueError(f"this is not an image of one frame and eight bits: {tuple(image.shape)}, {image.dtype}")
    return image


def _in_order(pool: ThreadPoolExecutor, paths: Iterable[str]) -> Iterator[bytes]:
    remaining = iter(paths)
    ahead: deque[Future[bytes]] = deque(pool.submit(_whole, path) for path in islice(remaining, _IN_FLIGHT))
    try:
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(_whole, path) for path in islice(remaining, 1))
    finally:
        for waiting in ahead:
            waiting.cancel()


def _whole(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
        decode(content)
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise UserError(reason, where=path) from error
    return content


_IMAGENET_TERMS = "terms of image-net.org: non-commercial research and educational use; not to be passed on"

_IMAGENET = Dataset(
    "imagenet",
    "ImageNet-2012",
    "image-files",
    1000,
    versions(
        Version(
            "ilsvrc2012",
            in_folder,
            folder=Folder("imagenet", 1_281_167, 50_000),
            note="The training and validation images of the 2012 challenge, from a mirror only: its publisher asks for "
            "an account. `train/<wnid>/` as the archive of each class unpacks; `val/<wnid>/` as the validation ground "
            "truth sorts them. Classes in the order of their WordNet ids; the validation part is the test part. The "
            "files' digests are not known: the numbers of images and classes are checked, every file is decoded once, "
            "and the digest of what was packed is in the manifest.",
        )
    ),
    license=_IMAGENET_TERMS,
    citation="russakovsky2015",
    homepage="https://image-net.org/challenges/LSVRC/2012/",
    size=Size((), 1_281_167, 50_000),
)

_IMAGENETTE_64 = Dataset(
    "imagenette64",
    "Imagenette at 64 pixels",
    "image-files",
    10,
    versions(
        Version(
            "jpeg",
            in_folder,
            folder=Folder(
                "imagenette64", 9_469, 3_925, "eed0acd2818204ede68d3123f1b141963d10792165a347b58c0407a38781f96c"
            ),
            note="From a mirror only: Imagenette, ten classes of ImageNet with their own split, resized to 64 x 64 "
            "from a copy at 224 pixels and stored as JPEG at quality 85.",
        )
    ),
    license=f"those of ImageNet ({_IMAGENET_TERMS})",
    citation="russakovsky2015",
    homepage="https://github.com/fastai/imagenette",
    size=Size((), 9_469, 3_925),
)

DATASETS = (_IMAGENET, _IMAGENETTE_64)
