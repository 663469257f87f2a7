"""Networks of two classes as functions of an input: f(x) is the logit of class 1 less that of class 0."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call

from remixup.errors import UserError
from remixup.training.supervised import SupervisedTrainer

Logit = Callable[[Tensor], Tensor]


def members(training: SupervisedTrainer) -> Iterator[tuple[int, Logit, Tensor, Tensor]]:
    """Yield the members of a population as functions of two-class inputs, with their training examples.

    Yields:
        the seed; f, (n, features) to (n,), in float64 on the CPU, of scaled inputs; the scaled training examples,
        float64 (n, features); their classes, int64 (n,).

    Raises:
        UserError: more than two classes, inputs that are no vectors, or networks that are not batched over seeds.
    """
    inputs = training.inputs
    if inputs.classes != 2 or len(inputs.shape) != 1 or not training.spec.vectorized:
        raise UserError("this is measured on populations of networks of vectors in two classes", where="evaluate")
    training.model.eval()
    scaled = inputs.scale(inputs.examples(inputs.train))
    for member, seed in enumerate(training.seeds):
        x, y = scaled[member].cpu().double(), inputs.train_labels[member].cpu()
        yield seed, _logit(training.model, member), x, y


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
