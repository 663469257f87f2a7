"""The network of patches: its activation by hand, a naive loop, gradients."""

import pytest
import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.models import build, stack
from remixup.models.patch_network import PolynomialReLU

SHAPE = (3, 5)


def member(seed: int = 0, **params: object) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    return build("patch_network", SHAPE, 4, **{"neurons": 3, "spread": 0.5, **params})


def weights(network: torch.nn.Sequential) -> Tensor:
    """(members, classes, neurons, d)."""
    held = network.stem.linear.weight[:, :5, :12]
    return held.unflatten(2, (3, 4)).permute(0, 3, 2, 1)


def test_the_activation_by_hand() -> None:
    activation = PolynomialReLU(3, 0.5)
    z = torch.tensor([-1.0, 0.0, 0.25, 0.5, 2.0])
    # 0.25^3 / (3 * 0.25); at the threshold 0.5 / 3; beyond z - 2/3 * 0.5
    assert torch.allclose(activation(z), torch.tensor([0.0, 0.0, 1 / 48, 1 / 6, 5 / 3]))


@pytest.mark.parametrize("exponent", [2, 3, 4, 9])
def test_the_activation_and_its_slope_are_continuous(exponent: int) -> None:
    z = torch.tensor([-1e-6, 1e-6, 0.1 - 1e-6, 0.1 + 1e-6], dtype=torch.float64, requires_grad=True)
    out = PolynomialReLU(exponent, 0.1)(z)
    (slope,) = torch.autograd.grad(out.sum(), z)
    for values in (out, slope):
        assert torch.allclose(values[::2], values[1::2], atol=1e-4)
    assert torch.allclose(slope, torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=torch.float64), atol=1e-4)


def test_the_network_is_a_naive_loop() -> None:
    network = stack([member(0), member(1)])
    x = torch.randn(2, 6, *SHAPE, generator=torch.Generator().manual_seed(4))
    expected = torch.zeros(2, 6, 4)
    for m, own in enumerate(weights(network)):
        for n in range(6):
            for y in range(4):
                for w in own[y]:
                    for patch in x[m, n]:
                        z = float((w @ patch).detach())
                        foot = 0.1 / 3 * (max(z, 0.0) / 0.1) ** 3
                        expected[m, n, y] += foot if z < 0.1 else z - (1 - 1 / 3) * 0.1
    assert torch.allclose(network(x), expected, atol=1e-5)


def test_gradients_are_those_of_finite_differences() -> None:
    network = member(threshold=0.7).double()
    x = torch.randn(1, 4, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: network(given), (x,))
    weight = network.stem.linear.weight

    def said(moved: Tensor) -> Tensor:
        return torch.func.functional_call(network, {"stem.linear.weight": moved}, (x.detach(),))

    assert torch.autograd.gradcheck(said, (weight.detach().requires_grad_(),))


def test_initial_weights_are_normal_of_the_spread_asked_for() -> None:
    torch.manual_seed(0)
    large = build("patch_network", (2, 64), 10, neurons=20, spread=0.3)
    drawn = large.stem.linear.weight[0, :64, :200]
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 0.3) < 0.01
    kurtosis = ((drawn / drawn.std()) ** 4).mean()
    assert abs(kurtosis - 3) < 0.2


def test_inputs_that_are_no_patches_are_refused() -> None:
    with pytest.raises(UserError, match=r"patch_network needs patches .* shape \(7,\)"):
        build("patch_network", (7,), 2)
