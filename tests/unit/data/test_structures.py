"""Clusters and curves: what their notes promise, and that their numbers do not move without a raise of `numerics`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import scikit_learn
from remixup.data.catalog.descriptor import RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import points

NAMES = ["four-clusters", "ring", "swiss-roll"]
STD = 0.02


def made(name: str) -> dict[str, np.ndarray]:
    return getattr(points, name.replace("-", "_"))(RawFiles({}, Path(), Path())).tensors


@pytest.mark.parametrize("name", NAMES)
def test_both_parts_are_alike_and_share_no_point(name: str) -> None:
    tensors = made(name)
    for part in ("train", "test"):
        x, y = tensors[f"{part}_x"], tensors[f"{part}_y"]
        assert (x.shape, x.dtype.str, y.dtype.str) == ((1024, 2), "<f4", "<i8")
        counts = np.bincount(y, minlength=REGISTRY[name].classes)
        assert len(counts) == REGISTRY[name].classes
        assert np.abs(counts - 1024 / len(counts)).max() < 4 * np.sqrt(1024 / 4)
    assert not set(map(bytes, tensors["train_x"])) & set(map(bytes, tensors["test_x"]))


def test_clusters_are_at_the_corners_of_a_square() -> None:
    tensors = made("four-clusters")
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    apart = tensors["train_x"] - corners[tensors["train_y"]]
    assert np.bincount(tensors["train_y"]).tolist() == [256] * 4
    assert np.abs(apart.mean(axis=0)).max() < 4 * 0.1 / 32
    assert apart.std(axis=0) == pytest.approx([0.1, 0.1], rel=0.1)


def test_the_ring_is_a_unit_circle_in_two_halves() -> None:
    tensors = made("ring")
    x = tensors["train_x"].astype(np.float64)
    radius = np.linalg.norm(x, axis=1)
    assert radius.mean() == pytest.approx(1, abs=0.005)
    assert radius.std() == pytest.approx(STD, rel=0.1)
    off = np.abs(x[:, 1]) > 4 * STD  # near the ends noise may carry a point across
    assert ((x[:, 1] < 0) == tensors["train_y"])[off].all()
    turn = np.sort(np.arctan2(x[:, 1], x[:, 0]))
    assert np.abs(turn - np.linspace(-np.pi, np.pi, 1024)).max() < 2 * np.pi * 1.95 / 32  # Kolmogorov at 0.1 %


def test_the_roll_is_a_spiral_of_one_and_a_half_turns() -> None:
    tensors = made("swiss-roll")
    x, y = tensors["train_x"].astype(np.float64), tensors["train_y"]
    radius, turn = np.linalg.norm(x, axis=1), np.arctan2(x[:, 1], x[:, 0])
    angle = 3 * np.pi * radius
    off = np.angle(np.exp(1j * (angle - turn)))  # radius says the angle, up to whole turns
    assert np.abs(off).max() < 3 * np.pi * 5 * STD
    assert (radius.min(), radius.max()) == (pytest.approx(0.5, abs=0.1), pytest.approx(1.5, abs=0.1))
    clear = np.abs(radius - 1) > 5 * STD
    assert ((radius > 1) == y)[clear].all()


@pytest.mark.parametrize(
    ("name", "corners"),
    [
        ("four-clusters", [1.1764052, 1.0400157, 0.9524825, -0.8727046]),
        ("ring", [-0.9427529, -0.2934658, 0.9202888, -0.3102630]),
        ("swiss-roll", [-0.9291848, -0.4572192, 0.6474232, 1.2889533]),
    ],
)
def test_the_numbers_have_not_moved(name: str, corners: list[float]) -> None:
    found = made(name)["train_x"][[0, -1]].ravel().tolist()
    assert (REGISTRY[name].numerics, found) == (1, pytest.approx(corners, abs=1e-6))


@pytest.mark.parametrize(
    ("name", "counts", "mean"), [("wine", [59, 71, 48], 13.000618), ("breast_cancer", [212, 357], 14.127292)]
)
def test_tables_are_those_of_the_repository(name: str, counts: list[int], mean: float) -> None:
    """Rows of each class as the publisher states them; the mean alcohol, the mean radius."""
    tensors = getattr(scikit_learn, name)(RawFiles({}, Path(), Path())).tensors
    assert np.bincount(tensors["y"]).tolist() == counts
    assert tensors["x"][:, 0].mean(dtype=np.float64) == pytest.approx(mean, abs=1e-5)
