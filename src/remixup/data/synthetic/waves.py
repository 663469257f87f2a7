"""A function of one variable, with noise: toy regression, within the range of the training data and beyond it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material

_SEED = 0
_TRAIN, _TEST = 60, 400
_NOISE = 0.3
_REACH = 1.5


def waves(material: Material) -> Built:
    """60 noisy training points with x uniform in [-1, 1]; 400 points of the function itself, from the same range."""
    stream = np.random.RandomState(_SEED)  # NumPy promises that its stream never changes
    train_x = stream.uniform(-1, 1, _TRAIN)
    noise = _NOISE * stream.standard_normal(_TRAIN)
    return _built(train_x, noise, np.linspace(-1, 1, _TEST))


def waves_beyond(material: Material) -> Built:
    """The same training points; 400 points of the function with 1 < |x| <= 1.5, where no training point lies."""
    stream = np.random.RandomState(_SEED)
    train_x = stream.uniform(-1, 1, _TRAIN)
    noise = _NOISE * stream.standard_normal(_TRAIN)
    right = np.linspace(1, _REACH, _TEST // 2 + 1)[1:]
    return _built(train_x, noise, np.concatenate([-right[::-1], right]))


def _built(train_x: NDArray[np.float64], noise: NDArray[np.float64], test_x: NDArray[np.float64]) -> Built:
    return Built(
        {
            "train_x": train_x.astype(np.float32)[:, None],
            "train_y": (_function(train_x) + noise).astype(np.float32),
            "test_x": test_x.astype(np.float32)[:, None],
            "test_y": _function(test_x).astype(np.float32),
        }
    )


def _function(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 x + sin(6 x): a slope that goes on beyond the data, and waves that a regulariser may flatten."""
    return 2 * x + np.sin(6 * x)
