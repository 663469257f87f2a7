"""Human activity recognition: UCI HAR (a smartphone at the waist), PAMAP2 (sensors on hand, chest and ankle)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.series import UNITS, standardized
from remixup.data.catalog.descriptor import Arrays, Dataset, File, Folder, RawFiles, Size, Version, versions
from remixup.errors import UserError

_HAR_SIGNALS = ("body_acc", "body_gyro", "total_acc")
_HAR_CLASSES = ("walking", "walking upstairs", "walking downstairs", "sitting", "standing", "laying")
HAR_VALIDATION = (7, 16, 23, 29)
"""Subjects of the published training part (21) that form the validation part: every fifth."""

_PAMAP2_ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
    24: "rope jumping",
}
_PAMAP2_COLUMNS = 54
# Of the 17 columns of each sensor: acceleration (up to 16 g), rotation and magnetic field, three axes each.
_PAMAP2_CHANNELS = [3 + 17 * unit + column for unit in range(3) for column in (1, 2, 3, 7, 8, 9, 10, 11, 12)]
_PAMAP2_PART = {105: "validation", 106: "test"}
_SAMPLES, _HOP, _MEAN_OF = 512, 256, 4


def uci_har(raw: RawFiles) -> Arrays:
    """Read six activities, (n, 9, 128); four subjects of the published training part are the validation part."""
    root = raw.root
    total = hashlib.sha256()
    with _Files(root, "UCI HAR Dataset") as files:
        whole = {part: _har_part(files, part, total) for part in ("train", "test")}
    (x, y, subject), (test_x, test_y, _) = whole["train"], whole["test"]
    held = np.isin(subject, HAR_VALIDATION)
    parts = {"train": (x[~held], y[~held]), "validation": (x[held], y[held]), "test": (test_x, test_y)}
    return standardized(parts, _HAR_CLASSES, sha256=total.hexdigest())


def _har_part(
    files: _Files, part: str, total: hashlib._Hash
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    names = [f"{part}/Inertial Signals/{signal}_{axis}_{part}.txt" for signal in _HAR_SIGNALS for axis in "xyz"]
    x = [_table(files, name, total) for name in names]
    y, subject = (_table(files, f"{part}/{name}_{part}.txt", total)[:, 0].astype(np.int64) for name in ("y", "subject"))
    if {each.shape for each in x} != {(len(y), 128)} or len(subject) != len(y):
        what = f"the signals of the {part} part are not of 128 steps for each of its {len(y):,} labels and subjects"
        raise UserError(what, where=str(files.root))
    if y.min() < 1 or y.max() > len(_HAR_CLASSES):
        raise UserError("its labels are not all from 1 to 6", where=f"{files.root}/{part}/y_{part}.txt")
    return np.stack(x, axis=1), y - 1, subject


def pamap2(raw: RawFiles) -> Arrays:
    """Read twelve activities, (n, 27, 128): five seconds at 25 Hz; subject 105 for validation, 106 for testing."""
    root = raw.root
    total = hashlib.sha256()
    found: dict[str, list[tuple[NDArray[np.float32], int]]] = {"train": [], "validation": [], "test": []}
    with _Files(root, "PAMAP2_Dataset") as files:
        for subject in range(101, 110):
            table = _table(files, f"Protocol/subject{subject}.dat", total)
            if table.shape[1] != _PAMAP2_COLUMNS:
                what = f"subject{subject}.dat has {table.shape[1]} columns, not {_PAMAP2_COLUMNS}"
                raise UserError(what, where=str(files.root))
            found[_PAMAP2_PART.get(subject, "train")] += _activities(table)
    if empty := [part for part, windows in found.items() if not windows]:
        raise UserError(f"there is no activity of five seconds for the {empty[0]} part", where=str(root))
    parts = {
        part: (np.stack([x for x, _ in windows]), np.array([label for _, label in windows], np.int64))
        for part, windows in found.items()
    }
    return standardized(parts, tuple(_PAMAP2_ACTIVITIES.values()), sha256=total.hexdigest())


def _activities(table: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield windows (27, 128) and their labels: 5.12 s of one activity every 2.56 s, means of four samples."""
    labels = {code: label for label, code in enumerate(_PAMAP2_ACTIVITIES)}
    codes = table[:, 1].astype(np.int64)
    signals = np.stack([_filled(table[:, column]) for column in _PAMAP2_CHANNELS])
    borders = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for start, end in pairwise(borders):
        for first in range(start, end - _SAMPLES + 1, _HOP) if codes[start] in labels else ():
            window = signals[:, first : first + _SAMPLES].reshape(len(signals), -1, _MEAN_OF)
            yield window.mean(axis=2).astype(np.float32), labels[int(codes[start])]


