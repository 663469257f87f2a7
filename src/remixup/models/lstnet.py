"""LSTNet (Lai et al., 2018, 1703.07015): forecasts of several time series, as the released code of C-Mixup has it."""

from collections import OrderedDict
from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from remixup.errors import UserError

NUMERICS = 1


class Convolution(nn.Module):
    """Map series (B, m, T) to features over time and the last steps of the series, flattened into one vector.

    Both are in the output, so that mixing after this stage mixes both: the autoregressive layer then
    sees mixed inputs, as in the released code of C-Mixup.
    """

    def __init__(self, series: int, filters: int, kernel: int, highway: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(series, filters, kernel)
        self.dropout = nn.Dropout(dropout)
        self.highway = highway

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, filters * (T - kernel + 1) + m * highway)."""
        features = self.dropout(self.convolution(x).relu())
        return torch.cat([features.flatten(1), x[:, :, -self.highway :].flatten(1)], dim=1)


class Recurrent(nn.Module):
    """Map the output of `Convolution` to one number for each series: two recurrent layers plus a linear one."""

    def __init__(
        self, series: int, filters: int, steps: int, hidden: int, skip: int, skip_hidden: int, highway: int, drop: float
    ) -> None:
        super().__init__()
        self.filters, self.steps, self.skip = filters, steps, skip
        self.periods = (steps - 1) // skip
        self.recurrent = nn.GRU(filters, hidden)
        self.skipping = nn.GRU(filters, skip_hidden)
        self.linear = nn.Linear(hidden + skip * skip_hidden, series)
        self.autoregression = nn.Linear(highway, 1)
        self.dropout = nn.Dropout(drop)

    def forward(self, flat: Tensor) -> Tensor:
        """Return (B, m)."""
        split = self.filters * self.steps
        features = flat[:, :split].view(len(flat), self.filters, self.steps)
        last = flat[:, split:].view(len(flat), -1, self.autoregression.in_features)
        _, state = self.recurrent(features.permute(2, 0, 1))
        # One short sequence for each phase of the period: every skip-th step, over the last `periods` periods.
        recent = features[:, :, -self.periods * self.skip :].unflatten(2, (self.periods, self.skip))
        _, phases = self.skipping(recent.permute(2, 0, 3, 1).flatten(1, 2))
        phases = phases.view(len(flat), -1)
        nonlinear = self.linear(torch.cat([self.dropout(state[0]), self.dropout(phases)], dim=1))
        forecast: Tensor = nonlinear + self.autoregression(last).squeeze(-1)
        return forecast


def lstnet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    filters: Annotated[int, Ge(1)] = 50,
    kernel: Annotated[int, Ge(1)] = 6,
    hidden: Annotated[int, Ge(1)] = 50,
    skip: Annotated[int, Ge(1)] = 24,
    skip_hidden: Annotated[int, Ge(1)] = 5,
    highway: Annotated[int, Ge(1)] = 24,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2,
) -> nn.Sequential:
    """Build LSTNet: inputs (B, m, T), outputs (B, m).

    The stem is the convolution; the head holds the recurrent and the autoregressive layers. Defaults are those of
    C-Mixup for Exchange-Rate (2210.05775, released configuration). Initialization: PyTorch's default.

    Args:
        input_shape: (m, T), the number of series and of their steps.
        classes: the number of outputs, m.
        filters: of the convolution.
        kernel: steps that a filter covers, over all series.
        hidden: units of the recurrent layer.
        skip: the period in steps of the skipping recurrent layer.
        skip_hidden: its units.
        highway: steps that the autoregressive layer sees, with one set of weights for all series.
        dropout: after the convolution and after both recurrent layers.

    Raises:
        UserError: the input is no series of at least one period, or there is not one output for each series.
    """
    if len(input_shape) != 2 or input_shape[0] != classes or input_shape[1] - kernel < max(skip, highway):
        given = f"{classes} numbers from inputs {tuple(input_shape)}"
        hint = f"it needs more than {kernel + max(skip, highway)} steps"
        what = f"lstnet forecasts m series from inputs (m, steps), not {given}"
        raise UserError(what, where="run.model.name", hint=hint)
    series, steps = input_shape
    convolution = Convolution(series, filters, kernel, highway, dropout)
    after = steps - kernel + 1
    head = Recurrent(series, filters, after, hidden, skip, skip_hidden, highway, dropout)
    return nn.Sequential(OrderedDict(stem=convolution, head=head))
