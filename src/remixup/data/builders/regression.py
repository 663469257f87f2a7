"""Regression datasets of C-Mixup (Yao et al., 2022, 2210.05775), prepared as its released code prepares them.

Inputs are scaled here and not by a run, because the extremes are those of all rows, the test part included.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remixup.data.catalog.descriptor import Arrays, Builder, Dataset, File, Origin, RawFiles, Size, describe

_TRAIN, _VALIDATION = 0.7, 0.1
"""Fractions of the rows in the training part, and in the validation part."""
WINDOW, HORIZON = 168, 12
"""Days of exchange rates in an input, and days from the last of them to the label."""


def airfoil(raw: RawFiles) -> Arrays:
    """Read Airfoil Self-Noise: five inputs in [0, 1], label the sound pressure level in dB; x (1503, 5), y (1503,)."""
    table = _table("airfoil_self_noise.dat", sep="\t", header=None)
    return Arrays({"x": _unit_range(table[:, :5]), "y": table[:, 5].astype(np.float32)})


def no2(raw: RawFiles) -> Arrays:
    """Read NO2: seven inputs in [0, 1], label the logarithm of the concentration; x (500, 7), y (500,)."""
    table = _table("no2.csv")
    return Arrays({"x": _unit_range(table[:, 1:]), "y": table[:, 0].astype(np.float32)})


def skillcraft(raw: RawFiles) -> Arrays:
    """Read SkillCraft: 17 inputs, label the action latency in ms, domains the eight leagues of the players."""
    table = _filled(_table("skillcraft.csv.xz"))
    league, latency = table[:, 1].astype(np.int64), table[:, 13]
    return _by_domain(np.delete(table, [0, 1, 13], axis=1), latency, league)


def communities(raw: RawFiles) -> Arrays:
    """Read Communities and Crime: 122 inputs, label the rate of violent crimes in [0, 1], domains the 46 states."""
    columns = [column for column in range(128) if column != 3]  # the fourth is a name
    table = _filled(_table("communities.data.xz", header=None, usecols=columns))
    state, rate = table[:, 0].astype(np.int64), table[:, -1]
    return _by_domain(table[:, 4:-1], rate, state)


def exchange_rate(raw: RawFiles) -> Arrays:
    """Cut daily rates of eight currencies into windows of 168 days and the rates 12 days after the last of them.

    Each series is divided by its largest absolute value. Labels of the first 60 % of the days are the training part,
    of the next 20 % the validation part, of the last 20 % the test part; a window may begin in the part before.

    Returns:
        `train_x` (4373, 8, 168), `train_y` (4373, 8), and 1,518 each of `validation_` and `test_`.
    """
    rates = np.loadtxt(raw.files["exchange_rate.txt.gz"], delimiter=",")
    rates = (rates / np.abs(rates).max(0)).astype(np.float32)
    days = len(rates)
    ends = [WINDOW + HORIZON - 1, int(0.6 * days), int(0.8 * days), days]
    tensors: dict[str, NDArray[np.generic]] = {}
    for part, start, end in zip(("train", "validation", "test"), ends[:-1], ends[1:], strict=True):
        labels = np.arange(start, end)
        seen = labels[:, None] - HORIZON - WINDOW + 1 + np.arange(WINDOW)
        tensors |= {f"{part}_x": rates[seen].transpose(0, 2, 1), f"{part}_y": rates[labels]}
    return Arrays(tensors)


def _table(name: str, **options: Any) -> NDArray[np.float64]:
    """Return the numbers in a CSV file of the package, "?" as NaN; `options` are those of `pandas.read_csv`."""
    import pandas as pd

    table: pd.DataFrame = pd.read_csv(Path(__file__).parent / "packaged" / name, na_values="?", **options)
    return table.to_numpy(np.float64)


def _filled(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the table with each missing value replaced by the mean of its column, over all rows."""
    return np.where(np.isnan(table), np.nanmean(table, axis=0), table)


