import numpy as np
import pytest

from remixup.evaluation.collinearity import collinearity
from tests.unit.evaluation.fixed_networks import linear_on_images, linear_on_table, start
from tests.unit.training.samples import table, table_spec


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


def test_seeds_side_by_side_give_what_each_gives_alone():
    together, first, second = (
        collinearity(start(table_spec(), table(40), seeds), eps=0.1) for seeds in ((3, 5), (3,), (5,))
    )
    assert together == [*first, *second]
    assert together[0] != {**together[1], "seed": 3}
