"""Text and numbers as LaTeX: escaping that survives any string, rounding that claims no more than was measured."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
}
LETTERS = {"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}"}
LETTERS |= {"ł": r"\l{}", "Ł": r"\L{}", "đ": r"\dj{}", "Đ": r"\DJ{}", "ð": r"\dh{}", "þ": r"\th{}", "Þ": r"\TH{}"}
LETTERS |= dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))  # Greek ones that have Latin shapes
LETTERS |= {"ı": r"\i{}", "\u00a0": "~", "\u00ad": r"\-", "\u2009": r"\,", "\u202f": r"\,", "\u2060": "", "\ufeff": ""}
LETTERS |= {"–": r"\textendash{}", "—": r"\textemdash{}", "‐": "-", "‑": r"\mbox{-}", "‘": r"\textquoteleft{}"}
LETTERS |= {"’": r"\textquoteright{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}", "…": r"\dots{}"}
LETTERS |= {"«": r"\guillemotleft{}", "»": r"\guillemotright{}", "•": r"\textbullet{}", "§": r"\S{}", "¶": r"\P{}"}
LETTERS |= {"©": r"\textcopyright{}", "®": r"\textregistered{}", "™": r"\texttrademark{}", "€": r"\texteuro{}"}
LETTERS |= {"£": r"\pounds{}", "°": r"\textdegree{}", "†": r"\dag{}", "‡": r"\ddag{}", "¡": r"\textexclamdown{}"}
LETTERS |= {"¿": r"\textquestiondown{}", "·": r"\textperiodcentered{}", "µ": r"\ensuremath{\mu}"}
MATHS = {"×": "times", "÷": "div", "±": "pm", "∓": "mp", "−": "-", "≤": "leq", "≥": "geq", "≠": "neq", "≈": "approx"}
MATHS |= {"∼": "sim", "≪": "ll", "≫": "gg", "∞": "infty", "→": "rightarrow", "←": "leftarrow", "↔": "leftrightarrow"}
MATHS |= {"⇒": "Rightarrow", "↑": "uparrow", "↓": "downarrow", "∈": "in", "∉": "notin", "∑": "sum", "∏": "prod"}
MATHS |= {"√": "surd", "∂": "partial", "∇": "nabla", "ℓ": "ell", "∀": "forall", "∃": "exists", "∅": "emptyset"}
GREEK = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma varsigma tau upsilon "
    "varphi chi psi omega epsilon vartheta phi Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
MATHS |= dict(zip("αβγδεζηθικλμνξπρσςτυφχψωϵϑϕΓΔΘΛΞΠΣΥΦΨΩ", GREEK.split(), strict=True))
MATHS |= {"⋅": "cdot", "∘": "circ", "⊂": "subset", "∩": "cap", "∪": "cup", "✓": "checkmark", "′": "prime"}
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": "."}
ACCENTS |= {"\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k", "\u0323": "d"}
RAISED = {"<super>": "textsuperscript", "<sub>": "textsubscript"}
SAME = {"<font>", "<compat>", "<wide>", "<noBreak>"}  # another shape of the same letter

TOGETHER = 8
"""A table begins only where its page has room for so many of its lines, or for all that it has."""


def escape(text: str) -> str:
    """Plain text as LaTeX that prints it; what the fonts lack is printed as its code point (U+4E2D)."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return _apart("".join(map(_character, plain)))


def prose(text: str) -> str:
    """Plain text in which $...$ is mathematics, as labels and statements of experiment files have it."""
    return "".join(part if index % 2 else _spaced(part) for index, part in enumerate(pieces(text)))


def pieces(text: str) -> list[str]:
    """Text and mathematics (with its dollars) by turns; a dollar without a second one is text."""
    return re.split(r"(\$[^$]+\$)", text)


def breadth(text: str) -> int:
    """About how many characters wide `prose` prints a text: a command of mathematics is one, its signs none."""
    plain = (re.sub(r"[${}^_]|\\[ ,;]", "", re.sub(r"\\[A-Za-z]+", "x", part)) for part in pieces(text)[1::2])
    return sum(map(len, pieces(text)[::2])) + sum(map(len, plain))


def _spaced(part: str) -> str:
    """Escaped text that keeps the space at either end, where it meets mathematics."""
    core = escape(part)
    left, right = (" " if end.isspace() else "" for end in (part[:1], part[-1:]))
    return f"{left}{core}{right}" if core else left


def _apart(source: str) -> str:
    """Keeps neighbours from joining: two hyphens would be a dash, two commas or apostrophes a quotation mark."""
    return re.sub(r"([-,'])(?=\1)", r"\1{}", source)


def _character(char: str) -> str:
    if char.isascii() and char.isprintable():
        return SPECIAL.get(char, char)
    if char in LETTERS:
        return LETTERS[char]
    if char in MATHS:
        name = MATHS[char]
        return rf"\ensuremath{{{name if name == '-' else chr(92) + name}}}"
    parts = unicodedata.normalize("NFD", char)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in ACCENTS:
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    tag, _, like = unicodedata.decomposition(char).partition(" ")
    if tag in RAISED:
        return rf"\{RAISED[tag]}{{{''.join(_character(chr(int(point, 16))) for point in like.split())}}}"
    if tag in SAME:
        return "".join(_character(chr(int(point, 16))) for point in like.split())
    return rf"\texttt{{U+{ord(char):04X}}}"


def code(text: str) -> str:
    r"""An id, hash or path in monospaced type, with places to break: \texttt does not hyphenate."""
    kept = unicodedata.normalize("NFC", text)
    broken = "".join(_character(char) + (r"\allowbreak{}" if char in "/_-.=:,+" else "") for char in kept)
    return rf"\texttt{{{_apart(broken)}}}"