def _unit_range(x: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return each column moved and scaled to [0, 1] by its extremes over all rows."""
    low, high = x.min(0), x.max(0)
    scaled: NDArray[np.float32] = ((x - low) / (high - low)).astype(np.float32)
    return scaled


def _by_domain(x: NDArray[np.float64], y: NDArray[np.float64], domain: NDArray[np.int64]) -> Arrays:
    """Split by domain, in the order of their numbers: training, validation and test part.

    The domain with which 70 % of the rows are reached is the first of the validation part; that part ends before the
    domain with which a further 10 % are reached.
    """
    inputs, labels = _unit_range(x), y.astype(np.float32)
    domains, counts = np.unique(domain, return_counts=True)
    reached = counts.cumsum()
    first = int(np.argmax(reached >= int(_TRAIN * len(y))))
    last = int(np.argmax(reached >= reached[first] + int(_VALIDATION * len(y))))
    tensors: dict[str, NDArray[np.generic]] = {}
    parts = {"train": domains[:first], "validation": domains[first:last], "test": domains[last:]}
    for part, members in parts.items():
        rows = np.flatnonzero(np.isin(domain, members))
        tensors |= {f"{part}_x": inputs[rows], f"{part}_y": labels[rows]}
    return Arrays({**tensors, "test_domain": domain[np.isin(domain, parts["test"])]})


_UCI = "https://archive.ics.uci.edu/dataset"

_RANGE = " Each input is scaled to [0, 1] by its extremes over all rows"
_RELEASED = f"{_RANGE}, as in the released code of C-Mixup."
_EXCHANGE_HOST = "https://raw.githubusercontent.com/laiguokun/multivariate-time-series-data/master/exchange_rate"


def _describe(builder: Builder, title: str, size: Size, note: str, *, origin: Origin) -> Dataset:
    return describe(builder, title, "tabular", 1, size, note, origin=origin, version="packaged", numeric=True)


DATASETS = (
    _describe(
        airfoil,
        "Airfoil Self-Noise",
        Size((5,), 1_503),
        "1,503 rows: frequency, angle, chord length, velocity and thickness; the label is the sound pressure in dB."
        + _RELEASED,
        origin=Origin("brooks1989airfoil", f"{_UCI}/291/airfoil+self+noise", "CC BY 4.0"),
    ),
    _describe(
        no2,
        "NO2",
        Size((7,), 500),
        "500 hours at Alnabru, Oslo, 2001 to 2003: traffic, weather and time; the label is the logarithm of the NO2 "
        "concentration. The split of the released code was not available."
        f"{_RANGE}, our choice.",
        origin=Origin(
            "aldrin2004no2", "https://lib.stat.cmu.edu/datasets/NO2.dat", "free to use with acknowledgment (StatLib)"
        ),
    ),
    _describe(
        skillcraft,
        "SkillCraft",
        Size((17,), 1_878, 711, 806),
        "3,395 players; the label is the action latency in ms. Domains are leagues: 1 to 4 for training, 5 for "
        "validation, 6 to 8 for the test. Missing values are the mean of their column." + _RELEASED,
        origin=Origin("thompson2013skillcraft", f"{_UCI}/272/skillcraft1+master+table+dataset", "CC BY 4.0"),
    ),
    _describe(
        communities,
        "Communities and Crime",
        Size((122,), 1_390, 373, 231),
        "1,994 communities; the label is the rate of violent crimes in [0, 1]. Domains are states, split in the order "
        "of their numbers; the test part has nine. Missing values are the mean of their column." + _RELEASED,
        origin=Origin("redmond2002crime", f"{_UCI}/183/communities+and+crime", "CC BY 4.0"),
    ),
    describe(
        exchange_rate,
        "Exchange-Rate",
        "series",
        8,
        Size((8, 168), 4_373, 1_518, 1_518),
        "Daily exchange rates of eight currencies, 1990 to 2016, each divided by its largest value; "
        "windows of 168 days, and as label the rates 12 days after the last of them.",
        origin=Origin("lai2018lstnet", "https://github.com/laiguokun/multivariate-time-series-data", "none stated"),
        version="lstnet",
        numeric=True,
        files=(
            File(
                "exchange_rate.txt.gz",
                sha256="6a4fbb561dcdee43f071a83badbeec9223a335552278348656738b556f1c2e9d",
                url=f"{_EXCHANGE_HOST}/exchange_rate.txt.gz",
                mirror_path="regression/exchange_rate.txt.gz",
            ),
        ),
    ),
)
