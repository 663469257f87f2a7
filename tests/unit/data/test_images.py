"""CIFAR, idx and folders of images, from a few made-up pictures in the publishers' formats."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remixup.data.builders import cifar, idx, image_folder
from remixup.data.builders.builder import Material
from remixup.errors import UserError

BATCHES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]


class FromPython2(pickle._Pickler):
    """Writes arrays under the module names of the NumPy with which the publisher pickled."""

    def save_global(self, obj: object, name: str | None = None) -> None:
        module = {"_reconstruct": "numpy.core.multiarray"}.get(obj.__name__, "numpy")  # type: ignore[attr-defined]
        self.write(pickle.GLOBAL + f"{module}\n{obj.__name__}\n".encode())  # type: ignore[attr-defined]
        self.memoize(obj)

    dispatch = {**pickle._Pickler.dispatch, type: save_global, type(np.empty(0).__reduce__()[0]): save_global}


def write_pickle(path: Path, content: object) -> None:
    with path.open("wb") as file:
        FromPython2(file, protocol=3).dump(content)


@pytest.fixture
def pictures() -> dict[str, tuple[np.ndarray, list[int]]]:
    """Two labelled images for each batch."""
    stream = np.random.RandomState(0)
    return {
        name: (stream.randint(0, 256, (2, 3072), dtype=np.uint8), stream.randint(0, 10, 2).tolist()) for name in BATCHES
    }


def test_both_formats_of_cifar_10_give_the_same_tensors(tmp_path: Path, pictures) -> None:  # type: ignore[no-untyped-def]
    for name, (data, labels) in pictures.items():
        records = np.concatenate([np.array(labels, np.uint8)[:, None], data], axis=1)
        (tmp_path / f"{name}.bin").write_bytes(records.tobytes())
        write_pickle(tmp_path / name, {b"batch_label": b"a batch", b"labels": labels, b"data": data, b"filenames": []})
    material = Material({path.name: path for path in tmp_path.iterdir()}, tmp_path)
    binary, python = cifar.cifar10_binary(material), cifar.cifar10_python(material)
    for built in (binary, python):
        assert built.tensors["train_x"].shape == (10, 3, 32, 32)
        assert built.tensors["test_x"].shape == (2, 3, 32, 32)
        third_red_row_of_the_fifth = pictures["data_batch_3"][0][0, 64:96]
        assert built.tensors["train_x"][4, 0, 2].tolist() == third_red_row_of_the_fifth.tolist()
        first_blue = pictures["test_batch"][0][1, 2048]
        assert built.tensors["test_x"][1, 2, 0, 0] == first_blue
        assert built.tensors["train_y"].tolist() == [label for name in BATCHES[:5] for label in pictures[name][1]]
        assert built.tensors["test_y"].tolist() == pictures["test_batch"][1]
        assert built.class_names is not None
        assert built.class_names[8] == "ship"
    for name, array in binary.tensors.items():
        assert array.dtype == python.tensors[name].dtype
        assert np.array_equal(array, python.tensors[name])


def test_cifar_100_takes_the_fine_labels(tmp_path: Path) -> None:
    data = np.arange(3 * 3072).reshape(3, 3072).astype(np.uint8)
    for part in ("train", "test"):
        write_pickle(tmp_path / part, {b"data": data, b"fine_labels": [99, 0, 7], b"coarse_labels": [1, 2, 3]})
    write_pickle(tmp_path / "meta", {b"fine_label_names": [b"apple", b"bear"], b"coarse_label_names": [b"food"]})
    built = cifar.cifar100(Material({path.name: path for path in tmp_path.iterdir()}, tmp_path))
    assert built.tensors["train_y"].tolist() == [99, 0, 7]
    assert np.array_equal(built.tensors["test_x"][1].ravel(), data[1])
    assert built.class_names == ("apple", "bear")


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_that_would_run_something_is_refused_before_it_does(tmp_path: Path, protocol: int) -> None:
    for name in ("meta", "train", "test"):
        content = {b"fine_label_names": [Evil(f"touch {tmp_path / 'ran'}")]}
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(
        UserError, match=r"the pickle asks for (posix|_codecs)\.(system|encode), which no dataset needs"
    ):
        cifar.cifar100(Material({name: tmp_path / name for name in ("meta", "train", "test")}, tmp_path))
    assert not (tmp_path / "ran").exists()


def test_a_cut_file_of_records(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(3073 + 3072))
    with pytest.raises(UserError, match="6,145 bytes are no whole number of records of 3,073"):
        cifar.cifar10_binary(Material({"data_batch_1.bin": tmp_path / "data_batch_1.bin"}, tmp_path))


def idx_file(path: Path, shape: tuple[int, ...], content: bytes, magic: int = 0x08) -> Path:
    header = bytes([0, 0, magic, len(shape)]) + b"".join(length.to_bytes(4, "big") for length in shape)
    path.write_bytes(header + content)
    return path


def test_idx_files(tmp_path: Path) -> None:
    files = {}
    for prefix, count in (("train", 300), ("t10k", 1)):  # 300 needs the second byte of the length
        pixels = (np.arange(count * 6) % 251).astype(np.uint8).tobytes()
        labels = bytes(number % 10 for number in range(count))
        for name, shape, content in (("images-idx3", (count, 2, 3), pixels), ("labels-idx1", (count,), labels)):
            files[f"{prefix}-{name}-ubyte"] = idx_file(tmp_path / f"{prefix}-{name}", shape, content)
    built = idx.fashion_mnist(Material(files, tmp_path))
    assert built.tensors["train_x"].shape == (300, 1, 2, 3)
    assert built.tensors["train_x"][1, 0].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert built.tensors["train_y"][[0, 11, 299]].tolist() == [0, 1, 9]
    assert built.tensors["test_x"].tolist() == [[[[0, 1, 2], [3, 4, 5]]]]
    assert built.class_names is not None
    assert (built.class_names[0], built.class_names[9]) == ("T-shirt/top", "ankle boot")
    assert idx.mnist(Material(files, tmp_path)).class_names == tuple("0123456789")


@pytest.mark.parametrize(
    ("shape", "content", "magic", "message"),
    [
        ((2, 2), b"1234", 0x08, "not an idx file of unsigned bytes in 1 dimensions"),
        ((4,), b"1234", 0x0D, "not an idx file of unsigned bytes"),
        ((5,), b"1234", 0x08, r"it has 4 bytes of content, its header says \(5,\)"),
    ],
)
def test_wrong_idx_files(tmp_path: Path, shape: tuple[int, ...], content: bytes, magic: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        idx.read(idx_file(tmp_path / "file", shape, content, magic), 1)


def picture(path: Path, colour: tuple[int, ...] | int, size: tuple[int, int] = (4, 4), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


def test_a_folder_of_images_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for part in ("train", "val"):
        picture(tmp_path / part / "b" / "10.png", (1, 2, 3))
        picture(tmp_path / part / "b" / "9.PNG", (4, 5, 6))
        picture(tmp_path / part / "a" / "x.png", 7, mode="L")
        (tmp_path / part / "a" / "notes.txt").write_text("not an image")
    built = image_folder.read(tmp_path, 4)
    assert built.class_names == ("a", "b")
    assert built.tensors["train_x"].shape == (3, 3, 4, 4)
    assert built.tensors["train_x"][:, :, 1, 2].tolist() == [[7, 7, 7], [1, 2, 3], [4, 5, 6]]
    assert built.tensors["train_y"].tolist() == [0, 1, 1]
    assert built.tensors["test_y"].dtype == np.int64


def test_an_oblong_image_is_cut_to_its_middle(tmp_path: Path) -> None:
    image = Image.new("RGB", (12, 4), (255, 0, 0))
    image.paste((0, 200, 0), (4, 0, 8, 4))
    for part in ("train", "val"):
        (tmp_path / part / "a").mkdir(parents=True)
        image.save(tmp_path / part / "a" / "x.png")
    pixels = image_folder.read(tmp_path, 2).tensors["train_x"][0]
    assert pixels.reshape(3, -1).T.tolist() == [[0, 200, 0]] * 4


def test_a_folder_of_images_that_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no class folders here") as raised:
        image_folder.read(tmp_path, 4)
    assert raised.value.where == str(tmp_path / "train")
    for part in ("train", "val"):
        picture(tmp_path / part / "a" / "x.png", (0, 0, 0))
    (tmp_path / "val" / "b").mkdir()
    with pytest.raises(UserError, match="class 'b' is in one of train and val only"):
        image_folder.read(tmp_path, 4)
    (tmp_path / "train" / "b").mkdir()
    with pytest.raises(UserError, match="there are no images here"):
        image_folder.read(tmp_path, 4)


@pytest.mark.parametrize("keep", [0, 30, 60])
def test_a_broken_image_is_named(tmp_path: Path, keep: int) -> None:
    for part in ("train", "val"):
        path = picture(tmp_path / part / "a" / "x.png", (9, 9, 9), (32, 32))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="this is not a whole image") as raised:
        image_folder.read(tmp_path, 32)
    assert raised.value.where == str(path)
