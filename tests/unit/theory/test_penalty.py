import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import beta
from torch import Tensor

from remixup.errors import UserError
from remixup.theory.penalty import direction_norms, glm_penalty, penalty_moment, variance_directions


def inputs(n: int = 30, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 2, generator=generator, dtype=torch.float64) * torch.tensor([3.0, 0.5]) + 4.0


@pytest.mark.parametrize("alpha", [1.5, 2.0, 9.0])
def test_the_moment_is_the_integral(alpha: float) -> None:
    value, error = quad(lambda u: (u / (1 - u)) ** 2 * beta.pdf(1 - u, alpha + 1, alpha), 0, 1, limit=200)
    assert penalty_moment(alpha) == pytest.approx(value, abs=10 * error, rel=1e-6)


def test_the_moment_by_hand() -> None:
    # Beta(3, 2) has density 12 λ² (1 - λ), and 12 ∫ (1 - λ)³ = 3.
    assert penalty_moment(2.0) == pytest.approx(3)


def test_the_moment_diverges_up_to_one() -> None:
    assert penalty_moment(1.0) == math.inf
    assert penalty_moment(0.2) == math.inf
    # At α = 1, 2λ (1-λ)²/λ² from ε on is -2 log ε - 3 + ...: each tenth adds 2 log 10 without end.
    part = [quad(lambda u: 2 * u**2 / (1 - u), 0, 1 - e)[0] for e in (1e-3, 1e-4, 1e-5)]
    assert np.diff(part) == pytest.approx([2 * math.log(10)] * 2, rel=1e-2)
    with pytest.raises(UserError, match="alpha"):
        penalty_moment(0.0)


def test_the_penalty_by_hand() -> None:
    # Centered ±1 along θ with θᵀx = ±log 3: A'' = 3/16 at both, variance (log 3)², moment 3.
    x = torch.tensor([[6.0, 7.0], [4.0, 7.0]])
    theta = torch.tensor([math.log(3), 0.0])
    assert glm_penalty(theta.double(), x, 2.0) == pytest.approx(3 / 16 / 2 * 3 * math.log(3) ** 2)


def test_a_direction_without_variance_costs_nothing() -> None:
    x = torch.tensor([[6.0, 7.0], [4.0, 7.0], [1.0, 7.0]])
    theta = torch.tensor([0.3, 0.0])
    assert glm_penalty(theta, x, 3.0) == glm_penalty(theta + torch.tensor([0.0, 100.0]), x, 3.0) > 0
    assert glm_penalty(torch.tensor([0.0, 100.0]), x, 3.0) == 0
    assert glm_penalty(torch.tensor([0.0, 100.0]), x, 0.5) == 0
    assert glm_penalty(theta, x, 0.5) == math.inf


@pytest.mark.parametrize("direction", [[1.0, 0.0], [0.0, 1.0], [0.6, -0.8]])
def test_the_rescaled_mixup_loss_is_the_standard_loss_and_the_penalty(direction: list[float]) -> None:
    x = inputs()
    x, alpha = x - x.mean(0), 16.0
    theta = 0.05 * torch.tensor(direction, dtype=torch.float64)
    y = (torch.arange(len(x)) % 2).double()
    ratio = torch.from_numpy(np.random.default_rng(3).beta(alpha + 1, alpha, 3000))
    mixed = (ratio[:, None, None, None] * x[:, None] + (1 - ratio[:, None, None, None]) * x) / ratio[
        :, None, None, None
    ]
    output = mixed @ theta
    loss = torch.nn.functional.binary_cross_entropy_with_logits(output, y[:, None].expand_as(output), reduction="none")
    excess = loss.mean((1, 2)) - torch.nn.functional.binary_cross_entropy_with_logits(x @ theta, y)
    error = float(excess.std()) / math.sqrt(len(ratio))
    penalty = glm_penalty(theta, x, alpha)
    assert error < 0.02 * penalty
    assert float(excess.mean()) == pytest.approx(penalty, abs=4 * error, rel=0.02)


def test_the_directions_are_the_principal_axes() -> None:
    x = inputs() @ torch.tensor([[0.8, 0.6], [-0.6, 0.8]], dtype=torch.float64)
    variances, axes = variance_directions(x)
    _, singular, right = np.linalg.svd((x - x.mean(0)).numpy(), full_matrices=False)
    assert variances.tolist() == pytest.approx((singular**2 / len(x)).tolist())
    assert variances[0] > variances[1]
    assert np.abs(axes.numpy() @ right.T) == pytest.approx(np.eye(2), abs=1e-9)
    covariance = torch.cov(x.T, correction=0)
    torch.testing.assert_close(axes.T @ variances.diag() @ axes, covariance)


def test_fewer_examples_than_inputs_leave_axes_without_variance() -> None:
    generator = torch.Generator().manual_seed(1)
    x, theta = torch.randn(3, 5, generator=generator), torch.randn(5, generator=generator)
    variances, axes = variance_directions(x)
    assert variances[:2].min() > 0.01
    assert torch.all((variances[2:] >= 0) & (variances[2:] < 1e-12))
    torch.testing.assert_close(axes @ axes.T, torch.eye(5, dtype=torch.float64))
    assert float((direction_norms(theta, x) ** 2).sum()) == pytest.approx(float(theta.double() @ theta.double()))
    # What lies along the axes that the data do not reach is orthogonal to the centered inputs.
    assert float(((x.double() - x.double().mean(0)) @ axes[2:].T).abs().max()) < 1e-7


def test_the_norms_of_known_axes() -> None:
    x = torch.tensor([[0.0, 3.0, 1.0], [0.0, -3.0, 1.0], [1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])
    assert direction_norms(torch.tensor([-2.0, 5.0, 7.0]), x).tolist() == pytest.approx([5.0, 2.0, 7.0])
    assert variance_directions(x)[0].tolist() == pytest.approx([4.5, 0.5, 0.0])


def test_weights_of_another_size_are_refused() -> None:
    with pytest.raises(UserError, match="weights of shape"):
        glm_penalty(torch.ones(3), inputs(), 2.0)
    with pytest.raises(UserError, match="shape"):
        variance_directions(torch.ones(3))
