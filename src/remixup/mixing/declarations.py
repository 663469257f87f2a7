"""Facts that a mixing component declares beside its code, besides its parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import torch

Scope = Literal["batch", "dataset", "example"]
"""Where partners come from: the minibatch, the whole training set, or the example's own set of views."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Declaration:
    """The facts about one component; a component that declares nothing has the defaults."""

    scope: Scope = "batch"
    """Of a partner: where it comes from."""
    sample: Callable[..., Any] | None = None
    """Of a partner that is matched by the inputs: draws the candidates. The component matches them."""
    permutes: bool = False
    """Of a partner: whether it is a uniformly random permutation of the minibatch."""
    needs_classes: bool = False
    """Of a partner: whether labels must be class indices."""
    several: bool = False
    """Of a ratio: whether it mixes more than two examples. A draw then has λ of each round in its last dimension."""
    pairs_only: bool = False
    """Of a blend or target: whether it is only defined for two examples."""
    tasks: tuple[str, ...] = ()
    """Of a blend: the tasks of the datasets that it is for; empty: all."""
    position: int = 0
    """Of a blend: how many uniform numbers place its window. Such a blend also returns the share that x_i keeps."""


def declare(**facts: Any) -> Callable[[_Function], _Function]:
    """Attach the fields of a `Declaration` to a component."""
    declared = Declaration(**facts)

    def attach(function: _Function) -> _Function:
        function.declaration = declared  # type: ignore[attr-defined]
        return function

    return attach


def declaration(component: Callable[..., Any]) -> Declaration:
    """Return what a component declares, also with its parameters bound by `functools.partial`."""
    function = component.func if isinstance(component, partial) else component
    return getattr(function, "declaration", Declaration())


def drawing(generator: torch.Generator | None) -> dict[str, Any]:
    """Return the arguments of `torch.rand` and its like: without a generator they draw from torch's global one.

    That is on the CPU. The compiler accepts no generator, not even None.
    """
    return {"device": "cpu"} if generator is None else {"device": generator.device, "generator": generator}
