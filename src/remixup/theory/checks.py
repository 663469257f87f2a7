"""Input checks. Each raises UserError for an invalid argument, or returns it converted for the computation."""

import math

import torch
from torch import Tensor

from remixup.errors import UserError


def positive(value: float, name: str) -> float:
    """Check that a number is finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{name} is {value}", where=name, hint="finite and above 0")
    return float(value)


def real_rows(points: Tensor, name: str, *, width: int | None = None) -> Tensor:
    """Check a real, finite matrix (n, d) with n, d >= 1 (and d == `width`); return it in its dtype, on its device."""
    if not isinstance(points, Tensor) or points.is_complex() or points.dtype == torch.bool:
        raise UserError("not a tensor of real numbers", where=name, hint="torch.as_tensor(array)")
    if points.ndim != 2 or 0 in points.shape:
        raise UserError(f"shape {tuple(points.shape)}", where=name, hint="(number, features), both at least 1")
    if width is not None and points.shape[1] != width:
        raise UserError(f"{points.shape[1]} features where the points have {width}", where=name)
    if not bool(torch.isfinite(points).all()):
        raise UserError("a value is not finite", where=name)
    return points


def finite_rows(points: Tensor, name: str, *, width: int | None = None) -> Tensor:
    """Check a matrix as `real_rows` does; return it as float64 on the CPU."""
    return real_rows(points, name, width=width).detach().to("cpu", torch.float64)


def integers(values: Tensor, name: str, n: int) -> Tensor:
    """Check that there is one integer for each of n points; return int64 (n,) on the CPU."""
    whole = isinstance(values, Tensor) and not (values.is_floating_point() or values.is_complex())
    if not whole or values.dtype == torch.bool or values.shape != (n,):
        raise UserError(f"not a tensor of integers, one for each of {n} points", where=name, hint=f"shape ({n},)")
    return values.detach().to("cpu", torch.int64)


def labelled_points(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Check points and integer labels; return float64 (n, d) and int64 (n,) on the CPU."""
    points = finite_rows(points, "points")
    return points, integers(labels, "labels", len(points))


def classified_points(points: Tensor, labels: Tensor, classes: int | None = None) -> tuple[Tensor, Tensor, int]:
    """Check points and labels from 0 to `classes` - 1; return them on the CPU, with the number of classes."""
    points, labels = labelled_points(points, labels)
    least = int(labels.max()) + 1
    if int(labels.min()) < 0:
        raise UserError(f"a class label is {int(labels.min())}", where="labels", hint="number the classes from 0")
    if classes is not None and classes < least:
        what = f"a class label is {least - 1} with {classes} classes"
        raise UserError(what, where="classes", hint=f"at least {least}")
    return points, labels, classes or least


def binary_examples(x: Tensor, y: Tensor, *, negative: int) -> tuple[Tensor, Tensor]:
    """Check inputs and labels, each `negative` or 1; return float64 (n, d) and (n,) on the CPU."""
    x = finite_rows(x, "x")
    if not isinstance(y, Tensor) or y.shape != x.shape[:1]:
        raise UserError(f"the labels' shape is not ({len(x)},)", where="y", hint="a tensor with a label for each input")
    if not bool(((y == negative) | (y == 1)).all()):
        raise UserError(f"a label is neither {negative} nor 1", where="y", hint="the theory is for two classes")
    return x, y.detach().to("cpu", torch.float64)
