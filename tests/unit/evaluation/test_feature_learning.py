"""Which features are learned: of networks whose weights are set, so that the answer is known."""

from pathlib import Path

import pytest
import torch

from remixup.data import Prepared
from remixup.data.catalog.descriptor import RawFiles
from remixup.data.synthetic import feature_patches
from remixup.errors import UserError
from remixup.evaluation.feature_learning import _without, learned_features
from tests.unit.training.samples import start, table, table_spec

BASIS = torch.from_numpy(feature_patches.features()).float()


@pytest.fixture(scope="module")
def data():
    tensors = feature_patches.feature_patches(RawFiles({}, Path(), Path())).tensors
    return Prepared({name: torch.from_numpy(array) for name, array in tensors.items()}, {"classes": 10})


def knowing(data, *known, size=10.0):
    """Networks with one neuron for each class; the mth member's is `size` times the sum of the features that it knows.

    `known`: for each member the features (class, kind) that it knows.
    """
    spec = table_spec(
        dataset={"name": "feature-patches", "version": "generated", "holdout": None},
        model={"name": "patch_network", "neurons": 1},
        normalization="raw",
    )
    training = start(spec, data, seeds=range(len(known)))
    with torch.no_grad():
        weight = training.model.stem.linear.weight.zero_()
        for member, pairs in enumerate(known):
            for c, kind in pairs:
                weight[member, :32, c] += size * BASIS[c, kind]
    return training


BOTH = [(c, kind) for c in range(10) for kind in (0, 1)]


def test_what_networks_know_is_found(data):
    first = [(c, 0) for c in range(10)]
    some = [*((c, 1) for c in range(6)), (0, 0), (1, 0)]  # both of two classes, one of four, none of four
    found = learned_features(knowing(data, BOTH, first, some))
    assert [(each["none"], each["one"], each["both"]) for each in found] == [
        (0.0, 0.0, 100.0),
        (0.0, 100.0, 0.0),
        pytest.approx((40.0, 40.0, 20.0)),
    ]
    assert [each["missed"] for each in found] == [0.0, 100.0, pytest.approx(80.0)]
    assert found[0]["single_error"] == 0.0
    assert found[1]["single_error"] == pytest.approx(50.0)


def test_strengths_are_what_is_said_of_the_feature_alone(data):
    (found,) = learned_features(knowing(data, [(c, 0) for c in range(10)]))
    # 10 * 0.375 less two thirds of the threshold 0.1
    assert found["strength"] == [[pytest.approx(3.75 - 0.2 / 3, abs=1e-4), 0.0]] * 10


def test_the_other_feature_is_taken_out_and_nothing_else(data):
    x, y = data.tensors["test_x"], data.tensors["test_y"]
    left = _without(x, BASIS[y, 1])
    assert not left[:, 1].any()
    assert torch.equal(left[:, [0, 2, 3]], x[:, [0, 2, 3]])


@pytest.mark.parametrize("share", [5.0, 30.0, 95.0])
def test_most_is_as_many_as_asked_for(data, share):
    training = knowing(data, BOTH)
    with torch.no_grad():
        weight = training.model.stem.linear.weight
        weight[0, :32, :10] += torch.randn(32, 10, generator=torch.Generator().manual_seed(1)) * 4
    x, y = data.tensors["test_x"], data.tensors["test_y"]
    learned = [0] * 10
    for kind in (0, 1):
        alone = x.clone()
        alone[:, 1 - kind] = 0  # the patch of the other feature
        right = training.logits(alone.unsqueeze(0))[0].argmax(-1) == y
        for c in range(10):
            learned[c] += bool(right[y == c].double().mean() >= share / 100)
    (found,) = learned_features(training, share=share)
    assert [found[name] for name in ("none", "one", "both")] == [10.0 * learned.count(k) for k in range(3)]


def test_a_network_that_says_nothing_has_learnt_nothing_that_is_known(data):
    training = knowing(data, BOTH, BOTH)
    with torch.no_grad():
        training.model.stem.linear.weight[1, 0, 0] = torch.nan
    first, second = learned_features(training)
    assert first["both"] == 100.0
    assert second == {"seed": 1, **dict.fromkeys(("none", "one", "both", "missed", "single_error", "strength"))}


def test_other_data_has_no_known_features():
    with pytest.raises(UserError, match="feature-patches"):
        learned_features(start(table_spec(), table()))
