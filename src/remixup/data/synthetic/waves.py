"""Toy regression: a function of one variable with noise, tested in and beyond the range of the training data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, RawFiles, Size, generated

_SEED = 0
_TRAIN, _TEST = 60, 400
_NOISE = 0.3
_LIMIT = 1.5


def waves(raw: RawFiles) -> Arrays:
    """Draw 60 noisy training points with x uniform in [-1, 1]; test on 400 noise-free points of the same range."""
    return _arrays(np.linspace(-1, 1, _TEST))


def waves_beyond(raw: RawFiles) -> Arrays:
    """Draw the same training points; test on 400 noise-free points with 1 < |x| <= 1.5."""
    right = np.linspace(1, _LIMIT, _TEST // 2 + 1)[1:]
    return _arrays(np.concatenate([-right[::-1], right]))


def _arrays(test_x: NDArray[np.float64]) -> Arrays:
    stream = np.random.RandomState(_SEED)  # NumPy guarantees that its stream never changes
    train_x = stream.uniform(-1, 1, _TRAIN)
    noise = _NOISE * stream.standard_normal(_TRAIN)
    return Arrays(
        {
            "train_x": train_x.astype(np.float32)[:, None],
            "train_y": (_function(train_x) + noise).astype(np.float32),
            "test_x": test_x.astype(np.float32)[:, None],
            "test_y": _function(test_x).astype(np.float32),
        }
    )


def _function(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2 x + sin(6 x): a slope that continues beyond the data, and waves that a regularizer may flatten."""
    return 2 * x + np.sin(6 * x)


def _describe(builder: Builder, name: str, title: str, test_range: str) -> Dataset:
    note = (
        "Toy regression: 60 training points, x uniform in [-1, 1], y = 2 x + sin(6 x) + N(0, 0.3^2); the test part is "
        f"the function without noise at 400 points {test_range}. Seeded."
    )
    size = Size((1,), 60, 400)
    citation, homepage = "zhang2018mixup", "https://arxiv.org/abs/1710.09412"
    return generated(builder, name, title, "points", 1, size, note, citation=citation, homepage=homepage)


DATASETS = (
    _describe(waves, "waves", "a wavy line", "of the same range"),
    _describe(waves_beyond, "waves-beyond", "a wavy line, continued", "with 1 < |x| <= 1.5, beyond the training data"),
)
