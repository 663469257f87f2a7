"""What the registry says of the sizes of datasets: held against what the builders make, and what publishers state."""

import math

import pytest

from remixup.data import load, prepare
from remixup.data.catalog.registry import REGISTRY

EMBEDDED = [
    (dataset.name, version.name)
    for dataset in REGISTRY.values()
    for version in dataset.versions.values()
    if version.embedded
]


@pytest.mark.parametrize(("name", "version"), EMBEDDED)
def test_the_builder_makes_what_the_registry_says(name, version, tmp_path):
    prepare(name, version, folder=tmp_path)
    tensors = load(name, version, folder=tmp_path).tensors
    size = REGISTRY[name].size
    counts = {"train": size.train, "test": size.test, "validation": size.validation}
    if "y" in tensors:
        assert (len(tensors["y"]), size.test, size.validation) == (size.train, 0, 0)
    else:
        assert {part: len(tensors.get(f"{part}_y", ())) for part in counts} == counts
    examples = tensors.get("x", tensors.get("train_x"))
    assert size.shape == (() if examples is None else tuple(examples.shape[1:]))


def test_sizes_are_those_that_publishers_state():
    for dataset in REGISTRY.values():
        size = dataset.size
        for version in dataset.versions.values():
            if version.folder is not None and version.folder.train:
                stated = version.folder
                assert (size.train, size.test, size.validation) == (stated.train, stated.test, stated.validation)
            if version.structure is not None:
                assert (size.shape, size.train) == ((version.structure.features,), sum(version.structure.counts))


def test_cifar_10_is_as_large_as_its_files():
    size, version = REGISTRY["cifar10"].size, REGISTRY["cifar10"].versions["binary"]
    record = 1 + math.prod(size.shape)  # a label and the pixels
    held = [file.size / record for file in version.files if not file.name.endswith(".txt") and file.size]
    assert sum(held) == size.train + size.test == 6 * 10_000
