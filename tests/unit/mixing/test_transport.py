"""Optimal assignments in blocks: against brute force, distances between distributions, and the clock."""

import itertools

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from remixup.mixing import Mixing
from remixup.mixing.partner.minibatch import permutation
from remixup.mixing.partner.transport import _solve, transport

LABELS = torch.zeros(11, dtype=torch.int64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def minibatch(n, features=3, seed=0):
    source = generator(seed)
    return torch.randn(n, features, generator=source), torch.randperm(n, generator=source)


def cost(x, partner, p=2.0):
    """Sum of the distances to the power p, in float64."""
    return float((torch.linalg.vector_norm((x - x[partner]).flatten(1).double(), dim=1) ** p).sum())


@given(n=st.integers(1, 12), k=st.integers(1, 5), p=st.sampled_from([1.0, 2.0, 3.0]), seed=st.integers(0, 9_999))
def test_no_assignment_of_a_block_costs_less(n, k, p, seed):
    x, drawn = minibatch(n, seed=seed)
    found = transport(x, drawn, k=k, p=p)
    for start in range(0, n, k):
        block = slice(start, start + k)
        least = min(
            float((torch.linalg.vector_norm((x[block] - x[list(order)]).double(), dim=1) ** p).sum())
            for order in itertools.permutations(drawn[block].tolist())
        )
        own = float((torch.linalg.vector_norm((x[block] - x[found[block]]).double(), dim=1) ** p).sum())
        assert own <= least * (1 + 1e-5) + 1e-5


@given(n=st.integers(1, 40), k=st.integers(1, 50), seed=st.integers(0, 9_999))
def test_blocks_keep_their_members_and_never_cost_more_than_unassigned(n, k, seed):
    x, drawn = minibatch(n, seed=seed)
    found = transport(x, drawn, k=k)
    for start in range(0, n, k):
        assert found[start : start + k].sort().values.equal(drawn[start : start + k].sort().values)
    assert cost(x, found) <= cost(x, drawn) + 1e-4
    assert transport(x, found, k=k).equal(found)  # what is assigned already stays: `mix` after `match` changes nothing


def test_larger_blocks_that_hold_smaller_ones_cost_less():
    x, drawn = minibatch(64)
    costs = [cost(x, transport(x, drawn, k=k)) for k in (1, 2, 4, 8, 16, 32)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.5 * costs[0]


@pytest.mark.parametrize("k", [23, 24, 10_000])
def test_one_block_of_all_is_one_assignment(k):
    """Of all against all, everybody is its own best partner."""
    x, drawn = minibatch(23)
    assert transport(x, drawn, k=k).tolist() == list(range(23))


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_the_mean_cost_is_the_wasserstein_distance(p):
    """In one dimension the distance between two samples is that of their sorted values: scipy has it for p = 1."""
    x, drawn = minibatch(60, features=1)
    found = transport(x, drawn, k=30, p=p)
    for start in (0, 30):
        own = x[start : start + 30, 0].double()
        theirs = x[drawn[start : start + 30], 0].double()
        sorted_apart = float(((own.sort().values - theirs.sort().values).abs() ** p).mean())
        mean = float(((own - x[found[start : start + 30], 0].double()).abs() ** p).mean())
        assert mean == pytest.approx(sorted_apart, rel=1e-5)
        if p == 1:
            assert mean == pytest.approx(scipy.stats.wasserstein_distance(own.numpy(), theirs.numpy()), rel=1e-5)


def test_the_exponent_decides_where_distances_do():
    """Two steps a little aside are longer than one straight on, but their squares are smaller."""
    x = torch.tensor([[0.0, 0.0], [1.0, 0.2], [1.0, -0.2], [2.0, 0.0]])
    drawn = torch.tensor([1, 3, 0, 2])  # the first block (0, 1) goes to (1, 3), the second (2, 3) to (0, 2)
    assert transport(x, drawn, k=2, p=1.0).tolist() == [3, 1, 2, 0]  # one goes all the way, the other stays
    assert transport(x, drawn, k=2, p=2.0).tolist() == [1, 3, 0, 2]


def test_clusters_are_left_only_where_the_counts_differ():
    """Far apart, a block sends across no more than it must: the excess of one side over the other."""
    source = generator(5)
    labels = torch.randint(3, (96,), generator=source)
    centers = torch.tensor([[0.0, 0.0], [100.0, 0.0], [50.0, 86.0]])
    x = centers[labels] + torch.randn(96, 2, generator=source)
    drawn = torch.randperm(96, generator=source)
    found = transport(x, drawn, k=16)
    for start in range(0, 96, 16):
        block = slice(start, start + 16)
        counts = [torch.bincount(labels[each], minlength=3) for each in (torch.arange(96)[block], drawn[block])]
        assert int((labels[block] != labels[found[block]]).sum()) == int((counts[0] - counts[1]).clamp(min=0).sum())


def test_one_is_mixup_to_the_bit():
    x, drawn = minibatch(11)
    assert transport(x, drawn, k=1) is drawn
    target = torch.eye(11)
    plain, one = (Mixing.compose(partner=part) for part in (None, {"name": "transport", "k": 1}))
    for ours, theirs in zip(
        plain.mix(x, target, torch.tensor(0.3), drawn), one.mix(x, target, torch.tensor(0.3), drawn), strict=True
    ):
        assert ours.equal(theirs)


def test_candidates_are_a_permutation_whatever_k():
    for k in (1, 2, 16):
        sample = Mixing.compose(partner={"name": "transport", "k": k}).partner.sample
        assert sample(LABELS, generator=generator(3)).equal(permutation(LABELS, generator=generator(3)))


def test_members_are_assigned_apart():
    source = generator(1)
    x = torch.randn(3, 10, 2, 2, generator=source) + 50.0 * torch.arange(3).view(3, 1, 1, 1)
    drawn = torch.stack([torch.randperm(10, generator=source) for _ in range(3)])
    together = transport(x, drawn, k=4)
    for member in range(3):
        assert together[member].equal(transport(x[member], drawn[member], k=4))
    assert not together.equal(drawn)


def test_mixing_takes_the_assigned_partners_and_their_targets():
    x = torch.tensor([[0.0], [10.0], [1.0], [11.0]])
    drawn = torch.tensor([3, 2, 1, 0])
    mixing = Mixing.compose(partner={"name": "transport", "k": 2})
    assert mixing.match(x, drawn).tolist() == [2, 3, 0, 1]
    mixed, target = mixing.mix(x, torch.eye(4), torch.tensor(0.75), drawn)
    assert mixed.squeeze(1).tolist() == [0.25, 10.25, 0.75, 10.75]
    assert target[0].tolist() == [0.75, 0, 0.25, 0]
    assert Mixing().match(x, drawn) is drawn


def test_a_common_offset_costs_no_digits():
    """Squares of 10,000 in float32 would leave nothing of differences of a hundredth."""
    x, drawn = minibatch(32)
    assert transport(0.01 * x + 10_000, drawn, k=8).equal(transport((0.01 * x + 10_000).double() - 10_000, drawn, k=8))


def test_half_precision_around_it_does_not_blur_distances():
    x, drawn = minibatch(64, features=40)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = transport(x, drawn, k=16)
    assert found.equal(transport(x, drawn, k=16))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e30])
