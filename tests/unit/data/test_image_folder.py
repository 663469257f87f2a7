"""Folders of images, one for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remixup.data.builders import image_folder
from remixup.errors import UserError


def picture(path: Path, color: tuple[int, ...] | int, size: tuple[int, int] = (4, 4), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)
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
    with pytest.raises(UserError, match="this is not a complete image") as raised:
        image_folder.read(tmp_path, 32)
    assert raised.value.where == str(path)
