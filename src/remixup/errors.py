"""The error for invalid user input."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class UserError(Exception):
    """Error caused by invalid user input. The CLI prints it and exits with status 2.

    Args:
        what: what is wrong, one sentence without a full stop.
        where: the file, and the key inside it, to correct.
        hint: what would be right.
        details: what is printed below, each on a line of its own; without it the error is one line.
    """

    def __init__(
        self, what: str, *, where: str | None = None, hint: str | None = None, details: Iterable[str] = ()
    ) -> None:
        super().__init__(what)
        self.what, self.where, self.hint, self.details = what, where, hint, list(details)

    def __str__(self) -> str:
        place = f"{_printable(self.where, 400)}: " if self.where else ""
        advice = f" ({_printable(self.hint, 500)})" if self.hint else ""
        below = "".join(f"\n  {_printable(each, 400)}" for each in self.details)
        return f"{place}{_printable(self.what, 1000)}{advice}{below}"


def _printable(text: str, limit: int) -> str:
    """Truncate to `limit` characters and escape non-printable ones."""
    plain = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[: limit + 1])
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return "did you mean" with the nearest valid name, or the list of all valid names if none is near."""
    choices = sorted(valid)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(choices) or 'none'}"


def look_up(kind: str, name: str, valid: Mapping[str, Value], where: str | None = None) -> Value:
    """Return what has a name; raise UserError, with the nearest valid name, where nothing has it."""
    if name not in valid:
        raise UserError(f"unknown {kind} {name!r}", where=where, hint=did_you_mean(name, valid))
    return valid[name]


def require_known(kind: str, name: str, valid: Collection[str], where: str = "") -> None:
    """Raise ValueError, which pydantic reports, if a name is not valid; the message suggests the nearest valid name."""
    if name not in valid:
        raise ValueError(f"{where and f'{where}: '}unknown {kind} {name!r}; {did_you_mean(str(name), valid)}")
