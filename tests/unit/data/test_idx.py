"""MNIST and its successors from small idx files, plain and compressed."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from remixup.data import prepare
from remixup.data.builders import idx
from remixup.data.catalog.descriptor import File, RawFiles, Size, Version
from remixup.data.catalog.registry import lookup
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, Publisher


def idx_file(path: Path, shape: tuple[int, ...], content: bytes) -> Path:
    header = bytes([0, 0, 8, len(shape)]) + b"".join(length.to_bytes(4, "big") for length in shape)
    path.write_bytes(header + content)
    return path


def test_idx_files(tmp_path: Path) -> None:
    files = {}
    for prefix, count in (("train", 300), ("t10k", 1)):  # 300 needs the second byte of the length
        pixels = (np.arange(count * 6) % 251).astype(np.uint8).tobytes()
        labels = bytes(number % 10 for number in range(count))
        for name, shape, content in (("images-idx3", (count, 2, 3), pixels), ("labels-idx1", (count,), labels)):
            files[f"{prefix}-{name}-ubyte"] = idx_file(tmp_path / f"{prefix}-{name}", shape, content)
    built = idx.fashion_mnist(RawFiles(files, tmp_path, tmp_path))
    assert built.tensors["train_x"].shape == (300, 1, 2, 3)
    assert built.tensors["train_x"][1, 0].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert built.tensors["train_y"][[0, 11, 299]].tolist() == [0, 1, 9]
    assert built.tensors["test_x"].tolist() == [[[[0, 1, 2], [3, 4, 5]]]]
    assert built.class_names is not None
    assert (built.class_names[0], built.class_names[9]) == ("T-shirt/top", "ankle boot")
    assert idx.mnist(RawFiles(files, tmp_path, tmp_path)).class_names == tuple("0123456789")


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


@pytest.fixture
def toy(enter: Enter, publisher: Publisher) -> dict[str, bytes]:
    """Serve the files, and register them as dataset `toy` with their digests."""
    files = characters()
    published = lookup("kmnist")[1]
    assert sorted(files) == sorted(file.name for file in published.files)
    known = tuple(
        File(
            name,
            hashlib.sha256(content).hexdigest(),
            url=f"{publisher.url}/{name}",
            mirror_path=f"m/{name}",
        )
        for name, content in files.items()
    )
    version = Version("one", published.builder, known, note="a few of them")
    enter(version, task="images", classes=10, size=Size((1, 2, 3), 6, 2))
    publisher.files = dict(files)
    return files


def test_from_the_publisher_and_from_a_mirror_alike(
    toy: dict[str, bytes], publisher: Publisher, tmp_path: Path
) -> None:
    manifest = prepare("toy", folder=tmp_path / "a", download=True)
    sources = json.loads(manifest.read_text())["sources"]
    assert {source["file"]: source["sha256"] for source in sources} == {
        name: hashlib.sha256(content).hexdigest() for name, content in toy.items()
    }
    assert {source["checked"] for source in sources} == {"sha256"}
    stored = tmp_path / "a" / "raw" / "toy-one"
    assert {path.name: path.read_bytes() for path in stored.iterdir()} == toy
    (tmp_path / "mirror" / "m").mkdir(parents=True)
    for name, content in toy.items():
        (tmp_path / "mirror" / "m" / name).write_bytes(content)
    mirrored = prepare("toy", folder=tmp_path / "b", mirror=tmp_path / "mirror")
    assert mirrored.read_bytes() == manifest.read_bytes()
    (manifest.parent / "tensors.safetensors").unlink()
    prepare("toy", folder=tmp_path / "a", download=True)
    assert len(publisher.asked) == len(toy)  # stored files are not requested again


def flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize("spoil", [flipped, lambda content: content[:-20]], ids=["flipped", "cut"])
def test_a_damaged_file_is_refused_before_it_is_read(
    toy: dict[str, bytes],
    publisher: Publisher,
    tmp_path: Path,
    spoil: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(*arguments: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(idx, "read_idx", read)
    (tmp_path / "mirror" / "m").mkdir(parents=True)
    for number, (name, content) in enumerate(toy.items()):
        publisher.files[name] = spoil(content) if number == 1 else content
        (tmp_path / "mirror" / "m" / name).write_bytes(publisher.files[name])
    second = list(toy)[1]
    with pytest.raises(UserError, match=f"{second} is not the expected one"):
        prepare("toy", folder=tmp_path / "a", download=True)
    assert second not in [path.name for path in (tmp_path / "a" / "raw" / "toy-one").iterdir()]
    with pytest.raises(UserError, match=f"this is not the {second} of toy"):
        prepare("toy", folder=tmp_path / "b", mirror=tmp_path / "mirror")


def test_packed_characters_are_unpacked(toy: dict[str, bytes], tmp_path: Path) -> None:
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