def test_a_network_that_diverges_still_finds_partners(value):
    x, drawn = minibatch(12)
    x[3] = value
    found = transport(x, drawn, k=5)
    for start in (0, 5, 10):
        assert found[start : start + 5].sort().values.equal(drawn[start : start + 5].sort().values)


def test_no_gradient_passes():
    x, drawn = minibatch(12)
    assert not transport(x.requires_grad_(), drawn, k=4).requires_grad


def test_blocks_are_solved_one_by_one_and_equal_one_assignment_of_all(monkeypatch):
    """k = 16, batch 512: 32 assignments of 16, whose cubes are a thousandth of the cube of 512.

    The released code puts the blocks' distances on the diagonal of one 512 x 512 matrix, 1,000 everywhere else.
    """
    x, drawn = minibatch(512, features=3_072)
    blocks = [slice(start, start + 16) for start in range(0, 512, 16)]
    costs = torch.stack([torch.from_numpy(cdist(x[block], x[drawn[block]])) for block in blocks])
    full = np.full((512, 512), 1000.0)
    for block, each in zip(blocks, costs, strict=True):
        full[block, block] = each
    solved = _solve(costs)
    whole = linear_sum_assignment(full)[1].reshape(32, 16) - 16 * np.arange(32)[:, None]
    assert np.array_equal(solved.numpy(), whole)  # both solve the same
    sizes = []
    counted = lambda costs: (sizes.append(costs.shape), linear_sum_assignment(costs))[1]  # noqa: E731
    monkeypatch.setattr("scipy.optimize.linear_sum_assignment", counted)
    transport(x, drawn, k=16)
    assert sizes == [(16, 16)] * 32
