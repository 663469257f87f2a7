"""Preparing a dataset once and loading it many times.

`folder/prepared/<name>-<version>/` holds `tensors.safetensors` and `manifest.json`, and of image files also the files
themselves, one after another, as `images.bin`. It appears whole, by a rename, and the manifest is a function of the
tensors, these files and the registry alone: no time, no path, no machine.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remixup.data.builders.builder import Built, Material
from remixup.data.catalog.descriptor import Dataset, Folder, Version
from remixup.data.catalog.registry import lookup
from remixup.data.sources import Source, digest, gather
from remixup.data.storage import publish, writing
from remixup.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

TENSORS = "tensors.safetensors"
IMAGES = "images.bin"
MANIFEST = "manifest.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A dataset in memory.

    Args:
        tensors: of images `train_x` and `test_x` (n, C, H, W) uint8, `train_y` and `test_y` (n,) int64; of spectrograms
            the same as (n, 1, frequencies, frames) float16 (of series (n, channels, time)), and `validation_x` and
            `validation_y`, the validation part, which has no example of the others; of tables and points `x` (n, F)
            float32, missing values NaN, and `y` (n,) int64. Labels are 0..C-1. Of image files there is no x but
            `train_offsets` and `test_offsets` (n + 1,) int64: where in `images` each file begins, and where the last
            one ends; the test part begins where the training part ends.
        manifest: what `prepare` wrote about them; for images `mean` and `std` of each channel of `train_x / 255`.
        images: of image files, the file that holds them all one after another.
        streams: of image files, who reads and decodes them for training, by how.
    """

    tensors: dict[str, torch.Tensor]
    manifest: dict[str, Any]
    images: Path | None = None
    streams: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class _Fault:
    """What keeps a prepared dataset from being used."""

    path: Path
    what: str
    absent: bool = False


def prepare(
    name: str,
    version: str | None = None,
    *,
    folder: Path,
    mirror: Path | None = None,
    download: bool = False,
    progress: bool = False,
) -> Path:
    """Makes `folder/prepared/<name>-<version>/` unless it is there and intact.

    The files come from the mirror where it has them, else from the publisher if `download` allows it; an embedded
    version needs neither. A second process that wants the same dataset waits for the first.

    Args:
        name: a dataset of the registry.
        version: one of its versions (default: the first).
        folder: the data folder; downloads are kept in its `raw/`.
        mirror: a folder with the publishers' files.
        download: whether the publisher may be asked.
        progress: show how far a download is, on a terminal.

    Returns:
        The path of the manifest.

    Raises:
        UserError: unknown name, a file that is missing or wrong, no room on the disk.
    """
    dataset, chosen = lookup(name, version)
    final = _place(folder, dataset, chosen)
    if _fault(final, dataset, chosen) is None:
        return final / MANIFEST
    from filelock import FileLock

    locks = folder / "locks"  # not beside the data: a tracked folder must hold nothing that comes and goes
    with writing(folder):
        final.parent.mkdir(parents=True, exist_ok=True)
        locks.mkdir(exist_ok=True)
        lock = FileLock(locks / f"{final.name}.lock")
        lock.acquire()
    try:
        fault = _fault(final, dataset, chosen)
        if fault is not None:
            if not fault.absent:
                _log.warning("%s: %s; it is made anew", fault.path, fault.what)
            _make(dataset, chosen, final, folder / "raw", mirror, download, progress)
    finally:
        lock.release()
    return final / MANIFEST


def load(name: str, version: str | None = None, *, folder: Path) -> Prepared:
    """The prepared dataset, after its digest has been verified.

    Args:
        name: a dataset of the registry.
        version: one of its versions (default: the first).
        folder: the data folder given to `prepare`.

    Raises:
        UserError: unknown name; not prepared, or damaged since.
    """
    dataset, chosen = lookup(name, version)
    final = _place(folder, dataset, chosen)
    if (fault := _fault(final, dataset, chosen)) is not None:
        command = f"remixup prepare {name}" + (f" --version {chosen.name}" if version else "")
        raise UserError(
            fault.what, where=str(fault.path), hint=f"`{command}` makes it {'' if fault.absent else 'anew'}".strip()
        )
    from safetensors.torch import load_file

    manifest = json.loads((final / MANIFEST).read_text(encoding="utf-8"))
    return Prepared(load_file(final / TENSORS), manifest, final / IMAGES if IMAGES in manifest else None)


def _place(folder: Path, dataset: Dataset, version: Version) -> Path:
    return folder / "prepared" / f"{dataset.name}-{version.name}"


