"""Values that follow from a history: after how much of the schedule a quantity stays near its end."""

from __future__ import annotations

import math

import pytest

from remixup.store.blocks import columns, speeds


def history(seed: int, errors: list[float], loss: float = 1.0) -> list[dict[str, float]]:
    return [
        {"seed": seed, "epoch": epoch, "train_loss": loss, "test_error": error}
        for epoch, error in enumerate(errors, start=1)
    ]


END = [10.0] * 10
"""The end of a schedule: near is from 9 to 11."""


@pytest.mark.parametrize(
    ("errors", "share"),
    [
        (END, 0.0),
        ([50.0, 30.0, 11.0, 9.0, 10.5, *END], 100 * 2 / 15),
        ([50.0, 10.0, 12.0, 10.0, 10.0, *END], 100 * 3 / 15),  # it was near before, and left again
        ([8.0, *END], 100 / 11),  # a lower error is as far as a higher one
        ([*END, 5.0], 100 * 10 / 11),  # the end of a short schedule is its last epoch
        ([20.0] * 38 + [10.0, 12.0], 95.0),  # that of forty is their last two: a median of 11
        ([50.0] * 100 + [10.0] * 90 + [10.0] * 9 + [12.0], 100.0),  # far after the last epoch of 200
        ([0.0, 0.0], 0.0),
    ],
)
def test_the_share_of_the_schedule_by_hand(errors: list[float], share: float) -> None:
    assert speeds(columns(history(3, errors)), "test_error") == {3: pytest.approx(share)}


def test_each_seed_has_its_own_and_a_diverged_one_none() -> None:
    both = history(0, [20.0, *END]) + history(1, END) + history(2, END, loss=math.nan)
    assert speeds(columns(both), "test_error") == {0: pytest.approx(100 / 11), 1: 0.0, 2: None}
    assert speeds(columns(both), "validation_error") == {}
