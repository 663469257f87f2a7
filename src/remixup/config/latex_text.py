r"""Check the texts of experiment files that LaTeX typesets, so that a mistake names file and key and nothing vanishes.

Captions, summaries and choices are LaTeX, in which a percent sign would drop the rest of a line. Labels and statements
are plain text in which $...$ is mathematics. A small part of LaTeX is enough for both. Mathematics is limited to what
LaTeX and matplotlib print alike.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from remixup.errors import did_you_mean


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


SYMBOLS = _names(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau",
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
    "approx ast bullet cap cdot cdots circ cup div dots ell emptyset equiv exists forall geq gg hbar in infty",
    "langle lceil ldots leftarrow leq lfloor ll mapsto mid mp nabla ne neg neq notin odot oplus otimes parallel",
    "partial perp pm prime propto quad rangle rceil rfloor rightarrow setminus sim star subset subseteq supset",
    "times to vert Rightarrow",
)
"""Mathematical commands without an argument."""
OPERATORS = _names(
    "arccos arcsin arctan arg cos cosh det dim exp gcd inf int lim ln log max min prod sin sinh sum sup tan tanh"
)
"""The same, but neither raised nor lowered without braces."""
ARGUMENTS = {"frac": 2} | dict.fromkeys(_names("mathbb mathbf mathcal mathit mathrm overline sqrt"), 1)
"""Mathematical commands -> number of arguments in braces."""
MARKS = _names("bar dot hat tilde vec")
"""Mathematical commands for what is above a letter."""
STYLES = _names(
    "cite citep citet emph textbf textit textrm textsc textsubscript textsuperscript texttt",
    "ldots textasciicircum textasciitilde textbackslash",
)
"""Commands in LaTeX text, each with braces after it, which may be empty for a sign."""
SIGNS, MATH_SIGNS = frozenset("%&#_${},- "), frozenset("%_{},;:! ")
"""Characters that a backslash may precede."""
ACCENTS = frozenset("'`^\"~=.cvuH")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\\\Z|\n[ \t]*\n|.", re.DOTALL)


class _Reader:
    """Read LaTeX token by token; ValueError where something is not in the part of LaTeX that is allowed."""

    def __init__(self, source: str) -> None:
        self.tokens = _TOKEN.findall(source)[::-1]

    def next(self) -> str:
        return self.tokens.pop() if self.tokens else ""

    def text(self, end: str = "") -> None:
        """Read text up to its end: a closing brace, or that of the source."""
        while (token := self.next()) != end:
            if token in ("", "}"):
                raise ValueError("braces are not balanced" if not token else r"write \} for a closing brace")
            if token[0] == "\n" and len(token) > 1 and end:
                raise ValueError("there is an empty line between braces")
            if token == "{":
                self.text("}")
            elif token == "$":
                self.mathematics("$")
            elif token in ("%", "&", "#"):
                raise ValueError(rf"write \{token} for {token} in LaTeX")
            elif token in ("_", "^"):
                raise ValueError(rf"write \textasciicircum{{}} or \_ for {token} in LaTeX, or $...$ for mathematics")
            elif token[0] == "\\":
                self._command(token[1:])

    def _command(self, name: str) -> None:
        if name in STYLES:
            self.open(name)
            self.text("}")
        elif name in ACCENTS:
            letter = self.next()
            if letter == "{":
                letter = self.next() if self.tokens[-2:-1] == ["}"] else ""
                self.next()
            if not (letter.isascii() and letter.isalpha()):
                raise ValueError(rf"\{name} needs a letter")
        elif name not in SIGNS:
            raise _unknown(name, STYLES)

    def open(self, name: str) -> None:
        if self.next() != "{":
            raise ValueError(rf"\{name} needs an argument in braces")

    def mathematics(self, end: str = "") -> None:
        """Read mathematics up to its end: a dollar sign, a closing brace, or that of the source."""
        scripts, empty = "", True
        while (token := self.next()) != end:
            if token in ("^", "_"):
                if token in scripts:
                    raise ValueError(f"two {token} follow each other in mathematics; group them by braces")
                scripts += token
                self.argument(token)
                continue
            scripts, empty = "", False
            self.atom(token)
        if empty and end == "$":
            raise ValueError(r"nothing is between two dollar signs; write \$ for a dollar sign")

    def atom(self, token: str) -> None:
        """Read what a mathematical token begins."""
        if token in ("", "}", "$") or (token[0] == "\n" and len(token) > 1):
            raise ValueError("mathematics or a brace in it is not closed")
        if token == "%":
            raise ValueError(r"write \% for % in mathematics")
        if token in '&#"`':
            raise ValueError(f"there is no {token} in mathematics")
        if token == "{":
            self.mathematics("}")
        elif token[0] == "\\":
            self._mathematical(token[1:])

    def _mathematical(self, name: str) -> None:
        if name == "text":
            self.open(name)
            while (token := self.next()) != "}":
                if not re.fullmatch("[A-Za-z0-9 .,:;()-]", token):
                    raise ValueError(r"\text has plain words in braces")
        elif name in ARGUMENTS:
            for _ in range(ARGUMENTS[name]):
                self.open(name)
                self.mathematics("}")
        elif name in MARKS:
            self.argument(rf"\{name}")
        elif name not in SYMBOLS | OPERATORS | MATH_SIGNS:
            raise _unknown(name, SYMBOLS | OPERATORS | MARKS | ARGUMENTS.keys())

    def argument(self, command: str) -> None:
        """Read the argument of a command, or what is raised or lowered."""
        token = self.next()
        while token == " ":
            token = self.next()
        if token in ("", "}", "$", "^", "_", "'", "~") or (token[0] == "\\" and token[1:] not in SYMBOLS):
            raise ValueError(f"{command} needs a letter, or an argument in braces")
        self.atom(token)


def _unknown(name: str, known: frozenset[str] | set[str]) -> ValueError:
    near = did_you_mean(name, known)
    return ValueError(rf"the LaTeX command \{name} is not supported" + (f"; {near}" if "did" in near else ""))


def check_latex(source: str) -> str:
    """Return LaTeX text unchanged; ValueError where LaTeX would stop at it, or leave some of it out."""
    if odd := [each for each in source if unicodedata.category(each) == "Cc" and each not in "\n\t"]:
        raise ValueError(f"there is a control character, {odd[0]!r}")
    _Reader(source.strip()).text()
    return source


def check_prose(source: str) -> str:
    """Return text unchanged; ValueError where the mathematics in it, $...$, cannot be printed."""
    for mathematics in re.findall(r"\$([^$]+)\$", source):
        if mathematics != mathematics.strip() or "\n" in mathematics:
            raise ValueError(f"${mathematics}$ would be mathematics; it has no space at its ends and no line break")
        _Reader(mathematics).mathematics()
    return source


Latex = Annotated[str, AfterValidator(check_latex)]
"""LaTeX text, such as a caption."""
Prose = Annotated[str, AfterValidator(check_prose)]
"""Plain text in which $...$ is mathematics, such as a label."""
