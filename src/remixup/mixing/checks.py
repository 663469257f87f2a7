"""Checks of arguments. Each message says what is wrong and what to do."""

import inspect
import math
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor

from remixup.errors import did_you_mean, require_known

Named = str | Mapping[str, Any]
"""A component: its name, or a mapping of `name` and the parameters of that function."""

_BOUNDS: dict[type, tuple[str, str, Callable[[Any, Any], bool]]] = {
    Gt: ("gt", ">", lambda value, bound: value > bound),
    Ge: ("ge", ">=", lambda value, bound: value >= bound),
    Lt: ("lt", "<", lambda value, bound: value < bound),
    Le: ("le", "<=", lambda value, bound: value <= bound),
}


def bind(kind: str, functions: Mapping[str, Callable[..., Any]], given: Named) -> partial[Any]:
    """Return the function that `given` names, with its parameters bound.

    Raises:
        TypeError: `given` or a parameter has the wrong type.
        ValueError: the name or a parameter is unknown, a parameter is missing or out of bounds.
    """
    named = {"name": given} if isinstance(given, str) else given
    if not isinstance(named, Mapping) or not isinstance(named.get("name"), str):
        example = "{'name': ..., parameter: value}"
        raise TypeError(f"a {kind} is a name or a mapping {example}, not {given!r}; {did_you_mean('', functions)}")
    parameters = dict(named)
    name = parameters.pop("name")
    require_known(kind, name, functions)
    function = functions[name]
    hints = typing.get_type_hints(function, include_extras=True)
    known = {
        key: parameter
        for key, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key != "generator"
    }
    for key, value in parameters.items():
        if key not in known:
            raise ValueError(f"{kind} {name} has no parameter {key!r}; {did_you_mean(str(key), known)}")
        _check_parameter(f"{kind} {name}: {key}", value, hints[key])
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in parameters:
            raise ValueError(f"{kind} {name} needs the parameter {key!r}")
    return partial(function, **parameters)


def _check_parameter(what: str, value: Any, hint: Any) -> None:
    """Compare a value with the type of a parameter and its bounds."""
    kind, *notes = typing.get_args(hint) if typing.get_origin(hint) is Annotated else [hint]
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise ValueError(f"{what} cannot be {value!r}; {did_you_mean(str(value), choices)}")
        return
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{what} is of type {kind.__name__}, not {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{what} is a finite number, not {value!r}")
    for note in notes:
        attribute, symbol, holds = _BOUNDS[type(note)]
        bound = getattr(note, attribute)
        if not holds(value, bound):
            raise ValueError(f"{what} is {symbol} {bound:g}, not {value!r}")


def check_floating(x: Tensor, target: Tensor) -> None:
    """Raise TypeError if inputs or targets are not floating-point tensors: λ would be rounded to 0."""
    if not isinstance(x, Tensor) or not isinstance(target, Tensor):
        raise TypeError(f"inputs and targets are tensors, not {type(x).__name__} and {type(target).__name__}")
    if not x.is_floating_point():
        advice = "x.float() / 255" if x.dtype == torch.uint8 else "x.float()"
        raise TypeError(f"inputs of dtype {x.dtype} cannot be mixed: convert them first, for example {advice}")
    if not target.is_floating_point():
        advice = "call the mixing as a whole with class indices, or use torch.nn.functional.one_hot(y, classes).float()"
        raise TypeError(f"targets of dtype {target.dtype} cannot be mixed: {advice}")


def check_partners(x: Tensor, target: Tensor, partner: Tensor) -> None:
    """Raise TypeError or ValueError if partners are not positions in minibatches of these inputs and targets."""
    if not isinstance(partner, Tensor) or partner.dtype != torch.int64:
        found = partner.dtype if isinstance(partner, Tensor) else type(partner).__name__
        raise TypeError(f"partners are positions in the minibatch, an int64 tensor, not {found}")
    lead = partner.shape
    if partner.ndim == 0 or x.shape[: partner.ndim] != lead or target.shape[: partner.ndim] != lead:
        shapes = f"{tuple(x.shape)}, targets of shape {tuple(target.shape)} and partners of shape {tuple(lead)}"
        raise ValueError(f"inputs of shape {shapes} differ in their numbers of examples")


def as_ratio(ratio: Tensor | float, x: Tensor, window: bool) -> Tensor:
    """Return λ as a tensor, or raise ValueError if the blend does not allow the value."""
    if isinstance(ratio, Tensor):
        return ratio
    if not math.isfinite(ratio) or (window and not 0 <= ratio <= 1):
        raise ValueError(f"λ is {'a share in [0, 1]' if window else 'a finite number'}, not {ratio!r}")
    return torch.tensor(ratio, dtype=torch.float64, device=x.device)


def class_probabilities(x: Tensor, y: Tensor, classes: int | None) -> Tensor:
    """Return the targets of a minibatch: class indices become probabilities, other targets stay.

    Args:
        x: inputs (n, ...).
        y: class indices (n,) of an integer dtype; class probabilities (n, classes) or numbers (n,) or (n, outputs), of
            a floating-point dtype.
        classes: the number of classes, if known.

    Returns:
        Floating-point targets; probabilities of class indices (n, classes) are float64 if x is, else float32.

    Raises:
        TypeError: the labels are boolean, or no tensors.
        ValueError: shapes do not match, or a label is no class.
    """
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise TypeError(f"inputs and labels are tensors, not {type(x).__name__} and {type(y).__name__}")
    if y.dtype == torch.bool:
        raise TypeError("labels are class indices or probabilities, not boolean: convert them with y.long()")
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        shapes = f"inputs of shape {tuple(x.shape)} and labels of shape {tuple(y.shape)}"
        raise ValueError(f"{shapes} are no minibatch: both need the same first dimension")
    if y.is_floating_point():
        if classes is not None and (y.ndim != 2 or y.shape[1] != classes):
            raise ValueError(f"class probabilities have the shape ({len(x)}, {classes}), not {tuple(y.shape)}")
        return y
    if y.ndim != 1:
        advice = "give class indices (n,), or convert one-hot labels to probabilities with y.float()"
        raise ValueError(f"integer labels of shape {tuple(y.shape)} are no class indices: {advice}")
    if classes is None:
        advice = "Mixing.compose(..., classes=10)"
        raise ValueError(f"class indices need the number of classes: {advice}; or give class probabilities")
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    target = torch.zeros((len(y), classes), dtype=dtype, device=y.device)
    positions = y.long().unsqueeze(1)
    if torch.compiler.is_compiling():
        return target.scatter_(1, positions, 1.0)
    try:
        return target.scatter_(1, positions, 1.0)
    except RuntimeError:  # on the CPU; a check before it would take as long as the rest, and on a GPU wait for it
        low, high = int(y.min()), int(y.max())
        wrong = low if low < 0 else high
        what = f"label {wrong} is no class: with classes={classes} labels are 0 to {classes - 1}"
        raise ValueError(what) from None
