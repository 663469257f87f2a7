"""Datasets with a pool of synthetic images beside them."""

from __future__ import annotations

from dataclasses import replace

from remixup.data.catalog.descriptor import Size, Version, versions
from remixup.data.catalog.images import CIFAR_10, DIGITS

_PRIVATE_DIGITS = replace(
    DIGITS,
    name="private-digits",
    title="digits, some of them private",
    versions=versions(
        Version(
            "generated",
            "synthetic.image_pool.private_digits",
            embedded=True,
            note="The 1,797 digits of dataset digits, class by class: 30 are public, the next 100 private (training "
            "part, 1,000), the others the test part (497). The pool, 50 images of each class, was drawn by a "
            "class-conditional diffusion model (two hidden layers of 128, 50 steps) trained on the 300 public images "
            "alone. A logistic regression on the public images gives 94 % of the pool the class that it was drawn for; "
            "one on the pool alone errs on 7 % of the test part. Seeded.",
        )
    ),
    size=Size((1, 8, 8), 1_000, 497),
)
_CIFAR_10_TEXT_TO_IMAGE = replace(
    CIFAR_10,
    name="cifar10-text-to-image",
    title="CIFAR-10 with a pool of synthetic images",
    versions=versions(
        Version(
            "mirror",
            "synthetic.image_pool.cifar10_text_to_image",
            CIFAR_10.versions["reconstructed"].files,
            note="CIFAR-10 as version reconstructed of dataset cifar10 has it, and 200 images of each class that a "
            "text-to-image pipeline of `diffusers` drew. Its weights lie in raw/text-to-image of the data folder; "
            "which they are is not checked.",
        )
    ),
)

POOLS = (_PRIVATE_DIGITS, _CIFAR_10_TEXT_TO_IMAGE)
