"""The README's paragraph on numbers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

specification = importlib.util.spec_from_file_location("readme", Path(__file__).parents[3] / "paper/readme.py")
assert specification is not None
assert specification.loader is not None
readme = importlib.util.module_from_spec(specification)
specification.loader.exec_module(readme)


def test_numbers_by_hand() -> None:
    summary = {
        "published_numbers": 13,
        "by_verdict": {"replicated": 3, "not replicated": 2, "stand-in": 7, "not run": 1},
        "differences_by_verdict": {"inconclusive": 4, "stand-in": 2},
        "by_convention": {
            "last": {"compared": 5, "compatible": 3, "best_fit": 1},
            "best": {"compared": 4, "compatible": 2, "best_fit": 0},
        },
    }
    text = readme.numbers(summary)
    assert (
        "Of 13 published numbers, 5 were run with the published protocol: **3 are replicated**, 2 are not, 0 are"
        in text
    )
    assert "The other 7 that were run have surrogate settings only" in text
    assert "differences between ERM and mixup, **0 are replicated**, 0 are not, 4 are inconclusive." in text
    assert "Of 5 compared errors, those compatible with ours are 3 if it is the last epoch, 2 if it is the" in text
    assert "Where one epoch fits best, it is the last epoch for 1, the best test epoch for 0." in text
