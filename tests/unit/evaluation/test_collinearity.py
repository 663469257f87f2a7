import numpy as np
import pytest
import torch

from remixup.errors import UserError
from remixup.evaluation.collinearity import _mixing, collinearity, collisions
from remixup.training.randomness import generator
from tests.unit.evaluation.linear import linear_on_images, linear_on_table, start
from tests.unit.training.samples import numbers, table, table_spec


def on_a_line(places, labels, **changes):
    classes = max(labels) + 1
    points = [[float(place)] for place in places]
    return linear_on_table(points, labels, classes, np.zeros((classes, 1)), np.zeros(classes), **changes)


@pytest.mark.parametrize("endpoints", ["neither", "not both"])
def test_the_line_of_ten_classes_by_hand(endpoints):
    (found,) = collinearity(on_a_line(range(10), list(range(10))), eps=1e-9, endpoints=endpoints)
    # Each but the two at the ends lies between others, and those are 1 away from the nearest segment.
    assert found == {"seed": 0, "smallest": 0.0, "mean": pytest.approx(0.2), "share": pytest.approx(100 * 8 / 10)}


def test_the_alternating_line_by_hand():
    (found,) = collinearity(on_a_line(range(10), [0, 1] * 5), eps=0.0)
    assert found["share"] == pytest.approx(80)
    (found,) = collinearity(on_a_line(range(10), [0, 1] * 5), eps=1.0)
    assert found["share"] == 100


def test_which_ends_may_be_of_the_class_of_the_point():
    # Of classes 0, 0, 1 only the last point has a segment between others without its class, and it is 1 away.
    training = on_a_line(range(3), [0, 0, 1])
    (found,) = collinearity(training, eps=0.5)
    assert found == {"seed": 0, "smallest": 1.0, "mean": 1.0, "share": 0.0}
    (found,) = collinearity(training, eps=0.5, endpoints="not both")
    assert (found["smallest"], found["mean"], found["share"]) == pytest.approx((0, 2 / 3, 100 / 3))
    (found,) = collinearity(training, eps=1.0)
    assert found["share"] == pytest.approx(100 / 3), "points without such a segment do not count"


def test_a_part_of_the_examples_is_spaced_evenly():
    training = on_a_line([0, 100, 2, 100, 4, 100, 6, 100, 8, 100], list(range(10)))
    (found,) = collinearity(training, eps=0.1, examples=5)
    assert (found["mean"], found["share"]) == pytest.approx((4 / 5, 60))
    assert collinearity(training, eps=0.1, examples=1000) == collinearity(training, eps=0.1)


def test_points_are_as_the_network_sees_them():
    pixels = np.array([[0, 0], [51, 0], [102, 0], [51, 102]]).reshape(4, 1, 1, 2)
    training = linear_on_images(pixels, [0, 1, 2, 3], pixels, [0, 1, 2, 3], 4, np.zeros((4, 2)), np.zeros(4))
    (found,) = collinearity(training, eps=1e-6)
    # In units of 0.2 the points are (0, 0), (1, 0), (2, 0), (1, 2), with distances of 1, 0, 1 and 2.
    assert (found["smallest"], found["mean"]) == pytest.approx((0, 0.2), rel=1e-6)
    assert found["share"] == 25


def test_without_a_segment_there_is_no_distance():
    (found,) = collinearity(on_a_line(range(2), [0, 1]), eps=1.0)
    assert found == {"seed": 0, "smallest": None, "mean": None, "share": 0.0}


def some_images(classes=4, seeds=(0,), **changes):
    source = np.random.default_rng(1)
    x, y = source.integers(0, 256, size=(65, 2, 3, 3)), source.integers(classes, size=65)
    weights, biases = np.zeros((classes, 18)), np.zeros(classes)
    return linear_on_images(x[:43], y[:43], x[43:], y[43:], classes, weights, biases, seeds, **changes)


