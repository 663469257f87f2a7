"""C-Mixup's datasets: values of single rows, splits by domain and windows of series, from files read independently."""

import csv
import gzip
import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import regression
from remixup.data.catalog.descriptor import RawFiles

PACKAGED = Path(regression.__file__).parent / "packaged"
NOTHING = RawFiles({}, Path(), Path())


def read(name, header):
    content = (PACKAGED / name).read_bytes()
    text = lzma.decompress(content) if name.endswith(".xz") else content
    return list(csv.reader(text.decode().splitlines()))[header:]


def test_airfoil_is_scaled_by_the_extremes_of_all_rows():
    tensors = regression.airfoil(NOTHING).tensors
    frequency = (1000 - 200) / (20_000 - 200)
    chord, velocity = (0.3048 - 0.0254) / (0.3048 - 0.0254), (71.3 - 31.7) / (71.3 - 31.7)
    thickness = (0.00266337 - 0.000400682) / (0.0584113 - 0.000400682)
    assert tensors["x"][1].tolist() == pytest.approx([frequency, 0, chord, velocity, thickness], abs=1e-6)
    assert tensors["y"][:3].tolist() == pytest.approx([126.201, 125.201, 125.951])
    assert tensors["x"].min(0).tolist() == [0] * 5
    assert tensors["x"].max(0).tolist() == [1] * 5


def test_no2_has_its_label_in_the_first_column():
    tensors = regression.no2(NOTHING).tensors
    assert tensors["x"].shape == (500, 7)
    assert tensors["y"][:2].tolist() == pytest.approx([3.71844, 3.10009])
    assert (tensors["y"].mean(), tensors["y"].std()) == pytest.approx((3.698, 0.750), abs=2e-3)


def test_skillcraft_is_split_by_league():
    tensors = regression.skillcraft(NOTHING).tensors
    rows = read("skillcraft.csv.xz", 1)
    parts = {"train": {"1", "2", "3", "4"}, "validation": {"5"}, "test": {"6", "7", "8"}}
    for part, leagues in parts.items():
        latency = [float(row[13]) for row in rows if row[1] in leagues]
        assert tensors[f"{part}_y"].tolist() == pytest.approx(latency)
    assert dict(zip(*np.unique(tensors["test_domain"], return_counts=True), strict=True)) == {6: 621, 7: 35, 8: 55}
    ages = [float(row[2]) for row in rows if row[2] != "?"]
    missing = (np.mean(ages) - min(ages)) / (max(ages) - min(ages))
    last = [row for row in rows if row[1] in parts["test"]]
    unknown = [k for k, row in enumerate(last) if row[2] == "?"]
    assert tensors["test_x"][unknown, 0].tolist() == pytest.approx([missing] * 55)
    assert all(tensors[f"{part}_x"].shape[1] == 17 for part in parts)


def test_communities_are_split_by_state():
    tensors = regression.communities(NOTHING).tensors
    rows = read("communities.data.xz", 0)
    states = sorted({int(row[0]) for row in rows})
    counts = [sum(int(row[0]) == state for row in rows) for state in states]
    reached = np.cumsum(counts)
    first = next(k for k, total in enumerate(reached) if total >= 1395)  # 70 % of 1,994
    last = next(k for k, total in enumerate(reached) if total >= reached[first] + 199)
    expected = {"train": states[:first], "validation": states[first:last], "test": states[last:]}
    for part, members in expected.items():
        crimes = [float(row[-1]) for row in rows if int(row[0]) in members]
        assert tensors[f"{part}_y"].tolist() == pytest.approx(crimes)
    assert len(expected["test"]) == 9
    assert sorted(set(tensors["test_domain"].tolist())) == expected["test"]
    assert tensors["train_x"].shape == (1_390, 122)


def test_windows_end_twelve_days_before_their_label(tmp_path):
    days = np.arange(1, 7_589)
    path = tmp_path / "exchange_rate.txt.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(",".join(str(day * (k + 1)) for k in range(8)) + "\n" for day in days)
    tensors = regression.exchange_rate(RawFiles({"exchange_rate.txt.gz": path}, tmp_path, tmp_path)).tensors
    scaled = lambda day: pytest.approx([day / 7_588] * 8, rel=1e-6)  # noqa: E731
    for part, label, count in (("train", 180, 4_373), ("validation", 4_553, 1_518), ("test", 6_071, 1_518)):
        x, y = tensors[f"{part}_x"], tensors[f"{part}_y"]
        assert (x.shape, y.shape) == ((count, 8, 168), (count, 8))
        assert y[0].tolist() == scaled(label)
        assert x[0, :, -1].tolist() == scaled(label - 12)
        assert x[0, :, 0].tolist() == scaled(label - 12 - 167)
    assert tensors["train_y"][-1].tolist() == scaled(4_552)
    assert tensors["test_y"][-1].tolist() == scaled(7_588)


def test_the_files_of_the_package_are_those_of_their_publishers():
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in PACKAGED.glob("*.[dcx]*")}
    assert digests == {
        "airfoil_self_noise.dat": "74c75fd71783f1e6b71f8a622b993dc592897a97cd689c5090a07147a1b097b3",
        "no2.csv": "0420af1d0f07ff6e613827e0e0e613eee4c56fefa6aebfe9fd95fac2830ad2ae",
        "skillcraft.csv.xz": "872d124ac4a20aea062ec55b1da0b5a7b89554909bc3b0babf60114f25ec4fc2",
        "communities.data.xz": "3afae9fc492f388b72104f8d1de61cd3333729f6cd2e876dda2a0518931c7b53",
    }
