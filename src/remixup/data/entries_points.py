"""Toys of points, drawn."""

from __future__ import annotations

from remixup.data.entry import Dataset, Size, Version, versions


def _waves(name: str, title: str, where: str) -> Dataset:
    note = (
        "Toy regression: 60 training points, x uniform in [-1, 1], y = 2 x + sin(6 x) + N(0, 0.3^2); the test part "
        f"is the function itself at 400 points {where}. Seeded."
    )
    return Dataset(
        name,
        title,
        "points",
        1,
        versions(Version("generated", f"waves.{name.replace('-', '_')}", embedded=True, note=note)),
        licence="none needed",
        citation="zhang2018mixup",
        homepage="https://arxiv.org/abs/1710.09412",
        size=Size((1,), 60, 400),
    )


def _gaussians(name: str, title: str, modes: int, centres: str) -> Dataset:
    note = (
        f"A toy of Figure 5 of the mixup article, in the sizes of its first author's example: {modes} Gaussians of "
        f"standard deviation 0.01, {centres}, 20,000 + 2,000 points, as many from each. Seeded."
    )
    return Dataset(
        name,
        title,
        "points",
        modes,
        versions(Version("generated", f"points.{name.replace('-', '_')}", embedded=True, note=note)),
        licence="none needed",
        citation="zhang2018mixup",
        homepage="https://arxiv.org/abs/1710.09412",
        size=Size((2,), 20_000, 2_000),
    )


POINTS = (
    _gaussians("ring-of-gaussians", "eight Gaussians in a ring", 8, "their centres evenly on the unit circle"),
    _gaussians("grid-of-gaussians", "25 Gaussians in a grid", 25, "their centres on a grid of 5 x 5 from -1 to 1"),
    _waves("waves", "a wavy line", "of the same range"),
    _waves("waves-beyond", "a wavy line, continued", "with 1 < |x| <= 1.5, where nothing was trained on"),
)
