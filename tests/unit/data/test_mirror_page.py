"""The page on mirrors names each file of each dataset."""

import importlib.util
from pathlib import Path

import pytest

from remixup.data.catalog.descriptor import File, Folder, Version

PAGE = Path("docs/mirrors.md")


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("list_mirrors", PAGE.with_name("list_mirrors.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator):
    text = PAGE.read_text(encoding="utf-8")
    assert generator.page(text) == text, "run `make schema`"
    assert "| svhn | cropped | `svhn/`: `train_32x32.mat`, `test_32x32.mat` |" in text


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"files": (File("a.csv", mirror_path="a.csv"),)}, "`a.csv`"),
        (
            {
                "files": (File("a", mirror_path="x/a", elsewhere="y/a"), File("b", mirror_path="x/b")),
                "archive": File("x.zip", mirror_path="x.zip"),
            },
            "`x/`: `a`, `b` or `x.zip`",
        ),
        ({"folder": Folder("photos")}, "`photos/`"),
    ],
)
def test_paths(generator, given, named):
    assert generator.paths(Version("one", lambda raw: raw, **given)) == named
