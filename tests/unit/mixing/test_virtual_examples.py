"""What parts give together: targets, smoothing, noise, and properties that hold for every composition."""

import pytest
import scipy.stats
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from remixup.mixing import Mixing, TrainingSet, soft_cross_entropy, take
from remixup.mixing.blend import linear
from remixup.mixing.noise import gaussian
from remixup.mixing.partner.minibatch import with_replacement
from remixup.mixing.partner.training_set import nearest
from remixup.mixing.target import mixed, nearer

PARTNERS = [
    {"name": "permutation"},
    {"name": "same_class"},
    {"name": "with_replacement"},
    {"name": "nearest", "k": 2},
    {"name": "nearest", "k": 2, "same_class": True},
    {"name": "second_loader"},
]
unit = st.floats(0, 1)
mixings = st.builds(
    lambda partner, target, smoothing: Mixing.compose(partner=partner, target={"name": target}, smoothing=smoothing),
    st.sampled_from(PARTNERS),
    st.sampled_from(["mixed", "nearer"]),
    st.sampled_from([0.0, 0.1, 0.4]),
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def examples(seed, n, classes):
    source = generator(seed)
    x = torch.randn(n, 2, 3, generator=source, dtype=torch.float64)
    return x, torch.randint(classes, (n,), generator=source)


def partners(mixing, x, labels, source):
    if mixing.partner.scope == "batch":
        return mixing.partner.sample(labels, generator=source)
    return mixing.partner.sample(TrainingSet(x, labels), torch.arange(len(labels)), generator=source)


def virtual(mixing, x, labels, classes, ratios, source):
    """Rounds of mixing, as the loop makes them; the partners of each with what is mixed."""
    target = mixing.smooth(F.one_hot(labels, classes).double())
    found, virtual_target, drawn = x, target, []
    for ratio in ratios:
        drawn.append(partners(mixing, x, labels, source))
        other, other_target = take(x, drawn[-1]), take(target, drawn[-1])
        found, virtual_target = mixing.mix_with(
            found, virtual_target, other, other_target, torch.tensor(ratio, dtype=torch.float64)
        )
    return found, virtual_target, drawn


def test_the_nearer_label_by_hand():
    target, partner = torch.eye(2).repeat(3, 1)[:5], torch.eye(2).flip(0).repeat(3, 1)[:5]
    ratio = torch.tensor([0.7, 0.5, 0.3, 1.2, -0.2])  # one for each example, two of them extrapolated
    assert nearer(target, partner, ratio).tolist() == [[1, 0], [0, 1], [0, 1], [0, 1], [0, 1]]
    one_for_all = nearer(target, partner, torch.tensor(0.49))
    assert torch.equal(one_for_all, partner)
    members = nearer(torch.stack([target, target]), torch.stack([partner, partner]), torch.tensor([0.6, 0.4]))
    assert torch.equal(members, torch.stack([target, partner]))


@given(mixings, st.integers(0, 9_999), st.integers(1, 8), st.integers(2, 5), st.lists(unit, min_size=1, max_size=3))
def test_weights_of_the_target_sum_to_one(mixing, seed, n, classes, ratios):
    x, labels = examples(seed, n, classes)
    found, target, drawn = virtual(mixing, x, labels, classes, ratios, generator(seed))
    torch.testing.assert_close(target.sum(-1), torch.ones(n, dtype=torch.float64))
    assert (target >= -1e-12).all()
    assert all(((each >= 0) & (each < n)).all() for each in drawn)
    # and the input is as near to the others as the weights say: never outside of what it is mixed of
    assert (found <= x.amax(0) + 1e-9).all()
    assert (found >= x.amin(0) - 1e-9).all()


@given(mixings, st.integers(0, 9_999), st.integers(1, 8), st.integers(2, 5), st.integers(1, 3))
def test_a_ratio_of_one_is_the_identity(mixing, seed, n, classes, rounds):
    x, labels = examples(seed, n, classes)
    found, target, _ = virtual(mixing, x, labels, classes, [1.0] * rounds, generator(seed))
    assert torch.equal(found, x)
    assert torch.equal(target, mixing.smooth(F.one_hot(labels, classes).double()))


@given(st.sampled_from([mixed, nearer, linear]), st.integers(0, 9_999), st.integers(1, 8), st.lists(unit, max_size=8))
def test_swapping_the_examples_and_the_weights_changes_nothing(part, seed, n, ratios):
    source = generator(seed)
    first, second = torch.rand(2, n, 4, generator=source, dtype=torch.float64)
    if len(ratios) != n:
        ratio = torch.tensor(ratios[0] if ratios else 0.25, dtype=torch.float64)
    else:
        ratio = torch.tensor(ratios, dtype=torch.float64)  # one for each example
    assume((ratio != 0.5).all())
    torch.testing.assert_close(part(first, second, ratio), part(second, first, 1 - ratio))


@given(st.sampled_from([PARTNERS[1], PARTNERS[4]]), st.integers(0, 9_999), st.integers(1, 9), unit)
def test_partners_of_the_same_class_leave_the_target_as_it_is(partner, seed, n, ratio):
    x, labels = examples(seed, n, 3)
    mixing = Mixing.compose(partner=partner, smoothing=0.1)
    _, target, drawn = virtual(mixing, x, labels, 3, [ratio, 1 - ratio], generator(seed))
    assert all(torch.equal(labels[each], labels) for each in drawn)
    torch.testing.assert_close(target, mixing.smooth(F.one_hot(labels, 3).double()))


@given(
    st.sampled_from(PARTNERS), st.sampled_from([0.0, 0.05, 0.4]), st.integers(0, 9_999), st.integers(1, 8), unit, unit
)
def test_the_soft_loss_is_the_weighted_sum_of_the_losses(partner, smoothing, seed, n, first, second):
    """Against torch's own cross-entropy and its own label smoothing: two terms, and three for a second round."""
    x, labels = examples(seed, n, 4)
    mixing = Mixing.compose(partner=partner, smoothing=smoothing)
    logits = torch.randn(n, 4, generator=generator(seed + 1))

    def loss(y):
        return F.cross_entropy(logits, y, label_smoothing=smoothing)

    _, target, (one,) = virtual(mixing, x, labels, 4, [first], generator(seed))
    two_terms = first * loss(labels) + (1 - first) * loss(labels[one])
    torch.testing.assert_close(soft_cross_entropy(logits, target), two_terms)
    _, target, (one, other) = virtual(mixing, x, labels, 4, [first, second], generator(seed))
    three_terms = second * (first * loss(labels) + (1 - first) * loss(labels[one])) + (1 - second) * loss(labels[other])
    torch.testing.assert_close(soft_cross_entropy(logits, target), three_terms)


def test_parts_are_composed_from_their_names():
    x, labels = examples(0, 9, 3)
    mixing = Mixing.compose(
        ratio={"name": "constant", "value": 0.25},
        partner={"name": "nearest", "k": 3, "same_class": True},
        target={"name": "nearer"},
        noise={"name": "gaussian", "sigma": 0.5},
        cut=2,
        smoothing=0.1,
        warmup_epochs=3,
    )
    assert (mixing.cut, mixing.smoothing, mixing.warmup_epochs, mixing.partner.scope) == (2, 0.1, 3, "dataset")
    assert mixing.ratio((2,), generator=generator()).tolist() == [0.25, 0.25]
    pool = TrainingSet(x, labels)
    drawn = mixing.partner.sample(pool, torch.arange(9), generator=generator(4))
    assert torch.equal(drawn, nearest(pool, torch.arange(9), k=3, same_class=True, generator=generator(4)))
    within = Mixing.compose(partner={"name": "with_replacement"})
    assert within.partner.scope == "batch"
    assert torch.equal(
        within.partner.sample(labels, generator=generator(4)), with_replacement(labels, generator=generator(4))
    )
    normal = torch.randn(x.shape, generator=generator(5))
    assert torch.equal(mixing.noise(x, torch.ones(1), normal), gaussian(x, torch.ones(1), normal, sigma=0.5))


@pytest.mark.parametrize("of", ["inputs", "pixels"])
def test_noise_is_gaussian_with_its_deviation_in_the_unit_asked_for(of):
    """With a divisor of 0.25 and 0.5, a tenth of a pixel's range is 0.4 and 0.2 in network inputs."""
    x = torch.full((50, 2, 10, 10), 3.0)
    unit = 1 / torch.tensor([0.25, 0.5]).view(2, 1, 1)
    noisy = gaussian(x, unit, torch.randn(x.shape, generator=generator()), sigma=0.1, of=of)
    assert (noisy.dtype, noisy.shape) == (x.dtype, x.shape)
    for channel, deviation in enumerate([0.1, 0.1] if of == "inputs" else [0.4, 0.2]):
        values = noisy[:, channel].flatten().numpy()
        assert scipy.stats.kstest(values, scipy.stats.norm(3.0, deviation).cdf).pvalue > 1e-3
    # each value has its own: neighbors, channels and examples do not go together
    flat = (noisy - x)[:, :, :, :2].permute(1, 3, 0, 2).flatten(2).flatten(0, 1)
    assert (flat.corrcoef() - torch.eye(4)).abs().max() < 0.15


def test_noise_is_added_in_proportion_to_its_deviation():
    x, normal = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, -1.0]])
    unit = torch.tensor([2.0, 4.0])
    assert gaussian(x, unit, normal, sigma=0.5).tolist() == [[1.25, 1.5]]
    assert gaussian(x, unit, normal, sigma=0.5, of="pixels").tolist() == [[1.5, 0.0]]
