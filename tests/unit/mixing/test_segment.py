"""Cutmix in time: which steps are the partner's, and what the label goes by."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from remixup.mixing import Mixing, take
from remixup.mixing.blend import segment

X = torch.arange(1.0, 11.0).expand(2, 3, 10)  # two series of three channels and ten steps
SEGMENT = Mixing.compose(blend={"name": "segment"})


@pytest.mark.parametrize(
    ("ratio", "position", "cut"),
    [
        (0.75, 0.0, [0, 1, 2]),  # of 2.5 steps three are taken, and seven kept
        (0.75, 0.999, [7, 8, 9]),
        (0.75, 0.5, [4, 5, 6]),  # the fifth of eight places
        (1.0, 0.3, []),
        (0.999, 0.95, [9]),  # the last of ten places
        (0.0, 0.99, list(range(10))),
        (0.05, 0.5, list(range(10))),
    ],
)
def test_the_window_by_hand(ratio: float, position: float, cut: list[int]) -> None:
    blended, kept = segment(X, -X, torch.tensor(ratio), torch.tensor([position]))
    expected = X.clone()
    expected[:, :, cut] *= -1
    assert torch.equal(blended, expected)
    assert kept.item() == pytest.approx(1 - len(cut) / 10)


def test_the_label_goes_by_what_was_kept_and_not_by_the_ratio() -> None:
    ratio, position, partner = torch.tensor(0.75, dtype=torch.float64), torch.tensor([0.0]), torch.tensor([1, 0])
    x = torch.stack([X[0], -X[0]])
    blended, target = SEGMENT.mix(x, torch.eye(2), ratio, partner, position)
    assert torch.allclose(target, torch.tensor([[0.7, 0.3], [0.3, 0.7]]))
    assert blended[0, 0].tolist() == [-1, -2, -3, 4, 5, 6, 7, 8, 9, 10]
    assert blended[1, 2].tolist() == [1, 2, 3, -4, -5, -6, -7, -8, -9, -10]
    assert blended.dtype == x.dtype


@given(
    steps=st.integers(1, 40),
    ratio=st.floats(0, 1),
    position=st.floats(0, 1, exclude_max=True, width=32),
)
def test_the_window_is_whole_and_as_long_as_published(steps: int, ratio: float, position: float) -> None:
    """Length ceil((1 - λ) T) in one piece, whatever the numbers."""
    x = torch.zeros(1, 1, steps)
    blended, kept = segment(x, x + 1, torch.tensor(ratio, dtype=torch.float64), torch.tensor([position]))
    cut = blended[0, 0].nonzero().flatten().tolist()
    assert cut == list(range(cut[0], cut[0] + len(cut))) if cut else True
    # to a rounding error, which may make a whole number of steps a little more or less
    assert len(cut) in {math.ceil((1 - ratio) * steps + error) for error in (-1e-9, 1e-9)}
    assert abs(kept.item() - (1 - len(cut) / steps)) < 1e-12


def test_members_have_windows_of_their_own() -> None:
    x = torch.arange(2.0 * 3 * 2 * 8).view(2, 3, 2, 8)  # two networks, three series each
    ratio, position = torch.tensor([0.5, 0.25]), torch.tensor([[0.0], [0.99]])
    target = torch.eye(3).expand(2, 3, 3)
    partner = torch.tensor([[1, 2, 0], [0, 2, 1]])
    blended, mixed = SEGMENT.mix(x, target, ratio, partner, position)
    other = take(x, partner)
    assert torch.equal(blended[0], torch.cat([other[0, :, :, :4], x[0, :, :, 4:]], dim=-1))
    assert torch.equal(blended[1], torch.cat([x[1, :, :, :2], other[1, :, :, 2:]], dim=-1))
    assert mixed[0, 0].tolist() == [0.5, 0.5, 0]
    assert mixed[1].tolist() == [[1, 0, 0], [0, 0.25, 0.75], [0, 0.75, 0.25]]


def test_one_ratio_and_place_for_each_example() -> None:
    blended, kept = segment(X, -X, torch.tensor([0.5, 1.0]), torch.tensor([[0.0], [0.5]]))
    assert (blended[0, 0] < 0).tolist() == [True] * 5 + [False] * 5
    assert torch.equal(blended[1], X[1])
    assert kept.tolist() == [0.5, 1.0]


def test_windows_lie_everywhere_alike() -> None:
    """Every one of the T - L + 1 places is as likely as any other."""
    places = torch.rand(8_000, 1, generator=torch.Generator().manual_seed(0))
    x = torch.zeros(len(places), 1, 10)
    blended, _ = segment(x, x + 1, torch.full((len(places),), 0.7), places)
    starts = blended[:, 0].argmax(dim=1).bincount(minlength=10)
    assert starts[8:].tolist() == [0, 0]
    assert (starts[:8] / len(places) - 1 / 8).abs().max() < 0.015


@pytest.mark.parametrize("shape", [(4, 1, 7), (4, 12, 1000), (4, 9, 128), (2, 4, 3, 5), (4, 6)])
def test_one_function_for_every_shape(shape: tuple[int, ...]) -> None:
    """What is mixed and how follows from ratio and partner alone: no rate, no units, no meaning of a channel."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    members = shape[:1] if len(shape) == 4 else ()
    partner = torch.arange(4).flip(0).expand(*members, 4)
    ratio, position = torch.full(members, 0.5), torch.full((*members, 1), 0.2)
    target = torch.eye(4).expand(*members, 4, 4)
    steps = shape[-1]
    for mixing in (Mixing.compose(), SEGMENT):
        mixed, weights = mixing.mix(x, target, ratio, partner, position if mixing.position_size else None)
        kept = 0.5 if not mixing.position_size else steps // 2 / steps
        assert torch.allclose(weights, kept * target + (1 - kept) * take(target, partner))
        scaled, _ = mixing.mix(4 * x, target, ratio, partner, position if mixing.position_size else None)
        assert torch.equal(scaled, 4 * mixed)


def test_a_blend_that_does_not_cut_needs_no_place() -> None:
    assert SEGMENT.position_size == 1
    assert Mixing.compose().position_size == 0
