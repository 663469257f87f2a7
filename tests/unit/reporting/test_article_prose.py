"""The prose of the article: no result is typed, and each effect that it prints is bound to an outcome or a sign."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from remixup.reporting import templates
from remixup.reporting.outcome import PROSE

SECTIONS = sorted(PROSE.glob("*.tex"))
MARKUP = (
    r"\\(?:cite\w*|ref|label|vspace\*?|setlength|cmidrule|multicolumn|begin\{tabular\}|input)(?:\([a-z]+\))?(?:\{[^{}]*\})*",
    r"@\{\}|[LR]\{\d+mm\}",
    r"\\tabcolsep\}\{4pt\}",
)
NAMES = (r"CIFAR-100?\b", r"ResNet-18\b", r"\bVGG-11\b", r"\bNO2\b", r"\bHTRU2\b", r"\bA100\b", r"\(\d\)~")
YEARS = (r"\(20[12]\d\)", r"\b(?:Zhang|Chidambaram|Greenewald|Bao|Guo|Yao) \d\d(?:, \d\d)?\b")
MATHEMATICS = (
    r"\\alpha = (?:0\.[12]|1\{,\}024|1|2|8|10|32|128)\b",
    r"\\sigma = 0\.2\b|\\alpha > 0|\\varepsilon = 2\b|\\lambda = 1/2|1 - \\lambda|\$[01]\$|10\^\{14\}",
)
RULES = (r"9[05]\\,\\%(?: intervals?|; the light bar)", r"(?:at most|each at) 5\\,\\%", r"by 60\\,\\% of the schedule")
SETTINGS = (
    r"20, 50 or 80\\,\\%",
    r"200 epochs",
    r"(?:8 to 32|8 to 128|32, 64 and 128|16|30|32|90) passes",
    r"width 16\b",
    r"(?:2,000|4,000|10,000) images|2,500 samples",
    r"1,353 sites",
    r"minibatches of 64 or 128",
    r"100, 1,000, 10,000 and 20,000 iterations",
    r"\\sqrt\{2\}",
)
OF_OTHERS = (
    r"5\.48\\,\\%",
    r"4\.17\\,\\%",
    r"5\.13\\,\\%",
    r"4\.30\\,\\%",
    r"200, 400, 800 and 1,200 epochs",
    r"0\.83, 1\.45, 1\.12 and 1\.25 points",
    r"2\.10, 1\.61, 1\.08 and 0\.69",
)
"""What other replications report; no run of ours says anything about it."""
ALLOWED = re.compile("|".join((*MARKUP, *SETTINGS, *NAMES, *YEARS, *MATHEMATICS, *RULES, *OF_OTHERS)))


def typed(path: Path) -> str:
    """What is typed in a template: text, and strings that are more than a name."""
    tokens = list(templates.environment(path.parent).lex(path.read_text(encoding="utf-8")))
    strings = [text for _, kind, text in tokens if kind == "string" and " " in text]
    text = " ".join([text for _, kind, text in tokens if kind == "data"] + strings)
    return " ".join(text.replace("\\\\", "\\").split())


def digits(text: str) -> list[str]:
    """The digits of a text that are not in the list of what may be typed, with what is around them."""
    return re.findall(r".{0,30}\d.{0,10}", ALLOWED.sub("", text))


@pytest.mark.parametrize("path", SECTIONS, ids=lambda path: path.stem)
def test_no_result_is_typed(path: Path) -> None:
    assert digits(typed(path)) == []


def test_a_typed_result_is_found() -> None:
    assert digits(r"On CIFAR-10 with $\alpha = 1$ the error falls by 3.7 points") == [
        "n  with $$ the error falls by 3.7 points"
    ]
    assert digits(r"the 95\,\% interval, \citep{zhang2021}, 200 epochs") == []


def test_each_effect_that_is_printed_is_bound() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SECTIONS)
    printed = set(re.findall(r'(?<!_)\b(?:effect|increase|value_of|link)\("([^"]+)"', source))
    bound = set(re.findall(r'asserts(?:_sign)?\("([^"]+)"', source))
    bound |= set(re.findall(r'(?m)^ {5}.*?\("([a-z-]+/[^"]+)", "', source))  # rows of tables, each of which is bound
    assert printed - bound == set()
    pairs = set(re.findall(r'pair_effect\("([^"]+)"', source))
    assert pairs - set(re.findall(r'pair_sign\("([^"]+)"', source)) == set()


def test_all_sections_are_in_the_document() -> None:
    document = (PROSE.parent / "article.tex").read_text(encoding="utf-8")
    assert set(re.findall(r"\\input\{article-(\w+)\}", document)) == {path.stem for path in SECTIONS}
