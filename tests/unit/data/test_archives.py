from __future__ import annotations

import io
import os
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from remixup.data.builders.archives import BadContentError, decompress, unpack


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


@pytest.fixture(params=[tar_of, zip_of, "without filters"])
def pack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A function that packs members; also where Python is older than 3.11.4 and has no filters of tar archives."""
    if request.param != "without filters":
        return request.param
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    extract_all = tarfile.TarFile.extractall
    monkeypatch.setattr(tarfile.TarFile, "extractall", lambda self, path: extract_all(self, path))
    return tar_of


def test_members_keep_their_paths(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    members = [("./top/in/x", b"ex" * 9), ("top/y", b"why"), ("z", b"zed")]
    unpack(pack(tmp_path / "a", *members), tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    found = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in files}
    assert found == {"top/in/x": b"ex" * 9, "top/y": b"why", "z": b"zed"}


@pytest.mark.parametrize("path", ["../evil", "/evil", "a/../../evil"])
def test_no_member_is_written_outside_the_folder(tmp_path: Path, pack, path: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "deep" / "out"
    with suppress(BadContentError):
        unpack(pack(tmp_path / "a", (path, b"evil")), folder)
    assert all(found.is_relative_to(folder) for found in tmp_path.rglob("evil"))
    assert not Path("/evil").exists()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    with suppress(BadContentError):
        unpack(pack(tmp_path / "a", ("x.data", None)), tmp_path / "out")
    assert not (tmp_path / "out" / "x.data").is_symlink()


@pytest.mark.parametrize("cut", [200, -200])
def test_a_truncated_archive_is_refused(tmp_path: Path, pack, cut: int) -> None:  # type: ignore[no-untyped-def]
    archive = pack(tmp_path / "a", ("x.data", os.urandom(5000)))
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(BadContentError, match="cannot be read to its end"):
        unpack(archive, tmp_path / "out")


def test_a_flipped_byte_in_a_zip_is_found_by_its_checksum(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("x.data", b"a" * 100)
    archive.write_bytes(archive.read_bytes().replace(b"aaaa", b"aaba", 1))
    with pytest.raises(BadContentError, match="CRC"):
        unpack(archive, tmp_path / "out")


def test_something_that_is_no_gzip(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(b"<html>sorry</html>")
    with pytest.raises(BadContentError, match="cannot be read to its end"):
        decompress(tmp_path / "x.gz", tmp_path / "x")
