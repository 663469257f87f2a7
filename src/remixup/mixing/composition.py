"""Compose mixing from components and apply it to minibatches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate, get_worker_info

from remixup.mixing import blend as blends
from remixup.mixing import noise as noises
from remixup.mixing import ratio as ratios
from remixup.mixing import target as targets
from remixup.mixing.checks import Named, as_ratio, bind, check_floating, check_partners, class_probabilities
from remixup.mixing.declarations import Scope, declaration, drawing
from remixup.mixing.partner import augmented_views, minibatch, training_set, transport

_BLOCK = 2**21
"""Bytes of inputs that `_lerp` mixes at once."""


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
        component = bind("partner", _functions(*modules), {"name": name, **parameters})
        declared = declaration(component)
        if declared.sample is None:
            return cls(component, declared.scope)
        return cls(declared.sample, declared.scope, match=component)


@dataclass(frozen=True)
class Mixing:
    """A vicinal distribution (mixup paper, section 2; Chapelle et al., 2000).

    `ratio` is None where nothing is mixed: empirical risk minimization, perhaps with smoothed labels or noise.

    Call it on a minibatch, in any training loop:

    >>> mixing = Mixing.compose(ratio={"name": "beta", "alpha": 1.0}, classes=3)
    >>> x, y = torch.arange(8.0).view(4, 2), torch.tensor([0, 1, 2, 1])
    >>> mixed, target = mixing(x, y)
    >>> mixed.shape, target.shape, target.sum(1)
    (torch.Size([4, 2]), torch.Size([4, 3]), tensor([1., 1., 1., 1.]))

    or let a `DataLoader` call it: `DataLoader(dataset, batch_size=128, collate_fn=mixing.collate)`. A loop that draws
    ratios and partners itself calls `mix` or `mix_with`.
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
    classes: int | None = None
    """Number of classes, for a call with class indices. Class probabilities need none."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a number is out of bounds.
        """
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is >= 0 and < 1, not {self.smoothing!r}")
        for name, least in (("cut", 0), ("warmup_epochs", 0), ("classes", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is >= {least}, not {value!r}")

    @classmethod
    def compose(
        cls,
        ratio: Named | None = None,
        partner: Named | None = None,
        blend: Named | None = None,
        target: Named | None = None,
        noise: Named | None = None,
        *,
        cut: int = 0,
        smoothing: float = 0.0,
        warmup_epochs: int = 0,
        classes: int | None = None,
    ) -> Mixing:
        """Compose mixing from named components: each a name, or a mapping of `name` and that function's parameters.

        Raises:
            TypeError: a component or a parameter has the wrong type.
            ValueError: a name or a parameter is unknown, a parameter is missing or out of bounds, or the ratio can
                leave [0, 1] although the blend pastes windows.
        """
        chosen = partner or "permutation"
        mixing = cls(
            ratio=None if ratio is None else bind("ratio", _functions(ratios), ratio),
            partner=Partner.named(**({"name": chosen} if isinstance(chosen, str) else chosen)),
            blend=bind("blend", _functions(blends), blend or "linear"),
            target=bind("target", _functions(targets), target or "mixed"),
            noise=None if noise is None else bind("noise", _functions(noises), noise),
            cut=cut,
            smoothing=smoothing,
            warmup_epochs=warmup_epochs,
            classes=classes,
        )
        bounds = mixing.ratio.keywords if isinstance(mixing.ratio, partial) else {}
        if mixing.position_size and not 0 <= bounds.get("low", 0) < bounds.get("high", 1) <= 1:
            raise ValueError("a blend that pastes windows needs λ in [0, 1]: keep low and high of the ratio within it")
        return mixing

    @property
    def position_size(self) -> int:
        """How many uniform numbers the blend needs to place a window; 0 if it pastes none."""
        return declaration(self.blend).position

    @property
    def mixes_several(self) -> bool:
        """Whether more than two examples are mixed: a draw of the ratio then has λ of each round."""
        return self.ratio is not None and declaration(self.ratio).several

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Smooth the targets of a minibatch, then mix it with itself, with one λ for all its examples.

        Ratio, partners and position are drawn in this order. The result is that of `mix`, up to rounding. It runs under
        `torch.compile(fullgraph=True)` without a generator.

        Args:
            x: inputs (n, ...), floating point: images, or the features of a hidden layer.
            y: class indices (n,) if `classes` is set; class probabilities (n, classes); or numbers (n,) or
                (n, outputs), floating point.
            generator: the source of randomness, on the CPU or on the device of x; default: torch's global one of the
                CPU, which gives the same draws whatever the device, and which a `DataLoader` seeds for each worker.

        Returns:
            Mixed inputs, and targets: class probabilities, or mixed numbers.

        Raises:
            TypeError: x is not floating point, or y has no usable dtype.
            ValueError: shapes or labels are wrong; a component is not for this call (noise, cut, warmup_epochs,
                partners from elsewhere); or there is a generator in a worker of a `DataLoader`.
        """
        self._refuse(generator)
        target = class_probabilities(x, y, self.classes)
        check_floating(x, target)
        if self.smoothing and target.ndim < 2:
            raise ValueError("smoothing is for class probabilities: compose the mixing of numbers without it")
        target = self.smooth(target)
        if self.ratio is None:
            return x, target
        labels = target.argmax(-1) if y.is_floating_point() and y.ndim > 1 else y
        own_x, own_target = x, target
        quick = self._quick(x)
        drawn = self.ratio((), generator=generator)
        for ratio in drawn.unbind() if drawn.ndim else (drawn,):
            partner = self.match(own_x, self.partner.sample(labels, generator=generator))
            if quick:
                weight = float(ratio)
                x = _lerp(x, own_x, partner, weight)
                target = _lerp(target, own_target, partner, weight)
            else:
                position = None
                if self.position_size:
                    position = torch.rand(self.position_size, **drawing(generator)).to(x.device)
                other_x, other_target = take(own_x, partner), take(own_target, partner)
                x, target = self.mix_with(x, target, other_x, other_target, ratio.to(x.device), position)
        return x, target

    def _quick(self, x: Tensor) -> bool:
        """Whether `_lerp` may mix: linearly, in usual precision, on the CPU, without gradients and compiler."""
        if torch.compiler.is_compiling() or x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
            return False
        linear = _function(self.blend) is blends.linear and _function(self.target) is targets.mixed
        return linear and x.is_contiguous() and not (x.requires_grad and torch.is_grad_enabled())

    def _refuse(self, generator: torch.Generator | None) -> None:
        """Raise ValueError if a call would leave out a setting, or repeat the draws of another worker."""
        if self.noise is not None:
            raise ValueError("a call adds no noise: add it to x first, and compose the mixing without it")
        if self.cut:
            advice = "call the mixing on the features of that layer, and compose it without cut"
            raise ValueError(f"a call mixes what it is given, not features after stage {self.cut}: {advice}")
        if self.warmup_epochs:
            advice = "compose the mixing without warmup_epochs, and begin to call it later"
            raise ValueError(f"a call counts no epochs: {advice}")
        if self.partner.scope != "batch":
            raise ValueError(f"partners come from the {self.partner.scope}: draw them and call `mix_with`")
        if generator is not None and not torch.compiler.is_compiling() and get_worker_info() is not None:
            advice = "leave it out, because the loader seeds each worker (DataLoader(..., generator=...))"
            raise ValueError(f"every worker of a DataLoader has a copy of this generator and draws the same: {advice}")

    def collate(self, examples: Sequence[tuple[Any, Any]]) -> tuple[Tensor, Tensor]:
        """Join pairs of input and label to a minibatch and mix it: a `collate_fn` for `DataLoader`.

        Each worker draws from its own generator, which the loader seeds anew in each epoch.
        """
        batch = default_collate(list(examples))
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            advice = "for others write a collate_fn that calls the mixing"
            raise ValueError(f"examples are pairs of input and label; {advice}")
        return self(batch[0], batch[1])

    def mix(
        self, x: Tensor, target: Tensor, ratio: Tensor | float, partner: Tensor, position: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mix a minibatch with partners that were sampled from it, after matching these.

        Noise, smoothing, `cut` and `warmup_epochs` are left to the caller.

        Args:
            x: inputs (*members, n, ...), floating point. `members` is empty or one dimension: networks that are trained
                side by side.
            target: class probabilities (*members, n, classes), or numbers (*members, n) or (*members, n, outputs).
            ratio: λ, shape () or (*members,) for one λ a minibatch, (*members, n) for one an example. A linear blend
                extrapolates where it is outside [0, 1].
            partner: int64 (*members, n), positions in the minibatch.
            position: (*ratio.shape, `position_size`), in [0, 1), if the blend pastes a window; None otherwise.

        Returns:
            Mixed inputs and targets, with the shapes of x and `target`.

        Raises:
            TypeError: inputs or targets are not floating point, or partners are no positions.
            ValueError: shapes do not match, or λ is impossible.
        """
        check_floating(x, target)
        check_partners(x, target, partner)
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
        ratio: Tensor | float,
        position: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mix examples with given partners, wherever these come from; arguments and errors as for `mix`."""
        check_floating(x, target)
        ratio = as_ratio(ratio, x, window=self.position_size > 0)
        if self.position_size and position is None:
            advice = f"give position, {self.position_size} numbers in [0, 1) for each λ"
            raise ValueError(f"the blend pastes a window: {advice}")
        if position is None:
            return self.blend(x, other_x, ratio), self.target(target, other_target, ratio)
        blended, kept = self.blend(x, other_x, ratio, position)
        return blended, self.target(target, other_target, kept)

    def smooth(self, target: Tensor) -> Tensor:
        """Smooth targets (Szegedy et al., 2016, section 7): (1 - ε) y + ε / classes."""
        if self.smoothing == 0.0:
            return target
        return (1 - self.smoothing) * target + self.smoothing / target.shape[-1]


def _functions(*modules: ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the components that modules define: their public functions."""
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _function(component: Callable[..., Any]) -> Callable[..., Any]:
    return component.func if isinstance(component, partial) else component


def _lerp(values: Tensor, own: Tensor, partner: Tensor, ratio: float) -> Tensor:
    """Mix values (n, ...) with own[partner] linearly, up to rounding, with little traffic of memory.

    `lerp` reads and writes each number once, where the formula makes three temporary tensors. Large minibatches are
    mixed in blocks, which stay in the cache between the two operations. Rows of one dimension are gathered fastest.
    """
    flat = own.reshape(len(own), -1)
    rows = flat if values is own else values.reshape(len(own), -1)
    if own.nbytes <= _BLOCK:
        return flat.index_select(0, partner).lerp_(rows, ratio).view(values.shape)
    mixed, size = torch.empty_like(flat), max(1, _BLOCK * len(own) // own.nbytes)
    for block, some, positions in zip(mixed.split(size), rows.split(size), partner.split(size), strict=True):
        torch.index_select(flat, 0, positions, out=block)
        block.lerp_(some, ratio)
    return mixed.view(values.shape)


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
