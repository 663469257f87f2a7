"""Tables of the UCI repository: the six on which the mixup article trains (1710.09412, Table 4), and two others."""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, File, Size, Structure, Version, versions

_HOST = "https://archive.ics.uci.edu"

# Size and sha256 of each file, by its place in a mirror folder.
_FILES = {
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

_SAME_FILE = "A file is accepted by its sha256, which is that of the publisher's file."
_OTHER_BYTES = (
    "A file from a mirror is accepted by the sha256 of the copy that was at hand. The sha256 of the publisher's own "
    "file is not known: one with other bytes is accepted from there if it has as many columns, and as many rows of "
    "each class, as the publisher states; the manifest then says `checked: structure`."
)


def _table(
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
        f"builders.uci.{name.replace('-', '_')}",
        files,
        File(f"{archive}.zip", url=f"{_HOST}/static/public/{number}/{archive}.zip"),
        structure=structure,
        note=f"{note} {_OTHER_BYTES if structure else _SAME_FILE}",
    )
    homepage = f"{_HOST}/dataset/{number}/{archive}"
    return Dataset(name, title, "tabular", classes, versions(uci, *others), "CC BY 4.0", citation, homepage, size)


def _from_scikit_learn(
    name: str, title: str, number: int, *, classes: int, size: Size, citation: str, note: str
) -> Dataset:
    """A table of the repository that is read from its copy in scikit-learn."""
    builder = f"builders.scikit_learn.{name.replace('-', '_')}"
    version = Version("scikit-learn", builder, embedded=True, note=f"{note} The copy in scikit-learn.")
    homepage = f"{_HOST}/dataset/{number}"
    return Dataset(name, title, "tabular", classes, versions(version), "CC BY 4.0", citation, homepage, size)


TABLES = (
    _table(
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
                "builders.scikit_learn.iris",
                embedded=True,
                note="The copy in scikit-learn. It differs from the repository's file in two rows (three values), "
                "where it follows Fisher's article: row 35 is 4.9, 3.1, 1.5, 0.2 and row 38 is 4.9, 3.6, 1.4, 0.1 (the "
                "repository has 4.9, 3.1, 1.5, 0.1 for both). The other 148 rows are equal.",
            ),
        ),
    ),
    _from_scikit_learn(
        "wine",
        "Wine",
        109,
        classes=3,
        size=Size((13,), 178),
        citation="aeberhard1991wine",
        note="178 rows: 59, 71 and 48 of three cultivars.",
    ),
    _from_scikit_learn(
        "breast-cancer",
        "Breast Cancer Wisconsin (Diagnostic)",
        17,
        classes=2,
        size=Size((30,), 569),
        citation="street1993nuclear",
        note="569 rows: 212 malignant, 357 benign.",
    ),
    _table(
        "abalone",
        "Abalone",
        1,
        classes=28,
        size=Size((10,), 4_177),
        citation="nash1994population",
        note="4,177 rows. Features: sex as one-hot F, I, M, then the seven measurements. Classes: the 28 numbers of "
        "rings that occur (1 to 27, and 29), each a class of its own; five of them have a single row.",
    ),
    _table(
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
    _table(
        "arrhythmia",
        "Arrhythmia",
        5,
        classes=13,
        size=Size((279,), 452),
        citation="guvenir1997supervised",
        note="452 rows, 279 features as they stand (the nominal ones are 0 or 1 in the file); 408 values are missing, "
        "376 of them in the 14th feature. Classes: the 13 codes of 1 to 16 that occur (11, 12 and 13 do not).",
    ),
    _table(
        "htru2",
        "HTRU2",
        372,
        classes=2,
        size=Size((8,), 17_898),
        citation="lyon2016fifty",
        structure=Structure(8, (16_259, 1_639)),
        note="17,898 rows, read with or without a header row (the mirror's copy has one, the original none).",
    ),
    _table(
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
