"""Sensitivity: the influence of one example on a step, which differentially private training bounds."""

from typing import Annotated, Any

from annotated_types import Ge

from remixup.errors import UserError
from remixup.training.dp_sgd import DPTrainer

NUMERICS = 1
WEIGHTS = False
SCALARS = {"sensitivity": ("removed",)}


def sensitivity(training: DPTrainer, *, examples: Annotated[int, Ge(2)] = 12) -> list[dict[str, Any]]:
    """Measure how far a minibatch's sum of clipped gradients moves when an example is removed.

    The minibatch is made of the first examples of the seed's first one, at the initial weights. Each is taken out in
    turn, all that is drawn for the others being the same; where examples are mixed with each other, the one before it
    in the permutation gets the one behind it as a partner.

    Returns:
        for each seed `removed`: the largest distance, in clipping norms. Where it is above 1, the noise of DP-SGD does
        not give the privacy that it is accounted for.

    Raises:
        UserError: the run is not a private one.
    """
    if not isinstance(training, DPTrainer):
        raise UserError("sensitivity needs a run whose objective is dp_sgd", where="evaluation")
    training.model.train()
    drawn = training.minibatches()[0]
    for example in range(len(drawn.rows) - 1, examples - 1, -1):
        drawn = drawn.without(example)
    whole = training.clipped_sum(drawn)
    moved = [(training.clipped_sum(drawn.without(example)) - whole).norm().item() for example in range(len(drawn.rows))]
    return [{"seed": training.seeds[0], "removed": max(moved, default=0.0) / training.max_grad_norm}]
