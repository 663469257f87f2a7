"""Text of the results page: TeX as Unicode, numbers, names of papers, and what outcomes mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pylatexenc.latex2text import LatexNodes2Text

from remixup.analysis.result_schema import Verdict
from remixup.reporting import latex

_TEX = LatexNodes2Text(math_mode="text")
_RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_LOWERED = str.maketrans("0123456789+-−ijnx", "₀₁₂₃₄₅₆₇₈₉₊₋₋ᵢⱼₙₓ")

NUMBER_OUTCOMES: dict[Verdict, tuple[str, str]] = {
    "replicated": (
        "✓",
        "The 90 % interval of our mean is within the tolerance of the published number, with at least five seeds.",
    ),
    "not replicated": ("✗", "Our mean is farther off than the tolerance, and chance does not explain it."),
    "inconclusive": ("~", "The runs show neither. It counts neither for nor against the paper."),
    "surrogate": ("†", "The runs use a surrogate, so they are not compared with the published number."),
    "not run": ("○", "There is no run of it: the data or the hardware was not available."),
    "failed": ("!", "A run stopped with an error."),
    "diverged": ("∞", "The loss of a run did not stay finite."),
    "no value": ("–", "The evaluation had nothing to measure."),
    "not transcribed": ("–", "The paper prints a number here that could not be read, so there is nothing to compare."),
    "no published number": ("–", "The paper prints no number here."),
}
"""Verdict on a number -> its symbol, and what it means."""
CLAIM_OUTCOMES: dict[str, tuple[str, str]] = {
    "supported": ("✓", "Published protocol: the effect is larger than the smallest effect of interest."),
    "positive": ("+", "Published protocol: the effect has the claimed sign, and its size is open."),
    "no effect": ("0", "Published protocol: no effect of interest in either direction."),
    "contradicted": ("✗", "Published protocol: the effect has the opposite sign."),
    "open": ("~", "The interval allows for more than one of these, or there are fewer than five seeds."),
    "protocol not recovered": ("–", "The published number of the baseline is not replicated, so nothing is decided."),
    "agrees": ("†", "An informative surrogate shows the claimed effect. It does not decide the claim."),
    "disagrees": ("†", "An informative surrogate shows no effect, or the opposite. It does not decide the claim."),
    "not informative": ("–", "A surrogate whose baseline shows that it says nothing about the claim."),
    "not run": ("○", "There is no run of it."),
    "definition": ("≡", "A definition. A test compares the code with it."),
    "untested": ("–", "No run here can decide it."),
}
"""Outcome of a claim -> its symbol, and what it means. A claim of "no more" than some effect is supported by less."""


def plain(text: str) -> str:
    r"""Return text of an experiment file with its mathematics, such as $\alpha$, in Unicode."""
    return "".join(_math(each) if index % 2 else each for index, each in enumerate(latex.split_mathematics(text)))


def _math(tex: str) -> str:
    text = _TEX.latex_to_text(tex)
    text = re.sub(r"\^([-−+]?[0-9n]+)", lambda found: found[1].translate(_RAISED), text)
    return re.sub(r"_([0-9ijnx]+|∞)", lambda found: found[1].translate(_LOWERED), text)


def number(value: float, places: int, *, sign: bool = False) -> str:
    """Print a number with this many decimals and a minus sign."""
    return latex.fixed(value, places, sign=sign).replace("-", "−")


def interval(ends: tuple[float, float] | None, places: int) -> str:
    """Print an interval; nothing without one."""
    return f"{number(ends[0], places)} to {number(ends[1], places)}" if ends else ""


def probability(p: float | None) -> str:
    """Print a p-value; nothing without one."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


@dataclass(frozen=True)
class Paper:
    """A paper, as the page names it."""

    name: str
    title: str
    url: str

    def __str__(self) -> str:
        """Return its short name."""
        return self.name


def read_papers(bibliography: Path) -> dict[str, Paper]:
    """Return the papers of a BibTeX file by key: "Zhang et al. (2018)", title, address."""
    entries = re.findall(r"(?ms)^@(?!string)\w+\{([^,\s]+),(.*?)^\}", bibliography.read_text(encoding="utf-8"))
    return {key: _paper(key, dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*\{(.*)\},?$", body))) for key, body in entries}


def _paper(key: str, fields: dict[str, str]) -> Paper:
    authors = [name.partition(",")[0] for name in fields.get("author", key).split(" and ")]
    first = authors[0] if len(authors) != 2 else " and ".join(authors)
    name = f"{first} et al." if len(authors) > 2 else first
    text = _TEX.latex_to_text
    return Paper(text(f"{name} ({fields.get('year', 'n.d.')})"), text(fields.get("title", "")), fields.get("url", ""))
