import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.svm import SVC

from remixup.errors import UserError
from remixup.theory.linear import dimension_bound, max_margin, min_norm, support_share


def separable(n, d, seed):
    """Points with a random plane through the origin between the classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, dtype=torch.float64, generator=generator)
    normal = torch.randn(d, dtype=torch.float64, generator=generator)
    y = (x @ normal).sign()
    return x + 0.2 * y[:, None] * normal / normal.norm(), y


def test_by_hand():
    x, y = torch.tensor([[2.0, 0.0], [0.0, -4.0]]), torch.tensor([1, -1])
    for solve in (min_norm, max_margin):
        assert solve(x, y).tolist() == pytest.approx([0.5, 0.25])
    # a third point beyond the margin changes the interpolator and not the max-margin solution
    x, y = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [5.0, 5.0, 1.0]]), torch.tensor([1, 1, 1])
    assert max_margin(x, y).tolist() == pytest.approx([1, 1, 0])
    assert min_norm(x, y).tolist() == pytest.approx([1, 1, -9])
    assert support_share(x, y) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("n", "d", "scale"), [(30, 2, 1.0), (60, 5, 1e3), (8, 20, 1e-3)])
def test_max_margin_agrees_with_a_support_vector_machine(n, d, scale):
    x, y = separable(n, d, n)
    x = x * scale
    theta = max_margin(x, y)
    # each point and its opposite: by symmetry the machine's intercept is 0
    machine = SVC(kernel="linear", C=1e9, tol=1e-10).fit(torch.cat([x, -x]) / scale, torch.cat([y, -y]))
    np.testing.assert_allclose(theta * scale, machine.coef_[0], rtol=1e-5, atol=1e-6 * float(theta.norm() * scale))
    held = len(set(machine.support_ % n))  # by a point, its opposite, or both
    assert support_share(x, y) == pytest.approx(held / n)


@pytest.mark.parametrize(("n", "d"), [(200, 3), (40, 40), (10, 300)])
def test_max_margin_is_feasible_and_a_cone_of_its_support_vectors(n, d):
    x, y = separable(n, d, d)
    theta = max_margin(x, y)
    functional = y * (x @ theta)
    assert functional.min() >= 1 - 1e-9
    active = (y[:, None] * x)[functional < 1 + 1e-7]
    weights = np.linalg.lstsq(active.T.numpy(), theta.numpy(), rcond=None)[0]
    np.testing.assert_allclose(active.T.numpy() @ weights, theta, atol=1e-9)
    assert weights.min() > -1e-9  # the conditions of Karush, Kuhn and Tucker, which are enough for a convex problem


def test_min_norm_interpolates_in_the_span_of_the_data():
    x, y = separable(6, 15, 3)
    theta = min_norm(x.float(), y.int())
    assert theta.dtype == torch.float64
    torch.testing.assert_close(x.float().double() @ theta, y)
    torch.testing.assert_close(theta, torch.linalg.pinv(x.float().double()) @ y)


def test_turning_and_scaling():
    x, y = separable(40, 4, 5)
    turn = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    for scale in (100, 1e-9):
        torch.testing.assert_close(scale * max_margin(scale * x @ turn, y), turn.T @ max_margin(x, y))
    torch.testing.assert_close(max_margin(x, -y), -max_margin(x, y))


def test_classes_that_no_plane_through_the_origin_separates():
    y = torch.tensor([1, -1])
    for x in (torch.tensor([[1.0, 0.0], [2.0, 0.0]]), torch.tensor([[1.0, 1.0], [1.0, 1.0]])):
        with pytest.raises(UserError, match="separates"):
            max_margin(x, y)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(100, 3, generator=generator)
    with pytest.raises(UserError, match="separates"):
        max_margin(x, torch.randint(2, (100,), generator=generator) * 2 - 1)
    with pytest.raises(UserError, match="interpolates"):
        min_norm(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 1]))


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"y": torch.tensor([0, 1])}, "y"),
        ({"y": torch.tensor([1])}, "y"),
        ({"x": torch.zeros(2, 2)}, "x"),
        ({"x": torch.tensor([[1.0, float("inf")], [1.0, 1.0]])}, "x"),
    ],
)
def test_a_mistaken_argument_is_named(changed, where):
    with pytest.raises(UserError) as caught:
        support_share(**({"x": torch.eye(2), "y": torch.tensor([1, -1])} | changed))
    assert caught.value.where == where


def test_dimension_bound():
    assert dimension_bound(1) == 0
    assert dimension_bound(10) == pytest.approx(100 * math.log(10) + 9)
    with pytest.raises(UserError):
        dimension_bound(0)


def test_above_the_bound_all_points_are_support_vectors_and_far_below_they_are_not():
    n = 12
    enough = math.ceil(dimension_bound(n)) + 1
    y = torch.arange(n) % 2 * 2 - 1
    for seed in range(20):
        x = torch.randn(n, enough, generator=torch.Generator().manual_seed(seed))
        assert support_share(x, y) == 1.0
        torch.testing.assert_close(max_margin(x, y), min_norm(x, y))
    assert support_share(*separable(n, 3, 0)) < 0.5


def test_where_all_points_are_support_vectors_mixup_finds_the_same_direction():
    """Theorem 3.5, by minimizing the expected mixup loss over the span of the data."""
    n = 4
    x = torch.randn(n, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    y = torch.tensor([1, -1, -1, 1])
    gram, signs, steps = (x @ x.T).numpy(), y.numpy(), 40
    ratios = ((np.arange(steps) + 0.5) / steps)[:, None, None]  # uniform on [0, 1]

    def loss(weights):
        logits = gram @ weights
        mixed = ratios * logits[:, None] + (1 - ratios) * logits
        return (
            ratios * np.logaddexp(0, -signs[:, None] * mixed) + (1 - ratios) * np.logaddexp(0, -signs * mixed)
        ).mean()

    best = minimize(loss, np.zeros(n), method="BFGS", options={"gtol": 1e-10})
    theta = torch.from_numpy(best.x) @ x
    assert loss(best.x) < 0.6
    assert torch.cosine_similarity(theta, max_margin(x, y), dim=0) > 1 - 1e-8
