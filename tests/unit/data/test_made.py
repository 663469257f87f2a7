"""Datasets made on the spot: what they promise, and that their numbers do not move without a raise of `numerics`."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.datasets import load_digits, load_iris

from remixup.data.builders import scikit_learn
from remixup.data.builders.builder import Built, Material
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import photo_digits, points

BUILDERS = {
    "digits": scikit_learn.digits,
    "digits-20": scikit_learn.digits_20,
    "iris": scikit_learn.iris,
    "photo-digits": photo_digits.photo_digits,
}
# First twelve digits of the sha256 of all tensors, with the `numerics` under which they hold.
GOLDEN = {
    "digits": (2, "1c9528f36111"),
    "digits-20": (2, "76ddabbd7c8e"),
    "iris": (1, "513a0e048f8f"),
    "photo-digits": (1, "c740aa645a1b"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    raw = tmp_path_factory.mktemp("raw")
    return {name: builder(Material({}, raw)) for name, builder in BUILDERS.items()}


def fingerprint(built: Built) -> str:
    total = hashlib.sha256()
    for name, array in sorted(built.tensors.items()):
        total.update(f"{name} {array.shape} {array.dtype.newbyteorder('<').str}".encode() + array.tobytes())
    return total.hexdigest()[:12]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_numbers_have_not_moved(made: dict[str, Built], name: str) -> None:
    assert (REGISTRY[name].numerics, fingerprint(made[name])) == GOLDEN[name]


def test_digits_are_split_as_the_note_says(made: dict[str, Built]) -> None:
    tensors = made["digits"].tensors
    for part in ("train", "test"):
        assert tensors[f"{part}_x"].shape == (600, 1, 8, 8)
        assert np.bincount(tensors[f"{part}_y"]).tolist() == [60] * 10
    bunch = load_digits()
    both = np.concatenate([tensors["train_x"], tensors["test_x"]]).reshape(-1, 64)
    labels = np.concatenate([tensors["train_y"], tensors["test_y"]])
    expected = np.rint(bunch.data * 255 / 16).astype(np.uint8)
    there = Counter((label, row.tobytes()) for label, row in zip(bunch.target, expected, strict=True))
    # None is in both parts, or twice in one.
    assert Counter((label, row.tobytes()) for label, row in zip(labels, both, strict=True)) <= there


def test_iris_is_scikit_learns(made: dict[str, Built]) -> None:
    tensors = made["iris"].tensors
    assert np.array_equal(tensors["x"], load_iris().data.astype(np.float32))
    assert tensors["x"][[34, 37]].tolist() == np.float32([[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]]).tolist()
    assert tensors["y"].tolist() == [0] * 50 + [1] * 50 + [2] * 50


def test_photo_digits_have_the_sizes_promised(made: dict[str, Built]) -> None:
    tensors = made["photo-digits"].tensors
    assert tensors["train_x"].shape == (1200, 3, 16, 16)
    assert tensors["test_x"].shape == (1000, 3, 16, 16)
    assert np.bincount(tensors["train_y"]).tolist() == [120] * 10
    assert np.bincount(tensors["test_y"]).tolist() == [100] * 10


def test_every_digit_stands_in_front_of_both_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    def remember(ink: np.ndarray, photograph: np.ndarray, stream: np.random.RandomState) -> np.ndarray:
        return np.full_like(ink, photograph.sum())

    monkeypatch.setattr(photo_digits, "_drawing", remember)
    behind = {(name.rsplit("/", 1)[0], int(drawn[0, 0])) for name, drawn in photo_digits._drawings()}
    assert len(behind) == 2 * 10 * 2


def test_every_other_digit_is_turned_and_a_class_of_its_own(made: dict[str, Built]) -> None:
    upright, both = made["digits"].tensors, made["digits-20"].tensors
    for part, counts in (("train", [30] * 20), ("test", None)):
        turned = both[f"{part}_y"] >= 10
        assert np.array_equal(both[f"{part}_y"] % 10, upright[f"{part}_y"])
        for before, after, label in zip(upright[f"{part}_x"], both[f"{part}_x"], both[f"{part}_y"], strict=True):
            expected = (
                before if label < 10 else before.transpose(0, 2, 1)[:, ::-1]
            )  # the right column becomes the top row
            assert np.array_equal(after, expected)
        found = np.bincount(both[f"{part}_y"], minlength=20)
        assert counts is None or found.tolist() == counts
        assert (found[:10] - found[10:]).max() <= 1
        assert (found[:10] - found[10:]).min() >= 0
        first = np.flatnonzero(upright[f"{part}_y"] == 3)[:4]
        assert turned[first].tolist() == [False, True, False, True]


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


def test_the_png_files_are_what_was_read_and_the_same_every_time(tmp_path: Path) -> None:
    built = [photo_digits.photo_digits(Material({}, tmp_path / folder)) for folder in "ab"]
    assert np.array_equal(built[0].tensors["train_x"], built[1].tensors["train_x"])
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png"))
    assert len(files) == 2200
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    first = tmp_path / "a" / "photo-digits" / "train" / "0" / "000.png"
    assert np.array_equal(np.asarray(Image.open(first)).transpose(2, 0, 1), built[0].tensors["train_x"][0])
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["photo-digits"]


def test_images_drawn_before_are_replaced(tmp_path: Path) -> None:
    stray = tmp_path / "photo-digits" / "train" / "0" / "stray.png"
    stray.parent.mkdir(parents=True)
    stray.write_text("left by somebody")
    photo_digits.photo_digits(Material({}, tmp_path))
    assert not stray.exists()
    assert len(list(stray.parent.iterdir())) == 120


def test_enlarging_keeps_a_ramp_a_ramp() -> None:
    # The centre of pixel k of 14 lies at (8 k - 3) / 14 of 8; outside the outermost centres the edge goes on.
    ramp = photo_digits._enlargement() @ np.arange(8)
    assert ramp.tolist() == [min(max(8 * k - 3, 0), 7 * 14) for k in range(14)]
    assert photo_digits._enlargement().sum(axis=1).tolist() == [14] * 14


def test_ink_is_four_fifths_opaque_and_contrasts_with_the_patch() -> None:
    ink = np.zeros((14, 14), np.int64)
    ink[3, 4] = 16 * 14 * 14  # the strongest there is
    for grey, inked in ((100, 224), (200, 40)):  # 100 + 4/5 of the way to 255; 200 - 4/5 of the way to 0
        drawn = photo_digits._drawing(ink, np.full((16, 16, 3), grey), np.random.RandomState(0))
        values, counts = np.unique(drawn, return_counts=True)
        assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {grey: 255 * 3, inked: 3}


def test_the_blob_lies_in_the_ring_and_both_are_uniform() -> None:
    built = points.blob_and_ring(Material({}, Path()))
    radius = np.linalg.norm(built.tensors["x"].astype(np.float64), axis=1)
    ring, blob = radius[built.tensors["y"] == 0], radius[built.tensors["y"] == 1]
    assert len(ring) == len(blob) == 150
    assert blob.max() <= 1
    assert ring.min() >= 1.4
    assert ring.max() <= 2.4
    assert np.median(blob) == pytest.approx(np.sqrt(0.5), abs=0.1)  # half of the disc lies within 0.707
    assert np.median(ring) == pytest.approx(np.sqrt((1.4**2 + 2.4**2) / 2), abs=0.1)
    assert np.abs(built.tensors["x"].reshape(2, 150, 2).mean(axis=1)).max() < 0.3
    # cosines may differ in the last place from one machine to the next
    first_of_each = pytest.approx([1.1878698, 1.6231009, -0.2745641, 0.9116853], abs=1e-6)
    assert (REGISTRY["blob-and-ring"].numerics, built.tensors["x"][[0, 150]].ravel().tolist()) == (1, first_of_each)


@pytest.mark.parametrize(
    ("builder", "centres"),
    [
        (points.ring_of_gaussians, [(np.cos(np.pi * k / 4), np.sin(np.pi * k / 4)) for k in range(8)]),
        (points.grid_of_gaussians, [(x / 2, y / 2) for y in range(-2, 3) for x in range(-2, 3)]),
    ],
)
def test_modes_are_equally_frequent_gaussians_about_their_centres(builder, centres) -> None:
    tensors = builder(Material({}, Path())).tensors
    for part, count in (("train", 20_000), ("test", 2_000)):
        x, y = tensors[f"{part}_x"], tensors[f"{part}_y"]
        assert (x.shape, x.dtype, y.dtype) == ((count, 2), np.float32, np.int64)
        assert np.bincount(y).tolist() == [count // len(centres)] * len(centres)
        noise = (x.astype(np.float64) - np.array(centres)[y]) / 0.01
        assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
        assert abs(stats.spearmanr(noise[:, 0], noise[:, 1]).statistic) < 0.05
        # each mode lies where it should: the mean of m draws is within five standard errors
        means = np.stack([noise[y == mode].mean(0) for mode in range(len(centres))])
        assert np.abs(means).max() < 5 / np.sqrt(count / len(centres))
    assert not set(map(bytes, tensors["train_x"])) & set(map(bytes, tensors["test_x"]))


def test_the_gaussians_have_not_moved() -> None:
    for name, expected in (
        ("ring-of-gaussians", [1.0176405, 0.0040016, 0.7091064, -0.7193501]),
        ("grid-of-gaussians", [-0.9823595, -0.9959984, 1.0019996, 0.9877567]),
    ):
        builder = getattr(points, name.replace("-", "_"))
        found = builder(Material({}, Path())).tensors["train_x"][[0, -1]].ravel().tolist()
        # logarithms may differ in the last place from one machine to the next
        assert (REGISTRY[name].numerics, found) == (1, pytest.approx(expected, abs=1e-6))
