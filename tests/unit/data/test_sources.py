"""Files from a mirror or a publisher, and the errors when they are missing or wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from remixup.data import prepare
from remixup.data.builders import uci
from remixup.data.catalog.descriptor import File, Version
from remixup.errors import UserError
from tests.unit.data.conftest import PULSARS, Enter, Publisher, pulsars


def packed(content: str = PULSARS, member: str = "HTRU2/HTRU_2.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("HTRU2/Readme.txt", "about")
    return buffer.getvalue()


def rows(manifest: Path) -> list[list[float]]:
    tensors = load_file(manifest.parent / "tensors.safetensors")
    return np.column_stack([tensors["x"], tensors["y"]]).tolist()


def test_a_mirror_is_read_in_place(enter: Enter, mirror: Path, tmp_path: Path) -> None:
    enter()
    manifest = prepare("toy", folder=tmp_path / "data", mirror=mirror)
    assert rows(manifest) == [
        [1.5, 2, 3, 4, 5, 6, 7, 8, 0],
        [10, 20, 30, 40, 50, 60, 70, 80.25, 1],
        [-1, -2, -3, -4, -5, -6, -7, -8, 0],
    ]
    said = json.loads(manifest.read_text())["sources"]
    assert said == [{"file": "HTRU_2.csv", "sha256": hashlib.sha256(PULSARS.encode()).hexdigest(), "checked": "sha256"}]
    assert not (tmp_path / "data" / "raw").exists()


def test_a_flipped_byte_in_a_mirror(enter: Enter, mirror: Path, tmp_path: Path) -> None:
    enter()
    file = mirror / "toy" / "HTRU_2.csv"
    file.write_text(PULSARS.replace("80.25", "80.26"))
    actual = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=rf"this is not the HTRU_2.csv of toy: its sha256 is {actual}, not") as raised:
        prepare("toy", folder=tmp_path / "data", mirror=mirror)
    assert raised.value.where == str(file)
    assert list((tmp_path / "data" / "prepared").glob("[!.]*")) == []


def test_a_known_structure_does_not_excuse_a_mirror(enter: Enter, mirror: Path, tmp_path: Path) -> None:
    enter(pulsars(counts=(2, 1)))
    (mirror / "toy" / "HTRU_2.csv").write_text(PULSARS.replace("80.25", "80.26"))
    with pytest.raises(UserError, match=r"this is not the HTRU_2\.csv of toy"):
        prepare("toy", folder=tmp_path / "data", mirror=mirror)


def test_a_mirror_with_another_version_only(enter: Enter, mirror: Path, tmp_path: Path) -> None:
    enter(pulsars(), pulsars("two", mirror_path="elsewhere/two.csv"))
    with pytest.raises(UserError, match=r"has no elsewhere/two\.csv for toy \(two\) \(it has version 'one', or"):
        prepare("toy", "two", folder=tmp_path / "data", mirror=mirror)


def test_a_mirror_that_lacks_one_of_two_files(enter: Enter, mirror: Path, tmp_path: Path) -> None:
    one = pulsars().files[0]
    enter(Version("one", uci.htru2, (one, File("b.csv", sha256="0" * 64, mirror_path="toy/b.csv"))))
    with pytest.raises(UserError, match=r"the mirror lacks b\.csv of toy") as raised:
        prepare("toy", folder=tmp_path / "data", mirror=mirror, download=True)
    assert raised.value.where == str(mirror / "toy" / "b.csv")


def test_no_mirror_and_no_leave_to_download(enter: Enter, tmp_path: Path) -> None:
    enter(pulsars(url="http://127.0.0.1:1/HTRU_2.csv"))
    with pytest.raises(UserError) as raised:
        prepare("toy", folder=tmp_path / "data")
    assert str(raised.value) == (
        "data.mirror in config.yaml, or REMIXUP_MIRROR: there is no mirror folder, and downloading the files of toy "
        "(one) is not allowed (point it to a folder that contains toy/HTRU_2.csv, or set `data.download: true` to "
        "download from the publisher)"
    )


def test_a_mirror_folder_that_is_not_there(enter: Enter, tmp_path: Path) -> None:
    enter()
    with pytest.raises(UserError, match=r"the folder .* does not exist") as raised:
        prepare("toy", folder=tmp_path / "data", mirror=tmp_path / "nowhere")
    assert raised.value.where is not None
    assert "REMIXUP_MIRROR" in raised.value.where


def test_an_archive_in_a_mirror_replaces_its_files(enter: Enter, tmp_path: Path) -> None:
    content = packed()
    archive = File("toy.zip", md5=hashlib.md5(content).hexdigest(), mirror_path="toy.zip")
    enter(Version("one", uci.htru2, (File("HTRU_2.csv"),), archive))
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "toy.zip").write_bytes(content)
    manifest = prepare("toy", folder=tmp_path / "data", mirror=mirror)
    assert rows(manifest)[1] == [10, 20, 30, 40, 50, 60, 70, 80.25, 1]
    assert json.loads(manifest.read_text())["sources"][0]["checked"] == "archive"


def test_a_download_is_stored_and_not_repeated(enter: Enter, publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["toy.zip"] = packed()
    enter(pulsars(archive=File("toy.zip", url=f"{publisher.url}/toy.zip")))
    manifest = prepare("toy", folder=tmp_path, download=True)
    first = manifest.read_bytes()
    assert (tmp_path / "raw" / "toy-one" / "toy.zip").is_file()
    (manifest.parent / "tensors.safetensors").unlink()
    assert prepare("toy", folder=tmp_path, download=True).read_bytes() == first
    assert publisher.asked == [None]


def test_mirror_and_publisher_give_the_same_manifest(
    enter: Enter, publisher: Publisher, mirror: Path, tmp_path: Path
) -> None:
    publisher.files["toy.zip"] = packed()
    enter(pulsars(archive=File("toy.zip", url=f"{publisher.url}/toy.zip")))
    from_publisher = prepare("toy", folder=tmp_path / "a", download=True)
    from_mirror = prepare("toy", folder=tmp_path / "b", mirror=mirror, download=True)
    assert from_publisher.read_bytes() == from_mirror.read_bytes()
    assert publisher.asked == [None]


def test_a_file_served_as_gz_is_checked_by_its_content(enter: Enter, publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["HTRU_2.csv.gz"] = gzip.compress(PULSARS.encode())
    enter(pulsars(url=f"{publisher.url}/HTRU_2.csv.gz"))
    assert rows(prepare("toy", folder=tmp_path, download=True))[0][0] == 1.5


@pytest.mark.parametrize("place", ["toy/HTRU_2.csv.gz", "torchvision/raw/HTRU_2.csv", "torchvision/raw/HTRU_2.csv.gz"])
def test_a_mirror_has_files_as_they_are_served_or_as_torchvision_stores_them(
    enter: Enter, tmp_path: Path, place: str
) -> None:
    enter(pulsars(url="https://example.org/HTRU_2.csv.gz", elsewhere="torchvision/raw/HTRU_2.csv"))
    file = tmp_path / "mirror" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(PULSARS.encode()) if place.endswith(".gz") else PULSARS.encode())
    manifest = prepare("toy", folder=tmp_path / "data", mirror=tmp_path / "mirror")
    assert rows(manifest)[0][0] == 1.5
    assert json.loads(manifest.read_text())["sources"][0]["sha256"] == hashlib.sha256(PULSARS.encode()).hexdigest()
    for wrong in (PULSARS.replace("80.25", "80.26").encode(), PULSARS.encode()[:-3]):
        file.write_bytes(gzip.compress(wrong)[:-1] if place.endswith(".gz") else wrong)
        with pytest.raises(UserError, match=r"this is not the HTRU_2.csv|cannot be read to its end") as raised:
            prepare("toy", folder=tmp_path / "other", mirror=tmp_path / "mirror")
        assert raised.value.where == str(file)


@pytest.mark.parametrize("served", [gzip.compress(b"1,2,3", mtime=0), b"<html>sorry</html>"], ids=["other", "page"])
def test_a_wrong_download_is_removed(enter: Enter, publisher: Publisher, tmp_path: Path, served: bytes) -> None:
    publisher.files["HTRU_2.csv.gz"] = served
    enter(pulsars(url=f"{publisher.url}/HTRU_2.csv.gz"))
    with pytest.raises(UserError, match="the download is unusable and has been removed"):
        prepare("toy", folder=tmp_path, download=True)
    assert list((tmp_path / "raw" / "toy-one").iterdir()) == []
    publisher.files["HTRU_2.csv.gz"] = gzip.compress(PULSARS.encode())
    prepare("toy", folder=tmp_path, download=True)


def test_a_publisher_with_other_bytes_must_have_the_stated_structure(
    enter: Enter, publisher: Publisher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    enter(pulsars(archive=File("toy.zip", url=f"{publisher.url}/toy.zip"), counts=(2, 1)))
    publisher.files["toy.zip"] = packed("a,b,c,d,e,f,g,h,class\r\n" + PULSARS.replace("\n", "\r\n"))
    with caplog.at_level(logging.WARNING):
        manifest = prepare("toy", folder=tmp_path / "a", download=True)
    assert rows(manifest)[0] == [1.5, 2, 3, 4, 5, 6, 7, 8, 0]
    assert json.loads(manifest.read_text())["sources"][0]["checked"] == "structure"
    assert "is not the known copy" in caplog.text

    publisher.files["toy.zip"] = packed(PULSARS + "1,2,3,4,5,6,7,8,1\n")
    with pytest.raises(UserError, match=r"rows of each class are \(8, 2, 2\), not \(8, 2, 1\)"):
        prepare("toy", folder=tmp_path / "b", download=True)
    assert not (tmp_path / "b" / "prepared" / "toy-one").exists()


def test_a_publisher_with_other_bytes_is_refused_where_the_digest_is_known(
    enter: Enter, publisher: Publisher, tmp_path: Path
) -> None:
    enter(pulsars(archive=File("toy.zip", url=f"{publisher.url}/toy.zip")))
    publisher.files["toy.zip"] = packed(PULSARS.replace("80.25", "80.26"))
    with pytest.raises(UserError, match=r"HTRU_2\.csv is not the published file: its sha256 is"):
        prepare("toy", folder=tmp_path, download=True)


def test_a_published_archive_is_checked_before_it_is_opened(enter: Enter, publisher: Publisher, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    publisher.files["toy.tar.gz"] = buffer.getvalue()
    enter(pulsars(archive=File("toy.tar.gz", md5="0" * 32, url=f"{publisher.url}/toy.tar.gz")))
    actual = hashlib.md5(buffer.getvalue()).hexdigest()
    with pytest.raises(UserError, match=rf"not the expected one: its md5 is {actual}, not 0000"):
        prepare("toy", folder=tmp_path, download=True)
    assert list((tmp_path / "raw" / "toy-one").iterdir()) == []
