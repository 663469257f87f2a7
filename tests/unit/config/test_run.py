"""What a run's specification allows: compositions that mean something, and nothing that has no effect."""

import pytest

from remixup.config.base import validate
from remixup.config.run import RunSpec
from remixup.errors import UserError
from tests.unit.config.sample_experiment import spec

BETA = {"ratio": {"name": "beta", "alpha": 1.0}}
NOISE = {"name": "gaussian", "sigma": 0.1}


def refused(expected, **changes):
    base = spec().model_dump(exclude_defaults=True)
    with pytest.raises(UserError, match=expected):
        validate(RunSpec, {**base, **changes}, "run")


@pytest.mark.parametrize(
    "components",
    [
        {"smoothing": 0.1},
        {"noise": NOISE},
        {"smoothing": 0.1, "noise": {**NOISE, "of": "pixels"}},
        {"cut": 0, "partner": "permutation", "target": "mixed", "warmup_epochs": 0},  # the defaults, written out
        {
            **BETA,
            "cut": 2,
            "partner": {"name": "nearest", "k": 5},
            "target": "nearer",
            "smoothing": 0.1,
            "noise": NOISE,
        },
        {**BETA, "warmup_epochs": 1},
        {"ratio": {"name": "dirichlet", "alpha": 1.0, "examples": 4}, "partner": "second_loader"},
        {"ratio": {"name": "uniform", "low": -0.5, "high": 1.5}},
        {"ratio": {"name": "uniform", "low": 0.5}},
        {"ratio": {"name": "constant", "value": 0.5}},
    ],
)
def test_compositions_that_mean_something(components):
    assert spec(mixing=components).mixing


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ({"cut": 1}, r"without a ratio nothing is mixed, so cut has no effect"),
        ({"partner": "same_class"}, r"so partner has no effect"),
        ({"target": "nearer", "smoothing": 0.1}, r"so target has no effect"),
        ({"warmup_epochs": 1, "cut": 1}, r"so cut, warmup_epochs has no effect"),
        ({**BETA, "smoothing": 1.0}, r"smoothing: .*less than 1"),
        ({**BETA, "smoothing": -0.1}, r"smoothing: .*greater than or equal to 0"),
        ({**BETA, "cut": -1}, r"cut: .*greater than or equal to 0"),
        ({**BETA, "smothing": 0.1}, r"unknown key 'smothing'; did you mean 'smoothing'"),
        ({**BETA, "warmup_epochs": 2}, r"after 2 warmup_epochs of 2 nothing is mixed"),
        ({**BETA, "partner": {"name": "nearest", "k": 0}}, r"nearest: k is >= 1"),
        ({**BETA, "partner": {"name": "nearest", "same_clas": True}}, r"no parameter 'same_clas'; did you mean"),
        ({**BETA, "partner": "nearst"}, r"unknown partner 'nearst'; did you mean 'nearest'"),
        ({"noise": "gaussian"}, r"noise gaussian needs the parameter 'sigma'"),
        ({"noise": {**NOISE, "of": "pixel"}}, r"gaussian: of cannot be 'pixel'; did you mean 'pixels'"),
        (
            {"ratio": {"name": "dirichlet", "alpha": 1.0}, "target": "nearer"},
            r"nearer mixes two .*dirichlet mixes several",
        ),
        ({"ratio": {"name": "dirichlet", "alpha": 1.0, "examples": 1}}, r"examples is >= 2"),
        ({"ratio": {"name": "constant", "value": 1.5}}, r"value is <= 1"),
        ({"ratio": {"name": "uniform", "low": 0.5, "high": 0.5}}, r"not between 0.5 and 0.5"),
        ({"ratio": {"name": "uniform", "high": -1.0}}, r"not between 0 and -1"),
    ],
)
def test_compositions_that_are_refused(components, expected):
    refused(expected, mixing=components)


def test_numbers_are_not_smoothed():
    refused(r"mixing\.smoothing: numeric labels are not smoothed", dataset={"name": "no2"}, mixing={"smoothing": 0.1})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"noise_classes": "others"}, r"without label_noise, noise_classes has no effect"),
        ({"label_noise": 0}, r"label_noise: .*greater than 0"),
        ({"label_noise": 1.1}, r"label_noise: .*less than or equal to 1"),
        ({"label_noise": 0.5, "noise_classes": "other"}, r"noise_classes: .*'all' or 'others'"),
        ({"validation": 1}, r"validation: .*a fraction between 0 and 1, or a whole number of two or more, not 1"),
        ({"lable_noise": 0.5}, r"unknown key 'lable_noise'; did you mean 'label_noise'"),
    ],
)
def test_mistakes_about_the_data(changes, expected):
    refused(expected, dataset={"name": "iris", "holdout": 0.5, **changes})


@pytest.mark.parametrize("micro_batch", [16, 17, 0])
def test_parts_are_smaller_than_the_minibatch(micro_batch):
    refused("micro_batch", micro_batch=micro_batch)
    assert spec(micro_batch=15).micro_batch == 15


def test_what_changes_the_numbers_changes_the_hash():
    iris = {"name": "iris", "version": "uci", "holdout": 0.5}
    different = [
        spec(),
        spec(mixing={"smoothing": 0.1}),
        spec(mixing={"noise": NOISE}),
        spec(mixing={"noise": {**NOISE, "of": "pixels"}}),
        spec(mixing=BETA),
        spec(mixing={**BETA, "cut": 1}),
        spec(mixing={**BETA, "warmup_epochs": 1}),
        spec(mixing={**BETA, "partner": "same_class"}),
        spec(mixing={**BETA, "partner": "nearest"}),
        spec(mixing={**BETA, "partner": {"name": "nearest", "k": 5}}),
        spec(mixing={**BETA, "target": "nearer"}),
        spec(mixing={"ratio": {"name": "dirichlet", "alpha": 1.0}}),
        spec(micro_batch=8),
        spec(dataset={**iris, "label_noise": 0.2}),
        spec(dataset={**iris, "label_noise": 0.2, "noise_classes": "others"}),
        spec(dataset={**iris, "validation": 0.2}),
    ]
    assert len({each.digest() for each in different}) == len(different)
    same = spec(
        mixing={"smoothing": 0, "cut": 0, "warmup_epochs": 0},
        dataset={**iris, "noise_classes": "all", "validation": None},
        objective="supervised",
        micro_batch=None,
    )
    assert same.digest() == spec().digest()
