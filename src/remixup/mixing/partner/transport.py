"""Partners from the example's own minibatch, assigned by optimal transport once the examples can be compared.

A function here draws as those of `minibatch` do. Its parameters are those of `optimal_transport.assigned`,
which `Vicinity.paired` applies to what was drawn.
"""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from remixup.mixing.partner.minibatch import permutation

NUMERICS = 1


def transport(
    labels: Tensor, *, k: Annotated[int, Ge(1)], p: Annotated[float, Ge(1)] = 2.0, generator: torch.Generator
) -> Tensor:
    """A random permutation, to be assigned in blocks of k at the least distance to the power p (k-mixup, section 3).

    With k = 1 it is `permutation`, to the bit.
    """
    return permutation(labels, generator=generator)
