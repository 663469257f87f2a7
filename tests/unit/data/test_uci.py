"""Made-up rows in each publisher's format; what comes out is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import uci
from remixup.data.catalog.descriptor import Arrays, RawFiles


@pytest.fixture
def read(tmp_path: Path):  # type: ignore[no-untyped-def]
    def read(builder, **files: str) -> Arrays:  # type: ignore[no-untyped-def]
        paths = {}
        for key, content in files.items():
            name = key.replace("__", ".")
            paths[name] = tmp_path / name
            paths[name].write_text(content, newline="")
        return builder(RawFiles(paths, tmp_path, tmp_path))

    return read


def test_iris(read) -> None:  # type: ignore[no-untyped-def]
    content = "5.1,3.5,1.4,0.2,Iris-setosa\n6.3,3.3,6.0,2.5,Iris-virginica\n7,3.2,4.7,1.4,Iris-versicolor\n\n"
    built = read(uci.iris, iris__data=content)
    assert (
        built.tensors["x"].tolist()
        == np.float32([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5], [7, 3.2, 4.7, 1.4]]).tolist()
    )
    assert built.tensors["x"].dtype == np.float32
    assert built.tensors["y"].tolist() == [0, 2, 1]
    assert built.tensors["y"].dtype == np.int64
    assert built.class_names == ("setosa", "versicolor", "virginica")


def test_abalone_codes_sex_and_ranks_rings(read) -> None:  # type: ignore[no-untyped-def]
    content = "M,1,2,3,4,5,6,7,15\nF,.5,.25,0,0,0,0,0.125,7\nI,0,0,0,0,0,0,1,29\nF,0,0,0,0,0,0,2,15\n"
    built = read(uci.abalone, abalone__data=content)
    assert built.tensors["x"].tolist() == [
        [0, 0, 1, 1, 2, 3, 4, 5, 6, 7],
        [1, 0, 0, 0.5, 0.25, 0, 0, 0, 0, 0.125],
        [0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    ]
    assert built.tensors["y"].tolist() == [1, 0, 2, 1]
    assert built.class_names == ("7", "15", "29")


def test_arcene_joins_training_and_validation(read) -> None:  # type: ignore[no-untyped-def]
    def row(first: int, last: int) -> str:
        return f"{first} {'0 ' * 9_998}{last} \n"

    files = {
        "arcene_train__data": row(5, 999) + row(1, 2),
        "arcene_train__labels": "1\n-1\n",
        "arcene_valid__data": row(7, 8),
        "arcene_valid__labels": "1\n",
    }
    built = read(uci.arcene, **files)
    assert built.tensors["x"].shape == (3, 10_000)
    assert built.tensors["x"][:, [0, 1, -1]].tolist() == [[5, 0, 999], [1, 0, 2], [7, 0, 8]]
    assert built.tensors["y"].tolist() == [1, 0, 1]


def test_missing_values_of_arrhythmia_are_nan(read) -> None:  # type: ignore[no-untyped-def]
    def row(start: str, code: int) -> str:
        return f"{start}{',.5' * 276},{code}\n"

    built = read(uci.arrhythmia, arrhythmia__data=row("75,0,?", 8) + row("-6,1,.0", 16) + row("1,1,1", 1))
    x = built.tensors["x"]
    assert x.shape == (3, 279)
    assert np.isnan(x).nonzero() == (0, 2)
    assert x[0, :2].tolist() == [75, 0]
    assert x[1, :4].tolist() == [-6, 1, 0, 0.5]
    assert built.tensors["y"].tolist() == [1, 2, 0]
    assert built.class_names == ("1", "8", "16")


@pytest.mark.parametrize("header", ["", "profile_mean,b,c,d,e,f,g,h,class\r\n"])
def test_htru2_with_and_without_a_header(read, header: str) -> None:  # type: ignore[no-untyped-def]
    content = header + "140.5625,55.6,-0.2,-0.6,3.1,19.1,9.80E-05,74.2,0\r\n99,1,1,1,1,1,1,1,1"
    built = read(uci.htru2, HTRU_2__csv=content)
    assert built.tensors["x"].shape == (2, 8)
    assert built.tensors["x"][0, [0, 6]].tolist() == np.float32([140.5625, 9.8e-5]).tolist()
    assert built.tensors["y"].tolist() == [0, 1]


def test_website_phishing_keeps_grades_as_numbers(read) -> None:  # type: ignore[no-untyped-def]
    content = (
        "@relation 'Phishing, of a kind'\n\n@attribute SFH {1,-1,0}\n@attribute Result {0,1,-1}\n\n@data\r\n"
        "1,-1,1,-1,-1,1,1,1,0,0\r\n-1,0,0,0,0,0,0,0,1,1\r\n0,0,0,0,0,0,0,0,0,-1\r\n"
    )
    built = read(uci.website_phishing, PhishingData__arff=content)
    assert built.tensors["x"].tolist() == [[1, -1, 1, -1, -1, 1, 1, 1, 0], [-1, *[0] * 7, 1], [0] * 9]
    assert built.tensors["y"].tolist() == [1, 2, 0]
    assert built.class_names == ("phishy", "suspicious", "legitimate")
