from itertools import combinations

import numpy as np
import pytest
import torch

from remixup.errors import UserError
from remixup.theory import segments
from remixup.theory.segments import collinear, collision_distances, nearest_segments

CONDITIONS = ("neither", "not both")


def to_segment(x, s, t):
    """Distance of x to the segment from s to t, by the cases of a textbook."""
    along = t - s
    length = along @ along
    share = 0.0 if length == 0 else min(1.0, max(0.0, (x - s) @ along / length))
    return np.linalg.norm(x - (s + share * along))


def by_brute_force(points, labels, endpoints):
    rows = []
    for k, x in enumerate(points):
        distances = [np.inf]
        for i, j in combinations(range(len(points)), 2):
            foreign = [labels[i] != labels[k], labels[j] != labels[k]]
            if k not in (i, j) and (all(foreign) if endpoints == "neither" else any(foreign)):
                distances.append(to_segment(x, points[i], points[j]))
        rows.append(min(distances))
    return np.array(rows)


@pytest.fixture
def cloud():
    generator = torch.Generator().manual_seed(5)
    points = torch.randn(25, 3, dtype=torch.float64, generator=generator)
    points[20], points[21] = points[3], points[4]  # segments of no length, and points that lie on others
    return points, torch.randint(4, (25,), generator=generator)


def test_the_alternating_line():
    points, labels = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0, 1, 0])
    strict, loose = (nearest_segments(points, labels, endpoints=each) for each in CONDITIONS)
    assert strict.distance.tolist() == [float("inf"), 0, float("inf")]
    assert (strict.first.tolist(), strict.second.tolist()) == ([-1, 0, -1], [-1, 2, -1])
    assert loose.distance.tolist() == [1, 0, 1]
    assert collinear(points, labels, eps=0.5).tolist() == [[1, 0, 2]]
    assert collinear(points, labels, eps=1, endpoints="not both").tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]


def test_foot_within_a_segment_and_beyond_its_end():
    points = torch.tensor([[0.0, 0.0], [4.0, 0.0], [1.0, 0.5], [7.0, 4.0]])
    found = nearest_segments(points, torch.tensor([1, 1, 0, 0]))
    # (1, 0.5) is above the segment on the axis; (7, 4) is beyond (4, 0), at the distance 5
    assert found.distance[2:].tolist() == [0.5, 5.0]
    assert (found.first[2:].tolist(), found.second[2:].tolist()) == ([0, 0], [1, 1])


def test_the_two_conditions_differ_on_a_segment_with_one_end_in_the_class():
    points, labels = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1, 0])
    assert nearest_segments(points, labels).distance[2] == float("inf")
    assert nearest_segments(points, labels, endpoints="not both").distance[2] == 0
    assert nearest_segments(points, torch.zeros(3, dtype=int), endpoints="not both").distance.isinf().all()


@pytest.mark.parametrize("endpoints", CONDITIONS)
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("chunk", [2**20, 64])
def test_agrees_with_a_loop_over_all_segments(cloud, endpoints, offset, chunk, monkeypatch):
    monkeypatch.setattr(segments, "_CHUNK", chunk)
    points, labels = cloud[0] + offset, cloud[1]
    found = nearest_segments(points, labels, endpoints=endpoints)
    expected = by_brute_force(points.numpy(), labels.numpy(), endpoints)
    np.testing.assert_allclose(found.distance, expected, atol=1e-15 * max(1, offset), rtol=1e-13)
    for k, (i, j) in enumerate(zip(found.first.tolist(), found.second.tolist(), strict=True)):
        assert i < j
        assert to_segment(*points[[k, i, j]].numpy()) == pytest.approx(expected[k], abs=1e-15 * max(1, offset))


def test_a_segment_nearer_by_less_than_the_screening_sees_still_wins():
    """Squared distances of 1e-18 and 1e-20 vanish beside squared norms near 1."""
    points = torch.tensor([[-0.7, 1e-9], [0.9, 1e-9], [-0.8, -1e-10], [0.6, -1e-10], [0.1, 0.0]], dtype=torch.float64)
    found = nearest_segments(points, torch.tensor([1, 1, 1, 1, 0]))
    assert (found.first[4].item(), found.second[4].item()) == (2, 3)
    assert found.distance[4].item() == pytest.approx(1e-10, rel=1e-5)


def test_segments_of_almost_no_length():
    points = torch.tensor([[1.0, 0.0], [1.0, 1e-9], [0.0, 0.0], [1.0, 4e-10]], dtype=torch.float64)
    found = nearest_segments(points, torch.tensor([1, 1, 0, 2]))
    assert found.distance[2:].tolist() == pytest.approx([1.0, 0.0], abs=1e-24)
    assert (found.first[3].item(), found.second[3].item()) == (0, 1)


