"""Tasks: classification or regression, with targets, loss and metrics."""

import torch
from torch import Tensor
from torch.nn import functional as F

from remixup.mixing import soft_cross_entropy


class Classification:
    """Cross-entropy in nats; errors in percent, top-1 and, with more than five classes, top-5."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        """Return one-hot class probabilities (..., n, classes) of labels (..., n)."""
        # `one_hot` would wait for the device to check the range of the labels.
        return (y.unsqueeze(-1) == torch.arange(self.classes, device=y.device)).to(dtype)

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross-entropy (...) of outputs (..., n, classes) against class probabilities."""
        return soft_cross_entropy(outputs, target)

    def measure(self, outputs: Tensor, y: Tensor, f1: bool = False) -> dict[str, Tensor]:
        """Sum `loss`, `error` and, with more than five classes, `top5_error` over examples, float64 (...).

        With `f1` also `f1_error`, counts (..., classes, 3): true positives, predicted, and actual examples.
        """
        flat = F.cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction="none").view(y.shape)
        found = {"loss": flat.sum(-1, dtype=torch.float64), "error": (outputs.argmax(-1) != y).sum(-1).double()}
        if self.classes > 5:
            hit = (outputs.topk(5, dim=-1).indices == y.unsqueeze(-1)).any(-1)
            found["top5_error"] = (~hit).sum(-1).double()
        if f1:
            guessed, there = self.target(outputs.argmax(-1), torch.float64), self.target(y, torch.float64)
            found["f1_error"] = torch.stack([guessed * there, guessed, there], dim=-1).sum(-3)
        return found

    def summarize(self, name: str, mean: Tensor) -> Tensor:
        """Return errors in percent; `f1_error` is 100 minus the macro-averaged F1 over classes that occur."""
        if name == "f1_error":
            right, guessed, there = mean.unbind(-1)
            score = 2 * right / (guessed + there)
            return 100 * (1 - score.nanmean(-1))
        return mean if name == "loss" else 100 * mean


class Regression:
    """Squared error; the error is its root, in the unit of the labels.

    Args:
        outputs: number of values in a label; labels of one value have no dimension for it.
        mean: subtracted from the labels that the network is trained on, a number.
        std: divisor of these labels. Errors are in the unit of the labels nevertheless.
    """

    def __init__(self, outputs: int = 1, mean: float = 0.0, std: float = 1.0) -> None:
        self.outputs, self.mean, self.std = outputs, mean, std

    def target(self, y: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the standardized labels (..., n, outputs)."""
        return ((self._numbers(y) - self.mean) / self.std).to(dtype)

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the mean squared error, over examples and outputs."""
        return ((outputs.float() - target.float()) ** 2).mean(-1).mean(-1)

    def measure(self, outputs: Tensor, y: Tensor, f1: bool = False) -> dict[str, Tensor]:
        """Sum over the examples the mean square of the errors of an example's outputs, as `loss` and as `error`.

        `mape` holds the sum of the absolute relative errors of the labels that are not 0, and their number: (..., 2).
        """
        y = self._numbers(y).double()
        difference = outputs.double() * self.std + self.mean - y
        squared = (difference**2).mean(-1).sum(-1)
        counted = y != 0
        relative = torch.where(counted, difference.abs() / torch.where(counted, y.abs(), 1.0), 0.0)
        mape = torch.stack([relative.sum((-2, -1)), counted.double().sum((-2, -1))], dim=-1)
        return {"loss": squared, "error": squared, "mape": mape}

    def summarize(self, name: str, mean: Tensor) -> Tensor:
        """Return the root of the mean squared error; `mape` is the mean absolute relative error in percent."""
        if name == "mape":
            return 100 * mean[..., 0] / mean[..., 1]
        return mean if name == "loss" else mean.sqrt()

    def _numbers(self, y: Tensor) -> Tensor:
        return y.unsqueeze(-1) if self.outputs == 1 else y


Task = Classification | Regression
