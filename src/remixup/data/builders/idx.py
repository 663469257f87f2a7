"""MNIST, Fashion-MNIST and Kuzushiji-MNIST: four files in idx format each, verified by their digests."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, File, Origin, RawFiles, Size, describe

_FASHION_CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_KMNIST_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_PARTS = {"train": "train", "test": "t10k"}


def mnist(raw: RawFiles) -> Arrays:
    """Read handwritten digits: 60,000 training and 10,000 test images, (n, 1, 28, 28)."""
    return Arrays(_read_parts(raw), tuple(str(label) for label in range(10)))


def fashion_mnist(raw: RawFiles) -> Arrays:
    """Read pictures of garments: 60,000 training and 10,000 test images, (n, 1, 28, 28)."""
    return Arrays(_read_parts(raw), _FASHION_CLASSES)


def kmnist(raw: RawFiles) -> Arrays:
    """Read cursive Japanese characters: 60,000 training and 10,000 test images, (n, 1, 28, 28)."""
    return Arrays(_read_parts(raw, ".gz"), _KMNIST_CLASSES)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array in an idx file of unsigned bytes, which may be compressed as `.gz`.

    The header has the number of dimensions in its fourth byte, then the sizes as big-endian integers of four bytes.
    """
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    start = 4 + 4 * content[3]
    shape = np.frombuffer(content[4:start], ">u4")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_parts(raw: RawFiles, suffix: str = "") -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, prefix in _PARTS.items():
        tensors[f"{part}_x"] = read_idx(raw.files[f"{prefix}-images-idx3-ubyte{suffix}"])[:, None]
        tensors[f"{part}_y"] = read_idx(raw.files[f"{prefix}-labels-idx1-ubyte{suffix}"]).astype(np.int64)
    return tensors


_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
_KMNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
}
_TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}


def _describe(builder: Builder, title: str, url: str, sha256: dict[str, str], note: str, *, origin: Origin) -> Dataset:
    """Describe a dataset of four files; `url` has a place for the name of each.

    A mirror may have them where torchvision puts them, in `MNIST/raw`.
    """
    size = Size((1, 28, 28), 60_000, 10_000)
    name = builder.__name__.replace("_", "-")
    raw = f"{_TORCHVISION[name]}/raw"
    files = tuple(
        File(file, digest, url=url.format(file), mirror_path=f"{name}/{file}", elsewhere=f"{raw}/{file}")
        for file, digest in sha256.items()
    )
    return describe(builder, title, "images", 10, size, note, origin=origin, version="idx", files=files)


DATASETS = (
    _describe(
        mnist,
        "MNIST",
        "https://ossci-datasets.s3.amazonaws.com/mnist/{}.gz",
        _MNIST_SHA256,
        "The four published files, downloaded from PyTorch's copy.",
        origin=Origin("lecun1998gradient", "http://yann.lecun.com/exdb/mnist/", "CC BY-SA 3.0, as commonly stated"),
    ),
    _describe(
        fashion_mnist,
        "Fashion-MNIST",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{}.gz",
        _FASHION_MNIST_SHA256,
        "The four published files.",
        origin=Origin("xiao2017fashion", "https://github.com/zalandoresearch/fashion-mnist", "MIT"),
    ),
    _describe(
        kmnist,
        "Kuzushiji-MNIST",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/{}",
        _KMNIST_SHA256,
        "The four published files, cursive Japanese characters of ten classes. The digests are those of "
        "the compressed files, so a mirror has them as .gz too.",
        origin=Origin("clanuwat2018deep", "http://codh.rois.ac.jp/kmnist/index.html.en", "CC BY-SA 4.0"),
    ),
)
