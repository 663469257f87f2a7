"""Datasets with a pool of synthetic images, drawn by a generator that has never seen the private training part.

The pool is in the tensors `pool_x` and `pool_y`. A generator draws an image for each label: `Diffusion` is trained on
public images in seconds; `TextToImage` is a pipeline of `diffusers` whose weights the user provides.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.cifar import CIFAR_10, CIFAR_10_CLASSES, cifar10_binary
from remixup.data.builders.scikit_learn import DIGITS, DIGITS_PER_CLASS, ranked_digits
from remixup.data.catalog.descriptor import Arrays, RawFiles, Size, describe
from remixup.errors import UserError

if TYPE_CHECKING:
    from remixup.data.diffusion import Diffusion

PUBLIC, PRIVATE, SIZE = 30, 100, 50
"""Images of each digit: for training the generator, in the private training part, in the pool."""
_SEED = 0
_CIFAR_POOL = 200
WEIGHTS = "text-to-image"
"""Folder of the pipeline's weights, in `raw/` of the data folder."""


class TextToImage:
    """Text-to-image pipeline of `diffusers`, prompted with class names.

    Args:
        weights: Folder of the pipeline, as `diffusers` saves it; nothing is downloaded.
        names: Names of the classes, in the order of the labels.
        side: Height and width of the images, which are downsampled by averaging.
        seed: Determines the images on one machine.

    Raises:
        UserError: `diffusers` is not installed, or the folder does not exist.
    """

    def __init__(self, weights: Path, names: tuple[str, ...], side: int, seed: int = _SEED) -> None:
        if not weights.is_dir():
            hint = "provide one with model_index.json"
            raise UserError("this folder of a pipeline does not exist", where=str(weights), hint=hint)
        try:
            diffusers = importlib.import_module("diffusers")
        except ModuleNotFoundError:
            hint = "`pip install diffusers transformers`"
            raise UserError("a text-to-image pipeline needs the package diffusers", hint=hint) from None
        self.pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(str(weights), local_files_only=True)
        self.names, self.side, self.seed = names, side, seed

    def draw(self, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return an image for each label, (n, 3, side, side) uint8, from the prompt "a photo of a <name>"."""
        import torch
        from PIL import Image

        drawn = []
        for number, label in enumerate(labels.tolist()):
            source = torch.Generator().manual_seed(self.seed + number)
            picture = self.pipeline(f"a photo of a {self.names[label]}", generator=source).images[0]
            small = picture.convert("RGB").resize((self.side, self.side), Image.Resampling.BOX)
            drawn.append(np.asarray(small, np.uint8).transpose(2, 0, 1))
        return np.stack(drawn)


def draw_pool(generator: "Diffusion | TextToImage", classes: int, each: int) -> dict[str, NDArray[Any]]:
    """Draw `each` images of each class: `pool_x` and `pool_y`, with the classes in turn."""
    labels = np.tile(np.arange(classes, dtype=np.int64), each)
    return {"pool_x": generator.draw(labels), "pool_y": labels}


def private_digits(raw: RawFiles) -> Arrays:
    """Split the 1,797 digits: 30 of each class are public, 100 private (training part), the others the test part.

    A diffusion model of the public digits draws the pool.
    """
    from remixup.data.diffusion import Diffusion

    images, labels, public, private, test = split_digits()
    generator = Diffusion(images[public], labels[public], 10, _SEED)
    parts = {"train_x": images[private], "train_y": labels[private], "test_x": images[test], "test_y": labels[test]}
    return Arrays(parts | draw_pool(generator, 10, SIZE), tuple(str(label) for label in range(10)))


def split_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return all images and labels of scikit-learn's digits, and the public, private and test rows."""
    images, labels, rank = ranked_digits()
    order = np.argsort(rank >= DIGITS_PER_CLASS, kind="stable")  # the training part of `digits` comes first
    images, labels, rank = images[order], labels[order], rank[order]
    public, private = rank < PUBLIC, (rank >= PUBLIC) & (rank < PUBLIC + PRIVATE)
    rows = np.flatnonzero
    return images, labels, rows(public), rows(private), rows(~public & ~private)


def cifar10_text_to_image(raw: RawFiles) -> Arrays:
    """Read CIFAR-10 and draw a pool with the text-to-image pipeline in `raw/text-to-image` of the data folder."""
    generator = TextToImage(raw.folder / WEIGHTS, CIFAR_10_CLASSES, 32)
    arrays = cifar10_binary(raw)
    return Arrays(arrays.tensors | draw_pool(generator, 10, _CIFAR_POOL), arrays.class_names)


_PRIVATE_DIGITS = describe(
    private_digits,
    "digits, some of them private",
    "images",
    10,
    Size((1, 8, 8), 1_000, 497),
    "The 1,797 digits of scikit-learn: of each class 30 are public, the next 100 private (training part, 1,000), the "
    "others the test part (497). The pool has 50 images of each class, drawn by a class-conditional diffusion model "
    "(two hidden layers of 128, 50 steps) that was trained on the 300 public images alone. A logistic regression "
    "trained on the public images assigns 94 % of the pool to the intended class; one trained on the pool alone has a "
    "test error of 7 %. Seeded.",
    origin=DIGITS.origin,
    numerics=DIGITS.numerics,
)

_CIFAR_10_TEXT_TO_IMAGE = describe(
    cifar10_text_to_image,
    "CIFAR-10 with a pool of synthetic images",
    "images",
    10,
    CIFAR_10.size,
    "Version reconstructed of cifar10, and 200 images of each class drawn by a text-to-image pipeline of "
    "`diffusers`. Its weights are in raw/text-to-image of the data folder and are not verified.",
    origin=CIFAR_10.origin,
    version="mirror",
    files=CIFAR_10.versions["reconstructed"].files,
)

DATASETS = (_PRIVATE_DIGITS, _CIFAR_10_TEXT_TO_IMAGE)
