"""PTB-XL and Apnea-ECG, in the format of PhysioNet.

Every file is verified by the publisher's SHA256SUMS.txt in the same folder.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.series import UNITS, standardized
from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, File, Folder, RawFiles, Size, Version, versions
from remixup.errors import UserError

SUMS = "SHA256SUMS.txt"
PTB_XL_CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
_PTB_XL_SHAPE = (12, 1_000)
_FOLDS = {9: "validation", 10: "test"}
_APNEA_RECORDS = [*(f"a{k:02d}" for k in range(1, 21)), *(f"b{k:02d}" for k in range(1, 6))]
_APNEA_RECORDS += [f"c{k:02d}" for k in range(1, 11)]
_APNEA_LABELS = {"N": 0, "A": 1}
_APNEA_PART = {4: "validation", 0: "test"}
"""Part of a record, by its number modulo 5; all others are the training part."""
_MINUTE = 6_000


class Published:
    """A publisher's folder whose files are verified when they are read."""

    def __init__(self, root: Path) -> None:
        self.root, self.total = root, hashlib.sha256()
        self._sums: dict[str, str] = {}
        for line in self._content(SUMS).decode("utf-8", "replace").splitlines():
            digest, _, name = line.strip().partition(" ")
            self._sums[name.strip().removeprefix("./").lstrip("*")] = digest.lower()

    @property
    def names(self) -> list[str]:
        """Names of the published files, sorted."""
        return sorted(self._sums)

    def path(self, name: str) -> Path:
        """Return the path of a file; some archives have the files in a folder `files`."""
        inner = self.root / "files" / name
        return inner if inner.is_file() else self.root / name

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            UserError: The file is missing or not listed, or its digest is wrong.
        """
        content = self._content(name)
        found, expected = hashlib.sha256(content).hexdigest(), self._sums.get(name)
        if found != expected:
            what = f"its sha256 is {found}, not {expected}" if expected else f"{SUMS} does not list it"
            raise UserError(f"{name} is not the published file: {what}", where=str(self.root))
        self.total.update(content)
        return content

    def rows(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a CSV file."""
        return list(csv.DictReader(io.StringIO(self.read(name).decode("utf-8"))))

    def signals(self, record: str, samples: int | None = None) -> NDArray[np.float32]:
        """Return a verified record in physical units, (channels, time).

        Raises:
            UserError: The record cannot be read, or is not `samples` long.
        """
        import wfdb

        self.read(f"{record}.hea")
        header = wfdb.rdheader(str(self.root / record))
        for file in sorted(set(header.file_name or ())):
            self.read(str(PurePosixPath(record).parent / file))
        try:
            found = wfdb.rdrecord(str(self.root / record)).p_signal
        except (ValueError, IndexError) as error:
            raise UserError(f"the record {record} cannot be read: {error}", where=str(self.root)) from error
        if samples is not None and len(found) != samples:
            raise UserError(f"{record} has {len(found):,} samples, not {samples:,}", where=str(self.root))
        if np.isnan(found).any():
            raise UserError(f"{record} has missing samples", where=str(self.root))
        return np.ascontiguousarray(found.T, np.float32)

    def _content(self, name: str) -> bytes:
        try:
            return self.path(name).read_bytes()
        except OSError as error:
            raise UserError(f"{name} cannot be read: {error.strerror}", where=str(self.root)) from error


def ptb_xl(raw: RawFiles) -> Arrays:
    """Read five superclasses of diagnoses, (n, 12, 1000): ten seconds of twelve leads at 100 Hz.

    Only records with exactly one superclass are used, as in the released code of Guo et al. (2023). Folds 1 to 8 are
    the training part, 9 the validation and 10 the test part, as Wagner et al. (2020) recommend.
    """
    root = raw.root
    published = Published(root)
    superclass = {
        row[""]: row["diagnostic_class"]
        for row in published.rows("scp_statements.csv")
        if row["diagnostic"] and float(row["diagnostic"]) == 1
    }
    chosen: dict[str, list[tuple[str, int]]] = {"train": [], "validation": [], "test": []}
    for row in published.rows("ptbxl_database.csv"):
        found = {superclass[code] for code in _statements(row, published.root) if code in superclass}
        if len(found) == 1:
            part = _FOLDS.get(int(row["strat_fold"]), "train")
            chosen[part].append((row["filename_lr"], PTB_XL_CLASSES.index(found.pop())))
    parts = {}
    for part, records in chosen.items():
        x = np.empty((len(records), *_PTB_XL_SHAPE), np.float32)
        for place, (record, _) in enumerate(records):
            signals = published.signals(record, _PTB_XL_SHAPE[1])
            if signals.shape != _PTB_XL_SHAPE:
                raise UserError(f"{record} has {len(signals)} leads, not 12", where=str(root))
            x[place] = signals
        parts[part] = (x, _labels(label for _, label in records))
    _none_empty(parts, root)
    return standardized(parts, PTB_XL_CLASSES, sha256=published.total.hexdigest())


