"""Every draw derives from (seed, purpose, epoch) alone.

So runs of one seed differ in the method only: split, initialisation and data order share their purposes across
methods, while ratio, partner and dropout have purposes of their own. Nothing has to be remembered to resume.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import torch

Purpose = Literal[
    "split",
    "subset",
    "validation",
    "second view",
    "label noise",
    "initialisation",
    "order",
    "augmentation",
    "crop",
    "ratio",
    "partner",
    "window",
    "poisson",
    "pool",
    "dp noise",
    "noise",
    "dropout",
    "latent",
    "sample",
    "attack",
    "pairs",
    "test noise",
]


def derive(seed: int, purpose: Purpose, epoch: int = 0) -> int:
    """A 63-bit seed for one purpose of one run in one epoch."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: Purpose, epoch: int = 0) -> torch.Generator:
    """A CPU generator for one purpose; draws are made on the CPU so that they are the same on every device."""
    return torch.Generator().manual_seed(derive(seed, purpose, epoch))
