"""Prepare a dataset once and load it many times.

`folder/prepared/<name>-<version>/` has `tensors.safetensors` and `manifest.json`; a dataset of image files also has
their concatenated bytes, `images.bin`. The manifest depends only on the tensors, these files and the descriptor: it has
no time, path or host name.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import pickle
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.image_files import pack
from remixup.data.catalog.descriptor import Arrays, Dataset, Folder, RawFiles, Version
from remixup.data.catalog.registry import lookup
from remixup.data.sources import Source, gather
from remixup.errors import UserError
from remixup.files import disk_error, make_folder, publish, read_mapping, report_disk_errors, sha256

if TYPE_CHECKING:
    import torch

    from remixup.config.settings import Config

TENSORS = "tensors.safetensors"
IMAGES = "images.bin"
MANIFEST = "manifest.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A dataset in memory.

    Args:
        tensors: As in `Arrays`. Image files have no x but `train_offsets` and `test_offsets` (n + 1,) int64: the
            position in `images` where each file begins, and where the last one ends.
        manifest: Content of `manifest.json`; for images with `mean` and `std` of each channel of `train_x / 255`.
        images: File with the concatenated image files.
        streams: Cache of the readers of `images`, by their settings.
    """

    tensors: dict[str, torch.Tensor]
    manifest: dict[str, Any]
    images: Path | None = None
    streams: dict[str, Any] = field(default_factory=dict, compare=False)


def prepare_as_configured(config: Config, name: str, version: str, progress: bool = False) -> Path:
    """Prepare a dataset with the data folder, the mirror and the downloads of a configuration; see `prepare`."""
    folder, download = Path(config.data.folder), config.data.download
    return prepare(name, version, folder=folder, mirror=config.mirror, download=download, progress=progress)


def prepare(
    name: str,
    version: str | None = None,
    *,
    folder: Path,
    mirror: Path | None = None,
    download: bool = False,
    progress: bool = False,
) -> Path:
    """Make `folder/prepared/<name>-<version>/` unless it exists and is intact.

    Files come from the mirror or, if the mirror lacks them and `download` is true, from the publisher. A second process
    that prepares the same dataset waits for the first.

    Args:
        name: Name of a dataset.
        version: One of its versions (default: the first).
        folder: Data folder; downloads are stored in its `raw/`.
        mirror: Folder with the publishers' files.
        download: Whether to download from the publisher.
        progress: Whether to show the progress of downloads on a terminal.

    Returns:
        Path of the manifest.

    Raises:
        UserError: The name is unknown, a file is missing or wrong, or the disk is full.
    """
    dataset, chosen = lookup(name, version)
    final = _path(folder, dataset, chosen)
    if _find_fault(final, dataset, chosen) is None:
        return final / MANIFEST
    from filelock import FileLock

    locks = folder / "locks"  # not beside the data: DVC tracks that folder
    with report_disk_errors(folder):
        make_folder(final.parent)
        locks.mkdir(exist_ok=True)
        lock = FileLock(locks / f"{final.name}.lock").acquire()
    with lock:
        if (fault := _find_fault(final, dataset, chosen)) is not None:
            if _is_present(final):
                _log.warning("%s; preparing it again", fault)
            _make(dataset, chosen, final, folder / "raw", mirror, download, progress)
    return final / MANIFEST


def load(name: str, version: str | None = None, *, folder: Path) -> Prepared:
    """Load a prepared dataset after verifying its digest.

    Args:
        name: Name of a dataset.
        version: One of its versions (default: the first).
        folder: Data folder, as given to `prepare`.

    Raises:
        UserError: The name is unknown, or the dataset is not prepared or damaged.
    """
    dataset, chosen = lookup(name, version)
    final = _path(folder, dataset, chosen)
    if (fault := _find_fault(final, dataset, chosen)) is not None:
        command = f"remixup prepare {name}" + (f" --version {chosen.name}" if version else "")
        raise UserError(fault.what, where=fault.where, hint=f"run `{command}`")
    from safetensors.torch import load_file

    manifest = json.loads((final / MANIFEST).read_text(encoding="utf-8"))
    return Prepared(load_file(final / TENSORS), manifest, final / IMAGES if IMAGES in manifest else None)


def _path(folder: Path, dataset: Dataset, version: Version) -> Path:
    return folder / "prepared" / f"{dataset.name}-{version.name}"


def _is_present(final: Path) -> bool:
    return final.is_dir() and any(final.iterdir())  # Snakemake makes the folders of its outputs beforehand


