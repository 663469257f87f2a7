"""Datasets: descriptors, preparation, loading.

    from remixup.data import load, prepare
    prepare("digits", folder=Path("data"))
    digits = load("digits", folder=Path("data")).tensors

This package can be imported without torch.
"""

from remixup.data.catalog.registry import REGISTRY, lookup
from remixup.data.prepared import Prepared, load, prepare, prepare_as_configured

__all__ = ["REGISTRY", "Prepared", "load", "lookup", "prepare", "prepare_as_configured"]
