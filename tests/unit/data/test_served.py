"""Image sets that are kept as the publisher serves them: KMNIST's packed idx files and SVHN's MATLAB files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.io import savemat

from remixup.data import prepare
from remixup.data.builders import idx, svhn
from remixup.data.catalog.registry import File, Size, Version, lookup
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, Publisher


def characters() -> dict[str, bytes]:
    """Six training images and two for the test, of 2 x 3 pixels, under the published names."""
    files = {}
    for prefix, count in (("train", 6), ("t10k", 2)):
        size = [number.to_bytes(4, "big") for number in (count, 2, 3)]
        pixels = bytes([0, 0, 8, 3]) + b"".join(size) + bytes(range(count * 6))
        labels = bytes([0, 0, 8, 1]) + size[0] + bytes(9 - number for number in range(count))
        files[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(pixels, mtime=0)
        files[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(labels, mtime=0)
    return files


def matlab(images: np.ndarray, labels: object) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {"X": images, "y": labels}, do_compression=True)
    return buffer.getvalue()


def house_numbers() -> dict[str, bytes]:
    """Ten training images and two for the test; pixel (row, column) of channel c of image i is known."""
    row, column, channel, image = np.ogrid[:32, :32, :3, :10]
    images = (row + 2 * column + 50 * channel + 5 * image).astype(np.uint8)
    return {
        "train_32x32.mat": matlab(images, np.arange(1, 11, dtype=np.uint8)[:, None]),
        "test_32x32.mat": matlab(images[..., 8:], np.array([[10], [3]], np.uint8)),
    }


def entry(files: dict[str, bytes], builder: str, url: str) -> Version:
    known = tuple(
        File(name, hashlib.sha256(content).hexdigest(), size=len(content), url=f"{url}/{name}", mirror_path=f"m/{name}")
        for name, content in files.items()
    )
    return Version("one", builder, known, note="a few of them")


SETS = [("kmnist", characters), ("svhn", house_numbers)]


@pytest.fixture(params=SETS, ids=[name for name, _ in SETS])
def served(request: pytest.FixtureRequest, enter: Enter, publisher: Publisher) -> dict[str, bytes]:
    """The files of one of the two sets, entered as `toy` under the digests that they have here."""
    name, make = request.param
    files: dict[str, bytes] = make()
    published = lookup(name)[1]
    assert sorted(files) == sorted(file.name for file in published.files)
    enter(entry(files, published.builder, publisher.url), task="images", classes=10, size=Size((1, 2, 3), 6, 2))
    publisher.files = dict(files)
    return files


@pytest.mark.parametrize("name", [name for name, _ in SETS])
def test_the_publisher_serves_the_files_under_their_own_names(name: str) -> None:
    for file in lookup(name)[1].files:
        assert file.url is not None
        assert file.url.rpartition("/")[2] == file.name
        assert file.sha256
        assert file.md5
        assert file.size


def test_from_the_publisher_and_from_a_mirror_alike(
    served: dict[str, bytes], publisher: Publisher, tmp_path: Path
) -> None:
    manifest = prepare("toy", folder=tmp_path / "a", download=True)
    sources = json.loads(manifest.read_text())["sources"]
    assert {source["file"]: source["sha256"] for source in sources} == {
        name: hashlib.sha256(content).hexdigest() for name, content in served.items()
    }
    assert {source["checked"] for source in sources} == {"sha256"}
    kept = tmp_path / "a" / "raw" / "toy-one"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == served
    (tmp_path / "mirror" / "m").mkdir(parents=True)
    for name, content in served.items():
        (tmp_path / "mirror" / "m" / name).write_bytes(content)
    mirrored = prepare("toy", folder=tmp_path / "b", mirror=tmp_path / "mirror")
    assert mirrored.read_bytes() == manifest.read_bytes()
    (manifest.parent / "tensors.safetensors").unlink()
    prepare("toy", folder=tmp_path / "a", download=True)
    assert len(publisher.asked) == len(served)  # what was kept is not asked for again


def flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize("spoil", [flipped, lambda content: content[:-20]], ids=["flipped", "cut"])
def test_a_spoilt_file_is_refused_before_it_is_read(
    served: dict[str, bytes],
    publisher: Publisher,
    tmp_path: Path,
    spoil: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(*arguments: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(idx, "read", read)
    monkeypatch.setattr(svhn, "read", read)
    (tmp_path / "mirror" / "m").mkdir(parents=True)
    for number, (name, content) in enumerate(served.items()):
        publisher.files[name] = spoil(content) if number == 1 else content
        (tmp_path / "mirror" / "m" / name).write_bytes(publisher.files[name])
    second = list(served)[1]
    with pytest.raises(UserError, match=f"{second} is not the expected one"):
        prepare("toy", folder=tmp_path / "a", download=True)
    assert second not in [path.name for path in (tmp_path / "a" / "raw" / "toy-one").iterdir()]
    with pytest.raises(UserError, match=f"this is not the {second} of toy"):
        prepare("toy", folder=tmp_path / "b", mirror=tmp_path / "mirror")


@pytest.mark.parametrize("served", SETS[:1], indirect=True, ids=["kmnist"])
def test_packed_characters_are_unpacked(served: dict[str, bytes], tmp_path: Path) -> None:
    manifest = prepare("toy", folder=tmp_path, download=True)
    tensors = load_file(manifest.parent / "tensors.safetensors")
    assert tensors["train_x"].shape == (6, 1, 2, 3)
    assert tensors["train_x"][1, 0].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert tensors["train_y"].tolist() == [9, 8, 7, 6, 5, 4]
    assert tensors["test_y"].tolist() == [9, 8]
    assert json.loads(manifest.read_text())["class_names"] == [
        "o",
        "ki",
        "su",
        "tsu",
        "na",
        "ha",
        "ma",
        "ya",
        "re",
        "wo",
    ]


@pytest.mark.parametrize("served", SETS[1:], indirect=True, ids=["svhn"])
def test_house_numbers_are_turned_to_channels_first_and_ten_is_nought(served: dict[str, bytes], tmp_path: Path) -> None:
    manifest = prepare("toy", folder=tmp_path, download=True)
    tensors = load_file(manifest.parent / "tensors.safetensors")
    assert (tensors["train_x"].shape, tensors["test_x"].shape) == ((10, 3, 32, 32), (2, 3, 32, 32))
    assert (tensors["train_x"].dtype, tensors["train_y"].dtype) == (np.uint8, np.int64)
    assert tensors["train_x"][4, 1, 30, 7] == 30 + 2 * 7 + 50 + 5 * 4
    assert tensors["test_x"][0, 2, 3, 31] == 3 + 2 * 31 + 100 + 5 * 8
    assert tensors["train_y"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert tensors["test_y"].tolist() == [0, 3]
    assert json.loads(manifest.read_text())["class_names"][3] == "3"


def test_a_packed_idx_file_that_ends_early(tmp_path: Path) -> None:
    whole = characters()["train-labels-idx1-ubyte.gz"]
    for content in (whole[:-4], b"<html>sorry</html>", flipped(whole)):
        path = tmp_path / "labels.gz"
        path.write_bytes(content)
        with pytest.raises(UserError, match="it cannot be unpacked to its end"):
            idx.read(path, 1)


SOME = np.zeros((32, 32, 3, 2), np.uint8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>" + b"sorry" * 100, "this is not a whole MATLAB file"),
        (house_numbers()["test_32x32.mat"][:300], "this is not a whole MATLAB file"),
        (b"", "this is not a whole MATLAB file"),
        (matlab(SOME, [[1], [2], [3]]), r"images \(32, 32, 3, 2\) of uint8 and 3 labels, not bytes \(32, 32, 3, n\)"),
        (matlab(SOME.astype(float), [[1], [2]]), "of float64 and 2 labels, not bytes"),
        (matlab(SOME, [[0], [2]]), "its labels are not all from 1 to 10"),
    ],
)
def test_wrong_matlab_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        svhn.read(path)
    assert raised.value.where == str(path)
