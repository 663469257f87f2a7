"""Multi-view points of patches: what their note promises, and that their numbers do not move."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from remixup.data.catalog.descriptor import RawFiles
from remixup.data.catalog.registry import REGISTRY
from remixup.data.synthetic import feature_patches

GOLDEN = (1, "2d6de11fa93f")
"""`numerics`, and the first twelve digits of the SHA-256 of all tensors, rounded to six decimals."""


@pytest.fixture(scope="module")
def made():
    return feature_patches.feature_patches(RawFiles({}, Path(), Path())).tensors


def coefficients(x):
    """What each patch holds of each feature: (n, patches, classes, 2)."""
    return np.einsum("npd,kfd->npkf", x.astype(np.float64), feature_patches.features())


def test_the_numbers_have_not_moved(made):
    total = hashlib.sha256()
    for name, array in sorted(made.items()):
        total.update(f"{name} {array.shape}".encode() + (np.rint(array * 1e6).astype(np.int64)).tobytes())
    assert (REGISTRY["feature-patches"].numerics, total.hexdigest()[:12]) == GOLDEN


def test_features_are_orthonormal():
    flat = feature_patches.features().reshape(20, 32)
    assert np.allclose(flat @ flat.T, np.eye(20), atol=1e-12)
    assert len(np.unique(np.abs(flat))) == 1


@pytest.mark.parametrize("part", ["train", "test"])
def test_signal_patches_hold_the_two_features_and_nothing_else(made, part):
    x, y = made[f"{part}_x"], made[f"{part}_y"]
    found = coefficients(x)
    first, second = found[np.arange(len(y)), 0, y, 0], found[np.arange(len(y)), 1, y, 1]
    assert np.allclose(first + second, 0.75, atol=1e-6)
    assert np.allclose(np.linalg.norm(x[:, 0], axis=1), first, atol=1e-6)
    assert np.allclose(np.linalg.norm(x[:, 1], axis=1), second, atol=1e-6)
    assert stats.kstest(first, stats.uniform(0.25, 0.25).cdf).pvalue > 0.01


def test_noise_patches_hold_all_features_of_other_classes_and_none_of_their_own(made):
    x, y = made["train_x"], made["train_y"]
    found = coefficients(x)[:, 2:]
    own = np.zeros((len(y), 10), dtype=bool)
    own[np.arange(len(y)), y] = True
    for patch in range(2):
        assert np.abs(found[:, patch][own]).max() < 1e-6
        others = found[:, patch][~own].ravel() * 10**1.5 / 3
        assert others.min() > 0.249
        assert others.max() < 0.751
        assert abs(others.mean() - 0.5) < 0.005
        assert abs(others.std() - 0.5 / 12**0.5) < 0.005
    # strengths of one patch know nothing of the other's
    assert abs(np.corrcoef(found[:, 0][~own].ravel(), found[:, 1][~own].ravel())[0, 1]) < 0.02


def test_classes_are_drawn_uniformly(made):
    assert stats.chisquare(np.bincount(made["train_y"], minlength=10)).pvalue > 0.01
    assert len(np.unique(made["train_x"], axis=0)) == 2_000
