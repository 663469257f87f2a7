import pytest
import scipy.stats
import torch

from remixup.mixing.ratio import beta, constant, dirichlet, uniform


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(rounds):
    """Of m examples (..., m), from λ of m - 1 rounds: after each, all before keep the share λ."""
    found = torch.ones(*rounds.shape[:-1], 1, dtype=rounds.dtype)
    for ratio in rounds.split(1, dim=-1):
        found = torch.cat([ratio * found, 1 - ratio], dim=-1)
    return found


def test_a_constant_ratio_draws_nothing():
    source = generator()
    before = source.get_state()
    assert torch.equal(constant((2, 3), value=0.3, generator=source), torch.full((2, 3), 0.3, dtype=torch.float64))
    assert torch.equal(source.get_state(), before)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.5, 1.5), (0.0, 0.2)])
def test_uniform_ratios(low, high):
    drawn = uniform((5_000,), low=low, high=high, generator=generator())
    assert drawn.dtype == torch.float64
    assert scipy.stats.kstest(drawn.numpy(), scipy.stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert torch.equal(drawn, uniform((5_000,), low=low, high=high, generator=generator()))


@pytest.mark.parametrize("high", [0.5, 0.4])
def test_a_uniform_ratio_needs_a_range(high):
    with pytest.raises(ValueError, match=rf"from 0.5 to {high}"):
        uniform((3,), low=0.5, high=high, generator=generator())


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("examples", [2, 3, 5])
def test_weights_of_several_examples_follow_dirichlet(alpha, examples):
    drawn = weights(dirichlet((8_000,), alpha=alpha, examples=examples, generator=generator()))
    assert drawn.shape == (8_000, examples)
    torch.testing.assert_close(drawn.sum(-1), torch.ones(8_000, dtype=torch.float64))
    marginal = scipy.stats.beta(alpha, (examples - 1) * alpha).cdf
    for weight in drawn.T:
        assert scipy.stats.kstest(weight.numpy(), marginal).pvalue > 1e-3


def test_weights_depend_on_each_other_as_those_of_dirichlet_do():
    """Sums of some are Beta again (aggregation); independent Beta marginals, once normalized, would not be."""
    drawn = weights(dirichlet((8_000,), alpha=0.7, examples=4, generator=generator()))
    for pair in ([0, 1], [1, 3], [2, 3]):
        total = drawn[:, pair].sum(-1).numpy()
        assert scipy.stats.kstest(total, scipy.stats.beta(1.4, 1.4).cdf).pvalue > 1e-3
    expected = scipy.stats.dirichlet([0.7] * 4).cov()
    torch.testing.assert_close(drawn.T.cov(), torch.from_numpy(expected), atol=0.003, rtol=0)


def test_two_examples_are_beta():
    drawn = dirichlet((3, 4), alpha=0.4, examples=2, generator=generator(5))
    assert torch.equal(drawn, beta((3, 4), alpha=0.4, generator=generator(5)).unsqueeze(-1))


def test_three_is_the_default_and_tiny_concentrations_take_one_example():
    drawn = weights(dirichlet((3_000,), alpha=1e-4, generator=generator()))
    assert drawn.shape == (3_000, 3)
    assert (drawn.max(-1).values > 1 - 1e-6).float().mean() > 0.99
    assert scipy.stats.chisquare(drawn.argmax(-1).bincount(minlength=3)).pvalue > 1e-3
