"""Distances of data points to mixed points, against a loop over the released procedure."""

import math

import numpy as np
import pytest
import torch

from remixup.evaluation import collisions as module
from remixup.evaluation.collisions import collisions
from tests.unit.evaluation.fixed_networks import linear_on_images, linear_on_table, start
from tests.unit.training.samples import table, table_spec


def some_images(classes=4, seeds=(0,), **changes):
    source = np.random.default_rng(1)
    x, y = source.integers(0, 256, size=(65, 2, 3, 3)), source.integers(classes, size=65)
    weights, biases = np.zeros((classes, 18)), np.zeros(classes)
    return linear_on_images(x[:43], y[:43], x[43:], y[43:], classes, weights, biases, seeds, **changes)


def on_a_line(places, labels, test, test_labels):
    classes = max(labels) + 1
    points, others = ([[float(place)] for place in each] for each in (places, test))
    return linear_on_table(points, labels, classes, np.zeros((classes, 1)), np.zeros(classes), others, test_labels)


class Draws:
    """What the evaluation drew: the subsets, and the ratio and the partner of each mixed point."""

    def __init__(self, monkeypatch):
        self.subsets, self.mixing = [], []
        choose, measure = module._chosen, module.collision_distances

        def chosen(rows, share, source):
            self.subsets.append(choose(rows, share, source))
            return self.subsets[-1]

        def measured(x, y, ratio, partner, *, others):
            self.mixing.append((ratio, partner))
            return measure(x, y, ratio, partner, others=others)

        monkeypatch.setattr(module, "_chosen", chosen)
        monkeypatch.setattr(module, "collision_distances", measured)


def brute_force(inputs, train_rows, test_rows, ratio, partner):
    """The released procedure: a list of mixed points for each class that they lack, then one search a data point."""

    def examples(rows):
        x = inputs.scale(inputs.x[rows]).flatten(1).double().numpy()
        return list(zip(x, inputs.y[rows].tolist(), strict=True))

    train, test = examples(train_rows), examples(test_rows)
    of_others = {label: [] for label in range(inputs.classes)}
    for (first, first_class), weight, other in zip(train, ratio.tolist(), partner.tolist(), strict=True):
        second, second_class = train[other]
        for label, mixed in of_others.items():
            if label not in (first_class, second_class):
                mixed.append(weight * first + (1 - weight) * second)
    return [
        [min(math.dist(example, mixed) for mixed in of_others[label]) for example, label in part]
        for part in (train, test)
    ]


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_the_released_procedure_by_brute_force(share, monkeypatch):
    draws = Draws(monkeypatch)
    training = some_images(seeds=(0, 7), normalization="standardize")
    for k, found in enumerate(collisions(training, alpha=1.0, share=share)):
        ratio, partner = draws.mixing[2 * k]
        again, partner_again = draws.mixing[2 * k + 1]
        assert torch.equal(ratio, again), "one set of mixed points"
        assert torch.equal(partner, partner_again)
        train, test = brute_force(training.inputs, *draws.subsets[2 * k : 2 * k + 2], ratio, partner)
        assert found == {
            "seed": (0, 7)[k],
            "train_smallest": pytest.approx(min(train), rel=1e-5),
            "train_mean": pytest.approx(np.mean(train), rel=1e-5),
            "test_smallest": pytest.approx(min(test), rel=1e-5),
            "test_mean": pytest.approx(np.mean(test), rel=1e-5),
        }


def test_subsets_are_random_shares_without_replacement(monkeypatch):
    draws = Draws(monkeypatch)
    training = some_images(seeds=(0, 7))
    collisions(training, alpha=1.0, share=0.4)
    for k, (part, size) in enumerate([(training.inputs.train[0], 17), (training.inputs.test[0], 8)] * 2):
        assert len(draws.subsets[k].unique()) == len(draws.subsets[k]) == size, "0.4 x 43 and 0.4 x 22, rounded down"
        assert set(draws.subsets[k].tolist()) < set(part.tolist())
    assert not torch.equal(draws.subsets[0], draws.subsets[2]), "each seed draws its own"


def test_each_mixed_point_has_a_ratio_of_its_own_and_a_partner_from_the_subset(monkeypatch):
    draws = Draws(monkeypatch)
    collisions(some_images(), alpha=1.0, share=1.0)
    ratio, partner = draws.mixing[0]
    assert len(ratio.unique()) == 43
    assert set(partner.tolist()) <= set(range(43))
    assert len(partner.unique()) < 43, "with replacement"
    assert (partner // 16 != torch.arange(43) // 16).any(), "not from minibatches of 16"
    collisions(some_images(), alpha=1e9, share=1.0)
    assert draws.mixing[-1][0].numpy() == pytest.approx(0.5, abs=1e-3)


def test_data_points_by_hand():
    # Mixed points lie at 0, 1 and 2: of classes 0 or 1 alone at the ends, of both in the middle. Class 2 is never
    # mixed but with itself or, at 51 or 50, with one of the others.
    places, labels = [0.0] * 20 + [2.0] * 20 + [100.0], [0] * 20 + [1] * 20 + [2]
    training = on_a_line(places, labels, [1.25, 2.0, 3.0], [2, 2, 0])
    (found,) = collisions(training, alpha=1e9, share=1.0)
    # Points of class 0 are 2 from those of class 1, and the other way round; the point of class 2 is 98 from them.
    assert found["train_smallest"] == pytest.approx(2, abs=1e-3)
    assert found["train_mean"] == pytest.approx((40 * 2 + 98) / 41, abs=1e-2)
    # 1.25 is 0.25 from the middle, 2 is 0 from class 1, and 3, of class 0, is 1 from class 1.
    assert found["test_smallest"] == pytest.approx(0, abs=1e-3)
    assert found["test_mean"] == pytest.approx((0.25 + 0 + 1) / 3, abs=1e-2)


def test_points_without_mixed_points_of_other_classes_are_left_out():
    training = on_a_line([0, 1, 5], [2, 2, 2], [0.5, 3.0], [2, 0])
    (found,) = collisions(training, alpha=1e9, share=1.0)
    assert (found["train_smallest"], found["train_mean"]) == (None, None)
    assert found["test_smallest"] == found["test_mean"] > 0, "the test point of class 0 alone"


def test_seeds_side_by_side_give_what_each_gives_alone():
    together, first, second = (
        collisions(start(table_spec(), table(40), seeds), alpha=1.0, share=0.5) for seeds in ((3, 5), (3,), (5,))
    )
    assert together == [*first, *second]
    assert together[0] != {**together[1], "seed": 3}
