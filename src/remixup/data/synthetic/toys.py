"""Toy data: points on a line, two moons, noise, a stretched Gaussian, and the regression of a wavy line."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, Origin, RawFiles, Size, describe
from remixup.data.synthetic.drawing import draw_parts

_SEED = 0
_TRAIN, _TEST = 3_000, 2_000
_COUNTS = {"train": _TRAIN, "test": _TEST}
_REFLECTED_TRAIN = 30_000
_MOON_NOISE = 0.1
_GAP = 0.5
_SIGNS = {"train": 400, "test": 100}
_VARIANCES = (4.0, 0.01)
_SLOPE = 2.0
_WAVE_TRAIN, _WAVE_TEST, _WAVE_NOISE, _WAVE_LIMIT = 60, 400, 0.3, 1.5


def line(classes: NDArray[np.int64], raw: RawFiles) -> Arrays:
    """Place points of these classes at 0, 1, 2, ...; the test part equals the training part."""
    x = np.arange(len(classes))[:, None]
    return Arrays(draw_parts(lambda stream, count: (x, classes), {"train": len(x), "test": len(x)}))


def two_moons(raw: RawFiles) -> Arrays:
    """Draw scikit-learn's two interlocking moons."""
    return Arrays(draw_parts(_moons, _COUNTS), ("upper", "lower"))


def two_moons_wide(raw: RawFiles) -> Arrays:
    """Draw two moons and move them apart until an empty band of width 0.5 separates all points of both parts."""
    stream = np.random.RandomState(_SEED)
    parts = [_moons(stream, count) for count in _COUNTS.values()]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    upper, lower = x[y == 0], x[y == 1]
    x[y == 0, 1] += _GAP - (upper[:, 1].min() - lower[:, 1].max())
    x = np.stack([-x[:, 1], x[:, 0]], axis=1)  # rotate by 90 degrees: the upper moon becomes the left one
    x -= x.mean(axis=0)
    moved = iter([(x[:_TRAIN], y[:_TRAIN]), (x[_TRAIN:], y[_TRAIN:])])
    return Arrays(draw_parts(lambda stream, count: next(moved), _COUNTS), ("left", "right"))


