"""PTB-XL and Apnea-ECG, in the format of PhysioNet.

Every file is verified by the publisher's SHA256SUMS.txt in the same folder.
"""

import ast
import csv
import hashlib
import io
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.series import UNITS, Examples, part_of_subject, standardized
from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, File, Folder, Origin, RawFiles, Size, describe
from remixup.errors import UserError

SUMS = "SHA256SUMS.txt"
PTB_XL_CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
_FOLDS = {9: "validation", 10: "test"}
_APNEA_RECORDS = [f"{group}{k + 1:02d}" for group, count in (("a", 20), ("b", 5), ("c", 10)) for k in range(count)]
_APNEA_LABELS = {"N": 0, "A": 1}
_MINUTE = 6_000


class Published:
    """A publisher's folder whose files are verified when they are read; `names` are the published ones, sorted."""

    def __init__(self, root: Path) -> None:
        self.root, self.total = root, hashlib.sha256()
        self._sums: dict[str, str] = {}
        for line in self.path(SUMS).read_text(encoding="utf-8").splitlines():
            digest, _, name = line.strip().partition(" ")
            self._sums[name.strip().removeprefix("./").lstrip("*")] = digest.lower()
        self.names = sorted(self._sums)

    def path(self, name: str) -> Path:
        """Return the path of a file; some archives have the files in a folder `files`."""
        inner = self.root / "files" / name
        return inner if inner.is_file() else self.root / name

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            UserError: The file is not listed, or its digest is wrong.
        """
        content = self.path(name).read_bytes()
        found, expected = hashlib.sha256(content).hexdigest(), self._sums.get(name)
        if found != expected:
            what = f"its sha256 is {found}, not {expected}" if expected else f"{SUMS} does not list it"
            raise UserError(f"{name} is not the published file: {what}", where=str(self.root))
        self.total.update(content)
        return content

    def rows(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a CSV file."""
        return list(csv.DictReader(io.StringIO(self.read(name).decode("utf-8"))))

    def signals(self, record: str) -> NDArray[np.float32]:
        """Return a verified record in physical units, (channels, time).

        Raises:
            UserError: The record has missing samples.
        """
        import wfdb

        self.read(f"{record}.hea")
        for file in sorted(set(wfdb.rdheader(str(self.root / record)).file_name or ())):
            self.read(str(PurePosixPath(record).parent / file))
        found = wfdb.rdrecord(str(self.root / record)).p_signal
        if np.isnan(found).any():
            raise UserError(f"{record} has missing samples", where=str(self.root))
        return np.ascontiguousarray(found.T, np.float32)


def ptb_xl(raw: RawFiles) -> Arrays:
    """Read five superclasses of diagnoses, (n, 12, 1000): ten seconds of twelve leads at 100 Hz.

    Only records with exactly one superclass are used, as in the released code of Guo et al. (2023). Folds 1 to 8 are
    the training part, 9 the validation and 10 the test part, as Wagner et al. (2020) recommend.
    """
    published = Published(raw.root)
    superclass = {
        row[""]: row["diagnostic_class"]
        for row in published.rows("scp_statements.csv")
        if row["diagnostic"] and float(row["diagnostic"]) == 1
    }
    parts: dict[str, Examples] = {"train": [], "validation": [], "test": []}
    for row in published.rows("ptbxl_database.csv"):
        codes = ast.literal_eval(row["scp_codes"])  # a dictionary in the notation of Python
        found = {superclass[code] for code in codes if code in superclass}
        if len(found) == 1:
            signals, label = published.signals(row["filename_lr"]), PTB_XL_CLASSES.index(found.pop())
            parts[_FOLDS.get(int(row["strat_fold"]), "train")].append((signals, label))
    return standardized(parts, PTB_XL_CLASSES, sha256=published.total.hexdigest())


def apnea_ecg(raw: RawFiles) -> Arrays:
    """Read minutes with and without apnea, (n, 1, 6000): one lead at 100 Hz of the 35 labeled recordings.

    Recordings whose number is a multiple of five are the test part, those before them the validation part.
    """
    import wfdb

    published = Published(raw.root)
    parts: dict[str, Examples] = {"train": [], "validation": [], "test": []}
    for record in _APNEA_RECORDS:
        signal = published.signals(record)
        published.read(f"{record}.apn")
        notes = wfdb.rdann(str(published.root / record), "apn")
        for start, symbol in zip(notes.sample.tolist(), notes.symbol, strict=True):
            if symbol in _APNEA_LABELS and start + _MINUTE <= signal.shape[1]:
                minute = signal[:1, start : start + _MINUTE]
                parts[part_of_subject(int(record[1:]))].append((minute, _APNEA_LABELS[symbol]))
    return standardized(parts, ("normal", "apnea"), sha256=published.total.hexdigest())


_SUMS = (
    "Every file is verified by the publisher's SHA256SUMS.txt in the same folder; the digest of the archive is not "
    "known."
)


def physionet_dataset(
    builder: Builder,
    title: str,
    classes: int,
    archive: str,
    size: Size,
    note: str,
    *,
    citation: str,
    license: str = "ODC-By 1.0",
    slug: str | None = None,
) -> Dataset:
    """Describe a PhysioNet project.

    The archive's name ends with the version; `size` is approximate; `slug` is the project's name in addresses
    (default: that of the dataset).
    """
    slug, version = slug or builder.__name__.replace("_", "-"), archive.rpartition("-")[2]
    return describe(
        builder,
        title,
        "series",
        classes,
        size,
        f"{note} {_SUMS} {UNITS}",
        origin=Origin(citation, f"https://physionet.org/content/{slug}/{version}/", license),
        version=version,
        archive=File(f"{archive}.zip", url=f"https://physionet.org/static/published-projects/{slug}/{archive}.zip"),
        folder=Folder(slug, packed_path=archive, counted=False),
    )


DATASETS = (
    physionet_dataset(
        apnea_ecg,
        "Apnea-ECG",
        2,
        "apnea-ecg-database-1.0.0",
        Size((1, 6_000), 10_200, 3_400, 3_400, test_units=7),
        "Minutes of one lead at 100 Hz, 1 x 6000, of the 35 recordings whose minutes are labeled for apnea. "
        "Recordings whose number is a multiple of five are the test part, those before them the validation part. About "
        "17,000 minutes; their number is not checked.",
        citation="penzel2000apnea",
    ),
    physionet_dataset(
        ptb_xl,
        "PTB-XL",
        5,
        "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3",
        Size((12, 1_000), 12_961, 1_650, 1_637),
        "Electrocardiograms of ten seconds, twelve leads at 100 Hz, 12 x 1000: those of exactly one of the "
        "five diagnostic superclasses. Folds 1 to 8 for training, 9 for validation, 10 for the test. Guo et al. "
        "count 12,961, 1,637 and 1,650 of them, in an edition that they do not name: how many there are in this "
        "one is not checked.",
        license="CC BY 4.0",
        citation="wagner2020ptbxl",
    ),
)
