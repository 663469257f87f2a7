"""Sensitivity of differentially private training: the influence of one example on a step."""

from typing import Annotated, Any

from annotated_types import Ge

from remixup.training.dp_sgd import DPTrainer

NUMERICS = 1
WEIGHTS = False
SCALARS = {"sensitivity": ("removed",)}


def sensitivity(training: DPTrainer, *, examples: Annotated[int, Ge(2)] = 12) -> list[dict[str, Any]]:
    """Measure the change of a minibatch's sum of clipped gradients when an example is removed.

    The minibatch has the first `examples` examples of the seed's first minibatch, at the initial weights. Each of them
    is removed in turn, while the random draws of the others stay the same. If examples are mixed with each other, the
    example before it in the permutation gets the example after it as its partner.

    Args:
        training: the networks at their initial weights.
        examples: number of examples of the minibatch.

    Returns:
        For each seed `removed`: the largest change (l2 norm), in units of the clipping norm. If it is above 1, DP-SGD's
        noise gives less privacy than the accountant states.
    """
    training.model.train()
    drawn = training.minibatches()[0]
    for example in range(len(drawn.rows) - 1, examples - 1, -1):
        drawn = drawn.without(example)
    whole = training.clipped_sum(drawn)
    moved = [(training.clipped_sum(drawn.without(example)) - whole).norm().item() for example in range(len(drawn.rows))]
    return [{"seed": training.seeds[0], "removed": max(moved, default=0.0) / training.max_grad_norm}]
