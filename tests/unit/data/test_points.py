"""Random points in the plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from remixup.data.catalog.descriptor import RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import points


def test_the_blob_lies_in_the_ring_and_both_are_uniform() -> None:
    built = points.blob_and_ring(RawFiles({}, Path(), Path()))
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
    ("builder", "centers"),
    [
        (points.ring_of_gaussians, [(np.cos(np.pi * k / 4), np.sin(np.pi * k / 4)) for k in range(8)]),
        (points.grid_of_gaussians, [(x / 2, y / 2) for y in range(-2, 3) for x in range(-2, 3)]),
    ],
)
def test_modes_are_equally_frequent_gaussians_about_their_centers(builder, centers) -> None:
    tensors = builder(RawFiles({}, Path(), Path())).tensors
    for part, count in (("train", 20_000), ("test", 2_000)):
        x, y = tensors[f"{part}_x"], tensors[f"{part}_y"]
        assert (x.shape, x.dtype, y.dtype) == ((count, 2), np.float32, np.int64)
        assert np.bincount(y).tolist() == [count // len(centers)] * len(centers)
        noise = (x.astype(np.float64) - np.array(centers)[y]) / 0.01
        assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
        assert abs(stats.spearmanr(noise[:, 0], noise[:, 1]).statistic) < 0.05
        # each mode lies where it should: the mean of m draws is within five standard errors
        means = np.stack([noise[y == mode].mean(0) for mode in range(len(centers))])
        assert np.abs(means).max() < 5 / np.sqrt(count / len(centers))
    assert not set(map(bytes, tensors["train_x"])) & set(map(bytes, tensors["test_x"]))


def test_the_gaussians_have_not_moved() -> None:
    for name, expected in (
        ("ring-of-gaussians", [1.0176405, 0.0040016, 0.7091064, -0.7193501]),
        ("grid-of-gaussians", [-0.9823595, -0.9959984, 1.0019996, 0.9877567]),
    ):
        builder = getattr(points, name.replace("-", "_"))
        found = builder(RawFiles({}, Path(), Path())).tensors["train_x"][[0, -1]].ravel().tolist()
        # logarithms may differ in the last place from one machine to the next
        assert (REGISTRY[name].numerics, found) == (1, pytest.approx(expected, abs=1e-6))
