import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import beta
from torch import Tensor, nn

from remixup.errors import UserError
from remixup.theory import approximation
from remixup.theory.approximation import mixup_loss, remainder_order, retained_moments, second_order

LOG3 = math.log(3)


def two_points(x: Tensor) -> Tensor:
    """With inputs 1 and -1: logits log 3 and -log 3, probabilities 3/4 and 1/4."""
    return LOG3 * x[:, 0]


def linear(x: Tensor) -> Tensor:
    return x @ torch.tensor([1.5, -0.7], dtype=torch.float64) + 0.3


def tanh_network(x: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    first = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    second = torch.randn(6, generator=generator, dtype=torch.float64)
    return torch.tanh(x @ first + 0.3) @ second + 0.2


def relu_network(x: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    first = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    return torch.relu(x @ first + 0.1) @ torch.randn(6, generator=generator, dtype=torch.float64)


def examples(n: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 2, generator=generator, dtype=torch.float64) + torch.tensor([0.5, -0.2])
    return x, torch.randint(2, (n,), generator=generator)


def by_definition(f, x: Tensor, y: Tensor, ratio: float) -> float:
    """The mixup paper's own loss at one λ: inputs and labels mixed, over all pairs."""
    mixed = ratio * x[:, None] + (1 - ratio) * x[None]
    label = (ratio * y[:, None] + (1 - ratio) * y[None]).double().flatten()
    probability = torch.sigmoid(f(mixed.flatten(0, 1)))
    return float(nn.functional.binary_cross_entropy(probability, label))


@pytest.mark.parametrize("alpha", [0.05, 0.4, 1.0, 7.5])
def test_the_moments_are_those_of_the_tilted_beta_law(alpha: float) -> None:
    law = beta(alpha + 1, alpha)
    mean, square = 1 - law.mean(), law.var() + (1 - law.mean()) ** 2
    assert retained_moments(alpha) == pytest.approx((mean, square), rel=1e-12)


def test_the_moments_by_hand() -> None:
    assert retained_moments(1.0) == pytest.approx((1 / 3, 1 / 6))
    assert retained_moments(2.0) == pytest.approx((2 / 5, 1 / 5))


@pytest.mark.parametrize("f", [linear, tanh_network])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_the_mixup_loss_is_that_of_mixed_labels_integrated_over_the_symmetric_law(f, alpha: float) -> None:
    x, y = examples()
    # λ and 1 - λ give the same loss over all ordered pairs, so half of the quantiles do.
    value, error = quad(lambda q: by_definition(f, x, y, beta.ppf(q, alpha, alpha)), 0, 0.5, epsabs=1e-9, limit=200)
    assert error < 1e-8
    assert mixup_loss(f, x, y, alpha) == pytest.approx(2 * value, abs=1e-7)


def test_the_mixup_loss_is_the_mean_of_draws() -> None:
    x, y = examples()
    rng, draws = np.random.default_rng(5), 200_000
    ratio = torch.from_numpy(rng.beta(0.5, 0.5, draws))
    first, second = torch.from_numpy(rng.integers(len(x), size=(2, draws)))
    output = relu_network(ratio[:, None] * x[first] + (1 - ratio[:, None]) * x[second])
    label = ratio * y[first] + (1 - ratio) * y[second]
    loss = nn.functional.binary_cross_entropy_with_logits(output, label, reduction="none")
    error = float(loss.std()) / math.sqrt(draws)
    exact = mixup_loss(relu_network, x, y, 0.5)
    assert abs(exact - float(loss.mean())) < 4 * error
    assert abs(exact - second_order(relu_network, x, y, 0.5).standard) > 20 * error  # or the draws could not tell


def test_few_nodes_suffice_for_a_smooth_model_and_not_for_kinks() -> None:
    x, y = examples()
    assert mixup_loss(tanh_network, x, y, 0.01, nodes=32) == pytest.approx(
        mixup_loss(tanh_network, x, y, 0.01, nodes=96), abs=1e-12
    )
    difference = mixup_loss(relu_network, x, y, 1.0, nodes=32) - mixup_loss(relu_network, x, y, 1.0, nodes=512)
    assert 1e-9 < abs(difference) < 1e-4


def test_nothing_mixed_is_the_standard_loss() -> None:
    x, y = examples()
    standard = second_order(tanh_network, x, y, 1.0).standard
    cross_entropy = nn.functional.binary_cross_entropy_with_logits(tanh_network(x), y.double())
    assert standard == pytest.approx(float(cross_entropy), rel=1e-12)
    assert mixup_loss(tanh_network, x, y, 1.0, shrink=0.0) == pytest.approx(standard, rel=1e-14)


def test_the_loss_does_not_depend_on_how_the_pairs_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = examples()
    whole = mixup_loss(tanh_network, x, y, 1.0)
    monkeypatch.setattr(approximation, "_CHUNK", 500)  # seven pairs at a time, which do not divide 144
    assert mixup_loss(tanh_network, x, y, 1.0) == pytest.approx(whole, rel=1e-13)


def test_the_terms_of_two_points_by_hand() -> None:
    x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 0])
    expansion = second_order(two_points, x, y, 1.0)
    # h' - y is -1/4 and 1/4, h'' is 3/16, the partner is 0 or 2 away: E[(r - x)²] = 2.
    assert expansion.standard == pytest.approx(math.log(4 / 3))
    assert expansion.first == pytest.approx(1 / 3 * 1 / 4 * LOG3)
    assert expansion.second == pytest.approx(1 / 6 / 2 * 3 / 16 * LOG3**2 * 2)
    assert expansion.third == 0
    assert expansion.total == pytest.approx(math.log(4 / 3) + LOG3 / 12 + LOG3**2 / 32)


