"""Histories as CSV and as event files, from points written by hand."""

import csv
import errno
import sys
from types import ModuleType
from unittest.mock import Mock

import pytest

from remixup.errors import UserError
from remixup.maintenance.export import Point, write_csv, write_tensorboard

POINTS = [
    Point("toy", "erm", "embedded", "run-1", 0, 1, {"test_error": 50.0, "rate": 0.1}),
    Point("toy", "erm", "embedded", "run-1", 0, 2, {"test_error": 25.0, "rate": 0.01}),
    Point("toy", "erm", "embedded", "run-1", 1, 1, {"test_error": 40.0, "rate": 0.1}),
    Point("gan", "erm", "embedded", "run-2", 0, 1, {"distance": 3.0}),
]


class SummaryWriter:
    """Keeps what TensorBoard would get."""

    def __init__(self, folder):
        self.scalars = []
        WRITTEN[folder] = self.scalars

    def add_scalar(self, name, value, step):
        self.scalars.append((name, value, step))

    def close(self):
        self.scalars.append("closed")


WRITTEN = {}


def test_csv_has_a_column_for_each_quantity(tmp_path):
    path = tmp_path / "new/histories.csv"
    assert write_csv(iter(POINTS), path) == 4
    rows = list(csv.DictReader(path.open()))
    assert rows[0] == {
        **dict(experiment="toy", row="erm", scale="embedded", run="run-1", seed="0", epoch="1"),
        **dict(distance="", rate="0.1", test_error="50.0"),
    }
    assert rows[3]["distance"] == "3.0"


def test_a_disk_that_is_full_leaves_the_last_table(tmp_path, monkeypatch):
    path = tmp_path / "histories.csv"
    path.write_text("the last one")
    monkeypatch.setattr(csv.DictWriter, "writerows", Mock(side_effect=OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="No space"):
        write_csv(iter(POINTS), path)
    assert path.read_text() == "the last one"


def test_each_seed_has_event_files_of_its_own(tmp_path, monkeypatch):
    module = ModuleType("tensorboardX")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    WRITTEN.clear()
    assert write_tensorboard(iter(POINTS), tmp_path) == 4
    assert {
        f"{tmp_path}/toy/erm/seed-0": [
            ("test_error", 50.0, 1),
            ("rate", 0.1, 1),
            ("test_error", 25.0, 2),
            ("rate", 0.01, 2),
            "closed",
        ],
        f"{tmp_path}/toy/erm/seed-1": [("test_error", 40.0, 1), ("rate", 0.1, 1), "closed"],
        f"{tmp_path}/gan/erm/seed-0": [("distance", 3.0, 1), "closed"],
    } == WRITTEN


def test_without_tensorboardx_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match=r"tensorboardX is not installed .*uv pip install"):
        write_tensorboard(iter(POINTS), tmp_path)
