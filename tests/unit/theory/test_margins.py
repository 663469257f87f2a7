from itertools import combinations

import numpy as np
import pytest
import torch

from remixup.errors import UserError
from remixup.theory import segments
from remixup.theory.margins import guaranteed_class
from remixup.theory.optimal import mixup_optimal


@pytest.fixture
def cloud():
    """Fifteen points of three classes, and queries on segments between them and beside them."""
    generator = torch.Generator().manual_seed(9)
    points = torch.randn(15, 2, dtype=torch.float64, generator=generator)
    ends = torch.randint(15, (2, 150), generator=generator)
    share = torch.rand(150, 1, dtype=torch.float64, generator=generator)
    on = share * points[ends[0]] + (1 - share) * points[ends[1]]
    return points, torch.arange(15) // 5, torch.cat([on, torch.randn(50, 2, dtype=torch.float64, generator=generator)])


def by_brute_force(points, labels, query, radius):
    agreed = None
    for i, j in combinations(range(len(points)), 2):
        along = points[i] - points[j]
        share = min(1.0, max(0.0, float((query - points[j]) @ along / (along @ along))))
        if np.linalg.norm(points[j] + share * along - query) > radius:
            continue
        classes = (
            {labels[i], labels[j]} if labels[i] == labels[j] or share == 0.5 else {labels[i if share > 0.5 else j]}
        )
        allowed = classes if len({labels[i], labels[j]}) == 1 or share != 0.5 else set()
        agreed = allowed if agreed is None else agreed & allowed
    return agreed.pop() if agreed else -1


def test_on_a_line_by_hand():
    points, labels = torch.tensor([[0.0], [4.0]]), torch.tensor([0, 1])
    at = torch.tensor([[0.0], [1.9], [2.0], [2.1], [4.0], [4.2]])
    assert guaranteed_class(points, labels, at, radius=0.01).tolist() == [0, 0, -1, 1, 1, -1]


def test_a_point_alone_has_no_segment():
    assert guaranteed_class(torch.zeros(1, 2), torch.tensor([0]), torch.zeros(1, 2), radius=0.1).item() == -1


def test_the_middle_of_the_alternating_line_is_not_certain():
    points, labels = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0, 1, 0])
    # 1: the segment 0-2 has no end in class 1; 0.4: the segment 0-1 is nearer to class 0, and 0-2 agrees
    at = torch.tensor([[1.0], [0.4], [0.6], [1.6]])
    assert guaranteed_class(points, labels, at, radius=0.001).tolist() == [-1, 0, -1, 0]


def test_a_segment_within_a_class_agrees_wherever_the_query_lies_and_a_third_class_does_not():
    square = torch.tensor([[0.0, 0.0], [2.0, 2.0], [0.0, 2.0], [3.0, -1.0]])
    at = torch.tensor([[1.0, 1.0]])  # the middle of the first diagonal; a third of the way from (0, 2) to (3, -1)
    for labels, expected in (([0, 0, 0, 1], 0), ([0, 0, 1, 0], -1), ([0, 0, 1, 2], -1), ([0, 1, 0, 1], -1)):
        assert guaranteed_class(square, torch.tensor(labels), at, radius=0.01).item() == expected
    assert guaranteed_class(square, torch.tensor([1, 1, 1, 2]), at, radius=0.01).item() == 1


def test_points_of_two_classes_in_one_place_leave_nothing_certain():
    points, at = torch.tensor([[1.0, 1.0], [1.0, 1.0]]), torch.tensor([[1.0, 1.0]])
    assert guaranteed_class(points, torch.tensor([0, 1]), at, radius=0.1).item() == -1
    assert guaranteed_class(points, torch.tensor([1, 1]), at, radius=0.1).item() == 1


@pytest.mark.parametrize("radius", [0.01, 0.2])
@pytest.mark.parametrize("chunk", [2**20, 50])
def test_agrees_with_a_loop_over_all_segments(cloud, radius, chunk, monkeypatch):
    monkeypatch.setattr(segments, "_CHUNK", chunk)
    points, labels, queries = cloud
    found = guaranteed_class(points, labels, queries, radius=radius).tolist()
    expected = [by_brute_force(points.numpy(), labels.tolist(), query, radius) for query in queries.numpy()]
    assert found == expected
    assert set(found) == {-1, 0, 1, 2}


def test_the_mixup_optimal_classifier_obeys_whatever_alpha(cloud):
    points, labels, queries = cloud
    certain = guaranteed_class(points, labels, queries, radius=1e-5)
    held = certain >= 0
    assert held.sum() > 50
    for alpha in (0.2, 1.0, 8.0):
        probabilities = mixup_optimal(points, labels, queries[held], alpha=alpha, radius=1e-5)
        assert torch.equal(probabilities.argmax(1), certain[held])


def test_moving_the_plane_and_renaming_classes(cloud):
    points, labels, queries = cloud
    expected = guaranteed_class(points, labels, queries, radius=0.05)
    turn = torch.linalg.qr(torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))[0]
    moved = guaranteed_class(2 * points @ turn - 40, labels, 2 * queries @ turn - 40, radius=0.1)
    assert torch.equal(moved, expected)
    names = torch.tensor([1, 2, 0])
    renamed = guaranteed_class(points.flip(0), names[labels].flip(0), queries, radius=0.05)
    assert torch.equal(renamed, torch.where(expected >= 0, names[expected], -1))


@pytest.mark.parametrize(("changed", "where"), [({"radius": 0.0}, "radius"), ({"at": torch.zeros(2, 3)}, "at")])
def test_a_mistaken_argument_is_named(changed, where):
    given = {"points": torch.zeros(2, 2), "labels": torch.arange(2), "at": torch.zeros(1, 2), "radius": 0.1} | changed
    with pytest.raises(UserError) as caught:
        guaranteed_class(**given)
    assert caught.value.where == where
