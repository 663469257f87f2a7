import numpy as np
import pytest
import torch
from scipy import integrate, stats
from sklearn.datasets import load_iris

from remixup.errors import UserError
from remixup.theory import segments
from remixup.theory.optimal import critical_alpha, mixup_optimal

LINE = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0, 1, 0])


@pytest.fixture
def cloud():
    """Twelve points of three classes in the plane, two of them in one place, and queries about them."""
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(12, 2, dtype=torch.float64, generator=generator)
    points[11] = points[10]
    queries = torch.cat([points[[0, 5, 10]], 0.4 * torch.randn(6, 2, dtype=torch.float64, generator=generator)])
    return points, torch.arange(12) % 3, queries


def by_brute_force(points, labels, query, alpha, radius, classes, steps=4001):
    """Class probabilities from a fine grid of equally probable ratios on each ordered pair."""
    ratios = stats.beta(alpha, alpha).ppf((np.arange(steps) + 0.5) / steps)[:, None]
    mass = np.zeros(classes)
    for s, of_s in zip(points.numpy(), labels.tolist(), strict=True):
        for t, of_t in zip(points.numpy(), labels.tolist(), strict=True):
            inside = np.linalg.norm(ratios * s + (1 - ratios) * t - query.numpy(), axis=1) <= radius
            mass[of_s] += ratios[inside].sum()
            mass[of_t] += (1 - ratios[inside]).sum()
    return mass / mass.sum()


def test_uniform_ratio_on_the_alternating_line_by_hand():
    r = 0.01
    own = 1 + 2 * (2 * r - r**2)  # itself; the ends of the segments to both neighbors, in both orders
    other = 2 * r**2 + 2 * r  # the far ends' share of those; the middle of the segment between the neighbors
    expected = torch.tensor([[other, own]], dtype=torch.float64) / (own + other)
    torch.testing.assert_close(mixup_optimal(*LINE, torch.tensor([[1.0]]), alpha=1, radius=r), expected)


def test_the_alternating_line_at_the_two_ends_of_alpha():
    at = LINE[0]
    concentrated = mixup_optimal(*LINE, at, alpha=1e6, radius=0.01)
    expected = torch.tensor([[1, 0], [2 / 3, 1 / 3], [1, 0]], dtype=torch.float64)
    torch.testing.assert_close(concentrated, expected, atol=1e-9, rtol=0)
    # with all the mass at the ends every ordered pair adds its own label: the empirical distribution itself
    for alpha, radius in ((1e-4, 0.01), (1, 1e-6)):
        own = mixup_optimal(*LINE, at, alpha=alpha, radius=radius)
        torch.testing.assert_close(own, torch.eye(2, dtype=torch.float64)[LINE[1]], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("alpha", "radius"), [(0.3, 0.4), (1.0, 0.1), (8.0, 0.2), (2.0, 10.0)])
def test_agrees_with_a_fine_grid_of_ratios(cloud, alpha, radius):
    points, labels, queries = cloud
    found = mixup_optimal(points, labels, queries, alpha=alpha, radius=radius)
    for query, row in zip(queries, found, strict=True):
        expected = torch.from_numpy(by_brute_force(points, labels, query, alpha, radius, 3))
        torch.testing.assert_close(row, expected, atol=2e-3, rtol=0)


def drawn_in_the_ball(points, labels, query, alpha, radius, draws, generator):
    """Soft labels of random mixed points that fell into the ball."""
    s, t = torch.randint(len(points), (2, draws), generator=generator)
    rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    ratio = torch.from_numpy(rng.beta(alpha, alpha, (draws, 1)))
    inside = (ratio * points[s] + (1 - ratio) * points[t] - query).norm(dim=1) <= radius
    hot = torch.eye(int(labels.max()) + 1, dtype=torch.float64)
    return (ratio * hot[labels[s]] + (1 - ratio) * hot[labels[t]])[inside]


def test_agrees_with_monte_carlo_and_minimises_its_cross_entropy(cloud):
    points, labels, queries = cloud
    generator = torch.Generator().manual_seed(2)
    for query in queries[[1, 2, 4]]:
        best = mixup_optimal(points, labels, query[None], alpha=1.5, radius=0.3)[0]
        targets = drawn_in_the_ball(points, labels, query, 1.5, 0.3, 200_000, generator)
        assert len(targets) > 5000
        error = targets.std(0) / len(targets) ** 0.5
        assert ((targets.mean(0) - best).abs() < 4.5 * error).all()

        def loss(probabilities, targets=targets):
            return -(targets * probabilities.log()).sum(1).mean()

        for _ in range(20):
            away = torch.softmax(best.log() + 0.3 * torch.randn(3, dtype=torch.float64, generator=generator), 0)
            if (away - best).norm() > 0.03:
                assert loss(best) < loss(away)


@pytest.mark.parametrize("at", [0.02, 0.98])
@pytest.mark.parametrize("alpha", [2.0, 40.0, 120.0])
def test_the_tails_of_the_ratio_keep_their_digits_at_both_ends(at, alpha):
    points = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    found = mixup_optimal(
        points, torch.tensor([0, 1]), torch.tensor([[at]], dtype=torch.float64), alpha=alpha, radius=0.01
    )

    def density(ratio):
        return (ratio * (1 - ratio) / (at * (1 - at))) ** (alpha - 1)

    low, high = at - 0.01, at + 0.01
    expected = integrate.quad(lambda z: z * density(z), low, high)[0] / integrate.quad(density, low, high)[0]
    torch.testing.assert_close(found, torch.tensor([[expected, 1 - expected]], dtype=torch.float64), atol=0, rtol=1e-7)


