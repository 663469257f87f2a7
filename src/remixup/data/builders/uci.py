"""Tables of the UCI repository: the six of the mixup article (1710.09412, Table 4) and two others.

Every builder returns `x` (n, F) float32 as in the file, neither scaled nor split, and `y` (n,) int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders import scikit_learn
from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, File, RawFiles, Size, Structure, Version, versions
from remixup.errors import UserError


def iris(raw: RawFiles) -> Arrays:
    """Read four lengths in cm; classes setosa, versicolor, virginica."""
    species = ("setosa", "versicolor", "virginica")
    path = raw.files["iris.data"]
    rows = _rows(path, 5)
    return _arrays(
        _numbers(path, rows, slice(4)), _codes(path, rows, -1, [f"Iris-{name}" for name in species]), species
    )


def abalone(raw: RawFiles) -> Arrays:
    """Read sex as one-hot F, I, M, then seven measurements; the class is the rank of the ring count."""
    path = raw.files["abalone.data"]
    rows = _rows(path, 9)
    sex = np.eye(3, dtype=np.float32)[_codes(path, rows, 0, ["F", "I", "M"])]
    labels, names = _ranked(path, rows)
    return _arrays(np.concatenate([sex, _numbers(path, rows, slice(1, 8))], axis=1), labels, names)


def arcene(raw: RawFiles) -> Arrays:
    """Read 10,000 abundances, the published training and then the validation part; -1 becomes class 0, 1 class 1."""
    x, y = [], []
    for part in ("train", "valid"):
        path = raw.files[f"arcene_{part}.data"]
        x.append(_numbers(path, _rows(path, 10_000, None), slice(None)))
        path = raw.files[f"arcene_{part}.labels"]
        y.append(_codes(path, _rows(path, 1, None), 0, ["-1", "1"]))
    return _arrays(np.concatenate(x), np.concatenate(y), ("-1", "1"))


def arrhythmia(raw: RawFiles) -> Arrays:
    """Read 279 features of electrocardiograms, missing values NaN; the class is the rank of the code."""
    path = raw.files["arrhythmia.data"]
    rows = _rows(path, 280)
    labels, names = _ranked(path, rows)
    return _arrays(_numbers(path, rows, slice(279), missing="?"), labels, names)


def htru2(raw: RawFiles) -> Arrays:
    """Read eight statistics of pulsar candidates, with or without a header row; class 1 is a pulsar."""
    path = raw.files["HTRU_2.csv"]
    rows = _rows(path, 9)
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]
    return _arrays(_numbers(path, rows, slice(8)), _codes(path, rows, -1, ["0", "1"]), ("noise", "pulsar"))


def website_phishing(raw: RawFiles) -> Arrays:
    """Read nine grades -1, 0 or 1 as numbers; classes phishy (-1), suspicious (0), legitimate (1)."""
    path = raw.files["PhishingData.arff"]
    rows = _rows(path, 10)
    return _arrays(
        _numbers(path, rows, slice(9)), _codes(path, rows, -1, ["-1", "0", "1"]), ("phishy", "suspicious", "legitimate")
    )


def _rows(path: Path, columns: int, separator: str | None = ",") -> list[list[str]]:
    """Return the fields of each row, without empty lines and the header of an ARFF file."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("@", "%")):
            continue
        fields = [field.strip() for field in line.split(separator)]
        if len(fields) != columns:
            raise UserError(f"line {number} has {len(fields)} columns, not {columns}", where=str(path))
        rows.append(fields)
    return rows


def _numbers(path: Path, rows: list[list[str]], columns: slice, missing: str | None = None) -> NDArray[np.float32]:
    cells = [["nan" if cell == missing else cell for cell in row[columns]] for row in rows]
    try:
        return np.array(cells, dtype=np.float64).astype(np.float32)
    except ValueError as error:
        raise UserError(f"the table has a value that is not a number: {error}", where=str(path)) from error


