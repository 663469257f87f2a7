"""Google Speech Commands in the published layout, in small: the mirror, the archive, and what may be wrong."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from remixup.data import load, prepare
from remixup.data.builders import speech
from remixup.data.catalog.descriptor import File, Folder, Size, Version
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, Publisher, leave_behind
from tests.unit.data.wav_files import GOOD, noise, wav

ROOT = "speech_commands_v0.01"
CLIPS = ("bed/b_nohash_0", "bed/a_nohash_0", "bed/a_nohash_1", "cat/a_nohash_0", "cat/c_nohash_0", "cat/d_nohash_0")
LISTS = {"validation_list.txt": "bed/a_nohash_1.wav\ncat/a_nohash_0.wav\n", "testing_list.txt": "cat/d_nohash_0.wav\n"}
SIZE = Size((1, 161, 101), 3, 1, 2)
FOLDER = Folder(ROOT)
IN_ORDER = ("bed/a_nohash_0", "bed/b_nohash_0", "cat/c_nohash_0", "bed/a_nohash_1", "cat/a_nohash_0", "cat/d_nohash_0")


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A mirror with the published layout: two words, noise, two lists."""
    root = tmp_path / "mirror" / ROOT
    for number, name in enumerate((*CLIPS, "_background_noise_/hum")):
        path = root / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(noise(number, 16_000 - 100 * number)))
    for name, text in LISTS.items():
        (root / name).write_text(text)
    leave_behind(root, "bed/._a_nohash_0.wav", "cat/.cache/x.wav", ".ipynb_checkpoints/x.wav", "__MACOSX/x.wav")
    return tmp_path / "mirror"


def small(folder: Folder = FOLDER, archive: File | None = None) -> Version:
    return Version("v0.01", speech.speech_commands, archive=archive, folder=folder, note="small")


def packed(root: Path, prefix: str = "./") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(root, arcname=prefix)
    return buffer.getvalue()


def digest_in_order(root: Path) -> str:
    return hashlib.sha256(b"".join((root / f"{name}.wav").read_bytes() for name in IN_ORDER)).hexdigest()


def test_the_lists_split_the_clips(enter: Enter, commands: Path, tmp_path: Path) -> None:
    enter(small(), task="spectrograms", size=SIZE)
    manifest = json.loads(prepare("toy", folder=tmp_path, mirror=commands).read_text())
    tensors = load("toy", folder=tmp_path).tensors
    assert {name: tensor.tolist() for name, tensor in tensors.items() if name.endswith("y")} == {
        "train_y": [0, 0, 1],
        "validation_y": [0, 1],
        "test_y": [1],
    }
    clips = [wavfile.read(commands / ROOT / f"{name}.wav")[1] for name in IN_ORDER]
    expected = np.array([speech.spectrogram(clip, 16_000, 101) for clip in clips]).astype(np.float16)
    found = np.concatenate([tensors[f"{part}_x"].numpy() for part in ("train", "validation", "test")])
    assert found.shape == (6, 1, 161, 101)
    assert np.array_equal(found[:, 0], expected)
    assert manifest["class_names"] == ["bed", "cat"]
    assert "mean" not in manifest
    said = [{"file": ROOT, "sha256": digest_in_order(commands / ROOT), "checked": "structure"}]
    assert manifest["sources"] == said


@pytest.mark.parametrize("known", [True, False])
def test_the_archive_gives_the_same_tensors(
    enter: Enter, publisher: Publisher, commands: Path, tmp_path: Path, known: bool
) -> None:
    content = packed(commands / ROOT)
    publisher.files["sc.tar.gz"] = content
    sha256 = hashlib.sha256(content).hexdigest() if known else None
    archive = File("sc.tar.gz", sha256=sha256, url=f"{publisher.url}/sc.tar.gz", mirror_path="sc.tar.gz")
    enter(small(archive=archive), task="spectrograms", size=SIZE)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sc.tar.gz").write_bytes(content)
    made = [
        prepare("toy", folder=tmp_path / "a", mirror=commands),
        prepare("toy", folder=tmp_path / "b", mirror=tmp_path / "other"),
        prepare("toy", folder=tmp_path / "c", download=True),
    ]
    sources = [json.loads(manifest.read_text())["sources"][0] for manifest in made]
    checked = "archive" if known else "structure"
    assert [source["checked"] for source in sources] == ["structure", checked, checked]
    assert len({source["sha256"] for source in sources}) == 1
    assert len({manifest.with_name("tensors.safetensors").read_bytes() for manifest in made}) == 1
    assert publisher.asked == [None]