def _find_fault(final: Path, dataset: Dataset, version: Version) -> UserError | None:
    """Return None if the prepared dataset is intact and has the current numerics.

    Raises:
        UserError: It cannot be read, and may be intact.
    """
    manifest = final / MANIFEST
    try:
        if not _is_present(final):
            return UserError(f"dataset {dataset.name} ({version.name}) has not been prepared", where=str(final))
        stored = read_mapping(manifest)
        expected = {"name": dataset.name, "version": version.name, "numerics": dataset.numerics}
        for key, value in expected.items():
            if stored[key] != value:
                return UserError(f"{key} is {stored[key]!r}, but this program makes {value!r}", where=str(manifest))
        files = {TENSORS: stored} | ({IMAGES: stored[IMAGES]} if dataset.task == "image-files" else {})
        for name, content in files.items():
            path, size, digest = final / name, content["bytes"], content["sha256"]
            if not path.is_file() or path.stat().st_size != size or sha256(path) != digest:
                return UserError("the file is damaged: it differs from the manifest", where=str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if code := disk_error(error):
            place = str(getattr(error, "filename", None) or final)
            hint = "who owns the folder can let you read it" if code == errno.EACCES else None
            raise UserError(f"cannot be read: {os.strerror(code).lower()}", where=place, hint=hint) from None
        missing = isinstance(error, FileNotFoundError)
        what = "the manifest is missing" if missing else f"the manifest is damaged ({type(error).__name__}: {error})"
        return UserError(what, where=str(manifest))
    return None


def _make(
    dataset: Dataset, version: Version, final: Path, raw: Path, mirror: Path | None, download: bool, progress: bool
) -> None:
    scratch = final.with_name(f".{final.name}.scratch.part")  # a killed process may have left it; we have the lock
    try:
        with report_disk_errors(final.parent):
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
        sources = gather(
            dataset, version, raw=raw / final.name, scratch=scratch, mirror=mirror, allow=download, progress=progress
        )
        arrays = run_builder(version, RawFiles({source.file: source.path for source in sources}, raw, scratch))
        _check_structure(dataset, version, sources, arrays)
        needed = sum(array.nbytes for array in arrays.tensors.values())
        needed += sum(os.path.getsize(path) for path in arrays.image_files)
        with report_disk_errors(final.parent, needed):
            _write(dataset, version, sources, arrays, scratch / "prepared")
            publish(scratch / "prepared", final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def run_builder(version: Version, raw: RawFiles) -> Arrays:
    """Turn the files of a version into arrays.

    Raises:
        UserError: A file is missing, or its content is not as the publisher describes it.
    """
    try:
        return version.builder(raw)
    except (ValueError, LookupError, OSError, SyntaxError, pickle.UnpicklingError) as error:
        if version.embedded:
            raise
        what = f"these are not the published files: {type(error).__name__}: {error}"
        raise UserError(what, where=str(next(iter(raw.files.values())))) from error


def _check_structure(dataset: Dataset, version: Version, sources: list[Source], arrays: Arrays) -> None:
    size, tensors = dataset.size, arrays.tensors
    if version.folder is not None and version.folder.counted:
        what = "numbers of training, validation and test examples and of classes"
        due: tuple[int, ...] = (size.train, size.validation, size.test, dataset.classes)
        counts = [len(tensors.get(f"{part}_y", ())) for part in ("train", "validation", "test")]
        found = (*counts, len(arrays.class_names or ()))
    elif version.counts:
        what = "number of columns and the numbers of rows of each class"
        due = (*size.shape, *version.counts)
        found = (*tensors["x"].shape[1:], *np.bincount(tensors["y"], minlength=dataset.classes).tolist())
    else:
        return
    if found != due:
        what = f"the {what} are {found}, not {due}"
        raise UserError(what, where=str(sources[0].path), hint=f"compare it with {dataset.origin.homepage}")


def _write(dataset: Dataset, version: Version, sources: list[Source], arrays: Arrays, folder: Path) -> None:
    from safetensors.numpy import save_file

    folder.mkdir()
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.tensors.items()}
    packed: dict[str, Any] = {}
    digest = arrays.sha256
    if arrays.image_files:
        offsets, digest = pack(arrays.image_files, folder / IMAGES)
        count = len(tensors["train_y"])
        tensors |= {"train_offsets": offsets[: count + 1], "test_offsets": offsets[count:]}
        packed = {IMAGES: {"bytes": int(offsets[-1]), "sha256": digest}}
    if version.folder is not None:
        sources = [_verify_folder(version.folder, source, digest) for source in sources]
    save_file(tensors, folder / TENSORS)
    manifest = {
        "name": dataset.name,
        "title": dataset.title,
        "version": version.name,
        "task": dataset.task,
        "numerics": dataset.numerics,
        "classes": dataset.classes,
        "class_names": None if arrays.class_names is None else list(arrays.class_names),
        "tensors": {
            name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in sorted(tensors.items())
        },
        **(_channel_statistics(tensors["train_x"]) if dataset.task == "images" else {}),
        "bytes": (folder / TENSORS).stat().st_size,
        "sha256": sha256(folder / TENSORS),
        **packed,
        "sources": [{"file": source.file, "sha256": source.sha256, "checked": source.checked} for source in sources],
        "license": dataset.origin.license,
        "citation": dataset.origin.citation,
        "homepage": dataset.origin.homepage,
        "note": version.note,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _verify_folder(folder: Folder, source: Source, digest: str | None) -> Source:
    """Add the digest of a folder that was read; a folder from the publisher may differ from the known copy."""
    if digest == folder.sha256:
        return replace(source, sha256=digest, checked="sha256")
    what = f"these are not the expected files: the sha256 of their concatenation is {digest}"
    if source.checked == "sha256":
        raise UserError(what, where=str(source.path), hint=f"it should be {folder.sha256}")
    if folder.sha256:
        _log.warning("%s; the numbers of examples are as expected", what)
    return replace(source, sha256=digest)


def _channel_statistics(images: NDArray[np.generic]) -> dict[str, list[float]]:
    """Return mean and population standard deviation of each channel of `images / 255`, from exact integer sums."""
    counts = np.zeros((images.shape[1], 256), np.int64)
    for start in range(0, len(images), 1000):  # in chunks, because bincount converts bytes to eight-byte integers
        for channel in range(images.shape[1]):
            counts[channel] += np.bincount(images[start : start + 1000, channel].ravel(), minlength=256)
    n = len(images) * images.shape[2] * images.shape[3]
    first = (counts * np.arange(256)).sum(axis=1).tolist()
    second = (counts * np.arange(256) ** 2).sum(axis=1).tolist()
    return {
        "mean": [total / n / 255 for total in first],
        "std": [((n * squares - total**2) ** 0.5) / n / 255 for total, squares in zip(first, second, strict=True)],
    }
