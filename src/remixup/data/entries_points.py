"""Toys of points, drawn."""

from __future__ import annotations

from remixup.data.entry import Dataset, Size, Version, versions

_MIXUP = "https://arxiv.org/abs/1710.09412"
_DEPENDENCY = "https://arxiv.org/abs/2110.07647"


def _toy(
    name: str,
    title: str,
    classes: int,
    size: Size,
    note: str,
    *,
    module: str = "toys",
    citation: str = "chidambaram2022",
    homepage: str = _DEPENDENCY,
) -> Dataset:
    return Dataset(
        name,
        title,
        "points",
        classes,
        versions(Version("generated", f"{module}.{name.replace('-', '_')}", embedded=True, note=note)),
        licence="none needed",
        citation=citation,
        homepage=homepage,
        size=size,
    )


def _waves(name: str, title: str, where: str) -> Dataset:
    note = (
        "Toy regression: 60 training points, x uniform in [-1, 1], y = 2 x + sin(6 x) + N(0, 0.3^2); the test part "
        f"is the function itself at 400 points {where}. Seeded."
    )
    size = Size((1,), 60, 400)
    return _toy(name, title, 1, size, note, module="waves", citation="zhang2018mixup", homepage=_MIXUP)


def _gaussians(name: str, title: str, modes: int, centres: str) -> Dataset:
    note = (
        f"A toy of Figure 5 of the mixup article, in the sizes of its first author's example: {modes} Gaussians of "
        f"standard deviation 0.01, {centres}, 20,000 + 2,000 points, as many from each. Seeded."
    )
    size = Size((2,), 20_000, 2_000)
    return _toy(name, title, modes, size, note, module="points", citation="zhang2018mixup", homepage=_MIXUP)


def _line(name: str, title: str, points: int, classes: int, note: str) -> Dataset:
    note = f"{note} The test part is the training part: its error is the error on the original points."
    size = Size((1,), points, points)
    return _toy(name, title, classes, size, note)


def _alternating(points: int, classes: int) -> Dataset:
    note = (
        f"The failure case of mixup, section 2.3: points 0 to {points - 1} on the line, the class of point i is "
        f"i mod {classes}."
    )
    title = f"{points} points on a line, {classes} classes in turn"
    return _line(f"alternating-line-{points}-{classes}", title, points, classes, note)


def _two_moons(name: str, title: str, gap: str) -> Dataset:
    note = (
        "Two moons in the manner of section 3.1 of Chidambaram et al. (2022), who take them from Pezeshki et al.; how "
        "they are separated is our choice: scikit-learn's moons with noise 0.1 are moved apart along the vertical "
        f"until {gap} lies between the lowest point of the upper moon and the highest of the lower, over both parts; "
        "then turned by a quarter counter-clockwise and centred. 3,000 + 2,000 points, half of each class. Seeded."
    )
    homepage = "https://arxiv.org/abs/2011.09468"
    size = Size((2,), 3_000, 2_000)
    return _toy(name, title, 2, size, note, citation="pezeshki2021gradient", homepage=homepage)


def _signs(dimensions: int) -> Dataset:
    note = (
        "Data for the linear models of section 3.2: x is standard normal, the label is a fair coin that knows "
        "nothing of x; a test error of 50 % is all there is to reach. 400 + 100 points. Seeded."
    )
    title = f"noise in {dimensions} dimensions"
    size = Size((dimensions,), 400, 100)
    return _toy(f"signs-{dimensions}", title, 2, size, note)


_STRETCHED_GAUSSIAN = _toy(
    "stretched-gaussian",
    "a stretched Gaussian",
    2,
    Size((10,), 3_000, 2_000),
    "Our choice, for the penalty of section 4, which adapts to the data: x is normal with mean 0 and independent "
    "coordinates whose variances fall geometrically from 4 to 0.01; the label is 1 with probability "
    "sigmoid(theta^T x), theta = 2 (1, ..., 1) / sqrt(10). The best classifier errs on 23.7 %. 3,000 + 2,000 points. "
    "Seeded.",
    citation="zhang2021",
    homepage="https://arxiv.org/abs/2010.04819",
)


POINTS = (
    _gaussians("ring-of-gaussians", "eight Gaussians in a ring", 8, "their centres evenly on the unit circle"),
    _gaussians("grid-of-gaussians", "25 Gaussians in a grid", 25, "their centres on a grid of 5 x 5 from -1 to 1"),
    _waves("waves", "a wavy line", "of the same range"),
    _waves("waves-beyond", "a wavy line, continued", "with 1 < |x| <= 1.5, where nothing was trained on"),
    _alternating(3, 2),
    _alternating(10, 2),
    _alternating(10, 10),
    _line(
        "sorted-line-4-2",
        "four points on a line, two classes apart",
        4,
        2,
        "A case in which mixup does no harm (Theorem 2.10): points 0, 1, 2, 3 on the line, of classes 0, 0, 1, 1, so "
        "that none lies between two of another class.",
    ),
    _toy(
        "two-moons",
        "two moons",
        2,
        Size((2,), 3_000, 2_000),
        "scikit-learn's two moons with noise 0.1, which interlock, so that no straight line separates them. 3,000 + "
        "2,000 points, half of each class. Seeded.",
        citation="zhang2021",
        homepage="https://arxiv.org/abs/2010.04819",
    ),
    _two_moons("two-moons-wide", "two moons far apart", "0.5"),
    _two_moons("two-moons-narrow", "two moons close together", "0.1"),
    *(_signs(dimensions) for dimensions in (20, 60, 240, 960)),
    _STRETCHED_GAUSSIAN,
)
