"""How much memory preparing takes: the peak of a real process over made-up files of a size that matters."""

import io
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.unit.data.edf_files import night
from tests.unit.data.series_files import sums

MIB = 1 << 20
PROGRAM = """
import importlib, json, re, sys
from pathlib import Path
from remixup.data import prepare
from remixup.data.catalog.descriptor import Dataset, File, Folder, Origin, Size, Version
from remixup.data.catalog.registry import REGISTRY

mirror, builder, names, counts, task = json.loads(sys.argv[1])
files = tuple(File(name, mirror_path=name) for name in names)
folder = None if names else Folder("pictures", counted=False)
module, _, function = builder.rpartition(".")
build = getattr(importlib.import_module(f"remixup.data.builders.{module}"), function)
version = Version("made", build, files, folder=folder, note="toy")
classes = counts[2] if counts else 10
terms = {"origin": Origin(citation="me", homepage="x"), "size": Size((3, 32, 32), 1)}
REGISTRY["toy"] = Dataset(name="toy", title="Toy", versions={"made": version}, task=task, classes=classes, **terms)
prepare("toy", folder=Path(sys.argv[2]), mirror=Path(mirror))
# Of this program alone: what getrusage says begins with the process that started it.
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak(tmp_path, mirror, builder, names, counts=(), task="images"):
    """Peak resident memory, in bytes, of a process that prepares a dataset."""
    asked = json.dumps([str(mirror), builder, names, counts, task])
    command = [sys.executable, "-c", PROGRAM, asked, str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) * 1024


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["cifar10_binary", "cifar10_python"])
def test_preparing_cifar_takes_less_than_twice_its_size(tmp_path, builder):
    """At most twice the size and 100 MiB, so that at any size it is under twice and 500 MiB.

    Fails, tried out: where `_joined` keeps a third copy of the images.
    """
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (10_000, 3072), np.uint8)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for name in names:
        if builder == "cifar10_binary":
            np.concatenate([np.zeros((10_000, 1), np.uint8), pixels], axis=1).tofile(mirror / f"{name}.bin")
        else:
            with (mirror / name).open("wb") as file:
                pickle.dump({b"labels": [0] * 10_000, b"data": pixels}, file, protocol=3)
    found = sorted(path.name for path in mirror.iterdir())
    size = 6 * pixels.nbytes
    used = peak(tmp_path, mirror, f"cifar.{builder}", found)
    print(f"{used / MIB:.0f} MiB for {size / MIB:.0f} MiB")
    assert used < 2 * size + 100 * MIB


@pytest.mark.slow
def test_preparing_sleep_takes_little_more_than_twice_its_size(tmp_path):
    """Fails, tried out: where the nights are held in microvolts until all have been read, as float32."""
    count, pictures = 24, tmp_path / "mirror/pictures"
    made = night(1, [(1_000, "Sleep stage 2")])
    for number in range(count):
        made.write(pictures, f"SC4{number:02d}1E")
    sums(pictures)
    used = peak(tmp_path, tmp_path / "mirror", "eeg.sleep_edf", [], [0, 0, 5], "series")
    size = (tmp_path / "data/prepared/toy-made/tensors.safetensors").stat().st_size
    print(f"{used / MIB:.0f} MiB for {size / MIB:.0f} MiB")
    assert size > count * 1_000 * 2 * 3_000 * 2
    assert used < 2 * size + 200 * MIB


@pytest.mark.slow
def test_preparing_a_folder_like_imagenet_takes_little_memory_whatever_its_size(tmp_path):
    """Fails, tried out: where `_in_order` submits all files at once."""
    small = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(small, "JPEG")
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(small.getvalue() + os.urandom(MIB // 2))  # what follows the end of a JPEG is passed over
    for part, count in (("train", 1500), ("val", 100)):
        folder = tmp_path / "mirror/pictures" / part / "a"
        folder.mkdir(parents=True)
        for number in range(count):
            os.link(picture, folder / f"{number}.jpg")
    used = peak(tmp_path, tmp_path / "mirror", "image_files.in_folder", [], [1500, 100, 1], "image-files")
    packed = (tmp_path / "data/prepared/toy-made/images.bin").stat().st_size
    print(f"{used / MIB:.0f} MiB for {packed / MIB:.0f} MiB")
    assert packed >= 800 * MIB
    assert used < packed  # torch itself is some 400 MiB; of a million files of a tenth of the size 64 are held as well
