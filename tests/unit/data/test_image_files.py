"""Image files packed into one, from a few small pictures; and the JPEG files that come drawn."""

from __future__ import annotations

import hashlib
import io
import json
import resource
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remixup.data import load, prepare
from remixup.data.builders import image_files
from remixup.data.catalog.descriptor import Folder, Size, Version
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, leave_behind

# In the order of the dataset: the part, the class, the file.
SIZE = Size((), 4, 2)
PLACES = ("train/a/2.JPEG", "train/b/1.JPEG", "train/b/10.jpg", "train/b/9.JPEG", "val/a/0.JPEG", "val/b/x.JPEG")


def encoded(seed: int, size: tuple[int, int] = (20, 14), mode: str = "RGB", form: str = "JPEG") -> bytes:
    small = np.random.RandomState(seed).randint(0, 256, (4, 5, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode).save(out, form)
    return out.getvalue()


def film() -> bytes:
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A mirror with the folder `toy`."""
    for seed, place in enumerate(PLACES):
        path = tmp_path / "mirror" / "toy" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(seed, (20 + seed, 14)))
    leave_behind(tmp_path / "mirror" / "toy", "train/b/notes.txt", "train/b/._9.JPEG", "train/a/.cache/0.JPEG")
    leave_behind(tmp_path / "mirror" / "toy", "train/.ipynb_checkpoints/1.JPEG", "val/__MACOSX/b/x.JPEG")
    return tmp_path / "mirror" / "toy"


@pytest.fixture
def toy(enter: Enter, pictures: Path) -> Path:
    """The same as a dataset of the registry; gives its mirror."""
    version = Version("jpeg", image_files.in_folder, folder=Folder("toy"), note="toy")
    enter(version, task="image-files", size=SIZE)
    return pictures.parent


def whole(root: Path) -> bytes:
    return b"".join((root / place).read_bytes() for place in PLACES)


def test_what_is_loaded_leads_to_every_file_as_it_was(tmp_path: Path, toy: Path) -> None:
    manifest = json.loads(prepare("toy", folder=tmp_path, mirror=toy).read_text())
    loaded = load("toy", folder=tmp_path)
    assert loaded.images is not None
    content, tensors = loaded.images.read_bytes(), loaded.tensors
    ends = [tensors["train_offsets"].tolist(), tensors["test_offsets"].tolist()]
    records = [content[start:end] for part in ends for start, end in pairwise(part)]
    assert records == [(toy / "toy" / place).read_bytes() for place in PLACES]
    assert (ends[0][0], ends[0][-1], ends[1][-1]) == (0, ends[1][0], len(content))
    assert tensors["train_y"].tolist() == [0, 1, 1, 1]
    assert tensors["test_y"].tolist() == [0, 1]
    assert manifest["class_names"] == ["a", "b"]
    assert manifest["images.bin"] == {"bytes": len(content), "sha256": hashlib.sha256(whole(toy / "toy")).hexdigest()}
    assert manifest["tensors"]["train_offsets"] == {"shape": [5], "dtype": "int64"}
    assert manifest["sources"] == [{"file": "toy", "sha256": manifest["images.bin"]["sha256"], "checked": "structure"}]


def test_a_dataset_of_tensors_has_no_file_of_images(tmp_path: Path) -> None:
    prepare("digits", folder=tmp_path)
    assert load("digits", folder=tmp_path).images is None


@pytest.mark.parametrize("damage", ["last byte", "cut", "gone"])
def test_damage_to_the_images_is_told_and_mended(tmp_path: Path, toy: Path, damage: str) -> None:
    images = prepare("toy", folder=tmp_path, mirror=toy).with_name("images.bin")
    good = images.read_bytes()
    if damage == "gone":
        images.unlink()
    else:
        images.write_bytes(good[:-1] + (b"\x07" if damage == "last byte" else b""))
    with pytest.raises(UserError, match="run `remixup prepare toy`") as raised:
        load("toy", folder=tmp_path)
    assert raised.value.where == str(images)
    prepare("toy", folder=tmp_path, mirror=toy)
    assert images.read_bytes() == good


def test_files_on_record_are_known_by_their_digest(tmp_path: Path, enter: Enter, pictures: Path) -> None:
    right = hashlib.sha256(whole(pictures)).hexdigest()
    for sha256 in (right, "0" * 64):
        version = Version("jpeg", image_files.in_folder, folder=Folder("toy", sha256), note="toy")
        enter(version, task="image-files", size=SIZE)
        if sha256 == right:
            manifest = json.loads(prepare("toy", folder=tmp_path / "a", mirror=pictures.parent).read_text())
            assert manifest["sources"][0] == {"file": "toy", "sha256": right, "checked": "sha256"}
        else:
            with pytest.raises(UserError, match=f"is {right} .*should be 0000") as raised:
                prepare("toy", folder=tmp_path / "b", mirror=pictures.parent)
            assert raised.value.where == str(pictures)
            assert list((tmp_path / "b" / "prepared").iterdir()) == []


def test_another_number_of_images_is_refused_before_any_is_read(tmp_path: Path, toy: Path) -> None:
    (toy / "toy" / "val" / "b" / "y.JPEG").write_text("not an image")
    with pytest.raises(UserError, match=r"are \(4, 0, 3, 2\), not \(4, 0, 2, 2\)"):
        prepare("toy", folder=tmp_path, mirror=toy)


def test_a_mirror_without_the_folder(tmp_path: Path, toy: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="has no toy/ for toy"):
        prepare("toy", folder=tmp_path, mirror=tmp_path / "other")
    with pytest.raises(UserError, match="point it to a folder that contains toy/"):
        prepare("toy", folder=tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encoded(1)[:-2], "Image is incomplete or truncated"),
        (encoded(1)[:300], "Image is incomplete or truncated"),
        (b"<html>404</html>", "Unsupported image file"),
        (b"", "it is empty"),
        (film(), "not an image of one frame and eight bits"),
    ],
    ids=["two bytes short", "cut", "a web page", "empty", "a film"],
)
def test_a_file_that_is_no_whole_image_is_named_when_it_is_prepared(
    tmp_path: Path, toy: Path, content: bytes, reason: str
) -> None:
    broken = toy / "toy" / "train" / "b" / "9.JPEG"
    broken.write_bytes(content)
    with pytest.raises(UserError, match=reason) as raised:
        prepare("toy", folder=tmp_path, mirror=toy)
    assert raised.value.where == str(broken)
    assert ".cpp" not in str(raised.value)
    assert list((tmp_path / "prepared").iterdir()) == []


def test_a_folder_that_is_not_whole(pictures: Path) -> None:
    (pictures / "val" / "b" / "x.JPEG").unlink()
    with pytest.raises(UserError, match="there are no images here") as raised:
        image_files.read(pictures)
    assert raised.value.where == str(pictures / "val" / "b")
    (pictures / "val" / "b").rmdir()
    with pytest.raises(UserError, match="class 'b' is in one of train and val only"):
        image_files.read(pictures)
    (pictures / "val" / "a" / "0.JPEG").unlink()
    (pictures / "val" / "a").rmdir()
    with pytest.raises(UserError, match="there are no class folders here") as raised:
        image_files.read(pictures)
    assert raised.value.where == str(pictures / "val")


def test_no_room_for_the_images(tmp_path: Path, toy: Path) -> None:
    # A limit on the size of a file fails inside the real write, with any user's rights.
    needed = len(whole(toy / "toy")) + 6 * 8
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UserError, match=f"cannot write {needed:,} bytes"):
            prepare("toy", folder=tmp_path, mirror=toy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "prepared").iterdir()) == []


@pytest.mark.parametrize(("mode", "form"), [("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG")])
def test_every_kind_of_picture_in_imagenet_is_decoded_as_pillow_does(mode: str, form: str) -> None:
    content = encoded(3, mode=mode, form=form)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(image_files.decode(content).numpy(), expected)
