"""UCI HAR and PAMAP2 from their text files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from remixup.data.builders import human_activity
from remixup.errors import UserError
from tests.unit.data.series_files import har, pamap2, tensors_of


def test_har_keeps_four_subjects_for_validation(tmp_path: Path) -> None:
    x = har(tmp_path)
    tensors = tensors_of(human_activity.uci_har, tmp_path)
    held = [1, 3, 4, 5]
    kept = [0, 2, 6, 7]
    assert tensors["train_y"].tolist() == [*kept[:2], 0, 1]
    assert tensors["validation_y"].tolist() == held
    assert tensors["test_y"].tolist() == [0, 1]
    mean, std = (getattr(x["train"][kept], each)((0, 2))[:, None] for each in ("mean", "std"))
    for part, values in (("train", x["train"][kept]), ("validation", x["train"][held]), ("test", x["test"])):
        np.testing.assert_allclose(tensors[f"{part}_x"].astype(float), (values - mean) / std, atol=4e-3)


SIGNAL = "train/Inertial Signals/body_acc_y_train.txt"


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (SIGNAL, "1 2 3\n", "must have the same shape"),
        (SIGNAL, "<html>sorry</html>", "could not convert string"),
        (SIGNAL, None, "FileNotFoundError: .*body_acc_y_train.txt"),
        ("train/subject_train.txt", "1\n", r"argument 3 is shorter than"),
    ],
)
def test_a_spoilt_har(tmp_path: Path, path: str, content: str | None, message: str) -> None:
    har(tmp_path)
    (tmp_path / path).unlink() if content is None else (tmp_path / path).write_text(content)
    with pytest.raises(UserError, match=message):
        tensors_of(human_activity.uci_har, tmp_path)


def test_pamap2_has_windows_of_one_activity(tmp_path: Path) -> None:
    tables = pamap2(tmp_path)
    tensors = tensors_of(human_activity.pamap2, tmp_path)
    # of 800 samples walking two windows of 512, 256 apart; of 700 ironing one
    assert tensors["validation_y"].tolist() == tensors["test_y"].tolist() == [3, 3]
    assert tensors["train_y"].tolist() == [3, 3] + [3, 3, 10] + [3, 3] * 5
    columns = [each + k for each in (4, 21, 38) for k in (0, 1, 2, 6, 7, 8, 9, 10, 11)]  # of the table, from nought

    def window(subject: int, start: int) -> np.ndarray:
        table = tables[subject].copy()
        if subject == 102:
            before, after = table[99, 4], table[103, 4]
            table[100:103, 4] = before + (after - before) * np.array([0.25, 0.5, 0.75])
        means = table[start : start + 512, columns].reshape(128, 4, 27).mean(axis=1)
        return np.asarray(means.T)

    places = [(101, 0), (101, 256), (102, 0), (102, 256), (102, 800)]
    places += [(subject, start) for subject in (103, 104, 107, 108, 109) for start in (0, 256)]
    train = np.stack([window(*place) for place in places])
    mean, std = train.mean((0, 2))[:, None], train.std((0, 2))[:, None]
    np.testing.assert_allclose(tensors["train_x"].astype(float), (train - mean) / std, atol=4e-3)
    test = np.stack([window(106, 0), window(106, 256)])
    np.testing.assert_allclose(tensors["test_x"].astype(float), (test - mean) / std, atol=4e-3)