def _statements(row: dict[str, str], root: Path) -> set[str]:
    """Return the codes of a record's statements, which the table has as a Python dictionary."""
    try:
        found = ast.literal_eval(row["scp_codes"])
    except (ValueError, SyntaxError) as error:
        what = f"record {row['ecg_id']} has no dictionary of statements: {row['scp_codes']!r}"
        raise UserError(what, where=f"{root}/ptbxl_database.csv") from error
    return set(found)


def apnea_ecg(raw: RawFiles) -> Arrays:
    """Read minutes with and without apnea, (n, 1, 6000): one lead at 100 Hz of the 35 labeled recordings.

    Recordings whose number is a multiple of five are the test part, those before them the validation part.
    """
    import wfdb

    root = raw.root
    published = Published(root)
    found: dict[str, list[tuple[NDArray[np.float32], int]]] = {"train": [], "validation": [], "test": []}
    for record in _APNEA_RECORDS:
        signal = published.signals(record)
        published.read(f"{record}.apn")
        notes = wfdb.rdann(str(root / record), "apn")
        for start, symbol in zip(notes.sample.tolist(), notes.symbol, strict=True):
            if symbol in _APNEA_LABELS and start + _MINUTE <= signal.shape[1]:
                part = _APNEA_PART.get(int(record[1:]) % 5, "train")
                found[part].append((signal[:1, start : start + _MINUTE], _APNEA_LABELS[symbol]))
    parts = {
        part: (np.array([x for x, _ in minutes], np.float32), _labels(label for _, label in minutes))
        for part, minutes in found.items()
    }
    _none_empty(parts, root)
    return standardized(parts, ("normal", "apnoea"), sha256=published.total.hexdigest())


def _labels(labels: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(labels, np.int64)


def _none_empty(parts: dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]], root: Path) -> None:
    if empty := [part for part, (_, y) in parts.items() if not len(y)]:
        raise UserError(f"there is no example for the {empty[0]} part", where=str(root))


_SUMS = (
    "Every file is verified by the publisher's SHA256SUMS.txt in the same folder; the digest of the archive is not "
    "known."
)


def physionet_version(builder: Builder, slug: str, archive: str, note: str) -> dict[str, Version]:
    """Return the version of a PhysioNet project; the archive's name ends with it."""
    url = f"https://physionet.org/static/published-projects/{slug}/{archive}.zip"
    return versions(
        Version(
            archive.rpartition("-")[2],
            builder,
            archive=File(f"{archive}.zip", url=url),
            folder=Folder(slug, packed_path=archive),
            note=f"{note} {_SUMS} {UNITS}",
        )
    )


_PTB_XL = Dataset(
    "ptb-xl",
    "PTB-XL",
    "series",
    5,
    physionet_version(
        ptb_xl,
        "ptb-xl",
        "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3",
        "Electrocardiograms of ten seconds, twelve leads at 100 Hz, 12 x 1000: those of exactly one of the "
        "five diagnostic superclasses. Folds 1 to 8 for training, 9 for validation, 10 for the test. Guo et al. "
        "count 12,961, 1,637 and 1,650 of them, in an edition that they do not name: how many there are in this "
        "one is not checked.",
    ),
    license="CC BY 4.0",
    citation="wagner2020ptbxl",
    homepage="https://physionet.org/content/ptb-xl/1.0.3/",
    size=Size((12, 1_000), 12_961, 1_650, 1_637),
)

_APNEA_ECG = Dataset(
    "apnea-ecg",
    "Apnea-ECG",
    "series",
    2,
    physionet_version(
        apnea_ecg,
        "apnea-ecg",
        "apnea-ecg-database-1.0.0",
        "Minutes of one lead at 100 Hz, 1 x 6000, of the 35 recordings whose minutes are labelled for apnoea. "
        "Recordings whose number is a multiple of five are the test part, those before them the validation part. About "
        "17,000 minutes; their number is not checked.",
    ),
    license="ODC-By 1.0",
    citation="penzel2000apnea",
    homepage="https://physionet.org/content/apnea-ecg/1.0.0/",
    size=Size((1, 6_000), 10_200, 3_400, 3_400),
)

DATASETS = (_APNEA_ECG, _PTB_XL)
