"""Digits drawn over photographs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from remixup.data.catalog.descriptor import RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import photo_digits


def test_each_class_is_drawn_over_both_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    def remember(ink: np.ndarray, photograph: np.ndarray, stream: np.random.RandomState) -> np.ndarray:
        return np.full((40, 40, 3), photograph.sum())

    monkeypatch.setattr(photo_digits, "_drawing", remember)
    behind = {(name.rsplit("/", 1)[0], int(drawn[0, 0, 0])) for name, drawn in photo_digits._drawings()}
    assert len(behind) == 2 * 10 * 2


def test_enlarging_keeps_a_ramp_a_ramp() -> None:
    # The center of pixel k of 14 lies at (8 k - 3) / 14 of 8; outside the outermost centers the edge goes on.
    ramp = photo_digits._enlargement(14) @ np.arange(8)
    assert ramp.tolist() == [min(max(8 * k - 3, 0), 7 * 14) for k in range(14)]
    assert photo_digits._enlargement(14).sum(axis=1).tolist() == [14] * 14


def test_full_ink_is_white_and_half_of_it_is_halfway_to_white() -> None:
    ink = np.zeros((28, 28), np.int64)
    ink[3, 4], ink[5, 6] = 16 * 28 * 28, 8 * 28 * 28
    drawn = photo_digits._drawing(ink, np.full((40, 40, 3), 55), np.random.RandomState(0))
    values, counts = np.unique(drawn, return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {55: 3 * (1600 - 2), 155: 3, 255: 3}


def test_files_are_what_the_note_says(tmp_path: Path) -> None:
    arrays = photo_digits.photo_digits_jpeg(RawFiles({}, tmp_path, tmp_path))
    assert np.bincount(arrays.tensors["train_y"]).tolist() == [40] * 10
    assert np.bincount(arrays.tensors["test_y"]).tolist() == [50] * 10
    assert arrays.class_names == tuple("0123456789")
    assert len(set(arrays.image_files)) == len(arrays.image_files) == 900
    labels = [int(Path(path).parent.name) for path in arrays.image_files]
    assert labels == [*arrays.tensors["train_y"], *arrays.tensors["test_y"]]
    drawn = dict(photo_digits._drawings())
    for path in arrays.image_files[::97]:
        with Image.open(path) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", (40, 40), "RGB")
            name = Path(path).relative_to(tmp_path).as_posix()
            assert np.abs(np.asarray(image).astype(int) - drawn[name]).mean() < 8


def test_the_drawings_have_not_moved() -> None:
    total = hashlib.sha256()
    for name, image in photo_digits._drawings():
        total.update(name.encode() + image.tobytes())
    assert (REGISTRY["photo-digits-jpeg"].numerics, total.hexdigest()[:12]) == (1, "648fb7e9f8a9")


def test_each_drawing_has_a_digit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    inks: list[np.ndarray] = []

    def remember(ink: np.ndarray, *others: object, **named: object) -> np.ndarray:
        inks.append(ink)
        return np.zeros((40, 40, 3), np.uint8)

    monkeypatch.setattr(photo_digits, "_drawing", remember)
    names = [name for name, _ in photo_digits._drawings()]
    assert sorted({len(ink) for ink in inks}) == [28, 32, 36]
    bunch = load_digits()
    known = {(label, row.tobytes()) for label, row in zip(bunch.target, bunch.images.astype(np.int64), strict=True)}
    found = set()
    for name, ink in zip(names, inks, strict=True):
        back = np.linalg.pinv(photo_digits._enlargement(len(ink)))  # more rows than columns: nothing was lost
        small = np.rint(back @ ink @ back.T).astype(np.int64)
        found.add((int(name.split("/")[1]), small.tobytes()))
    assert len(found) == 900
    assert found <= known
