"""The README's table and paragraph of results."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

specification = importlib.util.spec_from_file_location("readme", Path(__file__).parents[3] / "paper/readme.py")
assert specification is not None
assert specification.loader is not None
readme = importlib.util.module_from_spec(specification)
specification.loader.exec_module(readme)


def test_the_first_table_of_the_article_as_markdown() -> None:
    front = r"""
    head & not & of & it \\ \midrule
    \href{results.html\#claim-a.b}{$k$-mixup keeps structure} too & Smith 23
      & toys
      & agrees\confirmatory: \result{claim-a.c}{\num{-2.8} points [\num{-3.8}, \num{0.5}]} with $\alpha = 1$ \\
    \href{results.html\#claim-d.e}{Lower error} & Zhang 18 & the paper's sets & 3\,\% are wrong \\
    \bottomrule
    """
    assert readme.table(front) == (
        "| What the paper says | Best evidence | What we can say |\n"
        "|---|---|---|\n"
        "| k-mixup keeps structure too (Smith 23) | toys | agrees†: −2.8 points [−3.8, 0.5] with α = 1 |\n"
        "| Lower error (Zhang 18) | the paper's sets | 3 % are wrong |\n"
    )
    with pytest.raises(SystemExit, match="has no table"):
        readme.table("no table")


def test_counts_by_hand() -> None:
    summary = {
        "published_numbers": 13,
        "by_verdict": {"replicated": 3, "not replicated": 2, "surrogate": 7, "not run": 1},
        "differences_by_verdict": {"inconclusive": 4, "surrogate": 2},
        "paper_claims": {
            "claims": 20,
            "published_protocol": {"supported": 6, "contradicted": 1, "open": 2},
            "surrogate": {"agrees": 3, "not informative": 4},
            "not_run": 4,
        },
    }
    text = readme.counts(summary)
    assert text.startswith("Of 13 published numbers, 5 were run with the published protocol: **3 are replicated**, 2")
    assert "differences between ERM and mixup, **0 are replicated**, 0 are not, 4 are inconclusive." in text
    assert "Of 20 claims that runs can decide, the published protocol **supports 6**, contradicts 1, and shows" in text
    assert "agree with 3 more, disagree with 0, and leave 0 open. For 4 the surrogate is not informative" in text
    old = f"{readme.BEGIN}\nold\n{readme.END}\n```\nnumbers: of 1\nclaims: none\ndocuments: a.pdf\n```\n"
    claims = "claims: 6 supported, 2 open, 1 contradicted, surrogates agree with 3, disagree with 0"
    assert readme.written(old, "new\n", summary) == (
        f"{readme.BEGIN}\nnew\n{readme.END}\n```\nnumbers: of 5 run as published 3 replicated, 2 not, 0 inconclusive\n"
        f"{claims}\ndocuments: a.pdf\n```\n"
    )