def _filled(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate missing samples linearly; a signal without samples becomes zero."""
    known = np.flatnonzero(~np.isnan(signal))
    if not len(known):
        return np.zeros_like(signal)
    filled: NDArray[np.float64] = np.interp(np.arange(len(signal)), known, signal[known])
    return filled


class _Files:
    """Files in a folder, or in the archive that UCI packs into its own archive."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root, name
        inner = root / f"{name}.zip"
        try:
            self.packed = zipfile.ZipFile(inner) if inner.is_file() else None
        except zipfile.BadZipFile as error:
            raise UserError(f"this archive cannot be read: {error}", where=str(inner)) from error

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *error: object) -> None:
        if self.packed is not None:
            self.packed.close()

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        try:
            if self.packed is not None:
                return self.packed.read(f"{self.name}/{path}")
            return (self.root / path).read_bytes()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} cannot be read: {error}", where=str(self.root)) from error


def _table(files: _Files, name: str, total: hashlib._Hash) -> NDArray[np.float64]:
    """Return a table of numbers, (rows, columns), and add the content to the digest."""
    content = files.read(name)
    total.update(content)
    try:
        table: NDArray[np.float64] = np.loadtxt(io.BytesIO(content), ndmin=2)
    except ValueError as error:
        raise UserError(f"{name} is not a table of numbers: {error}", where=str(files.root)) from error
    if not table.size:
        raise UserError(f"{name} is empty", where=str(files.root))
    return table


_UCI = "https://archive.ics.uci.edu"

_UCI_HAR = Dataset(
    "uci-har",
    "UCI HAR",
    "series",
    6,
    versions(
        Version(
            "uci",
            uci_har,
            archive=File(
                "human+activity+recognition+using+smartphones.zip",
                url=f"{_UCI}/static/public/240/human+activity+recognition+using+smartphones.zip",
            ),
            folder=Folder(
                "UCI HAR Dataset",
                train=5_962,
                validation=1_390,
                test=2_947,
                sha256="aefa650687b87110b6994a933ea1bf60f2cf5418f6233d46bae7650cd7317e6c",
            ),
            note="Six activities with a smartphone at the waist: body acceleration, rotation and total acceleration, "
            "9 x 128, 2.56 s at 50 Hz. The published parts have no subject in common; of the 21 training subjects "
            "every fifth (7, 16, 23 and 29) is in the validation part. Windows of a subject overlap by half. A "
            f"folder in a mirror is verified by the sha256 of a known copy. {UNITS}",
        )
    ),
    license="CC BY 4.0",
    citation="anguita2013public",
    homepage=f"{_UCI}/dataset/240/human+activity+recognition+using+smartphones",
    size=Size((9, 128), 5_962, 2_947, 1_390),
)

_PAMAP2 = Dataset(
    "pamap2",
    "PAMAP2",
    "series",
    12,
    versions(
        Version(
            "uci",
            pamap2,
            archive=File(
                "pamap2+physical+activity+monitoring.zip",
                url=f"{_UCI}/static/public/231/pamap2+physical+activity+monitoring.zip",
            ),
            folder=Folder("PAMAP2_Dataset"),
            note="Twelve activities with sensors on hand, chest and ankle: acceleration, rotation and magnetic field, "
            "27 x 128, 5.12 s at 25 Hz (means of four samples), every 2.56 s within an activity; lost samples "
            "are interpolated. Subject 105 for validation, 106 for testing. About 7,500 windows; their number is not "
            f"checked, and the publisher's digests are not known. {UNITS}",
        )
    ),
    license="CC BY 4.0",
    citation="reiss2012introducing",
    homepage=f"{_UCI}/dataset/231/pamap2+physical+activity+monitoring",
    size=Size((27, 128), 5_500, 960, 1_050),
)

DATASETS = (_PAMAP2, _UCI_HAR)
