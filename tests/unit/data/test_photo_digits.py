"""Digits drawn over photographs."""

from __future__ import annotations

import numpy as np
import pytest

from remixup.data.catalog.descriptor import Arrays, RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import photo_digits
from tests.unit.data.conftest import fingerprint


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    raw = tmp_path_factory.mktemp("raw")
    return photo_digits.photo_digits(RawFiles({}, raw, raw))


def test_the_numbers_have_not_moved(made: Arrays) -> None:
    assert (REGISTRY["photo-digits"].numerics, fingerprint(made)) == (1, "c740aa645a1b")


def test_photo_digits_have_the_sizes_promised(made: Arrays) -> None:
    tensors = made.tensors
    assert tensors["train_x"].shape == (1200, 3, 16, 16)
    assert tensors["test_x"].shape == (1000, 3, 16, 16)
    assert np.bincount(tensors["train_y"]).tolist() == [120] * 10
    assert np.bincount(tensors["test_y"]).tolist() == [100] * 10


def test_every_digit_is_drawn_over_both_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    def remember(ink: np.ndarray, photograph: np.ndarray, stream: np.random.RandomState) -> np.ndarray:
        return np.full_like(ink, photograph.sum())

    monkeypatch.setattr(photo_digits, "_drawing", remember)
    behind = {(name.rsplit("/", 1)[0], int(drawn[0, 0])) for name, drawn in photo_digits._drawings()}
    assert len(behind) == 2 * 10 * 2


def test_no_digit_of_the_training_part_is_in_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    inks: list[bytes] = []

    def remember(ink: np.ndarray, photograph: np.ndarray, stream: np.random.RandomState) -> np.ndarray:
        inks.append(ink.tobytes())
        return np.zeros((16, 16, 3), np.uint8)

    monkeypatch.setattr(photo_digits, "_drawing", remember)
    parts = [path.partition("/")[0] for path, _ in photo_digits._drawings()]
    used = {part: [ink for ink, where in zip(inks, parts, strict=True) if where == part] for part in ("train", "val")}
    assert len(set(used["train"])) == len(used["train"]) == 1200
    assert len(set(used["val"])) == len(used["val"]) // 2 == 500
    assert not set(used["train"]) & set(used["val"])


def test_enlarging_keeps_a_ramp_a_ramp() -> None:
    # The center of pixel k of 14 lies at (8 k - 3) / 14 of 8; outside the outermost centers the edge goes on.
    ramp = photo_digits._enlargement() @ np.arange(8)
    assert ramp.tolist() == [min(max(8 * k - 3, 0), 7 * 14) for k in range(14)]
    assert photo_digits._enlargement().sum(axis=1).tolist() == [14] * 14


def test_ink_is_four_fifths_opaque_and_contrasts_with_the_patch() -> None:
    ink = np.zeros((14, 14), np.int64)
    ink[3, 4] = 16 * 14 * 14  # the strongest there is
    for gray, inked in ((100, 224), (200, 40)):  # 100 + 4/5 of the way to 255; 200 - 4/5 of the way to 0
        drawn = photo_digits._drawing(ink, np.full((16, 16, 3), gray), np.random.RandomState(0))
        values, counts = np.unique(drawn, return_counts=True)
        assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {gray: 255 * 3, inked: 3}