def reflected_moons(shift: float, raw: RawFiles) -> Arrays:
    """Draw moons separated by the line x = 0, as in the released code of Chidambaram et al. (2022).

    scikit-learn's moons are first centered across the line, after the height of each is changed by 0.3. Each point is
    then reflected to the side of its class, if it is not there already, and moved away from the line by `shift`. The
    last step is a rotation by 90 degrees that puts the lower moon on the left.
    """

    def draw(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        moons, y = _moons(stream, count)
        side = 1.0 - 2.0 * y  # class 0, the upper moon, is on the right
        height = moons[:, 1] + 0.3 * side
        across = side * (np.abs(height - height.mean()) + shift)
        return np.stack([across, moons[:, 0] - 0.5], axis=1), y

    return Arrays(draw_parts(draw, {"train": _REFLECTED_TRAIN, "test": _TEST}), ("right", "left"))


def signs(dimensions: int, raw: RawFiles) -> Arrays:
    """Draw Gaussian noise with labels that are independent of it."""

    def draw(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return stream.standard_normal((count, dimensions)), stream.randint(0, 2, count)

    return Arrays(draw_parts(draw, _SIGNS))


def stretched_gaussian(raw: RawFiles) -> Arrays:
    """Draw from a logistic model with equal weights in 10 dimensions, whose variances fall from 4 to 0.01."""
    spread = np.sqrt(np.geomspace(*_VARIANCES, 10))
    slope = np.full(10, _SLOPE / np.sqrt(10))  # of length 2

    def draw(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        x = spread * stream.standard_normal((count, 10))
        return x, stream.uniform(size=count) < 1 / (1 + np.exp(-x @ slope))

    return Arrays(draw_parts(draw, _COUNTS))


def _moons(stream: np.random.RandomState, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import make_moons

    x, y = make_moons(count, noise=_MOON_NOISE, random_state=stream)
    return x, y


def waves(raw: RawFiles) -> Arrays:
    """Draw 60 noisy training points with x uniform in [-1, 1]; test on 400 noise-free points of the same range."""
    return _waves(np.linspace(-1, 1, _WAVE_TEST))


def waves_beyond(raw: RawFiles) -> Arrays:
    """Draw the same training points; test on 400 noise-free points with 1 < |x| <= 1.5."""
    right = np.linspace(1, _WAVE_LIMIT, _WAVE_TEST // 2 + 1)[1:]
    return _waves(np.concatenate([-right[::-1], right]))


def _waves(test_x: NDArray[np.float64]) -> Arrays:
    stream = np.random.RandomState(_SEED)  # NumPy guarantees that its stream never changes
    train_x = stream.uniform(-1, 1, _WAVE_TRAIN)
    noise = _WAVE_NOISE * stream.standard_normal(_WAVE_TRAIN)
    return Arrays(
        {
            "train_x": train_x.astype(np.float32)[:, None],
            "train_y": (_wave(train_x) + noise).astype(np.float32),
            "test_x": test_x.astype(np.float32)[:, None],
            "test_y": _wave(test_x).astype(np.float32),
        }
    )


def _wave(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2 x + sin(6 x): a slope that continues beyond the data, and waves that a regularizer may flatten."""
    return 2 * x + np.sin(6 * x)


_CHIDAMBARAM = Origin("chidambaram2022", "https://arxiv.org/abs/2110.07647")
_PEZESHKI = Origin("pezeshki2021gradient", "https://arxiv.org/abs/2011.09468")
_ZHANG_2021 = Origin("zhang2021", "https://arxiv.org/abs/2010.04819")


def _describe(
    builder: Builder, title: str, size: Size, note: str, *, paper: Origin = _CHIDAMBARAM, name: str | None = None
) -> Dataset:
    return describe(builder, title, "points", 2, size, note, origin=paper, name=name)


def _describe_line(name: str, title: str, labels: NDArray[np.int64], note: str) -> Dataset:
    note = f"{note} The test part equals the training part, so test error is the error on the original points."
    size, classes = Size((1,), len(labels), len(labels)), int(labels.max()) + 1
    return describe(partial(line, labels), title, "points", classes, size, note, origin=_CHIDAMBARAM, name=name)


def _describe_alternating_line(points: int, classes: int) -> Dataset:
    note = (
        f"The failure case of mixup, section 2.3: points 0 to {points - 1} on the line; the class of point i is "
        f"i mod {classes}."
    )
    title = f"{points} points on a line, {classes} classes in turn"
    return _describe_line(f"alternating-line-{points}-{classes}", title, np.arange(points) % classes, note)


def _describe_reflected_moons(name: str, title: str, shift: float) -> Dataset:
    note = (
        "Two moons as in the released code of Chidambaram et al. (2022, tasks/two_moons.py): scikit-learn's moons with "
        "noise 0.1; the upper one raised and the lower one lowered by 0.3; all points centered on the horizontal axis; "
        f"each point reflected to the side of its class and moved away from the axis by {shift}; rotated by 90 "
        "degrees. The code draws 300 points for each run; here a run takes a random 300 of 30,000 points. "
        "30,000 + 2,000 points, half of each class. Seeded."
    )
    return _describe(partial(reflected_moons, shift), title, Size((2,), 30_000, 2_000), note, name=name)


def _describe_signs(dimensions: int) -> Dataset:
    note = (
        "Data for the linear models of section 3.2: x is standard normal and the label is a fair coin, independent of "
        "x, so no classifier has a test error below 50 %. 400 + 100 points. Seeded."
    )
    title, size = f"noise in {dimensions} dimensions", Size((dimensions,), 400, 100)
    return _describe(partial(signs, dimensions), title, size, note, name=f"signs-{dimensions}")


def _describe_waves(builder: Builder, title: str, test_range: str) -> Dataset:
    note = (
        "Toy regression: 60 training points, x uniform in [-1, 1], y = 2 x + sin(6 x) + N(0, 0.3^2); the test part is "
        f"the function without noise at 400 points {test_range}. Seeded."
    )
    size = Size((1,), 60, 400)
    origin = Origin("zhang2018mixup", "https://arxiv.org/abs/1710.09412")
    return describe(builder, title, "points", 1, size, note, origin=origin, numeric=True)


DATASETS = (
    _describe_alternating_line(3, 2),
    _describe_alternating_line(10, 2),
    _describe_alternating_line(10, 10),
    _describe_line(
        "sorted-line-4-2",
        "four points on a line, two classes apart",
        np.arange(4) // 2,
        "A case in which mixup does no harm (Theorem 2.10): points 0, 1, 2, 3 on the line with classes 0, 0, 1, 1; no "
        "point is between two points of the other class.",
    ),
    _describe(
        two_moons,
        "two moons",
        Size((2,), 3_000, 2_000),
        "scikit-learn's two moons with noise 0.1, which interlock, so no straight line separates them. 3,000 + 2,000 "
        "points, half of each class. Seeded.",
        paper=_ZHANG_2021,
    ),
    _describe(
        two_moons_wide,
        "two moons far apart",
        Size((2,), 3_000, 2_000),
        "Similar to section 3.1 of Chidambaram et al. (2022), who take the moons from Pezeshki et al.; the way to "
        "separate them is our choice: scikit-learn's moons with noise 0.1 are moved apart vertically until the lowest "
        "point of the upper moon is 0.5 above the highest of the lower moon, over both parts; then rotated by 90 "
        "degrees counter-clockwise and centered. 3,000 + 2,000 points, half of each class. Seeded.",
        paper=_PEZESHKI,
    ),
    _describe_reflected_moons("reflected-moons-wide", "two reflected moons far apart", 0.5),
    _describe_reflected_moons("reflected-moons-narrow", "two reflected moons close together", 0.1),
    *(_describe_signs(dimensions) for dimensions in (20, 60, 240, 960)),
    _describe(
        stretched_gaussian,
        "a stretched Gaussian",
        Size((10,), 3_000, 2_000),
        "Our choice, for the data-dependent penalty of section 4: x is normal with mean 0 and independent coordinates "
        "whose variances fall geometrically from 4 to 0.01; the label is 1 with probability sigmoid(theta^T x), "
        "theta = 2 (1, ..., 1) / sqrt(10). The best classifier has an error of 23.7 %. 3,000 + 2,000 points. Seeded.",
        paper=_ZHANG_2021,
    ),
    _describe_waves(waves, "a wavy line", "of the same range"),
    _describe_waves(waves_beyond, "a wavy line, continued", "with 1 < |x| <= 1.5, beyond the training data"),
)
