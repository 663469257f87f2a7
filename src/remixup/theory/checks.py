"""Input checks of the theorems. Each returns its input converted for the computation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remixup.errors import UserError


def positive(value: float, name: str) -> float:
    """Check a number.

    Raises:
        UserError: it is not finite or not above 0.
    """
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{name} is {value}", where=name, hint="finite and above 0")
    return float(value)


def not_negative(value: float, name: str, what: str) -> float:
    """Check a number; `what` describes it in the error message.

    Raises:
        UserError: it is not finite or below 0.
    """
    if not (math.isfinite(value) and value >= 0):
        raise UserError(f"a {what} of {value}", where=name, hint="finite and at least 0")
    return float(value)


def real_rows(points: Tensor, name: str, *, width: int | None = None) -> Tensor:
    """Check a matrix, and return it unchanged.

    Raises:
        UserError: it is not a real, finite tensor of shape (n, d), n and d >= 1, or d is not `width`.
    """
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
    """Check a matrix, and return it as float64 (n, d) on the CPU.

    Raises:
        UserError: as `real_rows`.
    """
    return real_rows(points, name, width=width).detach().to("cpu", torch.float64)


def class_labels(labels: Tensor, n: int) -> Tensor:
    """Check the labels of n points, and return them as int64 (n,) on the CPU.

    Raises:
        UserError: they are not n integers.
    """
    if not _whole(labels, (n,)):
        raise UserError(f"not a tensor of integers, one for each of {n} points", where="labels", hint=f"shape ({n},)")
    return labels.detach().to("cpu", torch.int64)


def labelled_points(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Check points and labels, and return them on the CPU.

    Returns:
        float64 (n, d) and int64 (n,).

    Raises:
        UserError: see `finite_rows`; or the labels are not n integers.
    """
    points = finite_rows(points, "points")
    return points, class_labels(labels, len(points))


def classified_points(points: Tensor, labels: Tensor, classes: int | None) -> tuple[Tensor, Tensor, int]:
    """Check points and labels (see `labelled_points`), and return them with the number of classes.

    Raises:
        UserError: as `labelled_points`; or a label is negative or not below `classes`.
    """
    points, labels = labelled_points(points, labels)
    if int(labels.min()) < 0:
        raise UserError(f"a class label is {int(labels.min())}", where="labels", hint="number the classes from 0")
    least = int(labels.max()) + 1
    if classes is not None and classes < least:
        raise UserError(
            f"a class label is {least - 1} with {classes} classes", where="classes", hint=f"at least {least}"
        )
    return points, labels, classes or least


def signed_points(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Check points and signs, and return them on the CPU: float64 (n, d) and (n,).

    Raises:
        UserError: see `finite_rows`; or the labels are not n numbers, each -1 or 1.
    """
    points = finite_rows(x, "x")
    if not isinstance(y, Tensor) or y.shape != points.shape[:1] or not bool(((y == 1) | (y == -1)).all()):
        raise UserError("labels are a tensor of n numbers, each -1 or 1", where="y", hint="2 * labels - 1")
    return points, y.detach().to("cpu", torch.float64)


def mixing(ratio: float | Tensor, partner: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Check ratios and partners of n points, and return them on the CPU: float64 (n,) and int64 (n,).

    Raises:
        UserError: a ratio is not in [0, 1], a partner is none of the points, or there is not one for each point.
    """
    ratios = torch.as_tensor(ratio, dtype=torch.float64).detach().cpu()
    if ratios.shape not in ((), (n,)) or not bool(((ratios >= 0) & (ratios <= 1)).all()):
        raise UserError("not one number in [0, 1], or one for each point", where="ratio")
    if not _whole(partner, (n,)) or not bool(((partner >= 0) & (partner < n)).all()):
        raise UserError(
            "not an index of a point for each point", where="partner", hint=f"{n} integers from 0 to {n - 1}"
        )
    return ratios.expand(n), partner.detach().to("cpu", torch.int64)


def inputs_of_a_model(x: Tensor) -> Tensor:
    """Convert inputs (n, d) to float64, on their device.

    Raises:
        UserError: they are not (n, d) with n >= 1.
    """
    if x.ndim != 2 or not len(x):
        raise UserError(f"inputs of shape {tuple(x.shape)}", hint="(n, d)")
    return x.detach().to(torch.float64)


def examples_of_a_model(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Convert inputs (n, d) and labels (n,) to float64, on their devices.

    Raises:
        UserError: they are not (n, d) and (n,) with n >= 1, or a label is neither 0 nor 1.
    """
    if x.ndim != 2 or y.shape != x.shape[:1] or not len(x):
        raise UserError(
            f"inputs of shape {tuple(x.shape)} and labels of shape {tuple(y.shape)}", hint="(n, d) and (n,)"
        )
    if not bool(((y == 0) | (y == 1)).all()):
        raise UserError("a label is neither 0 nor 1", hint="the theory is for two classes")
    return x.detach().to(torch.float64), y.detach().to(torch.float64)


def weights_for(theta: Tensor, rows: Tensor) -> Tensor:
    """Weights (d,) for rows (n, d), in their dtype and on their device.

    Raises:
        UserError: there is not one for each number of a row.
    """
    if theta.shape != rows.shape[1:]:
        raise UserError(f"weights of shape {tuple(theta.shape)} for inputs of {rows.shape[1]} numbers")
    return theta.detach().to(rows)


def one_a_row(output: Tensor, x: Tensor) -> Tensor:
    """Return a model's logits of inputs (n, d).

    Raises:
        UserError: their shape is not (n,).
    """
    if output.shape != x.shape[:1]:
        raise UserError(
            f"the model gives {tuple(output.shape)} for inputs of shape {tuple(x.shape)}", hint="one logit a row"
        )
    return output


def _whole(numbers: Tensor, shape: tuple[int, ...]) -> bool:
    real = isinstance(numbers, Tensor) and not (numbers.is_floating_point() or numbers.is_complex())
    return real and numbers.dtype != torch.bool and numbers.shape == shape
