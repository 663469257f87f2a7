"""Regression datasets of C-Mixup (2210.05775)."""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, File, Size, Version, versions

_UCI = "https://archive.ics.uci.edu/dataset"
_RANGE = " Each input is scaled to [0, 1] by its extremes over all rows"
_RELEASED = f"{_RANGE}, as in the released code of C-Mixup."
_EXCHANGE_URL = (
    "https://raw.githubusercontent.com/laiguokun/multivariate-time-series-data/master/exchange_rate/"
    "exchange_rate.txt.gz"
)


def _packaged(name: str, title: str, size: Size, note: str, *, licence: str, citation: str, homepage: str) -> Dataset:
    version = Version("packaged", f"builders.regression.{name}", embedded=True, note=note)
    return Dataset(name, title, "tabular", 1, versions(version), licence, citation, homepage, size)


REGRESSION = (
    _packaged(
        "airfoil",
        "Airfoil Self-Noise",
        Size((5,), 1_503),
        "1,503 rows: frequency, angle, chord length, velocity and thickness; the label is the sound pressure in dB."
        + _RELEASED,
        licence="CC BY 4.0",
        citation="brooks1989airfoil",
        homepage=f"{_UCI}/291/airfoil+self+noise",
    ),
    _packaged(
        "no2",
        "NO2",
        Size((7,), 500),
        "500 hours at Alnabru, Oslo, 2001 to 2003: traffic, weather and time; the label is the logarithm of the NO2 "
        "concentration. The split of the released code is in files that we could not reach."
        f"{_RANGE}, our choice.",
        licence="free to use with acknowledgment (StatLib)",
        citation="aldrin2004no2",
        homepage="https://lib.stat.cmu.edu/datasets/NO2.dat",
    ),
    _packaged(
        "skillcraft",
        "SkillCraft",
        Size((17,), 1_878, 711, 806),
        "3,395 players; the label is the action latency in ms. Domains are leagues: 1 to 4 for training, 5 for "
        "validation, 6 to 8 for the test. Missing values are the mean of their column." + _RELEASED,
        licence="CC BY 4.0",
        citation="thompson2013skillcraft",
        homepage=f"{_UCI}/272/skillcraft1+master+table+dataset",
    ),
    _packaged(
        "communities",
        "Communities and Crime",
        Size((122,), 1_390, 373, 231),
        "1,994 communities; the label is the rate of violent crimes in [0, 1]. Domains are states, split in the order "
        "of their numbers; the test part has nine. Missing values are the mean of their column." + _RELEASED,
        licence="CC BY 4.0",
        citation="redmond2002crime",
        homepage=f"{_UCI}/183/communities+and+crime",
    ),
    Dataset(
        "exchange-rate",
        "Exchange-Rate",
        "series",
        8,
        versions(
            Version(
                "lstnet",
                "builders.regression.exchange_rate",
                (
                    File(
                        "exchange_rate.txt.gz",
                        sha256="6a4fbb561dcdee43f071a83badbeec9223a335552278348656738b556f1c2e9d",
                        size=177_142,
                        url=_EXCHANGE_URL,
                        mirror_path="regression/exchange_rate.txt.gz",
                    ),
                ),
                note="Daily exchange rates of eight currencies, 1990 to 2016, each divided by its largest value; "
                "windows of 168 days, and as label the rates 12 days after the last of them.",
            )
        ),
        "none stated",
        "lai2018lstnet",
        "https://github.com/laiguokun/multivariate-time-series-data",
        Size((8, 168), 4_373, 1_518, 1_518),
    ),
)
