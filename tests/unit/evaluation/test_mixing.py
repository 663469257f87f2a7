"""Where mixed points lie: distances by hand, what counts as beyond the data, and what is refused."""

import pytest
import torch

from remixup.errors import UserError
from remixup.evaluation.mixing import mixing
from tests.unit.evaluation.fixed_networks import linear_on_table
from tests.unit.training.samples import MIXUP, image_spec, images, start, table, table_spec

HALF = {"ratio": {"name": "constant", "value": 0.5}}
PAIRS = [[0.0, 0.0], [0.0, 3.0], [100.0, 0.0], [100.0, 5.0]]


def measured(places, labels, components, test=None, seeds=(0,), examples=1000, batch_size=None):
    test_x, test_y = (None, None) if test is None else (test, [0] * len(test))
    training = linear_on_table(
        places,
        labels,
        2,
        [[0.0, 0.0]] * 2,
        [0.0, 0.0],
        test_x=test_x,
        test_y=test_y,
        seeds=seeds,
        mixing=components,
        batch_size=batch_size or len(places),
    )
    return mixing(training, examples=examples)


def test_two_points_by_hand():
    """Half the draws swap them, and the others leave each with itself."""
    (found,) = measured([[0.0, 0.0], [3.0, 4.0]], [0, 1], HALF)
    share = found["other_class"] / 100
    assert 0.4 < share < 0.6
    assert found["own"] == pytest.approx(100 * (1 - share))
    assert found["partner_distance"] == pytest.approx(5 * share)
    assert found["distance"] == pytest.approx(2.5 * share)
    assert found["to_data"] == pytest.approx(2.5 * share)
    assert found["beyond"] == pytest.approx(100 * share)  # the test points are the training points


def test_beyond_the_data_is_farther_than_nearly_all_test_points():
    """A test point 3 away from the data lets the mixtures of the same cluster pass, and no others."""
    components = {**HALF, "partner": {"name": "transport", "k": 2}}
    (found,) = measured(PAIRS, [0, 0, 1, 1], components, test=[[0.0, 6.0]] * 50)
    assert found["beyond"] == pytest.approx(found["other_class"], abs=1e-9)
    (near,) = measured(PAIRS, [0, 0, 1, 1], components, test=[[0.0, 0.1]] * 50)
    assert near["beyond"] == pytest.approx(100 - near["own"], abs=1e-9)


def test_assigned_partners_are_nearer_and_all_of_a_minibatch_are_their_own():
    plain, four, everyone = (
        measured(
            torch.randn(64, 2, generator=torch.Generator().manual_seed(1)).tolist(),
            [0, 1] * 32,
            {**MIXUP, **({"partner": {"name": "transport", "k": k}} if k else {})},
        )[0]
        for k in (None, 4, 64)
    )
    assert four["partner_distance"] < 0.85 * plain["partner_distance"]
    assert four["to_data"] < plain["to_data"]
    assert everyone["own"] == 100
    assert everyone["partner_distance"] == 0
    assert [everyone["distance"], everyone["to_data"]] == pytest.approx([0, 0], abs=1e-3)  # distances by products


def test_erm_stays_where_it_is():
    (found,) = measured(PAIRS, [0, 0, 1, 1], {})
    assert {name: found[name] for name in ("distance", "other_class", "own", "beyond", "to_data")} == {
        **dict.fromkeys(("distance", "other_class", "beyond", "to_data"), 0),
        "own": 100,
    }


def test_seeds_are_measured_apart_and_draws_depend_on_the_seed_alone():
    both = measured(PAIRS, [0, 0, 1, 1], MIXUP, seeds=(2, 5), examples=40)
    assert both == [measured(PAIRS, [0, 0, 1, 1], MIXUP, seeds=(seed,), examples=40)[0] for seed in (2, 5)]
    assert both[0]["distance"] != both[1]["distance"]
    assert both[0]["points"] == [[*place, label] for place, label in zip(PAIRS, [0, 0, 1, 1], strict=True)]
    assert len(both[0]["mixtures"]) == 40


@pytest.mark.parametrize("components", [MIXUP, {**MIXUP, "blend": "linear", "target": "nearer"}])
def test_images_are_flattened_and_scaled(components):
    """Twice the divisor, half the distances; and there is nothing to draw."""
    plain, halved = (
        mixing(start(image_spec(augmentation=[], mixing=components, normalization=scaling), images()))[0]
        for scaling in ("raw", {"name": "given", "mean": [0.0], "std": [2.0]})
    )
    assert plain["distance"] == pytest.approx(2 * halved["distance"], rel=1e-5)
    assert plain["points"] is plain["mixtures"] is None


@pytest.mark.parametrize(
    "components",
    [
        {**MIXUP, "cut": 1},
        {**MIXUP, "partner": "second_loader"},
        {"ratio": {"name": "dirichlet", "alpha": 1.0}},
    ],
)
def test_what_it_does_not_measure_is_refused(components):
    with pytest.raises(UserError, match=r"evaluate\.mixing"):
        mixing(start(table_spec(mixing=components), table()))
