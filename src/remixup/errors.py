"""The one kind of error that a user can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake of the user's, told in one message; the command line prints it and exits with status 2.

    Args:
        what: what is wrong, one sentence without a full stop.
        where: the place (file, and key inside it) at which to mend it.
        hint: what would be right.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{_shown(self.where, 400)}: " if self.where else ""
        advice = f" ({_shown(self.hint, 500)})" if self.hint else ""
        return f"{place}{_shown(self.what, 1000)}{advice}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.what, self.where, self.hint)


def _rebuild(what: str, where: str | None, hint: str | None) -> UserError:
    return UserError(what, where=where, hint=hint)


def _shown(text: str, most: int) -> str:
    """At most so many characters: a file's content, quoted, neither floods the terminal nor controls it."""
    plain = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[: most + 1])
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The advice for a misspelt name: the nearest valid one, or the list of all where none is near."""
    choices = sorted(valid)
    near = difflib.get_close_matches(name[:200], choices, n=1, cutoff=0.5)  # long names take long, and are like none
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(choices) or 'none'}"
