"""Toys of points, drawn."""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, Size, Version, versions

_MIXUP = "https://arxiv.org/abs/1710.09412"
_K_MIXUP = "https://arxiv.org/abs/2106.02933"
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
        versions(Version("generated", f"synthetic.{module}.{name.replace('-', '_')}", embedded=True, note=note)),
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


def _reflected_moons(name: str, title: str, shift: str) -> Dataset:
    note = (
        "Two moons as the released code of Chidambaram et al. (2022, tasks/two_moons.py) makes them: scikit-learn's "
        "moons with noise 0.1; the upper one raised and the lower one lowered by 0.3; the whole centered on the "
        "horizontal axis; each point reflected to the side of its class and moved away from the axis by "
        f"{shift}; turned by a quarter. The code draws 300 points for each run; a random 300 of these 30,000 points "
        "replace such a draw. 30,000 + 2,000 points, half of each class. Seeded."
    )
    return _toy(name, title, 2, Size((2,), 30_000, 2_000), note)


def _signs(dimensions: int) -> Dataset:
    note = (
        "Data for the linear models of section 3.2: x is standard normal, the label is a fair coin that knows "
        "nothing of x; a test error of 50 % is all there is to reach. 400 + 100 points. Seeded."
    )
    title = f"noise in {dimensions} dimensions"
    size = Size((dimensions,), 400, 100)
    return _toy(f"signs-{dimensions}", title, 2, size, note)


_TWO_MOONS_WIDE = _toy(
    "two-moons-wide",
    "two moons far apart",
    2,
    Size((2,), 3_000, 2_000),
    "Two moons in the manner of section 3.1 of Chidambaram et al. (2022), who take them from Pezeshki et al.; how "
    "they are separated is our choice: scikit-learn's moons with noise 0.1 are moved apart along the vertical "
    "until 0.5 lies between the lowest point of the upper moon and the highest of the lower, over both parts; "
    "then turned by a quarter counter-clockwise and centred. 3,000 + 2,000 points, half of each class. Seeded.",
    citation="pezeshki2021gradient",
    homepage="https://arxiv.org/abs/2011.09468",
)
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


def _structure(name: str, title: str, classes: int, note: str) -> Dataset:
    note = f"Our choice, to see whether mixed points stay where the data is: {note} 1,024 + 1,024 points. Seeded."
    size = Size((2,), 1_024, 1_024)
    return _toy(name, title, classes, size, note, module="structures", citation="greenewald2023", homepage=_K_MIXUP)


_FEATURE_PATCHES = _toy(
    "feature-patches",
    "patches with two features a class",
    10,
    Size((4, 32), 2_000, 500),
    "Multi-view data as in section 4 of Chidambaram et al. (2023), with the constants of their released simulator "
    "where ours do not differ: ten classes, each with two features, all orthonormal in 32 dimensions (rows of a "
    "Hadamard matrix). A point has four patches: b v_1, (0.75 - b) v_2 with b uniform in [0.25, 0.5], and two of "
    "feature noise: the sum of all features of the other nine classes, of strengths uniform in [0.25, 0.75] times 3 / "
    "10^1.5 (there: 10 / 3^1.5, of three classes). 2,000 + 500 points. Seeded.",
    module="feature_patches",
    citation="chidambaram2023",
    homepage="https://arxiv.org/abs/2210.13512",
)

POINTS = (
    _FEATURE_PATCHES,
    _structure(
        "four-clusters",
        "four clusters",
        4,
        "four Gaussians of standard deviation 0.1 at the corners of a square of side 2, each a class.",
    ),
    _structure(
        "ring",
        "a ring",
        2,
        "points evenly about the unit circle, moved off it by N(0, 0.02^2) along each axis; the classes are the upper "
        "and the lower half.",
    ),
    _structure(
        "swiss-roll",
        "a Swiss roll",
        2,
        "a spiral of one and a half turns in the plane, r = angle / (3 pi) from angle 1.5 pi to 4.5 pi, uniform in the "
        "angle, moved off it by N(0, 0.02^2) along each axis; its inner and its outer half are the classes.",
    ),
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
    _TWO_MOONS_WIDE,
    _reflected_moons("reflected-moons-wide", "two reflected moons far apart", "0.5"),
    _reflected_moons("reflected-moons-narrow", "two reflected moons close together", "0.1"),
    *(_signs(dimensions) for dimensions in (20, 60, 240, 960)),
    _STRETCHED_GAUSSIAN,
)
