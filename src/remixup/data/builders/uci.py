"""The tables of the UCI repository, each in the format of its own file.

Every function gives `x` (n, F) float32 as it stands in the file, neither scaled nor split, and `y` (n,) int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material
from remixup.errors import UserError


def iris(material: Material) -> Built:
    """Four lengths in cm; classes setosa, versicolor, virginica."""
    species = ("setosa", "versicolor", "virginica")
    path = material.files["iris.data"]
    rows = _rows(path, 5)
    return _built(_numbers(path, rows, slice(4)), _codes(path, rows, -1, [f"Iris-{name}" for name in species]), species)


def abalone(material: Material) -> Built:
    """Sex as one-hot F, I, M, then seven measurements; the class is the rank of the ring count that occurs."""
    path = material.files["abalone.data"]
    rows = _rows(path, 9)
    sex = np.eye(3, dtype=np.float32)[_codes(path, rows, 0, ["F", "I", "M"])]
    labels, names = _ranked(path, rows)
    return _built(np.concatenate([sex, _numbers(path, rows, slice(1, 8))], axis=1), labels, names)


def arcene(material: Material) -> Built:
    """10,000 abundances in the training and then the validation part; the file's -1 is class 0, its 1 class 1."""
    x, y = [], []
    for part in ("train", "valid"):
        path = material.files[f"arcene_{part}.data"]
        x.append(_numbers(path, _rows(path, 10_000, None), slice(None)))
        path = material.files[f"arcene_{part}.labels"]
        y.append(_codes(path, _rows(path, 1, None), 0, ["-1", "1"]))
    return _built(np.concatenate(x), np.concatenate(y), ("-1", "1"))


def arrhythmia(material: Material) -> Built:
    """279 features of electrocardiograms, missing ones NaN; the class is the rank of the code that occurs."""
    path = material.files["arrhythmia.data"]
    rows = _rows(path, 280)
    labels, names = _ranked(path, rows)
    return _built(_numbers(path, rows, slice(279), missing="?"), labels, names)


def htru2(material: Material) -> Built:
    """Eight statistics of pulsar candidates, the file with or without a header row; class 1 is a pulsar."""
    path = material.files["HTRU_2.csv"]
    rows = _rows(path, 9)
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]
    return _built(_numbers(path, rows, slice(8)), _codes(path, rows, -1, ["0", "1"]), ("noise", "pulsar"))


def website_phishing(material: Material) -> Built:
    """Nine grades -1, 0 or 1 as numbers; classes phishy (-1), suspicious (0), legitimate (1)."""
    path = material.files["PhishingData.arff"]
    rows = _rows(path, 10)
    return _built(
        _numbers(path, rows, slice(9)), _codes(path, rows, -1, ["-1", "0", "1"]), ("phishy", "suspicious", "legitimate")
    )


def _rows(path: Path, columns: int, separator: str | None = ",") -> list[list[str]]:
    """The fields of each row; empty lines and what an ARFF file says before its data are left out."""
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
        raise UserError(f"it holds something that is no number: {error}", where=str(path)) from error


def _codes(path: Path, rows: list[list[str]], column: int, names: Sequence[str]) -> NDArray[np.int64]:
    """The place among `names` of each row's entry in a column."""
    places = {name: place for place, name in enumerate(names)}
    if strange := {row[column] for row in rows} - set(places):
        raise UserError(f"{sorted(strange)[0]!r} is none of {', '.join(names)}", where=str(path))
    return np.array([places[row[column]] for row in rows], np.int64)


def _ranked(path: Path, rows: list[list[str]]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Integer codes of the last column as classes 0..C-1 in their order, and the codes as names."""
    if strange := [row[-1] for row in rows if not row[-1].isdigit()]:
        raise UserError(f"the class {strange[0]!r} is no whole number", where=str(path))
    codes, labels = np.unique([int(row[-1]) for row in rows], return_inverse=True)
    return labels.astype(np.int64), tuple(str(code) for code in codes)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _built(x: NDArray[np.float32], y: NDArray[np.int64], class_names: tuple[str, ...]) -> Built:
    return Built({"x": x, "y": y}, class_names)
