"""Human activity recognition: UCI HAR (a smartphone at the waist), PAMAP2 (sensors on hand, chest and ankle)."""

import hashlib
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.archives import unpack
from remixup.data.builders.series import UNITS, Examples, standardized
from remixup.data.catalog.descriptor import Arrays, File, Folder, Origin, RawFiles, Size, describe

_HAR_SIGNALS = ("body_acc", "body_gyro", "total_acc")
_HAR_CLASSES = ("walking", "walking upstairs", "walking downstairs", "sitting", "standing", "laying")
HAR_VALIDATION = (7, 16, 23, 29)
"""Subjects of the published training part (21) that form the validation part: every fifth."""

_PAMAP2_ACTIVITIES = {
    1: "lying", 2: "sitting", 3: "standing", 4: "walking", 5: "running", 6: "cycling", 7: "Nordic walking",
    12: "ascending stairs", 13: "descending stairs", 16: "vacuum cleaning", 17: "ironing", 24: "rope jumping",
}  # fmt: skip
# Of the 17 columns of each sensor: acceleration (up to 16 g), rotation and magnetic field, three axes each.
_PAMAP2_CHANNELS = [3 + 17 * unit + column for unit in range(3) for column in (1, 2, 3, 7, 8, 9, 10, 11, 12)]
_PAMAP2_PART = {105: "validation", 106: "test"}
_SAMPLES, _HOP, _MEAN_OF = 512, 256, 4


def uci_har(raw: RawFiles) -> Arrays:
    """Read six activities, (n, 9, 128); four subjects of the published training part are the validation part."""
    root, total = _unpacked(raw, "UCI HAR Dataset"), hashlib.sha256()
    published = {part: _har_part(root, part, total) for part in ("train", "test")}
    parts: dict[str, Examples] = {
        "train": [(x, y) for x, y, subject in published["train"] if subject not in HAR_VALIDATION],
        "validation": [(x, y) for x, y, subject in published["train"] if subject in HAR_VALIDATION],
        "test": [(x, y) for x, y, _ in published["test"]],
    }
    return standardized(parts, _HAR_CLASSES, sha256=total.hexdigest())


def _har_part(root: Path, part: str, total: "hashlib._Hash") -> list[tuple[NDArray[np.float64], int, int]]:
    """Return signals (9, 128), label and subject of each window of a published part."""
    names = [f"{part}/Inertial Signals/{signal}_{axis}_{part}.txt" for signal in _HAR_SIGNALS for axis in "xyz"]
    x = np.stack([_table(root / name, total) for name in names], axis=1)
    y, subject = (_table(root / f"{part}/{name}_{part}.txt", total)[:, 0].astype(int) for name in ("y", "subject"))
    return list(zip(x, (y - 1).tolist(), subject.tolist(), strict=True))


def pamap2(raw: RawFiles) -> Arrays:
    """Read twelve activities, (n, 27, 128): five seconds at 25 Hz; subject 105 for validation, 106 for testing."""
    root, total = _unpacked(raw, "PAMAP2_Dataset"), hashlib.sha256()
    parts: dict[str, Examples] = {"train": [], "validation": [], "test": []}
    for subject in range(101, 110):
        table = _table(root / f"Protocol/subject{subject}.dat", total)
        parts[_PAMAP2_PART.get(subject, "train")] += _activities(table)
    return standardized(parts, tuple(_PAMAP2_ACTIVITIES.values()), sha256=total.hexdigest())


def _activities(table: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.generic], int]]:
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
    return np.interp(np.arange(len(signal)), known, signal[known])


def _unpacked(raw: RawFiles, name: str) -> Path:
    """Return the folder of the files; UCI packs an archive into its own archive."""
    inner = raw.root / f"{name}.zip"
    if not inner.is_file():
        return raw.root
    unpack(inner, raw.scratch / "inner")
    return raw.scratch / "inner" / name


def _table(path: Path, total: "hashlib._Hash") -> NDArray[np.float64]:
    """Return a table of numbers, (rows, columns), and add the content to the digest."""
    content = path.read_bytes()
    total.update(content)
    return np.loadtxt(io.BytesIO(content), ndmin=2)


_UCI = "https://archive.ics.uci.edu"


def _archive(number: int, name: str) -> File:
    return File(name, url=f"{_UCI}/static/public/{number}/{name}")


_UCI_HAR = describe(
    uci_har,
    "UCI HAR",
    "series",
    6,
    Size((9, 128), 5_962, 2_947, 1_390, test_units=9),
    "Six activities with a smartphone at the waist: body acceleration, rotation and total acceleration, "
    "9 x 128, 2.56 s at 50 Hz. The published parts have no subject in common; of the 21 training subjects "
    "every fifth (7, 16, 23 and 29) is in the validation part. Windows of a subject overlap by half. A "
    f"folder in a mirror is verified by the sha256 of a known copy. {UNITS}",
    version="uci",
    archive=_archive(240, "human+activity+recognition+using+smartphones.zip"),
    folder=Folder("UCI HAR Dataset", "aefa650687b87110b6994a933ea1bf60f2cf5418f6233d46bae7650cd7317e6c"),
    origin=Origin("anguita2013public", f"{_UCI}/dataset/240/human+activity+recognition+using+smartphones", "CC BY 4.0"),
)

_PAMAP2 = describe(
    pamap2,
    "PAMAP2",
    "series",
    12,
    Size((27, 128), 5_500, 960, 1_050, test_units=1),
    "Twelve activities with sensors on hand, chest and ankle: acceleration, rotation and magnetic field, "
    "27 x 128, 5.12 s at 25 Hz (means of four samples), every 2.56 s within an activity; lost samples "
    "are interpolated. Subject 105 for validation, 106 for testing. About 7,500 windows; their number is not "
    f"checked, and the publisher's digests are not known. {UNITS}",
    version="uci",
    archive=_archive(231, "pamap2+physical+activity+monitoring.zip"),
    folder=Folder("PAMAP2_Dataset", counted=False),
    origin=Origin("reiss2012introducing", f"{_UCI}/dataset/231/pamap2+physical+activity+monitoring", "CC BY 4.0"),
)

DATASETS = (_PAMAP2, _UCI_HAR)
