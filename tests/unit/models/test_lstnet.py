import pytest
import torch
from torch import nn
from torch.nn import functional as F

from remixup.errors import UserError
from remixup.models import build

SMALL = {"filters": 4, "kernel": 3, "hidden": 5, "skip": 4, "skip_hidden": 2, "highway": 6, "dropout": 0.0}


def cell(gru):
    """The recurrent layer's weights in a single step."""
    step = nn.GRUCell(gru.input_size, gru.hidden_size)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(step, name).data = getattr(gru, f"{name}_l0").data
    return step


def by_hand(network, x):
    """One example (m, T) after the other, one step after the other."""
    convolution, head = network.stem.convolution, network.head
    results = []
    for example in x:
        features = F.relu(F.conv1d(example.unsqueeze(0), convolution.weight, convolution.bias))[0].T  # (steps, filters)
        step, state = cell(head.recurrent), torch.zeros(1, 5)
        for row in features:
            state = step(row.unsqueeze(0), state)
        periods = (example.shape[1] - 3) // 4
        recent, skipping = features[-periods * 4 :], cell(head.skipping)
        phases = []
        for phase in range(4):
            hidden = torch.zeros(1, 2)
            for row in recent[phase::4]:
                hidden = skipping(row.unsqueeze(0), hidden)
            phases.append(hidden)
        nonlinear = head.linear(torch.cat([state, *phases], dim=1))[0]
        linear = torch.stack([head.autoregression(series[-6:])[0] for series in example])
        results.append(nonlinear + linear)
    return torch.stack(results)


def test_forecasts_are_those_of_single_steps():
    torch.manual_seed(0)
    network = build("lstnet", (3, 17), 3, **SMALL)
    x = torch.randn(2, 3, 17)
    torch.testing.assert_close(network(x), by_hand(network, x))


def test_mixing_after_the_stem_mixes_features_and_the_autoregressive_part():
    torch.manual_seed(0)
    network = build("lstnet", (3, 17), 3, **SMALL)
    x, other = torch.randn(2, 3, 17), torch.randn(2, 3, 17)
    mixed = 0.3 * network[:1](x) + 0.7 * network[:1](other)
    last = 0.3 * x[:, :, -6:] + 0.7 * other[:, :, -6:]
    torch.testing.assert_close(mixed[:, -18:].view(2, 3, 6), last)
    features = [F.relu(network.stem.convolution(each)).flatten(1) for each in (x, other)]
    torch.testing.assert_close(mixed[:, :-18], 0.3 * features[0] + 0.7 * features[1])


def test_the_network_of_exchange_rate_has_the_released_sizes():
    network = build("lstnet", (8, 168), 8)
    sizes = {name: tuple(weight.shape) for name, weight in network.named_parameters()}
    assert sizes["stem.convolution.weight"] == (50, 8, 6)
    assert sizes["head.recurrent.weight_hh_l0"] == (150, 50)
    assert sizes["head.skipping.weight_hh_l0"] == (15, 5)
    assert sizes["head.linear.weight"] == (8, 50 + 24 * 5)
    assert sizes["head.autoregression.weight"] == (1, 24)
    assert network.head.periods == 6


@pytest.mark.parametrize(("shape", "outputs"), [((8, 168), 7), ((8, 25), 8), ((10,), 1)])
def test_what_is_no_forecast_of_series_is_refused(shape, outputs):
    with pytest.raises(UserError, match="lstnet forecasts m series"):
        build("lstnet", shape, outputs)
