"""Every dataset, by name.

A dataset is found if a module of `data/builders/` or `data/synthetic/` lists it in `DATASETS`. These modules import
neither torch nor scikit-learn at the top, so that reading a workflow stays quick.
"""

import importlib
import pkgutil

from remixup.data.catalog.descriptor import Dataset, Version
from remixup.errors import UserError, did_you_mean

_PACKAGES = ("remixup.data.builders", "remixup.data.synthetic")


def discover() -> dict[str, Dataset]:
    """Return the datasets of all modules, by name.

    Raises:
        ValueError: Two datasets have the same name.
    """
    found: dict[str, Dataset] = {}
    for package in _PACKAGES:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            for dataset in getattr(importlib.import_module(module.name), "DATASETS", ()):
                if dataset.name in found:
                    raise ValueError(f"two datasets are called {dataset.name!r}; one is in {module.name}")
                found[dataset.name] = dataset
    return found


REGISTRY = discover()


def lookup(name: str, version: str | None = None) -> tuple[Dataset, Version]:
    """Return a dataset and one of its versions (default: the first).

    Raises:
        UserError: The dataset or the version is unknown.
    """
    if name not in REGISTRY:
        raise UserError(f"unknown dataset {name!r}", hint=did_you_mean(name, REGISTRY))
    dataset = REGISTRY[name]
    version = next(iter(dataset.versions)) if version is None else version
    if version not in dataset.versions:
        raise UserError(f"dataset {name} has no version {version!r}", hint=did_you_mean(version, dataset.versions))
    return dataset, dataset.versions[version]
