import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from remixup.mixing import ERM, Mixing, soft_cross_entropy
from remixup.mixing.blend import linear
from remixup.mixing.partner.minibatch import permutation
from remixup.mixing.ratio import beta
from remixup.mixing.target import mixed

unit = st.floats(0, 1, width=32)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 8.0, 128.0])
@pytest.mark.parametrize("source", [generator(), None])
def test_ratio_follows_beta(alpha, source):
    torch.manual_seed(0)
    draws = beta((20_000,), alpha=alpha, generator=source).numpy()
    low = draws[draws < 0.5]
    # Each half has half the mass; the lower is compared, since floating point cannot tell ratios near 1 apart.
    assert scipy.stats.binomtest(len(low), len(draws)).pvalue > 1e-3
    assert scipy.stats.kstest(low, lambda x: 2 * scipy.stats.beta(alpha, alpha).cdf(x)).pvalue > 1e-3


@pytest.mark.parametrize("source", [generator(), None])
def test_ratio_of_tiny_alpha_is_a_fair_coin(source):
    torch.manual_seed(0)
    draws = beta((4_000,), alpha=1e-4, generator=source)
    assert torch.isfinite(draws).all()
    assert ((draws < 1e-6) | (draws > 1 - 1e-6)).float().mean() > 0.99
    assert abs(draws.mean().item() - 0.5) < 0.05


def test_ratio_depends_on_its_generator_alone():
    torch.manual_seed(1)
    first = beta((5,), alpha=1.0, generator=generator(3))
    torch.manual_seed(2)
    assert torch.equal(first, beta((5,), alpha=1.0, generator=generator(3)))
    assert not torch.equal(first, beta((5,), alpha=1.0, generator=generator(4)))


def test_partners_are_uniform_permutations():
    labels = torch.zeros(6_000, 3, dtype=torch.long)
    drawn = permutation(labels, generator=generator())
    assert torch.equal(drawn.sort(-1).values, torch.arange(3).expand(6_000, 3))
    codes = (drawn * torch.tensor([9, 3, 1])).sum(-1)
    counts = np.unique(codes.numpy(), return_counts=True)[1]
    assert len(counts) == 6
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_blend_and_target_by_hand():
    x, other = torch.tensor([[1.0, 2.0], [4.0, 8.0]]), torch.tensor([[3.0, 6.0], [0.0, 0.0]])
    assert torch.equal(linear(x, other, torch.tensor(0.25)), torch.tensor([[2.5, 5.0], [1.0, 2.0]]))
    # one ratio an example: the first keeps all of itself, the second nothing
    assert torch.equal(linear(x, other, torch.tensor([1.0, 0.0])), torch.tensor([[1.0, 2.0], [0.0, 0.0]]))
    target, partner = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert torch.equal(mixed(target, partner, torch.tensor(0.75)), torch.tensor([[0.75, 0.25]]))


def test_smoothing_by_hand():
    target = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]], dtype=torch.float64)
    expected = torch.tensor([[0.1, 0.8, 0.1], [0.45, 0.45, 0.1]], dtype=torch.float64)
    torch.testing.assert_close(Mixing(smoothing=0.3).smooth(target), expected)
    assert ERM.smooth(target) is target


def test_mix_by_hand():
    x = torch.tensor([[0.0], [10.0], [20.0]])
    target = torch.eye(3)
    mixed_x, mixed_target = Mixing().mix(x, target, torch.tensor(0.75), torch.tensor([1, 2, 0]))
    assert torch.equal(mixed_x, torch.tensor([[2.5], [12.5], [15.0]]))
    assert torch.equal(mixed_target, torch.tensor([[0.75, 0.25, 0], [0, 0.75, 0.25], [0.25, 0, 0.75]]))


def test_members_are_mixed_apart():
    """Members each get their own ratio and partners, and nothing of their neighbors."""
    x, target = (
        torch.randn(3, 5, 2, generator=generator()),
        torch.eye(4)[torch.randint(4, (3, 5), generator=generator())],
    )
    ratio = torch.tensor([0.0, 0.3, 0.9])
    partner = torch.stack([torch.randperm(5, generator=generator(k)) for k in range(3)])
    together = Mixing().mix(x, target, ratio, partner)
    for k in range(3):
        alone = Mixing().mix(x[k], target[k], ratio[k], partner[k])
        assert torch.equal(together[0][k], alone[0])
        assert torch.equal(together[1][k], alone[1])


@given(ratio=unit, seed=st.integers(0, 10_000), n=st.integers(1, 9), classes=st.integers(2, 5))
def test_properties_of_mixing(ratio, seed, n, classes):
    source = generator(seed)
    x = torch.randn(n, 3, generator=source, dtype=torch.float64)
    labels = torch.randint(classes, (n,), generator=source)
    target = F.one_hot(labels, classes).double()
    partner = permutation(labels, generator=source)
    lam = torch.tensor(ratio, dtype=torch.float64)
    mixed_x, mixed_target = Mixing().mix(x, target, lam, partner)
    torch.testing.assert_close(mixed_target.sum(-1), torch.ones(n, dtype=torch.float64))
    assert (mixed_target >= 0).all()
    # swapping the two examples and taking 1 - λ changes nothing
    torch.testing.assert_close(mixed_x, linear(x[partner], x, 1 - lam))
    # λ = 1 is the identity
    same_x, same_target = Mixing().mix(x, target, torch.tensor(1.0), partner)
    assert torch.equal(same_x, x)
    assert torch.equal(same_target, target)
    # the loss of the soft target equals the two-term loss of the released code
    logits = torch.randn(n, classes, generator=source)
    two_terms = ratio * F.cross_entropy(logits, labels) + (1 - ratio) * F.cross_entropy(logits, labels[partner])
    torch.testing.assert_close(soft_cross_entropy(logits, mixed_target), two_terms)


def test_composition_from_names():
    assert ERM.ratio is None
    mixing = Mixing.compose(ratio={"name": "beta", "alpha": 2.0})
    drawn = mixing.ratio((4,), generator=generator(5))
    assert torch.equal(drawn, beta((4,), alpha=2.0, generator=generator(5)))


def test_mixing_compiles_without_graph_breaks():
    explained = torch._dynamo.explain(Mixing().mix)(
        torch.randn(4, 3), torch.eye(4), torch.tensor(0.3), torch.tensor([1, 0, 3, 2])
    )
    assert explained.graph_break_count == 0
