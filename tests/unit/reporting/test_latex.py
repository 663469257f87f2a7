"""Text and numbers as LaTeX, read back from what LaTeX typesets."""

from __future__ import annotations

import os
import string
import subprocess
from pathlib import Path

import pytest
from matplotlib import dviread

from remixup.reporting import latex

PAPER = Path(__file__).parents[3] / "paper"
DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}\usepackage{lmodern,textcomp,amsmath,amssymb,geometry}
\geometry{paperwidth=500cm,textwidth=490cm,paperheight=500cm,textheight=490cm}
\parindent=0pt\pagestyle{empty}\input{unicode}
\begin{document}
%s
\end{document}
"""


def typeset(folder: Path, lines: list[str]) -> list[list[tuple[str, int]]]:
    """What LaTeX sets: for each line the (font, code) of its glyphs from left to right; spaces are no glyphs."""
    (folder / "t.tex").write_text(DOCUMENT % "\n\n".join(lines), encoding="utf-8")
    command = ["pdflatex", "-output-format=dvi", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    paths = {**os.environ, "TEXINPUTS": f"{PAPER}:"}
    done = subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    with dviread.Dvi(str(folder / "t.dvi"), 72) as dvi:
        (page,) = list(dvi)
    found: dict[int, list[tuple[float, str, int]]] = {}
    for glyph in page.text:
        texname = glyph.font.texname
        name = texname.decode() if isinstance(texname, bytes) else texname
        found.setdefault(round(glyph.y), []).append((glyph.x, name, glyph.glyph))
    return [[(name, code) for _, name, code in sorted(found[y])] for y in sorted(found, reverse=True)]


NASTY = [
    string.punctuation,
    string.ascii_letters + string.digits,
    r"\input{/etc/passwd} \end{document} \\ \% %comment",
    "100% & #1 of $x_i^2$ ~ {a|b} <c>",
    "-- --- ''  ,, << >> `` ?` !`",
    "say \"this\" & 'that'",
    r"C:\new_table\runs-0a1b2c3d.failed.txt",
]


def test_printable_ascii_comes_back_from_real_latex(tmp_path: Path) -> None:
    # One x before the lines that start with a high sign keeps baselines apart; it is read back like the rest.
    lines = typeset(tmp_path, [r"\rule{0pt}{12pt}" + latex.escape("x" + text) for text in NASTY])
    # In the T1 encoding the codes of printable ASCII are ASCII's.
    assert ["".join(chr(code) for _, code in line) for line in lines] == ["x" + t.replace(" ", "") for t in NASTY]


def test_code_comes_back_from_real_latex(tmp_path: Path) -> None:
    text = r"results/a_b--c/{x}~$1%#&^\seeds-0-4.txt"
    ((*glyphs,),) = typeset(tmp_path, [latex.code(text)])
    assert "".join(chr(code) for _, code in glyphs) == text
    assert all(name.startswith(("ec-lmtt", "ts1-lmtt")) for name, _ in glyphs)


def test_letters_beyond_ascii(tmp_path: Path) -> None:
    source = r"\rule{0pt}{12pt}"
    accents, greek, unknown = typeset(tmp_path, [source + latex.escape(text) for text in ["äéñß", "αλΩ", "中"]])
    assert [code for _, code in accents] == [0xE4, 0xE9, 0xF1, 0xFF]  # the T1 encoding
    assert [code for _, code in greek] == [0x0B, 0x15, 0x0A]  # the old mathematical encodings
    assert "".join(chr(code) for _, code in unknown) == "U+4E2D"
    ((base, raised),) = typeset(tmp_path, [latex.escape("x²")])
    assert chr(base[1]) == "x"
    assert raised[0].startswith("ts1-")
    assert raised[1] == 0xB2, "an exponent does not become a digit"


def test_no_character_stops_latex(tmp_path: Path) -> None:
    points = [*range(0x00, 0x600), *range(0x1E00, 0x2600), 0x3042, 0xFB01, 0xFF21, 0x1D6FC, 0x1F600]
    text = "".join(chr(point) for point in points)
    lines = [latex.escape(text[start : start + 60]) for start in range(0, len(text), 60)]
    typeset(tmp_path, lines)  # fails where LaTeX reports an error


def test_mathematics_in_a_label_stays(tmp_path: Path) -> None:
    assert latex.prose(r"mixup_1 ($\alpha_1 = 1$), 5 $ or less") == r"mixup\_1 ($\alpha_1 = 1$), 5 \$ or less"
    assert latex.prose("one $x$ two") == "one $x$ two"
    assert latex.prose("") == ""


def test_spaces_and_line_ends_are_one_space() -> None:
    assert latex.escape(" a\n\n b\tc ") == "a b c"


@pytest.mark.parametrize(
    ("std", "decimals", "places"),
    [
        (1.234, 1, 1),  # 1.2: two digits
        (0.0345, 1, 2),  # 0.03: at most one place more than published
        (12.3, 1, 0),  # 12
        (123.0, 1, 0),
        (0.0996, 3, 2),  # rounds to 0.10, so its second digit is the second place
        (0.994, 2, 2),  # 0.99
        (0.0, 1, 2),
        (None, 1, 1),  # a single run has no precision to claim
    ],
)
def test_places(std: float | None, decimals: int, places: int) -> None:
    assert latex.places(std, decimals) == places


def test_fixed() -> None:
    assert latex.fixed(3.14159, 2) == "3.14"
    assert latex.fixed(2.0, 1, sign=True) == "+2.0"
    assert latex.fixed(-2.04, 1, sign=True) == "-2.0"
    assert latex.fixed(-0.04, 1) == "0.0"
    assert latex.fixed(-0.04, 1, sign=True) == "0.0"
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not a finite number"):
            latex.fixed(value, 1)


def test_a_published_number_keeps_its_digits() -> None:
    assert latex.printed(74.0, 1) == "74.0"
    assert latex.printed(5.6, 2) == "5.60"
    assert latex.printed(4.24, 1) == "4.24", "the paper printed more digits than the metric's: none is lost"


@pytest.mark.parametrize(
    ("text", "set_as"),
    [("1234.5678", "1234.5678"), ("12345.67", "12,345.67"), ("-1234567", "-1,234,567"), ("+10000", "+10,000")],
)
def test_long_numbers_are_grouped_before_the_point(text: str, set_as: str) -> None:
    assert latex.number(text) == rf"\num{{{set_as}}}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.234, r"\num{3.2}"),
        (1235.5, r"\num{1236}"),
        (0, r"\num{0}"),
        (0.001, r"$<\num{0.01}$"),
        (None, "--"),
    ],
)
def test_sums_have_two_digits(value: float | None, said: str) -> None:
    assert latex.amount(value) == said
