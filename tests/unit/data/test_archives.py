from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from remixup.data.builders.archives import BadContentError, decompress, extract, extract_folder


def tar_of(path: Path, *members: tuple[str, bytes | None]) -> Path:
    """A tar.gz; a member without content is a symbolic link to /etc/passwd."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def zip_of(path: Path, *members: tuple[str, bytes | None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if content is None else 0o100644) << 16
            packed.writestr(info, b"/etc/passwd" if content is None else content)
    return path


@pytest.fixture(params=[tar_of, zip_of])
def pack(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    return request.param


def test_wanted_members_are_written_whatever_folder_they_are_in(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    archive = pack(tmp_path / "a", ("deep/er/x.data", b"ex" * 9), ("y.data", b"why"), ("deep/z.data", b"not asked"))
    extract(archive, ["x.data", "y.data"], tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in os.listdir(tmp_path / "out")} == {
        "x.data": b"ex" * 9,
        "y.data": b"why",
    }


@pytest.mark.parametrize("path", ["../x.data", "/x.data", "a/../../x.data", "..\\x.data", "C:\\x.data"])
def test_a_member_that_climbs_out_is_refused(tmp_path: Path, pack, path: str) -> None:  # type: ignore[no-untyped-def]
    archive = pack(tmp_path / "a", (path, b"evil"), ("x.data", b"good"))
    with pytest.raises(BadContentError, match="leads out of the archive"):
        extract(archive, ["x.data"], tmp_path / "deep" / "out")
    assert os.listdir(tmp_path / "deep" / "out") == []
    assert not (tmp_path / "deep" / "x.data").exists()


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([("x.data", None)], "is not a plain file"),
        ([("a/x.data", b"1"), ("b/x.data", b"2")], "several called x.data"),
        ([("y.data", b"1")], "it holds no x.data"),
    ],
)
def test_a_member_that_is_no_file_or_twice_there_or_not_there(tmp_path: Path, pack, members, problem) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadContentError, match=problem):
        extract(pack(tmp_path / "a", *members), ["x.data"], tmp_path / "out")


@pytest.mark.parametrize("cut", [200, -200])
def test_a_cut_archive(tmp_path: Path, pack, cut: int) -> None:  # type: ignore[no-untyped-def]
    archive = pack(tmp_path / "a", ("x.data", os.urandom(5000)))
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(BadContentError, match="cannot be read to its end"):
        extract(archive, ["x.data"], tmp_path / "out")


def test_a_flipped_byte_in_a_zip_is_found_by_its_own_check_sum(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("x.data", b"a" * 100)
    archive.write_bytes(archive.read_bytes().replace(b"aaaa", b"aaba", 1))
    with pytest.raises(BadContentError, match="CRC"):
        extract(archive, ["x.data"], tmp_path / "out")


def test_a_whole_folder_keeps_its_layout(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    members = [("top/in/a/x", b"1"), ("top/in/b/x", b"22"), ("top/in/y", b"3"), ("top/inside/z", b"4"), ("w", b"5")]
    archive = pack(tmp_path / "a", *members)

    def extracted(within: str, folder: Path) -> dict[str, bytes]:
        extract_folder(archive, within, folder)
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert extracted("top/in", tmp_path / "in") == {"a/x": b"1", "b/x": b"22", "y": b"3"}
    assert extracted("", tmp_path / "all") == dict(members)


def test_a_tar_of_the_current_folder(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a", ("./bed/x", b"1"), ("./list", b"2"))
    extract_folder(archive, "", tmp_path / "out")
    assert (tmp_path / "out" / "bed" / "x").read_bytes() == b"1"
    assert (tmp_path / "out" / "list").read_bytes() == b"2"


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([("in/x", b"1"), ("in/../../evil", b"2")], "leads out of the archive"),
        ([("in/x", b"1"), ("/evil", b"2")], "leads out of the archive"),
        ([("in/x", None)], "'in/x' is not a plain file"),
        ([("in/x", b"1"), ("in/./x", b"2")], "'in/./x' is there twice"),
        ([("inside/x", b"1")], "it has no files in in"),
    ],
)
def test_a_folder_with_something_wrong_in_it(tmp_path: Path, pack, members, problem) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadContentError, match=problem):
        extract_folder(pack(tmp_path / "a", *members), "in", tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("evil"))


def test_a_cut_archive_of_a_folder(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    archive = pack(tmp_path / "a", ("in/x", os.urandom(5000)))
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(BadContentError, match="cannot be read to its end"):
        extract_folder(archive, "in", tmp_path / "out")


def test_something_that_is_no_gzip(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(b"<html>sorry</html>")
    with pytest.raises(BadContentError, match="cannot be read to its end"):
        decompress(tmp_path / "x.gz", tmp_path / "x")