def test_the_curvature_term_by_hand() -> None:
    x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 0])
    expansion = second_order(lambda x: 5 * x[:, 0] ** 2 - 5, x, y, 1.0)
    # Logits 0, slope h' - y = -1/2 and 1/2 times f'' = 10: the points cancel.
    assert expansion.third == pytest.approx(0, abs=1e-15)
    both = second_order(lambda x: 5 * x[:, 0] ** 2 - 5, x, torch.tensor([0, 0]), 1.0)
    assert both.third == pytest.approx(1 / 6 / 2 * 1 / 2 * 10 * 2)
    assert both.first == pytest.approx(1 / 3 * 1 / 2 * -10)


def test_each_term_is_the_formula_with_finite_differences() -> None:
    x, y = examples(7)
    mean_share, mean_square = retained_moments(0.7)
    step, n = 1e-4, len(x)
    value = lambda point: float(tanh_network(point[None]))  # noqa: E731
    unit = step * torch.eye(2, dtype=torch.float64)
    first = second = third = 0.0
    for point, label in zip(x, y.tolist(), strict=True):
        probability = 1 / (1 + math.exp(-value(point)))
        gradient = np.array([value(point + e) - value(point - e) for e in unit]) / (2 * step)
        for partner in x:
            offset = (partner - point).numpy()
            along = step * (partner - point)
            bend = (value(point + along) - 2 * value(point) + value(point - along)) / step**2
            first += mean_share * (probability - label) * (gradient @ offset) / n**2
            second += mean_square / 2 * probability * (1 - probability) * (gradient @ offset) ** 2 / n**2
            third += mean_square / 2 * (probability - label) * bend / n**2
    expansion = second_order(tanh_network, x, y, 0.7)
    assert (expansion.first, expansion.second, expansion.third) == pytest.approx((first, second, third), rel=1e-5)
    assert min(abs(first), abs(second), abs(third)) > 1e-4


def test_the_terms_are_the_derivatives_of_the_mixup_loss_in_the_share_of_the_partner() -> None:
    x, y = examples()
    step = 1e-3
    ahead, behind = (mixup_loss(tanh_network, x, y, 0.4, shrink=s) for s in (step, -step))
    expansion = second_order(tanh_network, x, y, 0.4)
    assert (ahead - behind) / (2 * step) == pytest.approx(expansion.first, rel=1e-4)
    curvature = (ahead + behind - 2 * expansion.standard) / 2 / step**2
    assert curvature == pytest.approx(expansion.second + expansion.third, rel=1e-4)
    half = second_order(tanh_network, x, y, 0.4, shrink=0.5)
    assert half.first == pytest.approx(expansion.first / 2)
    assert half.second == pytest.approx(expansion.second / 4)
    assert half.third == pytest.approx(expansion.third / 4)