def test_moving_the_plane_moves_the_classifier_with_it(cloud):
    points, labels, queries = cloud
    expected = mixup_optimal(points, labels, queries, alpha=2, radius=0.1)
    turn = torch.linalg.qr(torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))[0]
    shift = torch.tensor([500.0, -80.0], dtype=torch.float64)

    def moved(x):
        return 3 * x @ turn + shift

    found = mixup_optimal(moved(points), labels, moved(queries), alpha=2, radius=0.3)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)


def test_the_order_of_points_is_nothing_and_the_names_of_classes_are_columns(cloud):
    points, labels, queries = cloud
    expected = mixup_optimal(points, labels, queries, alpha=2, radius=0.1)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(4))
    shuffled = mixup_optimal(points[order], labels[order], queries, alpha=2, radius=0.1)
    torch.testing.assert_close(shuffled, expected)
    names = torch.tensor([2, 0, 1])
    torch.testing.assert_close(mixup_optimal(points, names[labels], queries, alpha=2, radius=0.1)[:, names], expected)


def test_chunks_do_not_show(cloud, monkeypatch):
    points, labels, queries = cloud
    expected = mixup_optimal(points, labels, queries, alpha=2, radius=0.3)
    for size in (1, 30, 100):
        monkeypatch.setattr(segments, "_CHUNK", size)
        torch.testing.assert_close(mixup_optimal(points, labels, queries, alpha=2, radius=0.3), expected)


def test_two_classes_in_one_place_share_it():
    points, labels = torch.zeros(3, 2), torch.tensor([0, 1, 1])
    expected = torch.tensor([[1 / 3, 2 / 3, 0]], dtype=torch.float64)
    torch.testing.assert_close(mixup_optimal(points, labels, points[:1], alpha=5, radius=0.1, classes=3), expected)


def test_a_ball_without_mass_is_not_a_number():
    at = torch.tensor([[1.0], [5.0], [0.02]])
    found = mixup_optimal(LINE[0][:2], LINE[1][:2], at, alpha=4000, radius=0.01)
    assert found.isnan().all(1).tolist() == [False, True, True]  # no segment there; a density below 1e-308


def test_integers_and_half_precision_are_computed_in_float64():
    expected = mixup_optimal(LINE[0].double(), LINE[1], LINE[0].double(), alpha=3, radius=0.1)
    for dtype in (torch.int32, torch.float16):
        found = mixup_optimal(LINE[0].to(dtype), LINE[1].to(torch.uint8), LINE[0].to(dtype), alpha=3, radius=0.1)
        assert found.dtype == torch.float64
        assert torch.equal(found, expected)


@pytest.mark.parametrize("radius", [0.3, 0.1, 0.01])
def test_the_critical_alpha_of_the_alternating_line_parts_right_from_wrong(radius):
    alpha = critical_alpha(*LINE, 1, radius=radius)
    middle = LINE[0][1:2]
    assert mixup_optimal(*LINE, middle, alpha=alpha / 1.01, radius=radius).argmax() == 1
    assert mixup_optimal(*LINE, middle, alpha=alpha, radius=radius).argmax() == 0
    assert [critical_alpha(*LINE, end, radius=radius) for end in (0, 2)] == [None, None]


def test_a_smaller_ball_needs_a_larger_alpha():
    """The middle is lost where half of the segment 0-2, whose ratio has a deviation of (8α)^-½, is in the ball."""
    for radius in (0.01, 0.003):
        deviation = 2 / (8 * critical_alpha(*LINE, 1, radius=radius)) ** 0.5
        share = stats.norm.cdf(radius / deviation) - stats.norm.cdf(-radius / deviation)
        assert share == pytest.approx(0.5, abs=0.01)


def test_a_point_below_two_of_another_class_is_lost_from_the_outset():
    assert critical_alpha(torch.zeros(3, 1), torch.tensor([0, 1, 1]), 0, radius=0.1) == 0.0
    assert critical_alpha(torch.zeros(2, 1), torch.tensor([0, 1]), 0, radius=0.1) is None  # a tie is not lost


def test_a_point_that_is_won_again_for_a_large_alpha_is_found():
    x, y = (torch.as_tensor(array) for array in load_iris(return_X_y=True))
    alpha = critical_alpha(x, y, 64, radius=0.1)
    right = [
        mixup_optimal(x, y, x[64:65], alpha=each, radius=0.1).argmax() == y[64] for each in (alpha / 1.01, alpha, 128)
    ]
    assert right == [True, False, True]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"points": torch.zeros(3)}, "points"),
        ({"points": torch.tensor([[0.0], [1.0], [float("nan")]])}, "points"),
        ({"points": [[0.0], [1.0], [2.0]]}, "points"),
        ({"labels": torch.tensor([0.0, 1.0, 0.0])}, "labels"),
        ({"labels": torch.tensor([0, 1])}, "labels"),
        ({"labels": torch.tensor([0, -1, 0])}, "labels"),
        ({"at": torch.zeros(4, 2)}, "at"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": float("inf")}, "alpha"),
        ({"radius": -1.0}, "radius"),
        ({"classes": 1}, "classes"),
    ],
)
def test_a_mistaken_argument_is_named(changed, where):
    given = {"points": LINE[0], "labels": LINE[1], "at": LINE[0], "alpha": 1.0, "radius": 0.1} | changed
    with pytest.raises(UserError) as caught:
        mixup_optimal(**given)
    assert caught.value.where == where


@pytest.mark.parametrize(("changed", "where"), [({"index": 3}, "index"), ({"radius": 0.0}, "radius")])
def test_a_mistaken_argument_of_the_critical_alpha_is_named(changed, where):
    with pytest.raises(UserError) as caught:
        critical_alpha(*LINE, **({"index": 1, "radius": 0.1} | changed))
    assert caught.value.where == where
