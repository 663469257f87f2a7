import dataclasses
import math

import pytest
import torch
from torch import Tensor

from remixup.theory.adversarial_bound import (
    RobustnessBound,
    robustness_bound,
    second_order_adversarial,
)

LOG3 = math.log(3)
THETA = torch.tensor([1.2, -0.5], dtype=torch.float64)


def examples(n: int = 8, d: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64), torch.arange(n) % 2


def logistic_adversarial(theta: Tensor, x: Tensor, y: Tensor, radius: float) -> Tensor:
    """The worst logistic loss of θᵀx in an l2 ball: the worst point is perpendicular to the boundary."""
    worst = radius * theta.norm() - (2 * y - 1) * (x @ theta)
    return torch.nn.functional.softplus(worst)


def homogeneous_model(kind: str, d: int, generator: torch.Generator):
    """A random model with f(x) = ∇f(x)ᵀx: logistic regression, or a ReLU network without biases."""
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    if kind == "logistic":
        theta = 3 * torch.rand((), generator=generator, dtype=torch.float64) * draw(d)
        return lambda x: x @ theta
    first, second, third = draw(d, 9), draw(9, 7) / 3, draw(7)
    return lambda x: torch.relu(torch.relu(x @ first) @ second) @ third


def test_the_closed_form_is_the_worst_of_the_circle() -> None:
    x, y = examples()
    radius = torch.linspace(0.1, 2.0, len(x), dtype=torch.float64)
    angle = torch.linspace(0, 2 * math.pi, 5001, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    output = (x[:, None] + radius[:, None, None] * circle) @ THETA
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        output, y[:, None].double().expand_as(output), reduction="none"
    )
    exact = logistic_adversarial(THETA, x, y, radius)
    assert torch.all(exact >= losses.max(dim=1).values - 1e-12)
    torch.testing.assert_close(exact, losses.max(dim=1).values, rtol=0, atol=1e-5)


def test_a_ball_of_radius_zero_is_the_loss_itself() -> None:
    x, y = examples()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ THETA, y.double(), reduction="none")
    torch.testing.assert_close(logistic_adversarial(THETA, x, y, 0.0), loss)
    torch.testing.assert_close(second_order_adversarial(lambda x: x @ THETA, x, y, 0.0), loss)


def test_the_second_order_loss_of_one_point_by_hand() -> None:
    # Logit log 3 and label 0: h' = 3/4, h'' = 3/16; the gradient (3, 4) has norm 5, the radius is 1/10.
    f = lambda x: x @ torch.tensor([3.0, 4.0], dtype=torch.float64) + LOG3  # noqa: E731
    loss = second_order_adversarial(f, torch.zeros(1, 2), torch.tensor([0]), 0.1)
    assert loss.item() == pytest.approx(math.log(4) + 0.5 * 3 / 4 + 0.125 * 3 / 16)


def test_the_second_order_loss_is_the_taylor_polynomial_of_the_closed_form() -> None:
    x, y = examples()
    f = lambda x: x @ THETA  # noqa: E731
    error = [logistic_adversarial(THETA, x, y, r) - second_order_adversarial(f, x, y, r) for r in (0.02, 0.01)]
    torch.testing.assert_close(error[0] / error[1], torch.full_like(error[0], 8.0), rtol=0.1, atol=0)


def test_the_first_order_term_of_a_network_is_the_steepest_ascent() -> None:
    x, y = examples()
    f = homogeneous_model("relu", 2, torch.Generator().manual_seed(1))
    radius = 1e-5
    angle = torch.linspace(0, 2 * math.pi, 721, dtype=torch.float64)
    around = x[:, None] + radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    output = f(around.flatten(0, 1)).reshape(len(x), -1)
    label = y[:, None].double().expand_as(output)
    worst = torch.nn.functional.binary_cross_entropy_with_logits(output, label, reduction="none").max(dim=1).values
    standard = second_order_adversarial(f, x, y, 0.0)
    rise = second_order_adversarial(f, x, y, radius) - standard
    torch.testing.assert_close(rise, worst - standard, rtol=1e-3, atol=1e-12)


def test_the_bound_of_two_points_by_hand() -> None:
    x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 0])
    bound = robustness_bound(lambda x: LOG3 * x[:, 0], x, y, 1.0)
    # c_x = 1, R = 1 and E[1 - λ] = 1/3; |h' - y| = 1/4 and h'' = 3/16 at both points.
    assert bound.mixup == pytest.approx(math.log(4 / 3) + LOG3 / 12 + LOG3**2 / 32)
    assert bound.adversarial == pytest.approx(math.log(4 / 3) + LOG3 / 12 + LOG3**2 / 96)
    assert bound.uniform == pytest.approx(bound.adversarial)
    assert bound.radii.tolist() == pytest.approx([1 / 3, 1 / 3])
    assert (bound.c_x, bound.mean_norm, bound.correct, bound.homogeneity, bound.curvature) == (1, 0, 1, 0, 0)
    assert bound.assumptions_hold
    assert not bound.violated


