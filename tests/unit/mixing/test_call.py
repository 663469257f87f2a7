"""`Mixing` as one call on a minibatch."""

import doctest

import pytest
import torch

from remixup.mixing import ERM, Mixing, composition

X = torch.arange(24.0).view(6, 4)
TARGET = torch.eye(6)


def generator():
    return torch.Generator().manual_seed(4)


def test_the_example_of_the_docstring_runs():
    assert doctest.testmod(composition).failed == 0


@pytest.mark.parametrize("partner", ["permutation", "same_class", "with_replacement"])
def test_it_draws_the_ratio_then_the_partners(partner):
    mixing = Mixing.compose(ratio={"name": "beta", "alpha": 1.0}, partner={"name": partner}, smoothing=0.1)
    source = generator()
    ratio = mixing.ratio((), generator=source)
    drawn = mixing.partner.sample(torch.arange(6), generator=source)
    expected = mixing.mix(X, mixing.smooth(TARGET), ratio, drawn)
    for ours, theirs in zip(mixing(X, TARGET, generator()), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_it_matches_partners_and_places_windows():
    mixing = Mixing.compose(
        ratio={"name": "constant", "value": 0.5}, partner={"name": "transport", "k": 6}, blend={"name": "segment"}
    )
    x, target = mixing(X, TARGET, generator())  # of all six, everyone is its own best partner
    assert torch.equal(x, X)
    assert torch.equal(target, TARGET)
    cut, weights = Mixing.compose(ratio={"name": "constant", "value": 0.5}, blend={"name": "segment"})(
        X, TARGET, generator()
    )
    assert ((cut != X).sum(1) <= 2).all()  # half of the four steps
    assert (weights.diagonal() >= 0.5).all()


def test_windows_are_placed_anywhere():
    mixing = Mixing.compose(ratio={"name": "constant", "value": 0.5}, blend={"name": "segment"})
    source = generator()
    cut = torch.stack([mixing(X, TARGET, source)[0] != X for _ in range(40)]).any(1)
    assert {tuple(each.tolist()) for each in cut.int()} == {(1, 1, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1)}


def test_it_mixes_several_examples_in_rounds():
    x, target = Mixing.compose(ratio={"name": "dirichlet", "alpha": 1.0, "examples": 3})(X, TARGET, generator())
    torch.testing.assert_close(target.sum(1), torch.ones(6))
    torch.testing.assert_close(x, target @ X)


def test_without_a_ratio_nothing_is_mixed():
    assert ERM(X, TARGET, generator())[0] is X


@pytest.mark.parametrize("partner", ["own_views", "second_loader"])
def test_partners_from_elsewhere_are_left_to_the_loop(partner):
    mixing = Mixing.compose(ratio={"name": "beta", "alpha": 1.0}, partner={"name": partner})
    with pytest.raises(ValueError, match="call `mix_with`"):
        mixing(X, TARGET, generator())
