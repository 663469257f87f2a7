"""Tables of the UCI repository: the six of the mixup article (1710.09412, Table 4) and two others.

Every builder returns `x` (n, F) float32 as in the file, neither scaled nor split, and `y` (n,) int64.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from remixup.data.builders import scikit_learn
from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, File, Origin, RawFiles, Size, Version, versions

if TYPE_CHECKING:
    import pandas as pd


def iris(raw: RawFiles) -> Arrays:
    """Read four lengths in cm; classes setosa, versicolor, virginica."""
    table = _read(raw.files["iris.data"])
    return _arrays(table.iloc[:, :4], table[4].str.removeprefix("Iris-"), ("setosa", "versicolor", "virginica"))


def abalone(raw: RawFiles) -> Arrays:
    """Read sex as one-hot F, I, M, then seven measurements; the class is the rank of the ring count."""
    table = _read(raw.files["abalone.data"])
    sex = np.array(table[[0]]) == np.array(["F", "I", "M"])
    return _ranked(np.concatenate([sex, table.iloc[:, 1:8]], axis=1), table[8])


def arcene(raw: RawFiles) -> Arrays:
    """Read 10,000 abundances, the published training and then the validation part; -1 becomes class 0, 1 class 1."""
    x, y = (
        np.concatenate([_read(raw.files[f"arcene_{part}.{kind}"], sep=r"\s+") for part in ("train", "valid")])
        for kind in ("data", "labels")
    )
    return _arrays(x, y.ravel(), (-1, 1))


def arrhythmia(raw: RawFiles) -> Arrays:
    """Read 279 features of electrocardiograms, missing values NaN; the class is the rank of the code."""
    table = _read(raw.files["arrhythmia.data"], na_values="?")
    return _ranked(table.iloc[:, :279], table[279])


def htru2(raw: RawFiles) -> Arrays:
    """Read eight statistics of pulsar candidates, with or without a header row; class 1 is a pulsar."""
    path = raw.files["HTRU_2.csv"]
    header = path.read_bytes()[:1].isalpha()
    table = _read(path, skiprows=int(header))
    return _arrays(table.iloc[:, :8], table[8], (0, 1), ("noise", "pulsar"))


def website_phishing(raw: RawFiles) -> Arrays:
    """Read nine grades -1, 0 or 1 as numbers; classes phishy (-1), suspicious (0), legitimate (1)."""
    path = raw.files["PhishingData.arff"]
    header = path.read_text(encoding="ascii", errors="replace").lower().splitlines().index("@data") + 1
    table = _read(path, skiprows=header)
    return _arrays(table.iloc[:, :9], table[9], (-1, 0, 1), ("phishy", "suspicious", "legitimate"))


def _read(path: Path, **options: Any) -> "pd.DataFrame":
    """Return a table without column names; the default options are those of a CSV file."""
    import pandas as pd

    table: pd.DataFrame = pd.read_csv(path, header=None, **options)
    return table


def _arrays(x: Any, y: Any, values: Sequence[Any], class_names: Sequence[str] = ()) -> Arrays:
    """Return features and the position in `values` of each label; the names of the classes default to the values."""
    labels = np.array([values.index(label) for label in y], np.int64)
    return Arrays({"x": np.asarray(x, np.float32), "y": labels}, tuple(class_names or map(str, values)))


def _ranked(x: Any, y: Any) -> Arrays:
    """Return features and the rank of each integer label among those that occur."""
    return _arrays(x, y, sorted(set(y)))


_HOST = "https://archive.ics.uci.edu"

_SHA256 = {  # by the path in a mirror folder
    "uci/iris/iris.data": "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0",
    "uci/abalone/abalone.data": "de37cdcdcaaa50c309d514f248f7c2302a5f1f88c168905eba23fe2fbc78449f",
    "uci/arcene/arcene_train.data": "c150722504764b89be541a2166a4ad23b327811a390134455f1648968d2d658b",
    "uci/arcene/arcene_train.labels": "434bb813ff7e69d182eeed347f77bd4981917d6233efedd01b5f6d916c282fbe",
    "uci/arcene/arcene_valid.data": "7f8792b3cfb083c3b722e31b37a0c40604506bdece1d2db621e00d862da1c549",
    "uci/arcene/arcene_valid.labels": "b591228155de082dd39b2e85b12b75a55bd8ca057b7e1c0d7f54683d0a594fc3",
    "uci/arrhythmia/arrhythmia.data": "a7f0f4ca289a4c58b5ed85a9adb793189acd38425828ce3dfbb70adb45f30169",
    "uci/htru2/HTRU_2.csv": "7142713a62e0544e40c085b85395c2ec501122d05f6f9957dcb26ce30e3cdbf7",
    "uci/website-phishing/PhishingData.arff": "ec1c4594cb152e99bd0820855b19eff78a367d623ac5e7f419e6ba3c47dd2432",
}

_SAME_FILE = "A file is verified by the sha256 of the publisher's file."

_OTHER_BYTES = (
    "A file from a mirror is verified by the sha256 of a known copy. The sha256 of the publisher's file is not known: "
    "a file with other bytes is accepted from the publisher if it has the stated numbers of columns and of rows of "
    "each class, and the manifest then says `checked: structure`."
)


def _describe(
    builder: Builder,
    title: str,
    number: int,
    *,
    classes: int,
    size: Size,
    citation: str,
    note: str,
    counts: tuple[int, ...] = (),
    others: tuple[Version, ...] = (),
) -> Dataset:
    name, archive = builder.__name__.replace("_", "-"), title.lower().replace(" ", "+")
    files = tuple(
        File(path.rpartition("/")[2], sha256=sha256, mirror_path=path)
        for path, sha256 in _SHA256.items()
        if path.startswith(f"uci/{name}/")
    )
    uci = Version(
        "uci",
        builder,
        files,
        File(f"{archive}.zip", url=f"{_HOST}/static/public/{number}/{archive}.zip"),
        counts=counts,
        note=f"{note} {_OTHER_BYTES if counts else _SAME_FILE}",
    )
    homepage = f"{_HOST}/dataset/{number}/{archive}"
    origin = Origin(citation, homepage, "CC BY 4.0")
    return Dataset(name, title, "tabular", classes, versions(uci, *others), size, origin)


DATASETS = (
    _describe(
        iris,
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
                note="The copy in scikit-learn. It differs from the repository's file in two rows (three values), "
                "where it follows Fisher's article: row 35 is 4.9, 3.1, 1.5, 0.2 and row 38 is 4.9, 3.6, 1.4, 0.1 (the "
                "repository has 4.9, 3.1, 1.5, 0.1 for both). The other 148 rows are equal.",
            ),
        ),
    ),
    _describe(
        abalone,
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
        "Arcene",
        167,
        classes=2,
        size=Size((10_000,), 200),
        citation="guyon2004result",
        counts=(112, 88),
        note="The challenge's training and validation parts in that order, 100 + 100 rows of 10,000 features (its test "
        "labels were never published). Class 0 is the file's -1, class 1 its 1.",
    ),
    _describe(
        arrhythmia,
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
        "HTRU2",
        372,
        classes=2,
        size=Size((8,), 17_898),
        citation="lyon2016fifty",
        counts=(16_259, 1_639),
        note="17,898 rows, read with or without a header row (the mirror's copy has one, the original none).",
    ),
    _describe(
        website_phishing,
        "Website Phishing",
        379,
        classes=3,
        size=Size((9,), 1_353),
        citation="abdelhamid2014phishing",
        counts=(702, 103, 548),
        note="1,353 rows. The nine features stay the numbers of the file and are not one-hot: the publisher describes "
        "them as grades (-1 phishy, 0 suspicious, 1 legitimate), so they are ordered. The classes are the same grades, "
        "in that order.",
    ),
)
