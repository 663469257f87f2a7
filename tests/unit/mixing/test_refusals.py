"""Calls that would mix wrongly are refused, with a message that says what to do."""

import functools

import pytest
import torch

from remixup.mixing import Mixing
from remixup.mixing.ratio import beta

X, Y = torch.randn(8, 3, 4, 4), torch.tensor([0, 1, 2, 3, 0, 1, 2, 3])
ONE_HOT = torch.nn.functional.one_hot(Y, 4)
TARGET = ONE_HOT.float()
PARTNER = torch.arange(8).flip(0)
BETA = {"name": "beta", "alpha": 1.0}
MIXUP = Mixing.compose(ratio=BETA, classes=4)
CUTMIX = Mixing.compose(ratio=BETA, blend="cutmix")


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"partner": {"name": "permutatoin"}}, ValueError, "unknown partner 'permutatoin'; did you mean 'permutation'"),
        ({"ratio": {"name": "betaa", "alpha": 1.0}}, ValueError, "unknown ratio 'betaa'; did you mean 'beta'"),
        ({"ratio": {"name": "beta", "alhpa": 1.0}}, ValueError, "no parameter 'alhpa'; did you mean 'alpha'"),
        ({"ratio": "beta"}, ValueError, "ratio beta needs the parameter 'alpha'"),
        ({"ratio": 0.3}, TypeError, "a ratio is a name or a mapping .* not 0.3; valid: beta, constant"),
        ({"ratio": {"name": "beta", "alpha": -1.0}}, ValueError, "ratio beta: alpha is > 0, not -1.0"),
        ({"ratio": {"name": "beta", "alpha": float("nan")}}, ValueError, "alpha is a finite number, not nan"),
        ({"ratio": {"name": "beta", "alpha": "1"}}, TypeError, "alpha is of type float, not '1'"),
        ({"ratio": {"name": "beta", "alpha": True}}, TypeError, "alpha is of type float, not True"),
        ({"ratio": {"name": "constant", "value": 1.5}}, ValueError, "value is <= 1, not 1.5"),
        ({"partner": {"name": "transport", "k": 2.5}}, TypeError, "k is of type int, not 2.5"),
        ({"partner": {"name": "nearest", "same_class": 1}}, TypeError, "same_class is of type bool, not 1"),
        ({"noise": {"name": "gaussian", "sigma": 1.0, "of": "pixel"}}, ValueError, "did you mean 'pixels'"),
        ({"smoothing": 2.0}, ValueError, "smoothing is >= 0 and < 1, not 2.0"),
        ({"cut": -1}, ValueError, "cut is >= 0, not -1"),
        ({"classes": 1}, ValueError, "classes is >= 2, not 1"),
        ({"ratio": {"name": "uniform", "high": 1.5}, "blend": "cutmix"}, ValueError, r"needs λ in \[0, 1\]"),
    ],
)
def test_a_wrong_composition(parts, error, message):
    with pytest.raises(error, match=message):
        Mixing.compose(**parts)


def test_a_linear_blend_may_extrapolate():
    mixing = Mixing.compose(ratio={"name": "uniform", "high": 1.5})
    mixed, _ = mixing.mix(X, TARGET, 1.5, PARTNER)
    torch.testing.assert_close(mixed, 1.5 * X - 0.5 * X[PARTNER])


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ((255 * X).to(torch.uint8), Y, TypeError, r"torch.uint8 cannot be mixed: convert .* x.float\(\) / 255"),
        (X.long(), Y, TypeError, "torch.int64 cannot be mixed"),
        (X.numpy(), Y, TypeError, "are tensors, not ndarray"),
        (X, ONE_HOT, ValueError, r"integer labels of shape \(8, 4\).*y.float\(\)"),
        (X, ONE_HOT.bool(), TypeError, r"y.long\(\)"),
        (X, Y + 1, ValueError, "label 4 is no class: with classes=4 labels are 0 to 3"),
        (X, Y - 1, ValueError, "label -1 is no class"),
        (X, TARGET[:, :3], ValueError, r"shape \(8, 4\), not \(8, 3\)"),
        (X[:7], Y, ValueError, r"shape \(7, 3, 4, 4\) and labels of shape \(8,\) are no minibatch"),
        (X[0], torch.tensor(1), ValueError, "no minibatch"),
    ],
)
def test_a_wrong_minibatch(x, y, error, message):
    with pytest.raises(error, match=message):
        MIXUP(x, y)


def test_class_indices_need_the_number_of_classes():
    with pytest.raises(ValueError, match=r"Mixing.compose\(..., classes=10\)"):
        Mixing.compose(ratio=BETA)(X, Y)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"noise": {"name": "gaussian", "sigma": 0.1}}, "adds no noise: add it to x first"),
        ({"cut": 2}, "on the features of that layer"),
        ({"warmup_epochs": 3}, "without warmup_epochs"),
    ],
)
def test_a_setting_that_a_call_cannot_apply(parts, message):
    with pytest.raises(ValueError, match=message):
        Mixing.compose(ratio=BETA, **parts)(X, TARGET)


def test_numbers_have_no_smoothing_and_no_classes_of_partners():
    numbers = torch.randn(8)
    with pytest.raises(ValueError, match="smoothing is for class probabilities"):
        Mixing.compose(ratio=BETA, smoothing=0.1)(X, numbers)
    with pytest.raises(ValueError, match="numeric labels have no classes"):
        Mixing.compose(ratio=BETA, partner="same_class")(X, numbers)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((255 * X).to(torch.uint8), TARGET, 0.3, PARTNER), TypeError, "torch.uint8 cannot be mixed"),
        ((X, Y, 0.3, PARTNER), TypeError, "targets of dtype torch.int64 cannot be mixed"),
        ((X, ONE_HOT, 0.3, PARTNER), TypeError, "one_hot"),
        ((X, TARGET, 0.3, PARTNER.float()), TypeError, "an int64 tensor, not torch.float32"),
        ((X, TARGET, 0.3, PARTNER[:5]), ValueError, "differ in their numbers of examples"),
        ((X, TARGET, float("nan"), PARTNER), ValueError, "a finite number, not nan"),
    ],
)
def test_wrong_arguments_of_mix(arguments, error, message):
    with pytest.raises(error, match=message):
        MIXUP.mix(*arguments)


def test_a_window_needs_a_share_and_a_position():
    with pytest.raises(ValueError, match=r"a share in \[0, 1\], not 1.7"):
        CUTMIX.mix(X, TARGET, 1.7, PARTNER, torch.rand(2))
    with pytest.raises(ValueError, match="give position, 2 numbers"):
        CUTMIX.mix(X, TARGET, 0.7, PARTNER)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_the_function_itself_refuses_an_impossible_alpha(alpha):
    with pytest.raises(ValueError, match="alpha is > 0"):
        beta((3,), alpha=alpha, generator=None)


def test_own_functions_take_part():
    mixing = Mixing(ratio=functools.partial(beta, alpha=0.2), classes=4)
    _, target = mixing(X, Y)
    torch.testing.assert_close(target.sum(1), torch.ones(8))
