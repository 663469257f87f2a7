"""A vicinity: the distribution that virtual examples are drawn from, put together from its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from remixup.mixing import blend as blends
from remixup.mixing import noise as noises
from remixup.mixing import ratio as ratios
from remixup.mixing import target as targets
from remixup.mixing.optimal_transport import assigned
from remixup.mixing.partner import augmented_views, minibatch, training_set, transport


@dataclass(frozen=True)
class Vicinity:
    """A vicinal distribution (mixup paper, section 2; Chapelle et al., 2000).

    `ratio` is None where nothing is mixed: empirical risk minimisation, perhaps with smoothed labels or noise.
    Otherwise call `ratio` for λ and `partner` for partners (or bring your own), and `mix` to apply them.
    """

    ratio: Callable[..., Tensor] | None = None
    partner: Callable[..., Tensor] = minibatch.permutation
    within_minibatch: bool = True
    """Whether `partner` gives positions in the minibatch, else in the training set."""
    within_example: bool = False
    """Whether `partner` gives positions in the example's own set of views; nothing else is then mixed with it."""
    assignment: Callable[[Tensor, Tensor], Tensor] | None = None
    """Chooses among the partners drawn by what the examples look like; None: they stay as drawn."""
    blend: Callable[..., Any] = blends.linear
    target: Callable[[Tensor, Tensor, Tensor], Tensor] = targets.mixed
    cut: int = 0
    """Where it is mixed: 0 is the input, k the output of the k-th stage of the network."""
    smoothing: float = 0.0
    """ε of label smoothing."""
    noise: Callable[..., Tensor] | None = None
    """Adds noise to the inputs before they are mixed."""
    warmup_epochs: int = 0
    """Epochs of training on the examples as they are, before mixing begins."""

    @classmethod
    def compose(
        cls,
        ratio: dict[str, Any] | None = None,
        partner: dict[str, Any] | None = None,
        blend: dict[str, Any] | None = None,
        target: dict[str, Any] | None = None,
        noise: dict[str, Any] | None = None,
        **others: Any,
    ) -> "Vicinity":
        """The vicinity whose parts are named: each is a mapping of `name` and the parameters of that function."""
        partner = partner or {"name": "permutation"}
        homes = (minibatch, transport, augmented_views, training_set)
        home = next(module for module in homes if hasattr(module, partner["name"]))
        parameters = {name: value for name, value in partner.items() if name != "name"}
        return cls(
            ratio=None if ratio is None else _part(ratios, ratio),
            partner=_part(home, partner),
            within_minibatch=home is not training_set,
            within_example=home is augmented_views,
            assignment=partial(assigned, **parameters) if home is transport else None,
            blend=_part(blends, blend or {"name": "linear"}),
            target=_part(targets, target or {"name": "mixed"}),
            noise=None if noise is None else _part(noises, noise),
            **others,
        )

    @property
    def cuts(self) -> bool:
        """Whether the blend needs to be told a place, and says what share it kept."""
        return "place" in signature(self.blend).parameters

    @property
    def mixes_several(self) -> bool:
        """Whether more than two examples are mixed: a draw of the ratio is then λ of each round, not one λ."""
        return self.ratio is not None and self.ratio((), generator=torch.Generator()).ndim > 0

    def mix(
        self, x: Tensor, target: Tensor, ratio: Tensor, partner: Tensor, place: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Virtual examples from a minibatch and the positions of partners in it.

        Args:
            x: inputs (*members, n, ...), floating point.
            target: class probabilities (*members, n, classes).
            ratio: λ, shape () or (*members,) for one λ a minibatch, (*members, n) for one an example.
            partner: int64 (*members, n), positions in the minibatch. `members` is empty or one dimension: networks that
                are trained side by side.
            place: in [0, 1), shaped as the ratio, if the blend cuts; None if it does not.

        Returns:
            blended inputs and targets, shaped as they came.
        """
        partner = self.paired(x, partner)
        return self.mix_with(x, target, take(x, partner), take(target, partner), ratio, place)

    def paired(self, x: Tensor, partner: Tensor) -> Tensor:
        """The partners of a minibatch x (*members, n, ...), from those drawn for it, int64 (*members, n)."""
        return partner if self.assignment is None else self.assignment(x, partner)

    def mix_with(
        self,
        x: Tensor,
        target: Tensor,
        other_x: Tensor,
        other_target: Tensor,
        ratio: Tensor,
        place: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Virtual examples from examples and their partners, wherever these come from; shapes as for `mix`."""
        if place is None:
            return self.blend(x, other_x, ratio), self.target(target, other_target, ratio)
        blended, kept = self.blend(x, other_x, ratio, place)
        return blended, self.target(target, other_target, kept)

    def smooth(self, target: Tensor) -> Tensor:
        """Label smoothing (Szegedy et al., 2016, section 7): (1 - ε) y + ε / classes."""
        if self.smoothing == 0.0:
            return target
        return (1 - self.smoothing) * target + self.smoothing / target.shape[-1]


def _part(module: Any, spec: dict[str, Any]) -> Callable[..., Tensor]:
    named = dict(spec)
    return partial(getattr(module, named.pop("name")), **named)


def take(values: Tensor, partner: Tensor) -> Tensor:
    """The partners' values: (*members, n, ...) at positions (*members, n)."""
    if partner.ndim == 1:
        return values[partner]
    member = torch.arange(len(partner), device=partner.device).unsqueeze(1)
    return values[member, partner]


ERM = Vicinity()
"""Empirical risk minimisation: every example as it is."""

ALL_KEPT: Callable[..., Tensor] = partial(ratios.constant, value=1.0)
"""The ratio with which mixing changes nothing: 1 x + 0 x' is x, to the bit, whatever finite example x' is."""


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