def test_moving_space_moves_nothing_and_scaling_it_scales_distances(cloud):
    points, labels = cloud
    expected = nearest_segments(points, labels)
    generator = torch.Generator().manual_seed(6)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))[0]
    moved = nearest_segments(3 * points @ turn + 7, labels)
    torch.testing.assert_close(moved.distance, 3 * expected.distance, atol=1e-13, rtol=1e-12)
    order = torch.randperm(len(points), generator=generator)
    shuffled = nearest_segments(points[order], (labels[order] + 1) % 4)
    torch.testing.assert_close(shuffled.distance, expected.distance[order], atol=1e-14, rtol=1e-13)


def test_planted_points_are_found_and_no_others():
    generator = torch.Generator().manual_seed(7)
    points = torch.randn(40, 6, dtype=torch.float64, generator=generator)
    labels = torch.arange(40) % 4
    planted = {10: (1, 4), 15: (0, 2), 22: (8, 13)}  # classes 2, 3, 2 between points of other classes
    for k, (i, j) in planted.items():
        points[k] = 0.3 * points[i] + 0.7 * points[j]
    rows = collinear(points, labels, eps=1e-12)
    assert rows.tolist() == [[k, i, j] for k, (i, j) in planted.items()]
    assert len(collinear(points, labels, eps=100.0)) == 40


@pytest.mark.parametrize("points", [torch.zeros(1, 2), torch.zeros(2, 2)])
def test_too_few_points_have_no_segment(points):
    found = nearest_segments(points, torch.arange(len(points)))
    assert found.distance.isinf().all()
    assert (found.first == -1).all()
    assert collinear(points, torch.arange(len(points)), eps=1.0).shape == (0, 3)


def collisions_by_brute_force(points, labels, ratio, partner, others, other_labels):
    points, others = points.double().numpy(), others.double().numpy()
    distances = np.full(len(others), np.inf)
    for m, other in enumerate(others):
        for k, p in enumerate(partner.tolist()):
            if other_labels[m] not in (labels[k], labels[p]):
                mixed = ratio[k] * points[k] + (1 - ratio[k]) * points[p]
                distances[m] = min(distances[m], np.linalg.norm(other - mixed))
    return distances


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("chunk", [2**20, 500])
def test_collisions_agree_with_a_loop(dtype, chunk, monkeypatch):
    monkeypatch.setattr(segments, "_CHUNK", chunk)
    generator = torch.Generator().manual_seed(8)
    points, labels = torch.randn(60, 5, generator=generator).add(30).to(dtype), torch.arange(60) % 4
    others, other_labels = torch.randn(45, 5, generator=generator).add(30).to(dtype), torch.arange(45) % 4
    partner = torch.randint(60, (60,), generator=generator)
    each = torch.rand(60, generator=generator, dtype=torch.float64)
    for ratio in (each, 0.5, torch.tensor(0.25)):
        ratios = torch.as_tensor(ratio).expand(60).tolist()
        found = collision_distances(points, labels, ratio, partner, others=(others, other_labels))
        expected = collisions_by_brute_force(points, labels, ratios, partner, others, other_labels)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        within = collision_distances(points, labels, ratio, partner)
        np.testing.assert_allclose(
            within, collisions_by_brute_force(points, labels, ratios, partner, points, labels), rtol=1e-12
        )


def test_collisions_by_hand():
    points, labels = torch.tensor([[0.0, 0.0], [4.0, 0.0], [1.0, 2.0]]), torch.tensor([0, 1, 2])
    found = collision_distances(points, labels, 0.75, torch.tensor([1, 0, 2]))
    # The mixed points are (1, 0) and (3, 0) of classes 0 and 1, and (1, 2) of class 2. The first two points have only
    # the last of these to meet; the third is 2 from (1, 0).
    assert found.tolist() == pytest.approx([5**0.5, 13**0.5, 2])
    assert collision_distances(points[:2], labels[:2], 0.5, torch.tensor([1, 0])).tolist() == [float("inf")] * 2


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"ratio": 1.5}, "ratio"),
        ({"ratio": torch.tensor([0.5])}, "ratio"),
        ({"ratio": float("nan")}, "ratio"),
        ({"partner": torch.tensor([0, 3, 1])}, "partner"),
        ({"partner": torch.tensor([0.0, 1.0, 2.0])}, "partner"),
        ({"others": (torch.zeros(2, 3), torch.zeros(2, dtype=int))}, "others"),
        ({"others": (torch.zeros(2, 2), torch.zeros(3, dtype=int))}, "labels"),
    ],
)
def test_a_mistaken_argument_of_collisions_is_named(changed, where):
    given = {"ratio": 0.5, "partner": torch.tensor([1, 2, 0])} | changed
    with pytest.raises(UserError) as caught:
        collision_distances(torch.zeros(3, 2), torch.arange(3), **given)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"endpoints": "both"}, "endpoints"),
        ({"eps": -1.0}, "eps"),
        ({"eps": float("nan")}, "eps"),
        ({"labels": torch.tensor([True, False])}, "labels"),
        ({"points": torch.zeros(2, 0)}, "points"),
    ],
)
def test_a_mistaken_argument_is_named(changed, where):
    with pytest.raises(UserError) as caught:
        collinear(**({"points": torch.zeros(2, 2), "labels": torch.arange(2), "eps": 0.1} | changed))
    assert caught.value.where == where