def test_cosines_and_radii_in_the_plane() -> None:
    x = torch.tensor([[3.0, 0.0], [0.0, -2.0], [-3.0, 2.0], [0.0, 0.0]])
    y = torch.tensor([1, 0, 0, 0])
    f = lambda x: x @ torch.tensor([1.0, 1.0], dtype=torch.float64)  # noqa: E731
    bound = robustness_bound(f, x, y, 2.0)
    assert bound.cosines.tolist() == pytest.approx([math.sqrt(1 / 2), math.sqrt(1 / 2), math.sqrt(1 / 26), 0.0])
    assert bound.c_x == 0
    bound = robustness_bound(f, x[:3], y[:3], 2.0)
    assert bound.c_x == pytest.approx(2 / math.sqrt(2))
    # E[1 - λ] = 2/5 and c_x √d is the least norm, 2.
    assert bound.radii.tolist() == pytest.approx([0.8 * c for c in bound.cosines.tolist()])
    smallest = second_order_adversarial(f, x[:3], y[:3], 0.8 / math.sqrt(26))
    assert bound.uniform == pytest.approx(float(smallest.mean()))
    assert bound.adversarial > bound.uniform


@pytest.mark.parametrize("kind", ["logistic", "relu"])
def test_the_theorem_holds_for_centred_points_that_are_classified_correctly(kind: str) -> None:
    generator = torch.Generator().manual_seed(7)
    tightness = []
    for trial in range(150):
        n, d = 2 + trial % 12, 1 + trial % 5
        f = homogeneous_model(kind, d, generator)
        scale = torch.logspace(-1, 1, d, dtype=torch.float64)
        x = scale * torch.randn(n, d, generator=generator, dtype=torch.float64)
        x = (
            torch.cat([x / x.norm(dim=1, keepdim=True), -x / x.norm(dim=1, keepdim=True)])
            if trial % 2
            else x - x.mean(0)
        )
        bound = robustness_bound(f, x, f(x) > 0, alpha=float(10 ** (3 * torch.rand((), generator=generator) - 2)))
        assert bound.assumptions_hold, (trial, bound)
        assert not bound.violated, (trial, bound)
        assert bound.adversarial >= bound.uniform
        standard = float(second_order_adversarial(f, x, f(x) > 0, 0.0).mean())
        tightness.append((bound.adversarial - standard) / (bound.mixup - standard))
    assert max(tightness) > 0.95  # a radius a tenth too large would break the inequality


def test_a_radius_from_the_largest_norm_would_break_the_theorem() -> None:
    # The least norm matters: with max ‖x_i‖ in c_x this correct and centered case has adversarial > mixup.
    x, y = torch.tensor([[4.0], [-1.0], [-1.0], [-1.0], [-1.0]]), torch.tensor([1, 0, 0, 0, 0])
    f = lambda x: 0.5 * x[:, 0]  # noqa: E731
    bound = robustness_bound(f, x, y, 1.0)
    assert not bound.violated
    assert float(second_order_adversarial(f, x, y, 4 * bound.radii).mean()) > bound.mixup


def misclassified() -> RobustnessBound:
    x = torch.tensor([[1.0], [-1.0]])
    return robustness_bound(lambda x: LOG3 * x[:, 0], x, torch.tensor([0, 1]), 1.0)


def uncentered() -> RobustnessBound:
    x = torch.tensor([[1.0], [3.0]])
    return robustness_bound(lambda x: x[:, 0], x, torch.tensor([1, 1]), 1.0)


def with_bias() -> RobustnessBound:
    x = torch.tensor([[1.0], [-1.0]])
    return robustness_bound(lambda x: x[:, 0] + 2, x, torch.tensor([1, 1]), 1.0)


def curved() -> RobustnessBound:
    """Half the norm: homogeneous and correct, but mixing cuts through the circle."""
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    return robustness_bound(lambda x: 0.5 * x.norm(dim=1), x, torch.ones(4), 1.0)


@pytest.mark.parametrize(
    ("case", "broken"),
    [(misclassified, "correct"), (uncentered, "mean_norm"), (with_bias, "homogeneity"), (curved, "curvature")],
)
def test_without_any_one_assumption_the_bound_can_fail(case, broken: str) -> None:
    bound = case()
    assert bound.violated
    assert not bound.assumptions_hold
    mended = dataclasses.replace(bound, **{broken: 1.0 if broken == "correct" else 0.0})
    assert mended.assumptions_hold  # it was that one alone


def test_a_violation_is_more_than_rounding() -> None:
    bound = robustness_bound(lambda x: x[:, 0], torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 0]), 1.0)
    at = lambda mixup, adversarial, uniform: dataclasses.replace(  # noqa: E731
        bound, mixup=mixup, adversarial=adversarial, uniform=uniform
    )
    assert not at(1.0, 1.0 + 1e-14, 1.0 + 2e-14).violated
    assert at(1.0, 1.0 + 1e-9, 1.0).violated
    assert at(2.0, 1.0, 1.0 + 1e-9).violated


def test_a_constant_model_has_no_direction() -> None:
    x, y = examples()
    bound = robustness_bound(lambda x: torch.zeros(len(x), dtype=x.dtype), x, y, 1.0)
    assert bound.cosines.tolist() == [0.0] * len(x)
    assert bound.mixup == bound.adversarial == bound.uniform == pytest.approx(math.log(2))
    assert bound.correct == 0.5
