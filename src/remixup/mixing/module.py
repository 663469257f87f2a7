"""Mixing as a part of a network or of a training module."""

from torch import Tensor, nn

from remixup.mixing.checks import class_probabilities
from remixup.mixing.composition import Mixing


class MixingModule(nn.Module):
    """Mix minibatches in training mode; in evaluation mode only convert class indices to probabilities.

    As a submodule it follows `.train()` and `.eval()` of the whole, so one loss function serves both.

    Args:
        mixing: what to do in training mode. It draws from torch's global generator.
    """

    def __init__(self, mixing: Mixing) -> None:
        super().__init__()
        self.mixing = mixing

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs and targets; arguments as for `Mixing`."""
        if self.training:
            return self.mixing(x, y)
        return x, class_probabilities(x, y, self.mixing.classes)
