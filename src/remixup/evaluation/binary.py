"""Networks of two classes as functions of an input: f(x) is the logit of class 1 minus that of class 0."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from remixup.errors import UserError
from remixup.training.supervised import SupervisedTrainer

Logit = Callable[[Tensor], Tensor]


def members(training: SupervisedTrainer) -> Iterator[tuple[int, Logit, Tensor, Tensor]]:
    """Yield the network of each seed as a function, with its training examples.

    Yields:
        the seed; f, (n, features) to (n,), in float64 on the CPU, of scaled inputs; the scaled training examples,
        float64 (n, features); their classes, int64 (n,).

    Raises:
        UserError: more than two classes, inputs that are no vectors, or seeds that are not vectorized.
    """
    inputs = training.inputs
    if inputs.classes != 2 or len(inputs.shape) != 1 or not training.spec.vectorized:
        raise UserError("this needs vectorized networks of vectors in two classes", where="evaluate")
    training.model.eval()
    scaled = inputs.scale(inputs.examples(inputs.train))
    for member, seed in enumerate(training.seeds):
        x, y = scaled[member].cpu().double(), inputs.train_labels[member].cpu()
        yield seed, _logit(training.model, member), x, y


def measure_seeds(
    training: SupervisedTrainer, names: Iterable[str], measure: Callable[[Logit, Tensor, Tensor], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Measure the network of each seed.

    Args:
        training: networks as for `members`.
        names: values that are None if a network's outputs on its training examples are not finite.
        measure: returns the values for f, the training examples and their classes.
    """
    return [
        {"seed": seed, **(measure(f, x, y) if finite(f(x)) else dict.fromkeys(names))}
        for seed, f, x, y in members(training)
    ]


def _logit(network: nn.Module, member: int) -> Logit:
    """Return f of one member, with a copy of its weights."""
    own = {name: weight.detach()[member : member + 1].cpu().double() for name, weight in network.named_parameters()}

    def difference(x: Tensor) -> Tensor:
        outputs: Tensor = functional_call(network, own, (x.unsqueeze(0),))[0]
        return outputs[:, 1] - outputs[:, 0]

    return difference


def finite(values: Tensor) -> bool:
    """Return True if all values are finite."""
    return bool(torch.isfinite(values).all())
