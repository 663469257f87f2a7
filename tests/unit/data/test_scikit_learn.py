"""Datasets that scikit-learn includes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from remixup.data.builders import scikit_learn
from remixup.data.catalog.descriptor import Arrays, RawFiles
from remixup.data.catalog.registry import REGISTRY
from tests.unit.data.conftest import fingerprint

BUILDERS = {"digits": scikit_learn.digits, "digits-20": scikit_learn.digits_20, "iris": scikit_learn.iris}
GOLDEN = {
    "digits": (2, "1c9528f36111"),
    "digits-20": (2, "76ddabbd7c8e"),
    "iris": (1, "513a0e048f8f"),
}
"""Version of the numerics, and first digits of the sha256 of all tensors."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Arrays]:
    raw = tmp_path_factory.mktemp("raw")
    return {name: builder(RawFiles({}, raw, raw)) for name, builder in BUILDERS.items()}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_numbers_have_not_moved(made: dict[str, Arrays], name: str) -> None:
    assert (REGISTRY[name].numerics, fingerprint(made[name])) == GOLDEN[name]


def test_digits_are_split_as_the_note_says(made: dict[str, Arrays]) -> None:
    tensors = made["digits"].tensors
    for part in ("train", "test"):
        assert tensors[f"{part}_x"].shape == (600, 1, 8, 8)
        assert np.bincount(tensors[f"{part}_y"]).tolist() == [60] * 10
    bunch = load_digits()
    both = np.concatenate([tensors["train_x"], tensors["test_x"]]).reshape(-1, 64)
    labels = np.concatenate([tensors["train_y"], tensors["test_y"]])
    expected = np.rint(bunch.data * 255 / 16).astype(np.uint8)
    there = Counter((label, row.tobytes()) for label, row in zip(bunch.target, expected, strict=True))
    # None is in both parts, or twice in one.
    assert Counter((label, row.tobytes()) for label, row in zip(labels, both, strict=True)) <= there


def test_iris_is_scikit_learns(made: dict[str, Arrays]) -> None:
    tensors = made["iris"].tensors
    assert np.array_equal(tensors["x"], load_iris().data.astype(np.float32))
    assert tensors["x"][[34, 37]].tolist() == np.float32([[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]]).tolist()
    assert tensors["y"].tolist() == [0] * 50 + [1] * 50 + [2] * 50


def test_every_other_digit_is_turned_and_a_class_of_its_own(made: dict[str, Arrays]) -> None:
    upright, both = made["digits"].tensors, made["digits-20"].tensors
    for part, counts in (("train", [30] * 20), ("test", None)):
        turned = both[f"{part}_y"] >= 10
        assert np.array_equal(both[f"{part}_y"] % 10, upright[f"{part}_y"])
        for before, after, label in zip(upright[f"{part}_x"], both[f"{part}_x"], both[f"{part}_y"], strict=True):
            expected = (
                before if label < 10 else before.transpose(0, 2, 1)[:, ::-1]
            )  # the right column becomes the top row
            assert np.array_equal(after, expected)
        found = np.bincount(both[f"{part}_y"], minlength=20)
        assert counts is None or found.tolist() == counts
        assert (found[:10] - found[10:]).max() <= 1
        assert (found[:10] - found[10:]).min() >= 0
        first = np.flatnonzero(upright[f"{part}_y"] == 3)[:4]
        assert turned[first].tolist() == [False, True, False, True]