def test_a_folder_inside_an_archive(enter: Enter, publisher: Publisher, commands: Path, tmp_path: Path) -> None:
    publisher.files["v1.tar.gz"] = packed(commands, "project-1/data")
    folder = Folder("speech", packed_path=f"project-1/data/{ROOT}")
    enter(small(folder, File("v1.tar.gz", url=f"{publisher.url}/v1.tar.gz")), task="spectrograms", size=SIZE)
    prepare("toy", folder=tmp_path, download=True)
    assert load("toy", folder=tmp_path).tensors["train_y"].tolist() == [0, 0, 1]


def test_a_folder_on_record_must_have_its_bytes(
    enter: Enter, publisher: Publisher, commands: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder(ROOT, digest_in_order(commands / ROOT))
    enter(small(folder, File("sc.tar.gz", url=f"{publisher.url}/sc.tar.gz")), task="spectrograms", size=SIZE)
    publisher.files["sc.tar.gz"] = packed(commands / ROOT)
    for place, given in (("a", {"mirror": commands}), ("b", {"download": True})):
        manifest = prepare("toy", folder=tmp_path / place, **given)  # type: ignore[arg-type]
        assert json.loads(manifest.read_text())["sources"][0]["checked"] == "sha256"

    clip = commands / ROOT / "cat" / "c_nohash_0.wav"
    clip.write_bytes(clip.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match=f"not the expected files: .*{digest_in_order(commands / ROOT)}"):
        prepare("toy", folder=tmp_path / "c", mirror=commands)
    assert list((tmp_path / "c" / "prepared").glob("[!.]*")) == []

    publisher.files["sc.tar.gz"] = packed(commands / ROOT)
    with caplog.at_level(logging.WARNING):
        manifest = prepare("toy", folder=tmp_path / "d", download=True)
    assert json.loads(manifest.read_text())["sources"][0]["checked"] == "structure"
    assert "not the expected files" in caplog.text


@pytest.mark.parametrize(("stated", "classes"), [((2, 2, 1), 2), ((3, 2, 2), 2), ((3, 1, 1), 2), ((3, 2, 1), 3)])
def test_the_numbers_of_clips_and_words_must_be_as_stated(
    enter: Enter, commands: Path, tmp_path: Path, stated: tuple[int, int, int], classes: int
) -> None:
    train, validation, test = stated
    enter(small(), task="spectrograms", classes=classes, size=Size((1, 161, 101), train, test, validation))
    what = rf"are \(3, 2, 1, 2\), not \({train}, {validation}, {test}, {classes}\)"
    with pytest.raises(UserError, match=what):
        prepare("toy", folder=tmp_path, mirror=commands)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "testing_list.txt").unlink(), "FileNotFoundError: .*testing_list.txt"),
        (lambda root: (root / "testing_list.txt").write_bytes(b"\xff\xfe"), "UnicodeDecodeError"),
        (lambda root: (root / "dog").mkdir(), "dog: there are no wav files here"),
        (
            lambda root: (root / "cat" / "d_nohash_0.wav").write_bytes(GOOD[:99]),
            "cat/d_nohash_0.wav: this is not a complete wav",
        ),
        (lambda root: (root / "cat" / "e.wav").mkdir(), "IsADirectoryError: .*cat/e.wav"),
    ],
)
def test_a_damaged_mirror_is_an_error_that_names_the_file(
    enter: Enter, commands: Path, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    enter(small(), task="spectrograms", size=SIZE)
    damage(commands / ROOT)
    with pytest.raises(UserError, match=message):
        prepare("toy", folder=tmp_path, mirror=commands)
    assert list((tmp_path / "prepared").iterdir()) == []