def _codes(path: Path, rows: list[list[str]], column: int, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the position in `names` of each value of a column."""
    if unknown := {row[column] for row in rows} - set(names):
        raise UserError(f"{sorted(unknown)[0]!r} is none of {', '.join(names)}", where=str(path))
    return np.array([names.index(row[column]) for row in rows], np.int64)


def _ranked(path: Path, rows: list[list[str]]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the integer codes of the last column as sorted classes 0..C-1, and the codes as class names."""
    if unknown := [row[-1] for row in rows if not row[-1].isdigit()]:
        raise UserError(f"the class {unknown[0]!r} is not an integer", where=str(path))
    codes, labels = np.unique([int(row[-1]) for row in rows], return_inverse=True)
    return labels.astype(np.int64), tuple(str(code) for code in codes)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _arrays(x: NDArray[np.float32], y: NDArray[np.int64], class_names: tuple[str, ...]) -> Arrays:
    return Arrays({"x": x, "y": y}, class_names)


_HOST = "https://archive.ics.uci.edu"

_FILES = {  # path in a mirror folder: size, sha256
    "uci/iris/iris.data": (4_551, "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"),
    "uci/abalone/abalone.data": (191_873, "de37cdcdcaaa50c309d514f248f7c2302a5f1f88c168905eba23fe2fbc78449f"),
    "uci/arcene/arcene_train.data": (2_715_482, "c150722504764b89be541a2166a4ad23b327811a390134455f1648968d2d658b"),
    "uci/arcene/arcene_train.labels": (256, "434bb813ff7e69d182eeed347f77bd4981917d6233efedd01b5f6d916c282fbe"),
    "uci/arcene/arcene_valid.data": (2_723_110, "7f8792b3cfb083c3b722e31b37a0c40604506bdece1d2db621e00d862da1c549"),
    "uci/arcene/arcene_valid.labels": (256, "b591228155de082dd39b2e85b12b75a55bd8ca057b7e1c0d7f54683d0a594fc3"),
    "uci/arrhythmia/arrhythmia.data": (402_355, "a7f0f4ca289a4c58b5ed85a9adb793189acd38425828ce3dfbb70adb45f30169"),
    "uci/htru2/HTRU_2.csv": (1_748_120, "7142713a62e0544e40c085b85395c2ec501122d05f6f9957dcb26ce30e3cdbf7"),
    "uci/website-phishing/PhishingData.arff": (
        33_635,
        "ec1c4594cb152e99bd0820855b19eff78a367d623ac5e7f419e6ba3c47dd2432",
    ),
}

_SAME_FILE = "A file is verified by the sha256 of the publisher's file."

_OTHER_BYTES = (
    "A file from a mirror is verified by the sha256 of a known copy. The sha256 of the publisher's file is not known: "
    "a file with other bytes is accepted from the publisher if it has the stated numbers of columns and of rows of "
    "each class, and the manifest then says `checked: structure`."
)


def _describe(
    builder: Builder,
    name: str,
    title: str,
    number: int,
    *,
    classes: int,
    size: Size,
    citation: str,
    note: str,
    structure: Structure | None = None,
    others: tuple[Version, ...] = (),
) -> Dataset:
    archive = title.lower().replace(" ", "+")
    files = tuple(
        File(path.rpartition("/")[2], sha256=sha256, size=size, mirror_path=path)
        for path, (size, sha256) in _FILES.items()
        if path.startswith(f"uci/{name}/")
    )
    uci = Version(
        "uci",
        builder,
        files,
        File(f"{archive}.zip", url=f"{_HOST}/static/public/{number}/{archive}.zip"),
        structure=structure,
        note=f"{note} {_OTHER_BYTES if structure else _SAME_FILE}",
    )
    homepage = f"{_HOST}/dataset/{number}/{archive}"
    return Dataset(name, title, "tabular", classes, versions(uci, *others), "CC BY 4.0", citation, homepage, size)


DATASETS = (
    _describe(
        iris,
        "iris",
        "Iris",
        53,
        classes=3,
        size=Size((4,), 150),
        citation="fisher1936use",
        note="150 rows, 50 of each class. Rows 35 and 38 differ from Fisher's article (see version scikit-learn).",
        others=(
            Version(
                "scikit-learn",
                scikit_learn.iris,
                embedded=True,
                note="The copy in scikit-learn. It differs from the repository's file in two rows (three values), "
                "where it follows Fisher's article: row 35 is 4.9, 3.1, 1.5, 0.2 and row 38 is 4.9, 3.6, 1.4, 0.1 (the "
                "repository has 4.9, 3.1, 1.5, 0.1 for both). The other 148 rows are equal.",
            ),
        ),
    ),
    _describe(
        abalone,
        "abalone",
        "Abalone",
        1,
        classes=28,
        size=Size((10,), 4_177),
        citation="nash1994population",
        note="4,177 rows. Features: sex as one-hot F, I, M, then the seven measurements. Classes: the 28 numbers of "
        "rings that occur (1 to 27, and 29), each a class of its own; five of them have a single row.",
    ),
    _describe(
        arcene,
        "arcene",
        "Arcene",
        167,
        classes=2,
        size=Size((10_000,), 200),
        citation="guyon2004result",
        structure=Structure(10_000, (112, 88)),
        note="The challenge's training and validation parts in that order, 100 + 100 rows of 10,000 features (its test "
        "labels were never published). Class 0 is the file's -1, class 1 its 1.",
    ),
    _describe(
        arrhythmia,
        "arrhythmia",
        "Arrhythmia",
        5,
        classes=13,
        size=Size((279,), 452),
        citation="guvenir1997supervised",
        note="452 rows, 279 features as in the file (nominal ones are 0 or 1); 408 values are missing, "
        "376 of them in the 14th feature. Classes: the 13 codes of 1 to 16 that occur (11, 12 and 13 do not).",
    ),
    _describe(
        htru2,
        "htru2",
        "HTRU2",
        372,
        classes=2,
        size=Size((8,), 17_898),
        citation="lyon2016fifty",
        structure=Structure(8, (16_259, 1_639)),
        note="17,898 rows, read with or without a header row (the mirror's copy has one, the original none).",
    ),
    _describe(
        website_phishing,
        "website-phishing",
        "Website Phishing",
        379,
        classes=3,
        size=Size((9,), 1_353),
        citation="abdelhamid2014phishing",
        structure=Structure(9, (702, 103, 548)),
        note="1,353 rows. The nine features stay the numbers of the file and are not one-hot: the publisher describes "
        "them as grades (-1 phishy, 0 suspicious, 1 legitimate), so they are ordered. The classes are the same grades, "
        "in that order.",
    ),
)
