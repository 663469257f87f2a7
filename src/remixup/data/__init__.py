"""Datasets: what there is, preparing it once, loading it.

    from remixup.data import load, prepare
    prepare("digits", folder=Path("data"))
    digits = load("digits", folder=Path("data")).tensors

Importing this room does not import torch.
"""

from remixup.data.catalog.registry import REGISTRY, Dataset, File, Structure, Version, lookup
from remixup.data.prepared import Prepared, load, prepare

__all__ = ["REGISTRY", "Dataset", "File", "Prepared", "Structure", "Version", "load", "lookup", "prepare"]