def listed(items: Iterable[str]) -> str:
    """LaTeX fragments joined as a person would: a, b and c."""
    *rest, last = items
    return f"{', '.join(rest)} and {last}" if rest else last


def macro(name: str, value: str | int) -> str:
    """The line that defines a LaTeX command without arguments."""
    if not name.isalpha():
        raise ValueError(f"a LaTeX command's name is letters only, not {name!r}")
    return rf"\newcommand{{\{name}}}{{{value}}}"


def places(std: float | None, decimals: int) -> int:
    """Decimal places for a mean: of its standard deviation at most two digits, and at most one more than published.

    Args:
        std: sample standard deviation; None for a single run, which is printed to the published number's places.
        decimals: of the published numbers.
    """
    if std is None:
        return decimals
    if std == 0:
        return decimals + 1
    exponent = int(f"{std:.1e}".partition("e")[2])
    return max(0, min(decimals + 1, 1 - exponent))


def fixed(value: float, places: int, *, sign: bool = False) -> str:
    """A finite number to so many decimal places; never -0.0. Raises ValueError on infinity and NaN."""
    if not math.isfinite(value):
        raise ValueError(f"not a finite number: {value}")
    text = f"{value:{'+' if sign else ''}.{places}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def printed(value: float, decimals: int) -> str:
    """A published number: to the metric's decimals, but never with fewer digits than the experiment file states."""
    text = fixed(value, decimals)
    return text if float(text) == value else repr(value)


def number(text: str) -> str:
    """A decimal number already rounded, from five digits before the point on in groups of three."""
    whole, point, rest = text.partition(".")
    digits = whole.lstrip("+-")
    if len(digits) > 4:
        whole = whole.removesuffix(digits) + f"{int(digits):,}"
    return rf"\num{{{whole}{point}{rest}}}"


def interval(low: float, high: float, places: int) -> str:
    """[low, high], both to the same decimal places."""
    return f"[{number(fixed(low, places))}, {number(fixed(high, places))}]"


def aligned(cells: list[str]) -> list[str]:
    r"""The cells of a right-aligned column with their decimal points below each other.

    A number, perhaps after a declaration such as \itshape, is followed by room for the digits that others have after
    the point; any other cell but an empty one stands where integers do.
    """
    # siunitx has columns for this. They took a third of the time in which the report is set, and \num another.
    parts = [cell.rpartition(" ") for cell in cells]
    numbers = [word if word.lstrip("+-").replace(".", "", 1).isdigit() else "" for *_, word in parts]
    after = [text.partition(".")[2] for text in numbers]
    longest = max(map(len, after), default=0)
    found = []
    for cell, (*before, _), text, digits in zip(cells, parts, numbers, after, strict=True):
        room = ("" if digits else ".") + "0" * (longest - len(digits)) if cell and longest > len(digits) else ""
        shown = "".join(before) + number(text) if text else cell
        found.append(shown + (rf"\phantom{{{room}}}" if room else ""))
    return found


def table(
    columns: list[str],
    head: list[str],
    lines: list[list[str] | str],
    *,
    caption: str = "",
    label: str = "",
    notes: str = "",
) -> str:
    """A booktabs table that stands where it is written; one that outgrows its page repeats head and notes on the next.

    Args:
        columns: one column specification each; their number is the table's width.
        head: the cells of the head, LaTeX (one may span several columns); none for a table without a head.
        lines: LaTeX cells (an empty first one, or one below \\totalrule, stays with the row above, a single one with
            the row below), or a string: a heading over what follows.
        caption: LaTeX; without one the bare tabular is returned.
        label: what \\ref refers to.
        notes: LaTeX set small below the table.
    """
    spec = "".join(columns)
    start = "\\toprule" + (f"\n{' & '.join(head)} \\\\\n\\midrule" if head else "")
    goes_on = [
        isinstance(below, list) and (len(line) == 1 or not below[0] or below[0].startswith(r"\totalrule"))
        for line, below in pairwise([*lines, "end"])
    ]
    body = "\n".join(
        _line(line, len(columns), first=index == 0, with_next=goes_on[index]) for index, line in enumerate(lines)
    )
    if not caption:
        return f"\\begin{{tabular}}{{{spec}}}\n{start}\n{body}\n\\bottomrule\n\\end{{tabular}}"
    first = f"\\caption{{{caption}}}\\label{{{label}}} \\\\\n{start}\n\\endfirsthead"
    again = rf"\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}{{\emph{{Table \thetable, continued}}}} \\"
    # As high on every page as on the last: so there is room for the notes wherever the table ends.
    below = f"\n\\multicolumn{{{len(columns)}}}{{c}}{{{notes}}} \\\\" if notes else ""
    ends = f"\\midrule{below}\n\\endfoot\n\\bottomrule{below}\n\\endlastfoot"
    inner = f"{first}\n{again}\n{start}\n\\endhead\n{ends}\n{body}"
    whole = f"\\begin{{longtable}}{{{spec}}}\n{inner}\n\\end{{longtable}}"
    return f"\\begin{{standing}}{{{min(len(lines), TOGETHER)}}}\n{whole}\n\\end{{standing}}"


def _line(line: list[str] | str, width: int, *, first: bool, with_next: bool) -> str:
    if isinstance(line, list):  # no page ends before a line that goes on with the same row
        return " & ".join(line) + (r" \\*" if with_next else r" \\")
    space = "" if first else "\\addlinespace\n"
    return rf"{space}\multicolumn{{{width}}}{{@{{}}l}}{{\emph{{{line}}}}} \\*"
