"""Text and numbers as LaTeX: escape any string, and round to the measured precision."""

from __future__ import annotations

import math
import re
import unicodedata

SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "`": r"\textasciigrave{}",
        **{char: f"\\{char}" for char in "{}$&#%_"},
        **dict.fromkeys(map(chr, [*range(0x20), 0x7F])),  # LaTeX refuses control characters
    }
)


def escape(text: str) -> str:
    """Return plain text as LaTeX; paper/unicode.tex tells LaTeX what characters beyond ASCII look like."""
    return _separate(" ".join(unicodedata.normalize("NFC", text).split()).translate(SPECIAL))


def prose(text: str) -> str:
    """Escape text in which $...$ is mathematics, such as labels and statements of experiment files."""
    return "".join(each if index % 2 else escape_part(each) for index, each in enumerate(split_mathematics(text)))


def split_mathematics(text: str) -> list[str]:
    """Split into alternating text and mathematics (with its dollars); a dollar without a second one is text."""
    return re.split(r"(\$[^$]+\$)", text)


def escape_part(text: str) -> str:
    """Escape text and keep a space at either end, where it meets mathematics."""
    core = escape(text)
    left, right = (" " if end.isspace() else "" for end in (text[:1], text[-1:]))
    return f"{left}{core}{right}" if core else left


def _separate(source: str) -> str:
    """Prevent ligatures: two hyphens would print a dash, two commas or apostrophes a quotation mark."""
    return re.sub(r"([-,'])(?=\1)", r"\1{}", source)


def code(text: str) -> str:
    r"""Print an id, hash or path in monospaced type; it may break after punctuation, as \texttt does not hyphenate."""
    escaped = re.sub(r"(\\_|[/\-.=:,+])", r"\1\\allowbreak{}", unicodedata.normalize("NFC", text).translate(SPECIAL))
    return rf"\texttt{{{_separate(escaped)}}}"


def verdict(name: str) -> str:
    r"""Return the command of paper/supplement.tex that prints a verdict with its symbol, such as \NotRun."""
    return "\\" + name.title().replace(" ", "").replace("-", "")


def amount(value: float | None) -> str:
    """Format a sum with two digits, or as an integer from 10 on; a dash where it is unknown."""
    if value is None:
        return "--"
    if 0 < value < 0.01:
        return r"$<\num{0.01}$"
    return number(f"{value:.0f}" if value >= 10 or value == 0 else f"{float(f'{value:.2g}'):g}")


def places(std: float | None, decimals: int) -> int:
    """Return the decimal places of a mean.

    The standard deviation gets at most two digits, and the mean at most one decimal more than the published number.

    Args:
        std: sample standard deviation; None for a single run, which gets the decimals of the published number.
        decimals: of the published numbers.
    """
    if std is None:
        return decimals
    if std == 0:
        return decimals + 1
    exponent = int(f"{std:.1e}".partition("e")[2])
    return max(0, min(decimals + 1, 1 - exponent))


def fixed(value: float, places: int, *, sign: bool = False) -> str:
    """Format a number with this many decimal places, never as -0.0.

    Raises:
        ValueError: the number is infinite or NaN.
    """
    if not math.isfinite(value):
        raise ValueError(f"not a finite number: {value}")
    text = f"{value:{'+' if sign else ''}.{places}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def printed(value: float, decimals: int) -> str:
    """Format a published number with the metric's decimals, or with all its digits where the file states more."""
    text = fixed(value, decimals)
    return text if float(text) == value else repr(value)


def number(text: str | int) -> str:
    """Print a rounded decimal number; from five digits before the point on, in groups of three."""
    whole, point, rest = str(text).partition(".")
    digits = whole.lstrip("+-")
    if len(digits) > 4:
        whole = whole.removesuffix(digits) + f"{int(digits):,}"
    return rf"\num{{{whole}{point}{rest}}}"
