"""How the article prints counts, numbers and intervals."""

from markupsafe import Markup

from remixup.reporting import latex

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def words(count: int) -> str:
    """Return a count in words up to twelve."""
    return WORDS[count] if count < len(WORDS) else f"{count:,}"


def to_result(identifier: str, text: Markup) -> Markup:
    """Print a number that leads to its row in `results.html`, which has its record and commit.

    Args:
        identifier: of the row in the page.
        text: the number as LaTeX.
    """
    return Markup(rf"\result{{{identifier}}}{{{text}}}")


def number(value: float, decimals: int, unit: str) -> Markup:
    """Print a value with its unit."""
    shown = latex.number(latex.fixed(value, decimals))
    return Markup(shown + (r"\,\%" if unit == "%" else f" {latex.escape(unit)}" if unit else ""))


def sign(ends: tuple[float, float] | None) -> str:
    """Return the sign that an interval shows: "+", "-" or "none"."""
    low, high = ends or (0.0, 0.0)
    return "+" if low > 0 else "-" if high < 0 else "none"


def interval(value: float, ends: tuple[float, float] | None, unit: str) -> Markup:
    """Print a value with its unit, and the ends of its interval, with the decimals that its width asks for."""
    half = (ends[1] - ends[0]) / 2 if ends else 0.0
    decimals = max(decimals_of(half) if half > 0 else 1, 1 if abs(value) < 10 else 0)
    shown = latex.number(latex.fixed(value, decimals)) + unit
    if ends is None or half == 0:
        return Markup(shown)
    low, high = (latex.number(latex.fixed(end, decimals)) for end in ends)
    return Markup(f"{shown} [{low}, {high}]")


def decimals_of(half_width: float) -> int:
    """Return how many decimals an interval needs: one digit of its half width, two if that begins with 1."""
    digits = f"{half_width:.1e}"
    return max(0, (1 if digits[0] == "1" else 0) - int(digits.partition("e")[2]))
