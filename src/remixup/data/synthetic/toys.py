"""Toys on which the theory of mixup makes its predictions: points on a line, two moons, noise, a stretched Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.builders.builder import Built, Material

_SEED = 0
_TRAIN, _TEST = 3_000, 2_000
_MANY = 30_000
_MOON_NOISE = 0.1
_GAP = 0.5
_SIGNS = {"train": 400, "test": 100}
_VARIANCES = (4.0, 0.01)
_SLOPE = 2.0


def alternating_line_3_2(material: Material) -> Built:
    """Points 0, 1, 2 of classes 0, 1, 0; the middle one lies on the segment between the others."""
    return _line(np.arange(3) % 2)


def alternating_line_10_2(material: Material) -> Built:
    """Points 0 to 9, of two classes in turn."""
    return _line(np.arange(10) % 2)


def alternating_line_10_10(material: Material) -> Built:
    """Points 0 to 9, each of a class of its own."""
    return _line(np.arange(10))


def sorted_line_4_2(material: Material) -> Built:
    """Points 0, 1, 2, 3 of classes 0, 0, 1, 1; none lies between two of the other class."""
    return _line(np.arange(4) // 2)


def two_moons(material: Material) -> Built:
    """Two moons that interlock, as scikit-learn draws them."""
    x, y = _interlocking()
    return _moon_parts(x, y, ("upper", "lower"))


def two_moons_wide(material: Material) -> Built:
    """Two moons moved apart until, over both parts, an empty band of width 0.5 lies between them."""
    x, y = _interlocking()
    upper, lower = x[y == 0], x[y == 1]
    x[y == 0, 1] += _GAP - (upper[:, 1].min() - lower[:, 1].max())
    x = np.stack([-x[:, 1], x[:, 0]], axis=1)  # a quarter turn counter-clockwise: what was above is now on the left
    x -= x.mean(axis=0)
    return _moon_parts(x, y, ("left", "right"))


def reflected_moons_wide(material: Material) -> Built:
    """Two reflected moons, each moved by 0.5 away from the line between them."""
    return _reflected_moons(0.5)


def reflected_moons_narrow(material: Material) -> Built:
    """Two reflected moons, each moved by 0.1 away from the line between them."""
    return _reflected_moons(0.1)


def signs_20(material: Material) -> Built:
    """Gaussian noise in 20 dimensions with labels that have nothing to do with it."""
    return _signs(20)


def signs_60(material: Material) -> Built:
    """The same in 60 dimensions."""
    return _signs(60)


def signs_240(material: Material) -> Built:
    """The same in 240 dimensions."""
    return _signs(240)


def signs_960(material: Material) -> Built:
    """The same in 960 dimensions."""
    return _signs(960)


def stretched_gaussian(material: Material) -> Built:
    """A logistic model in 10 dimensions, all of equal weight, whose variances fall geometrically from 4 to 0.01."""
    stream = np.random.RandomState(_SEED)
    spread = np.sqrt(np.geomspace(*_VARIANCES, 10))
    slope = np.full(10, _SLOPE / np.sqrt(10))  # of length 2, the same along each axis
    tensors: dict[str, NDArray[Any]] = {}
    for part, count in (("train", _TRAIN), ("test", _TEST)):
        x = spread * stream.standard_normal((count, 10))
        chance = 1 / (1 + np.exp(-x @ slope))
        tensors |= _part(part, x, stream.uniform(size=count) < chance)
    return Built(tensors)


def _line(classes: NDArray[np.int64]) -> Built:
    """Points 0, 1, 2, ...: the test part is the training part, so that test error is error on the original points."""
    x = np.arange(len(classes))[:, None]
    return Built(_part("train", x, classes) | _part("test", x, classes))


def _interlocking() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and classes of scikit-learn's moons: the training part, then the test part."""
    from sklearn.datasets import make_moons

    stream = np.random.RandomState(_SEED)
    parts = [make_moons(count, noise=_MOON_NOISE, random_state=stream) for count in (_TRAIN, _TEST)]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return x, y


def _reflected_moons(shift: float) -> Built:
    """Return moons that the line x = 0 separates, as in the released code of Chidambaram et al. (2022).

    scikit-learn's moons are first centered across the line, after the height of each is changed by 0.3. Each point is
    then reflected to the side of its class, if it is not there already, and moved away from the line by `shift`. The
    last step is a quarter turn that puts the lower moon on the left.
    """
    from sklearn.datasets import make_moons

    stream = np.random.RandomState(_SEED)
    tensors: dict[str, NDArray[Any]] = {}
    for part, count in (("train", _MANY), ("test", _TEST)):
        moons, y = make_moons(count, noise=_MOON_NOISE, random_state=stream)
        side = 1.0 - 2.0 * y  # class 0, the upper moon, is on the right
        height = moons[:, 1] + 0.3 * side
        across = side * (np.abs(height - height.mean()) + shift)
        tensors |= _part(part, np.stack([across, moons[:, 0] - 0.5], axis=1), y)
    return Built(tensors, ("right", "left"))


def _moon_parts(x: NDArray[np.float64], y: NDArray[np.int64], classes: tuple[str, str]) -> Built:
    return Built(_part("train", x[:_TRAIN], y[:_TRAIN]) | _part("test", x[_TRAIN:], y[_TRAIN:]), classes)


def _signs(dimensions: int) -> Built:
    stream = np.random.RandomState(_SEED)
    tensors: dict[str, NDArray[Any]] = {}
    for part, count in _SIGNS.items():
        x = stream.standard_normal((count, dimensions))
        tensors |= _part(part, x, stream.randint(0, 2, count))
    return Built(tensors)


def _part(name: str, x: NDArray[Any], y: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {f"{name}_x": x.astype(np.float32), f"{name}_y": y.astype(np.int64)}
