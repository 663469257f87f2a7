"""Compose mixing from components and apply it to minibatches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from remixup.mixing import blend as blends
from remixup.mixing import noise as noises
from remixup.mixing import ratio as ratios
from remixup.mixing import target as targets
from remixup.mixing.declarations import Scope, declaration
from remixup.mixing.partner import augmented_views, minibatch, training_set, transport


@dataclass(frozen=True)
class Partner:
    """How partners are chosen."""

    sample: Callable[..., Tensor] = minibatch.permutation
    """Draws partners; its arguments depend on the scope (see the modules of `remixup.mixing.partner`)."""
    scope: Scope = "batch"
    match: Callable[[Tensor, Tensor], Tensor] | None = None
    """Reorders the sampled partners (*members, n) of a minibatch x (*members, n, ...) by their inputs, if given."""

    @classmethod
    def named(cls, name: str, **parameters: Any) -> Partner:
        """Return the partner component of this name, with its parameters bound."""
        modules = (minibatch, transport, augmented_views, training_set)
        component: Any = partial(next(vars(each)[name] for each in modules if name in vars(each)), **parameters)
        declared = declaration(component)
        if declared.sample is None:
            return cls(component, declared.scope)
        return cls(declared.sample, declared.scope, match=component)


@dataclass(frozen=True)
class Mixing:
    """A vicinal distribution (mixup paper, section 2; Chapelle et al., 2000).

    `ratio` is None where nothing is mixed: empirical risk minimization, perhaps with smoothed labels or noise.

    Call it on a minibatch, in any training loop:

    >>> mixing = Mixing.compose(ratio={"name": "beta", "alpha": 1.0})
    >>> generator = torch.Generator().manual_seed(0)
    >>> x, target = torch.arange(8.0).view(4, 2), torch.eye(4)
    >>> mixed_x, mixed_target = mixing(x, target, generator)
    >>> mixed_x.shape, mixed_target.sum(1)
    (torch.Size([4, 2]), tensor([1., 1., 1., 1.]))
    >>> torch.allclose(mixed_target @ x, mixed_x)
    True

    A loop that draws ratios and partners itself calls `mix` or `mix_with`.
    """

    ratio: Callable[..., Tensor] | None = None
    partner: Partner = Partner()
    blend: Callable[..., Any] = blends.linear
    target: Callable[[Tensor, Tensor, Tensor], Tensor] = targets.mixed
    cut: int = 0
    """Where to mix: 0 is the input, k the output of the k-th stage of the network."""
    smoothing: float = 0.0
    """ε of label smoothing."""
    noise: Callable[..., Tensor] | None = None
    """Adds noise to the inputs before they are mixed."""
    warmup_epochs: int = 0
    """Epochs of training on the original examples before mixing begins."""

    @classmethod
    def compose(
        cls,
        ratio: dict[str, Any] | None = None,
        partner: dict[str, Any] | None = None,
        blend: dict[str, Any] | None = None,
        target: dict[str, Any] | None = None,
        noise: dict[str, Any] | None = None,
        **others: Any,
    ) -> Mixing:
        """Compose mixing from named components: each a mapping of `name` and the parameters of that function."""
        return cls(
            ratio=None if ratio is None else _component(ratios, ratio),
            partner=Partner() if partner is None else Partner.named(**partner),
            blend=_component(blends, blend or {"name": "linear"}),
            target=_component(targets, target or {"name": "mixed"}),
            noise=None if noise is None else _component(noises, noise),
            **others,
        )

    @property
    def position_size(self) -> int:
        """How many uniform numbers the blend needs to place a window; 0 if it pastes none."""
        return declaration(self.blend).position

    @property
    def mixes_several(self) -> bool:
        """Whether more than two examples are mixed: a draw of the ratio then has λ of each round."""
        return self.ratio is not None and declaration(self.ratio).several

    def __call__(self, x: Tensor, target: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Smooth the targets of a minibatch, then mix it with itself, with one λ for all its examples.

        Ratio, partners and position are drawn in this order. Noise and `cut` are left to the caller.

        Args:
            x: inputs (n, ...), floating point.
            target: class probabilities (n, classes).
            generator: the source of randomness, on the CPU or on the device of x.

        Returns:
            Mixed inputs and targets, with the shapes of x and `target`.

        Raises:
            ValueError: if partners do not come from the minibatch.
        """
        target = self.smooth(target)
        if self.ratio is None:
            return x, target
        if self.partner.scope != "batch":
            raise ValueError(f"partners come from the {self.partner.scope}: draw them and call `mix_with`")
        own_x, own_target, labels = x, target, target.argmax(-1)
        for ratio in self.ratio((), generator=generator).reshape(-1).to(x.device):
            partner = self.match(own_x, self.partner.sample(labels, generator=generator))
            position = None
            if self.position_size:
                position = torch.rand(self.position_size, device=generator.device, generator=generator).to(x.device)
            x, target = self.mix_with(x, target, own_x[partner], own_target[partner], ratio, position)
        return x, target

    def mix(
        self, x: Tensor, target: Tensor, ratio: Tensor, partner: Tensor, position: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mix a minibatch with partners that were sampled from it, after matching these.

        Args:
            x: inputs (*members, n, ...), floating point. `members` is empty or one dimension: networks that are trained
                side by side.
            target: class probabilities (*members, n, classes).
            ratio: λ, shape () or (*members,) for one λ a minibatch, (*members, n) for one an example.
            partner: int64 (*members, n), positions in the minibatch.
            position: (*ratio.shape, `position_size`), in [0, 1), if the blend pastes a window; None otherwise.

        Returns:
            Mixed inputs and targets, with the shapes of x and `target`.
        """
        partner = self.match(x, partner)
        return self.mix_with(x, target, take(x, partner), take(target, partner), ratio, position)

    def match(self, x: Tensor, partner: Tensor) -> Tensor:
        """Match the sampled partners, int64 (*members, n), of a minibatch x (*members, n, ...)."""
        return partner if self.partner.match is None else self.partner.match(x, partner)

    def mix_with(
        self,
        x: Tensor,
        target: Tensor,
        other_x: Tensor,
        other_target: Tensor,
        ratio: Tensor,
        position: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mix examples with given partners, wherever these come from; shapes as for `mix`."""
        if position is None:
            return self.blend(x, other_x, ratio), self.target(target, other_target, ratio)
        blended, kept = self.blend(x, other_x, ratio, position)
        return blended, self.target(target, other_target, kept)

    def smooth(self, target: Tensor) -> Tensor:
        """Smooth targets (Szegedy et al., 2016, section 7): (1 - ε) y + ε / classes."""
        if self.smoothing == 0.0:
            return target
        return (1 - self.smoothing) * target + self.smoothing / target.shape[-1]


def _component(module: ModuleType, spec: dict[str, Any]) -> Callable[..., Tensor]:
    named = dict(spec)
    return partial(getattr(module, named.pop("name")), **named)


def take(values: Tensor, partner: Tensor) -> Tensor:
    """Gather values (*members, n, ...) at positions (*members, n) of each member."""
    if partner.ndim == 1:
        return values[partner]
    member = torch.arange(len(partner), device=partner.device).unsqueeze(1)
    return values[member, partner]


ERM = Mixing()
"""Empirical risk minimization: nothing is mixed."""


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Compute the cross-entropy against class probabilities, averaged over the examples.

    For a mixed target it equals λ CE(logits, y_i) + (1 - λ) CE(logits, y_j), the two-term form of the released code.

    Args:
        logits: (..., n, classes).
        target: class probabilities, same shape.

    Returns:
        The mean loss in nats, shape (...); float32 also where the logits are bfloat16.
    """
    return -(target.float() * logits.float().log_softmax(-1)).sum(-1).mean(-1)
