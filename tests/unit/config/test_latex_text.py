"""Texts of experiment files: whatever is accepted is printed whole, by LaTeX and by matplotlib."""

import random

import pytest
from matplotlib.mathtext import MathTextParser

from remixup.config.experiment import read_experiment
from remixup.config.latex_text import ARGUMENTS, MARKS, MATH_SIGNS, OPERATORS, SYMBOLS, check_latex, check_prose
from remixup.errors import UserError
from remixup.reporting.templates import render
from tests.unit.config.sample_experiment import write
from tests.unit.reporting.test_latex import typeset

WORDS = ["a", "B", "7", " ", ",", "-", "(", ")", "=", "'", "~", ">"]
MATHEMATICS = [*WORDS, "{", "}", "^", "_", "|", *(rf"\{each}" for each in sorted(MATH_SIGNS | MARKS))]
MATHEMATICS += (
    [rf"\{name}" for name in sorted(SYMBOLS | OPERATORS)] + [rf"\{name}{{x}}" for name in ARGUMENTS] + [r"\frac{a}{b}"]
)
LATEX = [*WORDS, "{", "}", "$", "%", "&", "#", "_", "^", "\n\n", r"\alpha", r"\%", r"\&", r"\#", r"\_", r"\$", r"\,"]
LATEX += [r"\emph", r"\texttt{x}", r"\'e", r"\'{e}", r"$\alpha$", "``", "''", "\\", "é"]


def accepted(check, tokens, count, seed):
    """Random texts that a check accepts."""
    rng = random.Random(seed)
    while count:
        text = "".join(rng.choices(tokens, k=rng.randint(1, 7)))
        try:
            check(text)
        except ValueError:
            continue
        count -= 1
        yield text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It uses 50% of the data", r"write \\% for %"),
        ("errors & more", r"write \\& for &"),
        ("run #3", r"write \\# for #"),
        ("test_error", r"or \\_ for _ in LaTeX"),
        ("2^3", r"\$...\$ for mathematics"),
        ("an {open brace", "braces are not balanced"),
        ("a closed} brace", r"write \\} for a closing brace"),
        ("a price of 5 $", "is not closed"),
        ("$$x$$", "nothing is between two dollar signs"),
        (r"\emhp{x}", r"\\emhp is not supported; did you mean 'emph'"),
        (r"\input{/etc/passwd}", r"\\input is not supported"),
        (r"\emph x", r"\\emph needs an argument in braces"),
        (r"$\frac{1}$", r"\\frac needs an argument in braces"),
        ("$x^2^3$", r"two \^ follow each other"),
        ("$x_$", "needs a letter, or an argument"),
        (r"$5 % 3$", r"write \\% for % in mathematics"),
        ("a\\", "is not supported"),
        ("\\emph{one\n\ntwo}", "empty line"),
        ("a\x07", "control character"),
    ],
)
def test_what_latex_would_drop_or_stop_at_is_refused(text, expected):
    with pytest.raises(ValueError, match=expected):
        check_latex(text)


@pytest.mark.parametrize("text", ["50% & more #_^~{}", "5 $", r"C:\new", "$\\alpha_1 = 1$, 95 %", ""])
def test_plain_text_needs_no_latex(text):
    assert check_prose(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\frac{1}$", r"\\frac needs"),
        ("from $5 to $6", r"\$5 to \$ would be mathematics"),
        ("$a & b$", "no & in mathematics"),
        ("$a\nb$", "no line break"),
    ],
)
def test_mathematics_that_cannot_be_printed_is_refused(text, expected):
    with pytest.raises(ValueError, match=expected):
        check_prose(text)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"summary": "50% of"}, "small.yaml, summary"),
        ({"choices": ["fine", "50% of"]}, r"small.yaml, choices\[1\]"),
        ({"tables__0__caption": "50% of"}, r"small.yaml, tables\[all\].caption"),
        ({"figures": [{"id": "f", "caption": "50% of", "draw": "error_curves"}]}, r"figures\[f\].caption"),
        ({"rows__0__label": "$%$"}, r"rows\[erm\].label"),
        ({"rows__0__surrogate": "$%$"}, r"rows\[erm\].surrogate"),
        ({"claims__0__statement": "$%$"}, r"claims\[lower\].statement"),
        ({"claims__0__where": "$%$"}, r"claims\[lower\].where"),
        ({"metrics__test_error.last": {"label": "$%$"}}, r"metrics.test_error.last.label"),
        ({"metrics__test_error.last": {"label": "x", "unit": r"$\frac{1}$"}}, r"metrics.test_error.last.unit"),
        ({"title": "$%$"}, "small.yaml, title"),
        ({"paper": "zhang%2018"}, "small.yaml, paper"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path, changes, place):
    with pytest.raises(UserError, match=f"{place}: "):
        read_experiment(write(tmp_path, **changes))


def test_matplotlib_draws_whatever_mathematics_is_accepted():
    parser = MathTextParser("path")
    for text in accepted(lambda text: check_prose(f"${text}$"), MATHEMATICS, 300, seed=0):
        if "$" not in text:
            parser.parse(f"${text}$")
    for name in [
        *SYMBOLS,
        *OPERATORS,
        *(f"{each}{{x}}" for each in MARKS),
        *(each + "{x}" * n for each, n in ARGUMENTS.items()),
    ]:
        check_prose(rf"$\{name}$")
        parser.parse(rf"$\{name}$")


def test_latex_prints_whatever_is_accepted_to_its_end(tmp_path):
    texts = [*accepted(check_latex, LATEX, 200, seed=1)]
    texts += [f"${each}$" for each in accepted(lambda text: check_prose(f"${text}$"), MATHEMATICS, 200, seed=2)]
    lines = typeset(tmp_path, [rf"{text} \par end{index}." for index, text in enumerate(texts)])
    shown = {"".join(chr(code) for _, code in line) for line in lines}
    assert {f"end{index}." for index in range(len(texts))} <= shown


def test_a_place_that_begins_with_mathematics_is_printed_whole(tmp_path):
    experiment = read_experiment(write(tmp_path, where="$\\alpha$ of Table 1"))
    assert r"{$\alpha$ of Table 1.}" in render("experiments.tex", experiments=[(experiment, [], [])])
    experiment = read_experiment(write(tmp_path, where="table 1, 95 %"))
    assert r"{Table 1, 95 \%.}" in render("experiments.tex", experiments=[(experiment, [], [])])
