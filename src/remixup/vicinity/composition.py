"""A vicinity: the distribution that virtual examples are drawn from, put together from its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from remixup.vicinity import blend as blends
from remixup.vicinity import partner as partners
from remixup.vicinity import ratio as ratios
from remixup.vicinity import target as targets


@dataclass(frozen=True)
class Vicinity:
    """A vicinal distribution (mixup paper, section 2; Chapelle et al., 2000).

    `ratio` is None for empirical risk minimisation, whose vicinity is the example itself. Otherwise call `ratio` for λ
    and `partner` for partners (or bring your own), and `mix` to apply them.
    """

    ratio: Callable[..., Tensor] | None = None
    partner: Callable[..., Tensor] = partners.permutation
    blend: Callable[[Tensor, Tensor, Tensor], Tensor] = blends.linear
    target: Callable[[Tensor, Tensor, Tensor], Tensor] = targets.mixed

    @classmethod
    def compose(
        cls,
        ratio: dict[str, Any] | None = None,
        partner: dict[str, Any] | None = None,
        blend: dict[str, Any] | None = None,
        target: dict[str, Any] | None = None,
    ) -> "Vicinity":
        """The vicinity whose parts are named: each is a mapping of `name` and the parameters of that function."""

        def part(module: Any, spec: dict[str, Any] | None, default: str) -> Callable[..., Tensor]:
            named = dict(spec or {"name": default})
            return partial(getattr(module, named.pop("name")), **named)

        return cls(
            ratio=None if ratio is None else part(ratios, ratio, ""),
            partner=part(partners, partner, "permutation"),
            blend=part(blends, blend, "linear"),
            target=part(targets, target, "mixed"),
        )

    def mix(self, x: Tensor, target: Tensor, ratio: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
        """Virtual examples from a minibatch.

        Args:
            x: inputs (*members, n, ...), floating point.
            target: class probabilities (*members, n, classes).
            ratio: λ in [0, 1], shape () or (*members,) for one λ a minibatch, (*members, n) for one an example.
            partner: int64 (*members, n), positions in the minibatch. `members` is empty or one dimension: networks that
                are trained side by side.

        Returns:
            blended inputs and targets, shaped as they came.
        """
        if partner.ndim == 1:
            other_x, other_target = x[partner], target[partner]
        else:
            member = torch.arange(len(partner), device=partner.device).unsqueeze(1)
            other_x, other_target = x[member, partner], target[member, partner]
        return self.blend(x, other_x, ratio), self.target(target, other_target, ratio)


ERM = Vicinity()
"""Empirical risk minimisation: every example as it is."""


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy against class probabilities, averaged over the examples.

    For a mixed target it equals λ CE(logits, y_i) + (1 - λ) CE(logits, y_j), the two-term form of the released code.

    Args:
        logits: (..., n, classes).
        target: class probabilities, same shape.

    Returns:
        mean loss in nats, shape (...): one value for each leading index; float32 also where the logits are bfloat16.
    """
    return -(target.float() * logits.float().log_softmax(-1)).sum(-1).mean(-1)
