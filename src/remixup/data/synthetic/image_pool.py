"""Pools of synthetic images beside private ones: what a generator that never saw the private part has drawn.

A dataset with a pool has `pool_x` and `pool_y` beside its training and test part. The pool comes from a generator:
anything that draws an image for each label. `diffusion.Diffusion` is one, trained on public images in seconds;
`TextToImage` is another, a pipeline of `diffusers` whose weights are at hand.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material
from remixup.errors import UserError

PUBLIC, PRIVATE, SIZE = 30, 100, 50
"""Images of each digit that the generator learns from, that are private, and that the pool has."""
_SEED = 0
_CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR_POOL = 200
WEIGHTS = "text-to-image"
"""Where in the folder of raw data the weights of a pipeline are looked for."""


class Generator(Protocol):
    """Draws images of given classes."""

    def draw(self, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """An image of each label's class, (n, C, H, W) uint8."""


class TextToImage:
    """A text-to-image pipeline of `diffusers`, prompted with the classes' names.

    Args:
        weights: the pipeline's folder, as `diffusers` saves it; nothing is downloaded.
        names: of the classes, in the order of the labels.
        side: height and width of the images, which are made smaller by averaging.
        seed: decides the images, on one machine.

    Raises:
        UserError: `diffusers` is not installed, or the folder is not there.
    """

    def __init__(self, weights: Path, names: tuple[str, ...], side: int, seed: int = _SEED) -> None:
        if not weights.is_dir():
            raise UserError("there is no folder of a pipeline", where=str(weights), hint="one with model_index.json")
        try:
            diffusers = importlib.import_module("diffusers")
        except ModuleNotFoundError:
            hint = "`pip install diffusers transformers`"
            raise UserError("a text-to-image pipeline needs the package diffusers", hint=hint) from None
        self.pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(str(weights), local_files_only=True)
        self.names, self.side, self.seed = names, side, seed

    def draw(self, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """An image of each label's class, (n, 3, side, side) uint8, from the prompt "a photo of a <name>"."""
        import torch
        from PIL import Image

        made = []
        for number, label in enumerate(labels.tolist()):
            source = torch.Generator().manual_seed(self.seed + number)
            picture = self.pipeline(f"a photo of a {self.names[label]}", generator=source).images[0]
            small = picture.convert("RGB").resize((self.side, self.side), Image.Resampling.BOX)
            made.append(np.asarray(small, np.uint8).transpose(2, 0, 1))
        return np.stack(made)


def fill(generator: Generator, classes: int, each: int) -> dict[str, NDArray[Any]]:
    """So many images of each class, class by class in turn: `pool_x` and `pool_y`."""
    labels = np.tile(np.arange(classes, dtype=np.int64), each)
    return {"pool_x": generator.draw(labels), "pool_y": labels}


def private_digits(material: Material) -> Built:
    """The 1,797 digits: 100 of each class are private, the rest is the test; 30 of each are public and are not in it.

    The pool is drawn by a diffusion model of the public ones.
    """
    from remixup.data.synthetic.diffusion import Diffusion

    images, labels, public, private, test = split_digits()
    generator = Diffusion(images[public], labels[public], 10, _SEED)
    parts = {"train_x": images[private], "train_y": labels[private], "test_x": images[test], "test_y": labels[test]}
    return Built(parts | fill(generator, 10, SIZE), tuple(str(label) for label in range(10)))


def split_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """All images and labels of scikit-learn's digits, and the rows that are public, private, and for the test."""
    from remixup.data.builders.scikit_learn import DIGITS_PER_CLASS, ranked_digits

    images, labels, rank = ranked_digits()
    order = np.argsort(rank >= DIGITS_PER_CLASS, kind="stable")  # those that `digits` trains on come first
    images, labels, rank = images[order], labels[order], rank[order]
    public, private = rank < PUBLIC, (rank >= PUBLIC) & (rank < PUBLIC + PRIVATE)
    rows = np.flatnonzero
    return images, labels, rows(public), rows(private), rows(~public & ~private)


def cifar10_text_to_image(material: Material) -> Built:
    """CIFAR-10 with a pool drawn by the text-to-image pipeline whose weights lie in the folder of raw data."""
    from remixup.data.builders.cifar import cifar10_binary

    generator = TextToImage(material.raw / WEIGHTS, _CIFAR_10, 32)
    built = cifar10_binary(material)
    return Built(built.tensors | fill(generator, 10, _CIFAR_POOL), built.class_names)
