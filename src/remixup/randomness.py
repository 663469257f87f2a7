"""Random generators that depend on (seed, purpose, epoch) alone.

Runs of one seed therefore share split, initialization and data order, whatever their mixing method; ratio, partner and
dropout have purposes of their own. Resuming needs no stored generator state.
"""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, purpose: str, epoch: int = 0) -> int:
    """Return a 63-bit seed for one purpose and epoch."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """Return a generator for one purpose and epoch, on the CPU so that draws are the same on every device."""
    return torch.Generator().manual_seed(derive(seed, purpose, epoch))