@pytest.mark.parametrize("f", [linear, tanh_network])
@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_the_remainder_is_of_third_order_for_smooth_models(f, alpha: float) -> None:
    x, y = examples()
    order = remainder_order(f, x, y, alpha, shrinks=[2.0**-k for k in range(4, 9)])
    assert order == pytest.approx(3, abs=0.1)


def test_a_kink_between_examples_lowers_the_order() -> None:
    x, y = torch.tensor([[0.001], [-1.0], [1.0]]), torch.tensor([1, 0, 1])
    assert remainder_order(lambda x: torch.relu(x[:, 0]), x, y, 1.0, shrinks=(1 / 4, 1 / 8, 1 / 16)) < 1.5


def test_the_order_is_three_where_no_kink_is_between_an_example_and_its_mixtures() -> None:
    # The examples are 0.2 or farther from the kink, and a sixteenth of the way to any partner is shorter.
    x, y = torch.tensor([[1.2], [0.2], [-0.3], [-1.0]]), torch.tensor([1, 0, 1, 0])
    bent = lambda x: 3 * torch.relu(x[:, 0]) - torch.relu(-x[:, 0])  # noqa: E731
    assert remainder_order(bent, x, y, 1.0, shrinks=(1 / 16, 1 / 32, 1 / 64, 1 / 128)) == pytest.approx(3, abs=0.05)


def test_no_order_where_the_remainder_is_rounding() -> None:
    x, y = examples()
    constant = lambda x: torch.full((len(x),), 0.7, dtype=torch.float64)  # noqa: E731
    assert math.isnan(remainder_order(constant, x, y, 1.0))
    expansion = second_order(constant, x, y, 1.0)
    assert (expansion.first, expansion.second, expansion.third) == (0, 0, 0)
    assert mixup_loss(constant, x, y, 1.0) == pytest.approx(expansion.standard, rel=1e-14)


def test_a_relu_network_has_no_curvature() -> None:
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    x, y = examples()
    expansion = second_order(network.double(), x, y, 1.0)
    assert expansion.third == 0
    assert expansion.second > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_single_precision_inputs_are_computed_in_double() -> None:
    x, y = examples()
    x = x.float()
    assert second_order(tanh_network, x, y, 1.0) == second_order(tanh_network, x.double(), y.double(), 1.0)
    assert mixup_loss(tanh_network, x, y.bool(), 1.0) == mixup_loss(tanh_network, x.double(), y, 1.0)
    assert not x.requires_grad


def test_derivatives_are_taken_where_the_caller_wants_no_gradients() -> None:
    x, y = examples()
    expansion = second_order(tanh_network, x, y, 1.0)
    with torch.no_grad():
        assert second_order(tanh_network, x, y, 1.0) == expansion


def test_a_linear_module_has_no_curvature_though_its_weights_are_trainable() -> None:
    module = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)).double()
    x, y = examples()
    expansion = second_order(module, x, y, 1.0)
    weights = module[0].weight.detach()[0]
    assert expansion == second_order(lambda x: x @ weights + module[0].bias.detach(), x, y, 1.0)
    assert expansion.third == 0


def test_an_example_far_from_the_boundary_does_not_overflow() -> None:
    x, y = torch.tensor([[1000.0], [-1000.0]]), torch.tensor([0, 1])
    assert second_order(lambda x: 5 * x[:, 0], x, y, 1.0).standard == pytest.approx(5000)
    assert math.isfinite(mixup_loss(lambda x: 5 * x[:, 0], x, y, 1.0))


@pytest.mark.parametrize("function", [mixup_loss, second_order])
def test_mistakes_are_told(function) -> None:
    x, y = examples()
    for alpha in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(UserError, match="alpha"):
            function(linear, x, y, alpha)
    with pytest.raises(UserError, match="neither 0 nor 1"):
        function(linear, x, 2 * y - 1, 1.0)
    with pytest.raises(UserError, match="shape"):
        function(linear, x, y[:, None], 1.0)
    with pytest.raises(UserError, match="one logit a row"):
        function(lambda x: x[:, :1], x, y, 1.0)
