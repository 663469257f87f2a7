"""Every dataset that remixup knows, by name.

Neither this module nor what it imports needs torch, NumPy or scikit-learn, so that reading a workflow stays quick.
"""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, File, Size, Structure, Task, Version
from remixup.data.catalog.files import FILES
from remixup.data.catalog.images import IMAGES
from remixup.data.catalog.points import POINTS
from remixup.data.catalog.pools import POOLS
from remixup.data.catalog.regression import REGRESSION
from remixup.data.catalog.series import SERIES
from remixup.data.catalog.speech import SPEECH
from remixup.data.catalog.uci import TABLES
from remixup.errors import UserError, did_you_mean

__all__ = ["REGISTRY", "Dataset", "File", "Size", "Structure", "Task", "Version", "lookup"]

_ALL = (*IMAGES, *POOLS, *POINTS, *FILES, *SPEECH, *SERIES, *TABLES, *REGRESSION)
REGISTRY: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}


def lookup(name: str, version: str | None = None) -> tuple[Dataset, Version]:
    """The dataset of that name and the version of that name (default: the first).

    Raises:
        UserError: there is no such dataset or version.
    """
    if name not in REGISTRY:
        raise UserError(f"unknown dataset {name!r}", hint=did_you_mean(name, REGISTRY))
    dataset = REGISTRY[name]
    version = next(iter(dataset.versions)) if version is None else version
    if version not in dataset.versions:
        raise UserError(f"dataset {name} has no version {version!r}", hint=did_you_mean(version, dataset.versions))
    return dataset, dataset.versions[version]
