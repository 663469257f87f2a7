import hashlib
import json

import pytest

from remixup.config.settings import UNAVAILABLE, Config
from remixup.maintenance.integrity import verify
from remixup.store.manifest import JobManifest


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A dataset of image files, as `prepare` leaves it, and nothing else."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/prepared/pictures"
    folder.mkdir(parents=True)
    digests = {}
    for name in ("tensors.safetensors", "images.bin"):
        (folder / name).write_bytes(name.encode())
        digests[name] = hashlib.sha256(name.encode()).hexdigest()
    content = {"sha256": digests["tensors.safetensors"], "images.bin": {"sha256": digests["images.bin"]}}
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder


def damage():
    return verify(Config())[1]


def test_sound_data_are_counted_file_by_file(prepared):
    assert verify(Config())[0] == 2
    assert damage() == []


@pytest.mark.parametrize("name", ["tensors.safetensors", "images.bin"])
def test_a_flipped_byte_is_found_and_named(prepared, name):
    content = bytearray((prepared / name).read_bytes())
    content[0] ^= 1
    (prepared / name).write_bytes(content)
    assert damage() == [f"data/prepared/pictures/{name} differs from its manifest"]


@pytest.mark.parametrize("name", ["tensors.safetensors", "images.bin"])
def test_a_lost_file_is_found_and_named(prepared, name):
    (prepared / name).unlink()
    assert len(damage()) == 1
    assert name in damage()[0]


def test_a_manifest_that_says_why_there_is_no_data_is_not_damaged(prepared):
    (prepared / "manifest.json").write_text(json.dumps({UNAVAILABLE: "cannot be downloaded"}))
    assert verify(Config()) == (0, [])


def test_a_manifest_that_is_cut_off_is_named(prepared):
    (prepared / "manifest.json").write_text('{"sha256": ')
    assert len(damage()) == 1
    assert damage()[0].startswith("data/prepared/pictures/manifest.json: ")


def test_what_a_manifest_lists_is_missing_or_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").write_text("others")
    JobManifest(checkpoints={"weights": "0", "gone": "0"}).write(tmp_path / "results/embedded/manifests/job.json")
    assert damage() == [
        "weights is not what results/embedded/manifests/job.json lists",
        "gone is missing, and results/embedded/manifests/job.json lists it",
    ]