def _fault(final: Path, dataset: Dataset, version: Version) -> _Fault | None:
    """None where the prepared dataset is intact and as this program makes it."""
    manifest = final / MANIFEST
    if not final.is_dir() or not any(final.iterdir()):  # Snakemake makes the folders of its outputs beforehand
        return _Fault(final, f"dataset {dataset.name} ({version.name}) has not been prepared", absent=True)
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        expected = {"name": dataset.name, "version": version.name, "numerics": dataset.numerics}
        for key, value in expected.items():
            if said[key] != value:
                return _Fault(manifest, f"it says {key} {said[key]!r}, this program makes {value!r}")
        files = {TENSORS: (said["bytes"], said["sha256"])}
        if dataset.task == "image-files":
            files[IMAGES] = (said[IMAGES]["bytes"], said[IMAGES]["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _Fault(manifest, f"it is damaged or missing ({type(error).__name__}: {error})")
    for path, (size, sha256) in ((final / name, stated) for name, stated in files.items()):
        try:
            if path.stat().st_size != size or digest(path) != sha256:
                return _Fault(path, "it is damaged: its content is not what the manifest says")
        except OSError as error:
            return _Fault(path, f"it cannot be read ({error.strerror})")
    return None


def _make(
    dataset: Dataset, version: Version, final: Path, raw: Path, mirror: Path | None, download: bool, progress: bool
) -> None:
    work = final.with_name(f".{final.name}.part")  # one of a killed process may lie there; the lock makes it ours
    try:
        with writing(final.parent):
            shutil.rmtree(work, ignore_errors=True)
            (work / "result").mkdir(parents=True)
        downloads = raw / final.name
        sources = gather(
            dataset, version, raw=downloads, scratch=work / "sources", mirror=mirror, allow=download, progress=progress
        )
        built = _build(version, Material({source.file: source.path for source in sources}, raw))
        _check_structure(dataset, version, sources, built)
        needed = sum(array.nbytes for array in built.tensors.values())
        needed += sum(os.path.getsize(path) for path in built.pictures)
        with writing(final.parent, needed):
            _write(dataset, version, sources, built, work / "result")
            publish(work / "result", final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build(version: Version, material: Material) -> Built:
    module, _, function = version.builder.rpartition(".")
    built = getattr(importlib.import_module(f"remixup.data.{module}"), function)(material)
    assert isinstance(built, Built)
    return built


def _check_structure(dataset: Dataset, version: Version, sources: list[Source], built: Built) -> None:
    if (folder := version.folder) is not None:
        parts = {"train": folder.train, "validation": folder.validation, "test": folder.test}
        expected = {part: count for part, count in parts.items() if count}, dataset.classes
        found = {part: len(built.tensors[f"{part}_y"]) for part in expected[0]}, len(built.class_names or ())
        if found != expected:
            counted, due = (" + ".join(f"{count:,}" for count in each.values()) for each, _ in (found, expected))
            kind = {"spectrograms": "clips", "series": "series"}.get(dataset.task, "images")
            what = f"there are {counted} {kind} of {found[1]:,} classes, not {due} of {expected[1]:,}"
            raise UserError(what, where=str(sources[0].path), hint=f"compare it with {dataset.homepage}")
    if (stated := version.structure) is None:
        return
    import numpy as np

    x, y = built.tensors["x"], built.tensors["y"]
    counts = tuple(np.bincount(y, minlength=dataset.classes).tolist())
    if x.shape != (sum(stated.counts), stated.features) or counts != stated.counts:
        what = (
            f"the table is {x.shape} with classes of {counts} rows, not {stated.features} columns and {stated.counts}"
        )
        raise UserError(what, where=str(sources[0].path), hint=f"compare it with {dataset.homepage}")


def _write(dataset: Dataset, version: Version, sources: list[Source], built: Built, result: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {name: np.ascontiguousarray(array) for name, array in built.tensors.items()}
    packed: dict[str, Any] = {}
    sha256 = built.sha256
    if built.pictures:
        from remixup.data.builders.image_files import pack

        offsets, sha256 = pack(built.pictures, result / IMAGES)
        count = len(tensors["train_y"])
        tensors |= {"train_offsets": offsets[: count + 1], "test_offsets": offsets[count:]}
        packed = {IMAGES: {"bytes": int(offsets[-1]), "sha256": sha256}}
    if version.folder is not None:
        sources = [_vouched(version.folder, source, sha256) for source in sources]
    save_file(tensors, result / TENSORS)
    manifest = {
        "name": dataset.name,
        "title": dataset.title,
        "version": version.name,
        "task": dataset.task,
        "numerics": dataset.numerics,
        "classes": dataset.classes,
        "class_names": None if built.class_names is None else list(built.class_names),
        "tensors": {
            name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in sorted(tensors.items())
        },
        **(_channel_statistics(tensors["train_x"]) if dataset.task == "images" else {}),
        "bytes": (result / TENSORS).stat().st_size,
        "sha256": digest(result / TENSORS),
        **packed,
        "sources": [{"file": source.file, "sha256": source.sha256, "checked": source.checked} for source in sources],
        "licence": dataset.licence,
        "citation": dataset.citation,
        "homepage": dataset.homepage,
        "note": version.note,
    }
    (result / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _vouched(folder: Folder, source: Source, sha256: str | None) -> Source:
    """The folder that was read, with its digest; one from the publisher may have another than the copy on record."""
    if sha256 == folder.sha256:
        return replace(source, sha256=sha256, checked="sha256")
    what = f"these are not the files on record: their sha256, one after another, is {sha256}"
    if source.checked == "sha256":
        raise UserError(what, where=str(source.path), hint=f"it should be {folder.sha256}")
    if folder.sha256:
        _log.warning("%s; the numbers of their examples are as stated", what)
    return replace(source, sha256=sha256)


def _channel_statistics(images: NDArray[np.generic]) -> dict[str, list[float]]:
    """Mean and (population) standard deviation of each channel of `images / 255`, from exact integer sums."""
    import numpy as np

    counts = np.zeros((images.shape[1], 256), np.int64)
    for start in range(0, len(images), 1000):  # counting widens each byte to eight
        for channel in range(images.shape[1]):
            counts[channel] += np.bincount(images[start : start + 1000, channel].ravel(), minlength=256)
    n = len(images) * images.shape[2] * images.shape[3]
    first = (counts * np.arange(256)).sum(axis=1).tolist()
    second = (counts * np.arange(256) ** 2).sum(axis=1).tolist()
    return {
        "mean": [total / n / 255 for total in first],
        "std": [((n * squares - total**2) ** 0.5) / n / 255 for total, squares in zip(first, second, strict=True)],
    }
