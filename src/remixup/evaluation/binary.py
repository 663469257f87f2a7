"""Networks of two classes as functions of an input: f(x) is the logit of class 1 less that of class 0."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from remixup.errors import UserError
from remixup.training.loop import Training

Logit = Callable[[Tensor], Tensor]


def logit(training: Training, member: int) -> Logit:
    """f of one member of a population, (n, features) to (n,), in float64 on the CPU, of inputs as they are scaled.

    Raises:
        UserError: more than two classes, inputs that are no vectors, or networks that are not batched over seeds.
    """
    inputs = training.inputs
    if inputs.classes != 2 or len(inputs.shape) != 1 or not training.spec.population:
        raise UserError("this is measured on populations of networks of vectors in two classes", where="evaluate")
    network = copy.deepcopy(training.model).cpu().double().eval()
    for weight in network.parameters():
        weight.data = weight.data[member : member + 1].clone()
        weight.requires_grad_(False)

    def difference(x: Tensor) -> Tensor:
        outputs: Tensor = network(x.unsqueeze(0))[0]
        return outputs[:, 1] - outputs[:, 0]

    return difference


def examples(training: Training, member: int) -> tuple[Tensor, Tensor]:
    """A member's training examples as they are scaled, float64 (n, features), and their classes, int64 (n,)."""
    inputs = training.inputs
    x = inputs.scale(inputs.examples(inputs.train))[member]
    return x.cpu().double(), inputs.train_labels[member].cpu()


def finite(values: Tensor) -> bool:
    """Whether all of them are numbers."""
    return bool(torch.isfinite(values).all())
