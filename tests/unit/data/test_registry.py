from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from remixup.data import load, prepare
from remixup.data.builders import idx
from remixup.data.catalog.descriptor import RawFiles, Version
from remixup.data.catalog.registry import REGISTRY, lookup
from remixup.errors import UserError

EVERY_VERSION = [(name, version) for name, dataset in REGISTRY.items() for version in dataset.versions]


def test_the_package_and_all_descriptors_are_imported_without_torch() -> None:
    program = "import sys, remixup.data; print([m for m in ('torch', 'sklearn', 'scipy', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_the_first_version_is_the_default() -> None:
    assert lookup("iris")[1].name == "uci"
    assert lookup("iris", "scikit-learn")[1].embedded
    assert [lookup(name)[1].name for name in ("cifar10", "digits")] == ["python", "scikit-learn"]


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("mnits", None, "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        ("cifar10", "binray", "dataset cifar10 has no version 'binray' (did you mean 'binary'?)"),
        ("mnist", "gz", "dataset mnist has no version 'gz' (valid: idx)"),
    ],
)
def test_an_unknown_name_is_reported_with_the_nearest_valid_one(name: str, version: str | None, message: str) -> None:
    with pytest.raises(UserError) as raised:
        lookup(name, version)
    assert str(raised.value) == message


@pytest.mark.parametrize(("name", "version"), EVERY_VERSION)
def test_every_version_has_a_note_a_citation_and_files(name: str, version: str) -> None:
    dataset, entry = lookup(name, version)
    assert entry.note
    assert re.fullmatch("([a-z]+[0-9]{4}[a-z0-9]*)?", dataset.origin.citation)
    if entry.embedded:
        assert not entry.downloadable
    else:
        assert bool(entry.files) != (entry.folder is not None)
        assert entry.downloadable or all(file.mirror_path for file in entry.files)


@pytest.mark.parametrize(("name", "version"), EVERY_VERSION)
def test_what_a_mirror_or_a_publisher_gives_is_always_identified(name: str, version: str) -> None:
    entry = lookup(name, version)[1]
    for file in (*entry.files, *([entry.archive] if entry.archive else [])):
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.md5 is None or re.fullmatch("[0-9a-f]{32}", file.md5)
        if file.mirror_path:
            assert file.sha256 or file.md5
    if folder := entry.folder:  # else it is identified by the numbers of its examples
        assert folder.sha256 is None or re.fullmatch("[0-9a-f]{64}", folder.sha256)
        # Where not even these are known, the note says so, and the publisher's own list or the format vouches for it.
        assert folder.counted or "not checked" in entry.note
    archive_known = entry.archive is not None and entry.archive.md5 is not None
    assert archive_known or all(file.sha256 for file in entry.files)


def test_only_a_version_with_a_whole_address_is_downloadable() -> None:
    _, reconstructed = lookup("cifar10", "reconstructed")
    assert not reconstructed.downloadable
    assert lookup("cifar10", "binary")[1].downloadable
    assert lookup("mnist")[1].downloadable
    assert not Version("empty", idx.mnist).downloadable


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
            if version.counts:
                assert (len(version.counts), sum(version.counts)) == (dataset.classes, size.train)


SMALL = [
    (name, version)
    for name, version in EVERY_VERSION
    if REGISTRY[name].task in ("tabular", "points") and REGISTRY[name].versions[version].embedded
]


@pytest.mark.parametrize(("name", "version"), SMALL)
def test_labels_are_numbers_where_the_descriptor_says_so(name: str, version: str, tmp_path: Path) -> None:
    dataset, chosen = lookup(name, version)
    tensors = chosen.builder(RawFiles({}, tmp_path, tmp_path)).tensors
    kinds = {array.dtype.kind for part, array in tensors.items() if part in ("y", "train_y", "test_y")}
    assert kinds == {"f" if dataset.numeric else "i"}


@pytest.mark.parametrize("name", ["kmnist", "svhn"])
def test_the_publisher_serves_the_files_under_their_own_names(name: str) -> None:
    for file in lookup(name)[1].files:
        assert file.url is not None
        assert file.url.rpartition("/")[2] == file.name
        assert file.sha256


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ValueError, match="dataset iris: unknown task 'table'; valid: images, "):
        dataclasses.replace(lookup("iris")[0], task="table")