def by_brute_force(training, seed, alpha, share):
    """Distances of each mixed point to the nearest example of a third class, of the training part and the test part."""
    inputs, parts = training.inputs, []
    for rows in (inputs.train[0], inputs.test[0]):
        size = round(share * len(rows))
        chosen = rows[[k * len(rows) // size for k in range(size)]]
        parts.append((inputs.scale(inputs.x[chosen]).flatten(1).double().numpy(), inputs.y[chosen].numpy()))
    x, y = parts[0]
    order = torch.randperm(len(x), generator=generator(seed, "order")).numpy()
    x, y = x[order], y[order]
    ratio, partner = (each.numpy() for each in _mixing(training, len(x), seed, alpha))
    found = []
    for others, labels in parts:
        distances = []
        for k, j in enumerate(partner):
            mixed, third = ratio[k] * x[k] + (1 - ratio[k]) * x[j], others[(labels != y[k]) & (labels != y[j])]
            distances.append(np.linalg.norm(mixed - third, axis=1).min())
        found.append(distances)
    return found


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_collisions_by_brute_force(share):
    training = some_images(seeds=(0, 7), scaling="standardise")
    for found, seed in zip(collisions(training, alpha=1.0, share=share), (0, 7), strict=True):
        train, test = by_brute_force(training, seed, 1.0, share)
        assert found == {
            "seed": seed,
            "train_smallest": pytest.approx(min(train), rel=1e-5),
            "train_mean": pytest.approx(np.mean(train), rel=1e-5),
            "test_smallest": pytest.approx(min(test), rel=1e-5),
            "test_mean": pytest.approx(np.mean(test), rel=1e-5),
        }


def test_partners_are_in_the_minibatch_and_share_its_ratio():
    training = some_images()
    ratio, partner = _mixing(training, 43, 0, 1.0)
    batch = torch.arange(43) // 16
    assert training.spec.batch_size == 16
    assert torch.equal(partner // 16, batch)
    assert [len(ratio[batch == k].unique()) for k in range(3)] == [1, 1, 1]
    assert len(ratio.unique()) == 3
    assert len(partner.unique()) < 43, "with replacement"
    half, _ = _mixing(training, 43, 0, 1e9)
    assert half.numpy() == pytest.approx(0.5, abs=1e-3)
    other, others = _mixing(training, 43, 1, 1.0)
    assert not torch.equal(other, ratio)
    assert not torch.equal(others, partner)


def test_a_collision_by_hand():
    # Class 2 stands where the middles of the others are: at 1 among the training points, at 1.25 among those of test.
    places, labels = [0] * 20 + [2] * 20 + [1], [0] * 20 + [1] * 20 + [2]
    training = on_a_line(places, labels, test_x=[[1.25]], test_y=[2], batch_size=41)
    (found,) = collisions(training, alpha=1e9, share=1.0)
    assert found["train_smallest"] == pytest.approx(0, abs=1e-3)
    assert found["test_smallest"] == pytest.approx(0.25, abs=1e-3)
    assert found["test_mean"] >= found["test_smallest"]


def test_what_has_no_third_class_collides_with_nothing():
    training = on_a_line([0, 1, 5], [0, 1, 2], test_x=[[0.5]], test_y=[2], batch_size=1)
    (found,) = collisions(training, alpha=1.0, share=1.0)
    # In minibatches of one each is mixed with itself: the two of other classes are 0.5 from the test example.
    assert (found["test_smallest"], found["test_mean"]) == pytest.approx((0.5, 0.5))
    assert (found["train_smallest"], found["train_mean"]) == pytest.approx((1, (1 + 1 + 4) / 3))
    training = on_a_line([0, 1, 5], [2, 2, 2], test_x=[[0.5]], test_y=[2])
    assert set(collisions(training, alpha=1.0, share=1.0)[0].values()) == {0, None}


@pytest.mark.parametrize("measure", [lambda t: collinearity(t, eps=0.1), lambda t: collisions(t, alpha=1.0, share=0.5)])
def test_seeds_side_by_side_give_what_each_gives_alone(measure):
    together, first, second = (measure(start(table_spec(), table(40), seeds)) for seeds in ((3, 5), (3,), (5,)))
    assert together == [*first, *second]
    assert together[0] != {**together[1], "seed": 3}


def test_what_they_need():
    with pytest.raises(UserError, match="numbers"):
        collinearity(start(table_spec(), numbers()), eps=0.1)
    with pytest.raises(UserError, match="third class"):
        collisions(on_a_line(range(4), [0, 1, 0, 1]), alpha=1.0)
