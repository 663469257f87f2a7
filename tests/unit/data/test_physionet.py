"""PTB-XL and Apnea-ECG from PhysioNet's format: which records are taken, and what is not the publisher's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb

from remixup.data.builders import physionet
from remixup.errors import UserError
from tests.unit.data.series_files import LEADS, apnea_ecg, ptb_xl, sums, tensors_of


def test_ptb_xl_keeps_records_of_one_superclass_in_their_folds(tmp_path: Path) -> None:
    signals = ptb_xl(tmp_path)
    tensors = tensors_of(physionet.ptb_xl, tmp_path)
    assert tensors["train_y"].tolist() == [0, 1, 3]
    assert tensors["validation_y"].tolist() == [2]
    assert tensors["test_y"].tolist() == [4]
    train = signals[[0, 1, 6]]
    mean, std = train.mean((0, 1)), train.std((0, 1))
    for part, records in (("train", [0, 1, 6]), ("validation", [4]), ("test", [5])):
        expected = ((signals[records] - mean) / std).transpose(0, 2, 1)
        np.testing.assert_allclose(tensors[f"{part}_x"].astype(float), expected, atol=4e-3)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def without(path: Path, word: str) -> None:
    path.write_text("\n".join(line for line in path.read_text().splitlines() if word not in line) + "\n")


def shorter(root: Path) -> None:
    wfdb.wrsamp(
        "00001_lr",
        fs=100,
        units=["mV"] * 12,
        sig_name=LEADS,
        p_signal=np.zeros((900, 12)),
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(root / "records100/00000"),
    )
    sums(root)


def rewritten(root: Path, old: str, new: str) -> None:
    path = root / "ptbxl_database.csv"
    path.write_text(path.read_text().replace(old, new))
    sums(root)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: flip(root / "records100/00000/00001_lr.dat"), "00001_lr.dat is not the published file: its sha"),
        (lambda root: flip(root / "scp_statements.csv"), "scp_statements.csv is not the published file"),
        (lambda root: without(root / "SHA256SUMS.txt", "00002_lr.hea"), r"SHA256SUMS.txt does not list it"),
        (lambda root: (root / "SHA256SUMS.txt").unlink(), "FileNotFoundError: .*SHA256SUMS.txt"),
        (lambda root: (root / "records100/00000/00005_lr.dat").unlink(), "FileNotFoundError: .*00005_lr.dat"),
        (shorter, "must have the same shape"),
        (lambda root: rewritten(root, ",9,", ",8,"), "no example for the validation part"),
        (lambda root: rewritten(root, "{'SR': 0.0}", "__import__('os')"), "malformed node or string"),
    ],
)
def test_a_ptb_xl_that_is_not_the_publishers(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    ptb_xl(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        tensors_of(physionet.ptb_xl, tmp_path)


def test_apnea_ecg_has_a_label_for_each_whole_minute(tmp_path: Path) -> None:
    signals = apnea_ecg(tmp_path)
    tensors = tensors_of(physionet.apnea_ecg, tmp_path)
    names = physionet._APNEA_RECORDS
    parts = {
        "test": [name for name in names if name[1:] in ("05", "10", "15", "20")],
        "validation": [name for name in names if name[1:] in ("04", "09", "14", "19")],
    }
    parts["train"] = [name for name in names if name not in parts["test"] + parts["validation"]]
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [21, 7, 7]
    train = np.concatenate([signals[name][:12_000] for name in parts["train"]])
    for part, records in parts.items():
        expected = np.stack([signals[name][k : k + 6_000, 0] for name in records for k in (0, 6_000)])
        labels = [label for name in records for label in ([0, 1] if name[0] == "a" else [0, 0])]
        assert tensors[f"{part}_y"].tolist() == labels
        found = tensors[f"{part}_x"][:, 0].astype(float)
        np.testing.assert_allclose(found, (expected - train.mean()) / train.std(), atol=4e-3)


def test_a_label_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    apnea_ecg(tmp_path)
    flip(tmp_path / "b03.apn")
    with pytest.raises(UserError, match=r"b03\.apn is not the published file"):
        tensors_of(physionet.apnea_ecg, tmp_path)
