"""CIFAR-10 and CIFAR-100 from small files in the publisher's formats."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import cifar
from remixup.data.catalog.descriptor import RawFiles

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
    """Two labeled images for each batch."""
    stream = np.random.RandomState(0)
    return {
        name: (stream.randint(0, 256, (2, 3072), dtype=np.uint8), stream.randint(0, 10, 2).tolist()) for name in BATCHES
    }


def test_both_formats_of_cifar_10_give_the_same_tensors(tmp_path: Path, pictures) -> None:  # type: ignore[no-untyped-def]
    for name, (data, labels) in pictures.items():
        records = np.concatenate([np.array(labels, np.uint8)[:, None], data], axis=1)
        (tmp_path / f"{name}.bin").write_bytes(records.tobytes())
        write_pickle(tmp_path / name, {b"batch_label": b"a batch", b"labels": labels, b"data": data, b"filenames": []})
    material = RawFiles({path.name: path for path in tmp_path.iterdir()}, tmp_path, tmp_path)
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
    built = cifar.cifar100(RawFiles({path.name: path for path in tmp_path.iterdir()}, tmp_path, tmp_path))
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
    message = r"the pickle asks for (posix|_codecs)\.(system|encode), which no dataset needs"
    with pytest.raises(pickle.UnpicklingError, match=message):
        cifar.cifar100(RawFiles({name: tmp_path / name for name in ("meta", "train", "test")}, tmp_path, tmp_path))
    assert not (tmp_path / "ran").exists()
